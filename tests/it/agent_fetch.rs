//! `hotseat agent` and the web: off unless allowed, and asked about by domain.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};
use crate::support::stub_api::{Answer, StubApi};

/// An agent whose model gets a page at once, and the page's host.
fn fetching(home: &Home, flags: &[&str]) -> (Agent, StubApi) {
    let input = json!({"url": page("The page says PINEAPPLE."), "prompt": "What does it say?"});
    let api = StubApi::scripted([Answer::call("toolu_1", "WebFetch", &input), Answer::text("It says so.")]);
    let mut agent = home.agent_with(flags, &api.anthropic());
    agent.prompt("Look there");
    (agent, api)
}

/// Where this can be read once.
fn page(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _asked = stream.read(&mut [0; 4096]).unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all((head + text).as_bytes()).unwrap();
    });
    format!("http://{address}/")
}

fn is_offered(api: &StubApi) -> bool {
    let tools = api.asked()[0].body["tools"].as_array().unwrap().clone();
    tools.iter().any(|tool| tool["name"] == "WebFetch")
}

#[test]
fn a_page_of_an_allowed_domain_is_read_and_kept_in_the_official_shape() {
    let home = Home::new();
    let (mut agent, api) = fetching(&home, &["--allowedTools", "WebFetch(domain:127.0.0.1)"]);
    let result = agent.until_type("user");
    assert_eq!(result["tool_use_result"]["result"], "The page says PINEAPPLE.", "{result}");
    assert_eq!(result["tool_use_result"]["code"], 200);
    assert_eq!(agent.result()["result"], "It says so.");
    assert!(is_offered(&api));
    assert!(api.last_messages().to_string().contains("PINEAPPLE"));
}

#[test]
fn another_domain_is_asked_about() {
    let home = Home::new();
    let (mut agent, _api) = fetching(&home, &["--allowedTools", "WebFetch(domain:example.com)"]);
    let request = agent.until_type("control_request");
    let rule = json!([{"toolName": "WebFetch", "ruleContent": "domain:127.0.0.1"}]);
    assert_eq!(request["request"]["permission_suggestions"][0]["rules"], rule);
    let granted = request["request"]["permission_suggestions"].clone();
    agent.answer(&request, &json!({"behavior": "allow", "updatedPermissions": granted}));
    assert_eq!(agent.until_type("user")["tool_use_result"]["code"], 200);
    agent.result();
}

#[test]
fn without_a_rule_there_is_no_web() {
    let home = Home::new();
    let (mut agent, api) = fetching(&home, &["--permission-mode", "bypassPermissions"]);
    let result: Value = agent.until_type("user");
    assert_eq!(result["message"]["content"][0]["is_error"], true, "{result}");
    agent.result();
    assert!(!is_offered(&api));
}
