//! `hotseat agent` keeps its MCP servers, whatever becomes of its sessions.
//!
//! Needs `python3`, which runs the servers; without it the tests say so and pass.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::agent;
use crate::support::agent::{Agent, Home, eventually};
use crate::support::skip::skip;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mcp_server.py");

fn lacks_python(test: &str) -> bool {
    let lacks = !Command::new("python3").arg("--version").output().is_ok_and(|found| found.status.success());
    if lacks {
        skip(test, "there is no python3", "install python3");
    }
    lacks
}

/// `--mcp-config` for the stub over stdio, as the server `stub`.
fn config(count: &Path) -> String {
    let args = json!([SERVER, "--count", count]);
    json!({"mcpServers": {"stub": {"command": "python3", "args": args}}}).to_string()
}

fn call(agent: &mut Agent, tool: &str, input: &Value) -> Value {
    agent.prompt(&format!("call: mcp__stub__{tool} {input}"));
    agent.until_type("user")["message"]["content"][0].clone()
}

fn status(agent: &mut Agent) -> Value {
    agent.ask(&json!({"subtype": "mcp_status"}))["mcpServers"][0].clone()
}

fn wait_for(agent: &mut Agent, state: &str) -> Value {
    let mut seen = Value::Null;
    eventually(state, || {
        seen = status(agent);
        seen["status"] == state
    });
    seen
}

#[test]
fn a_hundred_switches_keep_one_connection() {
    if lacks_python("a_hundred_switches_keep_one_connection") {
        return;
    }
    let home = Home::new();
    let count = home.work().join("count");
    let mut agent = home.agent(&["--mcp-config", &config(&count), "--permission-mode", "bypassPermissions"]);
    // The first prompt waits for a server that is just being started.
    assert_eq!(call(&mut agent, "add", &json!({"a": 2, "b": 40}))["content"], "42");
    agent.result();
    let pid = call(&mut agent, "pid", &json!({}))["content"].clone();
    let session = agent.result()["session_id"].clone();
    for round in 0..100 {
        match round % 3 {
            0 => agent.ask(&json!({"subtype": "clear"})),
            1 => agent.ask(&json!({"subtype": "resume", "session_id": session})),
            _ => agent.ask(&json!({"subtype": "fork", "session_id": session})),
        };
    }
    assert_eq!(call(&mut agent, "pid", &json!({}))["content"], pid);
    agent.result();
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1);

    let status = status(&mut agent);
    assert_eq!(status["serverInfo"], json!({"name": "stub", "version": "1.2.3"}));
    assert_eq!(status["tools"].as_array().unwrap().len(), 5);
    let pid = pid.as_str().unwrap().to_owned();
    assert!(agent.close().success());
    eventually("the server ends with the agent", || !agent::lives(&pid));
}

#[test]
fn a_server_that_dies_is_shown_and_comes_back() {
    if lacks_python("a_server_that_dies_is_shown_and_comes_back") {
        return;
    }
    let home = Home::new();
    let count = home.work().join("count");
    let mut agent = home.agent(&["--mcp-config", &config(&count), "--permission-mode", "bypassPermissions"]);
    let block = call(&mut agent, "die", &json!({}));
    assert_eq!(block["is_error"], true, "{block}");
    // The turn goes on without the server.
    assert_eq!(agent.result()["subtype"], "success");
    // Until its death is noticed a call fails, and does not wait.
    let starts = || std::fs::read_to_string(&count).unwrap().lines().count();
    eventually("it is started again", || starts() == 2);
    wait_for(&mut agent, "connected");
    assert_eq!(call(&mut agent, "add", &json!({"a": 1, "b": 1}))["content"], "2");
    agent.result();
    assert_eq!(starts(), 2);
}

#[test]
fn a_call_at_the_moment_of_a_servers_death_is_answered() {
    if lacks_python("a_call_at_the_moment_of_a_servers_death_is_answered") {
        return;
    }
    let home = Home::new();
    let config = config(Path::new("/dev/null"));
    let mut agent = home.agent(&["--mcp-config", &config, "--permission-mode", "bypassPermissions"]);
    for _ in 0..3 {
        assert_eq!(call(&mut agent, "die", &json!({}))["is_error"], true);
        agent.result();
        // It may be dead, known to be dead, or alive again: every turn ends all the same. The tools
        // of a server that is known to be dead are not offered, so the model does not call them.
        eventually("it answers again", || {
            agent.prompt("call: mcp__stub__add {\"a\":1,\"b\":1}");
            let frames = agent.until(|frame| frame["type"] == "result");
            frames.iter().any(|frame| frame["message"]["content"][0]["content"] == "2")
        });
    }
}

#[test]
fn a_call_that_hangs_is_interrupted_and_a_flood_is_cut() {
    if lacks_python("a_call_that_hangs_is_interrupted_and_a_flood_is_cut") {
        return;
    }
    let home = Home::new();
    let mut agent = home.agent(&[
        "--mcp-config",
        &config(Path::new("/dev/null")),
        "--permission-mode",
        "bypassPermissions",
    ]);
    agent.prompt("call: mcp__stub__hang {}");
    agent.until_type("assistant");
    agent.request(&json!({"subtype": "interrupt"}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    let block = call(&mut agent, "flood", &json!({}));
    assert!(block["content"].as_str().unwrap().len() < 110_000);
    agent.result();
    assert_eq!(call(&mut agent, "add", &json!({"a": 1, "b": 2}))["content"], "3");
}

#[test]
fn servers_are_switched_off_and_on_and_replaced() {
    if lacks_python("servers_are_switched_off_and_on_and_replaced") {
        return;
    }
    let home = Home::new();
    let count = home.work().join("count");
    let mut agent = home.agent(&["--mcp-config", &config(&count)]);
    wait_for(&mut agent, "connected");
    agent.ask(&json!({"subtype": "mcp_toggle", "serverName": "stub", "enabled": false}));
    wait_for(&mut agent, "disabled");
    agent.ask(&json!({"subtype": "mcp_toggle", "serverName": "stub", "enabled": true}));
    wait_for(&mut agent, "connected");
    agent.ask(&json!({"subtype": "mcp_reconnect", "serverName": "stub"}));
    eventually("a third handshake", || std::fs::read_to_string(&count).unwrap().lines().count() == 3);
    let (_, error) = agent.refused(&json!({"subtype": "mcp_reconnect", "serverName": "nobody"}));
    assert!(error.contains("nobody"), "{error}");

    let one = json!({"command": "python3", "args": [SERVER]});
    let set = |agent: &mut Agent, servers: Value| {
        agent.ask(&json!({"subtype": "mcp_set_servers", "servers": servers}))
    };
    let answer = set(&mut agent, json!({"one": one, "bad": {"type": "http"}}));
    assert_eq!(answer["added"], json!(["bad", "one"]));
    assert!(answer["errors"]["bad"].as_str().unwrap().contains("url"));
    assert_eq!(set(&mut agent, json!({"one": one}))["removed"], json!(["bad"]));
    assert_eq!(set(&mut agent, json!({}))["removed"], json!(["one"]));
    // What the command line named is not touched.
    assert_eq!(status(&mut agent)["name"], "stub");
}

#[test]
fn a_tool_of_a_server_is_asked_for_like_any_other() {
    if lacks_python("a_tool_of_a_server_is_asked_for_like_any_other") {
        return;
    }
    let home = Home::new();
    let config = config(Path::new("/dev/null"));
    let mut agent = home.agent(&["--mcp-config", &config, "--permission-prompt-tool", "stdio"]);
    agent.prompt("call: mcp__stub__add {\"a\": 1, \"b\": 2}");
    let request = agent.until_type("control_request");
    assert_eq!(request["request"]["tool_name"], "mcp__stub__add");
    let suggestions = request["request"]["permission_suggestions"].clone();
    let granted =
        json!({"behavior": "allow", "updatedInput": {"a": 1, "b": 2}, "updatedPermissions": suggestions});
    agent.answer(&request, &granted);
    assert_eq!(agent.result()["subtype"], "success");
    assert_eq!(call(&mut agent, "add", &json!({"a": 5, "b": 5}))["content"], "10");
    agent.result();

    let mut agent = home.agent(&["--mcp-config", &config, "--disallowedTools", "mcp__stub"]);
    agent.prompt("call: mcp__stub__add {\"a\": 1, \"b\": 2}");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(
        !json!(frames).to_string().contains("tool_use\""),
        "what is forbidden is not offered: {frames:#?}"
    );
}

#[test]
fn no_server_and_nothing_it_started_outlives_the_agent() {
    // Never answers, ignores the end of its stdin and what asks it to end, and has a helper that left its group.
    let script = "trap '' TERM HUP; sleep 1000 & h=$!; setsid sleep 1000 & echo $$ $h $! > pids; \
                  while :; do sleep 1000; done";
    let config = json!({"mcpServers": {"bad": {"command": "sh", "args": ["-c", script]}}}).to_string();
    let ends: [fn(&mut Agent); 4] = [
        |agent| agent.close_stdin(),
        |agent| agent.signal("TERM"),
        |agent| agent.signal("KILL"),
        |agent| drop(agent.ask(&json!({"subtype": "mcp_toggle", "serverName": "bad", "enabled": false}))),
    ];
    for (at, end) in ends.into_iter().enumerate() {
        let home = Home::new();
        let mut agent = home.agent(&["--strict-mcp-config", "--mcp-config", &config]);
        agent.session();
        let file = home.work().join("pids");
        eventually("the server runs", || {
            std::fs::read_to_string(&file).is_ok_and(|pids| pids.ends_with('\n'))
        });
        let pids = std::fs::read_to_string(&file).unwrap();
        end(&mut agent);
        for pid in pids.split_whitespace() {
            eventually(&format!("{pid} of {pids} is gone after end {at}"), || !agent::lives(pid));
        }
    }
}

/// The stub over HTTP, killed with the test.
struct OverHttp(Child);

impl OverHttp {
    fn start(flags: &[&str]) -> (Self, String) {
        let mut command = Command::new("python3");
        let mut child = command.arg(SERVER).arg("--http").args(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        (Self(child), format!("http://127.0.0.1:{}/mcp", port.trim()))
    }
}

impl Drop for OverHttp {
    fn drop(&mut self) {
        let _killed_or_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn a_server_is_reached_over_http() {
    if lacks_python("a_server_is_reached_over_http") {
        return;
    }
    let home = Home::new();
    let (_server, url) = OverHttp::start(&["--key", "hush"]);
    let with = |headers: Value| {
        json!({"mcpServers": {"stub": {"type": "http", "url": url, "headers": headers}}}).to_string()
    };
    let flags = ["--permission-mode", "bypassPermissions", "--mcp-config"];
    let mut agent = home.agent(&[&flags[..], &[&with(json!({"X-Key": "hush"}))]].concat());
    assert_eq!(call(&mut agent, "add", &json!({"a": 1, "b": 2}))["content"], "3");
    agent.result();
    let mut agent = home.agent(&[&flags[..], &[&with(json!({}))]].concat());
    eventually("the refusal", || {
        matches!(status(&mut agent)["status"].as_str(), Some("failed" | "needs-auth"))
    });
    assert!(!agent.turn("call: mcp__stub__add {}").is_empty());
}

#[test]
fn what_cannot_be_reached_is_said_and_holds_up_nothing() {
    let home = Home::new();
    let servers = json!({"mcpServers": {
        "none": {"command": "/no/such/server"},
        "quiet": {"command": "sleep", "args": ["60"]},
    }});
    let mut agent = home.agent(&["--mcp-config", &servers.to_string()]);
    let answer = agent.turn("Remember the secret is PINEAPPLE.");
    assert!(answer.contains("PINEAPPLE"));
    let status = agent.ask(&json!({"subtype": "mcp_status"}))["mcpServers"].clone();
    assert_eq!((&status[0]["status"], &status[1]["status"]), (&json!("failed"), &json!("pending")));
    assert!(status[0]["error"].as_str().unwrap().contains("/no/such/server"), "{status}");

    let mut agent = home.agent(&["--mcp-config", "{broken"]);
    assert!(!agent.ended().0.success());
    assert!(agent.stderr().contains("--mcp-config"));
}

#[test]
fn servers_of_the_person_s_files_are_there_and_of_the_project_s_those_that_were_approved() {
    if lacks_python("servers_of_the_person_s_files_are_there_and_of_the_project_s_those_that_were_approved") {
        return;
    }
    let home = Home::new();
    let server = json!({"command": "python3", "args": [SERVER, "--count", home.work().join("count")]});
    let kept = json!({"mcpServers": {"mine": server}});
    std::fs::create_dir_all(home.config()).unwrap();
    std::fs::write(home.config().join(".claude.json"), kept.to_string()).unwrap();
    let project = json!({"mcpServers": {"good": server, "strange": server}});
    std::fs::write(home.work().join(".mcp.json"), project.to_string()).unwrap();
    let approved = r#"{"enabledMcpjsonServers": ["good"]}"#;
    std::fs::write(home.config().join("settings.json"), approved).unwrap();

    let scopes = |agent: &mut Agent| -> Vec<(Value, Value)> {
        let status = agent.ask(&json!({"subtype": "mcp_status"}))["mcpServers"].clone();
        let servers = status.as_array().unwrap().iter();
        servers.map(|server| (server["name"].clone(), server["scope"].clone())).collect()
    };
    let mut agent = home.agent(&[]);
    assert_eq!(scopes(&mut agent), [(json!("good"), json!("project")), (json!("mine"), json!("user"))]);
    agent.prompt("call: mcp__mine__echo {}");
    let frames = agent.until(|frame| frame["type"] == "control_request" || frame["type"] == "result");
    assert!(frames.iter().any(|frame| frame.to_string().contains("nobody approved")), "{frames:?}");

    let mut agent = home.agent(&["--strict-mcp-config"]);
    assert_eq!(scopes(&mut agent), []);
}
