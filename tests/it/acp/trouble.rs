//! What an editor may do wrong, and turns that end otherwise.

use serde_json::{Value, json};

use super::editor::{Editor, prompt};
use crate::support::agent::{eventually, lives};

/// Begins a turn that does not end by itself; gives its request.
fn begin_for_ever(editor: &mut Editor, session: &str) -> u64 {
    let id = editor.send("session/prompt", &prompt(session, "run: touch begun; sleep 600"));
    while editor.next()["method"] != "session/request_permission" {}
    let begun = editor.work().join("begun");
    eventually("the command runs", || begun.exists());
    id
}

#[test]
fn what_makes_no_sense_is_refused_and_the_editor_is_served_on() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    let mut check = |line: &str, code: i64| {
        editor.line.line(line);
        let mut answer = editor.next();
        while answer.get("method").is_some() {
            answer = editor.next();
        }
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(code)), "{line}");
    };
    check("{\"jsonrpc\":", -32700);
    check("[]", -32700);
    check("{}", -32600);
    check(r#"{"id": {}, "method": "session/new"}"#, -32600);
    let nowhere = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    let mut check = |method: &str, params: Value, code: i64| {
        assert_eq!(editor.refused(method, &params), code, "{method} {params}");
    };
    check("session/bogus", json!({}), -32601);
    check("session/new", json!({}), -32602);
    check("session/new", json!({"cwd": "relative", "mcpServers": []}), -32602);
    check("session/new", json!({"cwd": "/no/such/folder", "mcpServers": []}), -32602);
    check("session/load", json!({"sessionId": "../../etc/passwd", "cwd": "/", "mcpServers": []}), -32002);
    check("session/resume", json!({"sessionId": nowhere, "cwd": "/", "mcpServers": []}), -32002);
    check("session/fork", json!({"sessionId": nowhere, "cwd": "/", "mcpServers": []}), -32002);
    check("session/delete", json!({"sessionId": nowhere}), -32002);
    check("session/close", json!({"sessionId": nowhere}), -32002);
    check("session/list", json!({"cursor": "nobody"}), -32602);
    check("session/prompt", prompt(nowhere, "hello"), -32002);
    check("session/prompt", prompt(&session, " "), -32602);
    check("session/prompt", prompt(&session, "/clear"), -32602);
    editor.notify("session/cancel", &json!({"sessionId": session}));
    editor.notify("session/bogus", &json!({}));
    assert!(!editor.say(&session, "hello").is_empty());
}

#[test]
fn a_turn_can_be_cancelled() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    let running = begin_for_ever(&mut editor, &session);
    assert_eq!(editor.refused("session/prompt", &prompt(&session, "hello")), -32600, "one at a time");
    editor.notify("session/cancel", &json!({"sessionId": session}));
    assert_eq!(editor.answer(running).unwrap()["stopReason"], "cancelled");
    assert!(!editor.say(&session, "hello").is_empty());
}

#[test]
fn a_question_nobody_answered_ends_with_its_turn() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    editor.option = "";
    let running = editor.send("session/prompt", &prompt(&session, "run: touch made"));
    while editor.next()["method"] != "session/request_permission" {}
    editor.notify("session/cancel", &json!({"sessionId": session}));
    assert_eq!(editor.answer(running).unwrap()["stopReason"], "cancelled");
}

#[test]
fn other_sessions_are_opened_while_a_turn_runs_and_wait_with_their_prompts() {
    let mut editor = Editor::start();
    let busy = editor.new_session();
    let running = begin_for_ever(&mut editor, &busy);
    let other = editor.new_session();
    let waits = editor.send("session/prompt", &prompt(&other, "hello"));
    let third = editor.new_session();
    let never = editor.send("session/prompt", &prompt(&third, "hello"));
    editor.notify("session/cancel", &json!({"sessionId": third}));
    assert_eq!(editor.answer(never).unwrap()["stopReason"], "cancelled");
    editor.ask("session/close", &json!({"sessionId": busy}));
    assert_eq!(editor.answer(running).unwrap()["stopReason"], "cancelled");
    assert_eq!(editor.answer(waits).unwrap()["stopReason"], "end_turn");
}

#[test]
fn a_crash_ends_the_turn_and_the_session_goes_on() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    editor.say(&session, "Remember: the word is PINEAPPLE.");
    let running = begin_for_ever(&mut editor, &session);
    let pid = editor.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let error = editor.answer(running).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("prompt again"), "{error}");
    assert!(editor.say(&session, "What is the word?").contains("PINEAPPLE"));
}

#[test]
fn nothing_is_left_when_the_editor_closes_its_end() {
    let mut editor = Editor::start();
    editor.new_session();
    let pid = editor.pid();
    editor.line.close_stdin();
    assert!(editor.line.ended().0.success());
    eventually("the agent is gone", || !lives(&pid.to_string()));
}
