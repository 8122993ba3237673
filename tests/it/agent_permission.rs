//! `hotseat agent` asks before a tool runs, and keeps to the answer.

use serde_json::{Value, json};

use crate::support::agent;
use crate::support::agent::Home;

/// Runs a prompt that needs a permission up to the request for it.
fn asked(agent: &mut agent::Agent, prompt: &str) -> Value {
    agent.prompt(prompt);
    agent.until_type("control_request")
}

#[test]
fn a_tool_runs_once_it_is_permitted() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-prompt-tool", "stdio"]);
    let request = asked(&mut agent, "run: echo one > made");
    assert_eq!(request["request"]["subtype"], "can_use_tool");
    assert_eq!(request["request"]["input"]["command"], "echo one > made");
    assert!(!home.work().join("made").exists());
    agent.answer(
        &request,
        &json!({"behavior": "allow", "updatedInput": {"command": "echo two > made; echo said"}}),
    );
    let result = agent.until_type("user");
    assert_eq!(result["tool_use_result"]["stdout"], "said\n");
    assert!(agent.result()["permission_denials"].as_array().unwrap().is_empty());
    assert_eq!(std::fs::read_to_string(home.work().join("made")).unwrap(), "two\n");
}

#[test]
fn a_refusal_is_told_to_the_model_recorded_and_listed() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "deny", "message": "not in this folder"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames[0]["message"]["content"][0]["content"], "not in this folder");
    let result = frames.last().unwrap();
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write");
    assert!(result["result"].as_str().unwrap().contains("not in this folder"));
    assert!(home.transcript(result["session_id"].as_str().unwrap()).contains("not in this folder"));
    assert!(!home.work().join("a.txt").exists());

    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "deny", "message": "stop", "interrupt": true}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "perhaps"}));
    assert!(agent.result()["result"].as_str().unwrap().contains("made no sense"));
}

#[test]
fn what_is_granted_for_the_session_is_not_asked_again_until_a_switch() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "run: echo a; echo b");
    let granted = request["request"]["permission_suggestions"].clone();
    agent.answer(&request, &json!({"behavior": "allow", "updatedInput": {"command": "echo a; echo b"}, "updatedPermissions": granted}));
    agent.result();
    agent.prompt("run: echo a; echo b");
    let again = agent.until(|frame| frame["type"] == "result");
    assert!(again.iter().all(|frame| frame["type"] != "control_request"));
    let other = asked(&mut agent, "run: echo a; echo c");
    agent.answer(&other, &json!({"behavior": "deny", "message": "no"}));
    agent.result();
    agent.ask(&json!({"subtype": "clear"}));
    asked(&mut agent, "run: echo a; echo b");
}

#[test]
fn an_interrupt_takes_the_permission_request_back() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "run: echo a");
    agent.ask(&json!({"subtype": "interrupt"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames[0]["type"], "control_cancel_request");
    assert_eq!(frames[0]["request_id"], request["request_id"]);
    agent.answer(&request, &json!({"behavior": "allow"}));
    assert!(agent.turn("hello").contains("Noted"), "a late answer is dropped");
}

#[test]
fn tools_run_without_asking_where_nothing_needs_it() {
    let home = Home::new();
    std::fs::write(home.work().join("a.txt"), "alpha\n").unwrap();
    let mut agent = home.agent(&["--permission-mode", "acceptEdits"]);
    assert!(agent.turn("read: a.txt").contains("alpha"));
    assert!(agent.turn("write: b.txt: beta").contains("created"));
    assert_eq!(std::fs::read_to_string(home.work().join("b.txt")).unwrap(), "beta\n");
    let far = asked(&mut agent, "read: /etc/hostname");
    assert_eq!(far["request"]["blocked_path"], "/etc/hostname");
}
