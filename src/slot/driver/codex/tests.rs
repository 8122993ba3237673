use serde_json::{Value, json};

use super::*;
use crate::agent_api::MeasureContext;
use crate::slot::AgentEvent;
use crate::slot::driver::AgentResponse;
use crate::slot::{PromptState, Switch};

const THREAD: &str = "01a1fd01-a41f-7533-9477-f12ff7945eb9";

/// One that is through its handshake.
fn warm() -> CodexDriver {
    let mut codex = CodexDriver { cwd: "/work".into(), ..CodexDriver::default() };
    let mut line = sent(codex.request("h", SlotRequest::Handshake));
    for answer in [
        json!({"userAgent": "hotseat/0.169.0 (Debian 12)"}),
        json!({"account": null, "requiresOpenaiAuth": true}),
        json!({"data": [{"model": "gpt-6.1-sol"}]}),
    ] {
        line = sent(codex.handle_message(json!({"id": line["id"], "result": answer})).1);
    }
    assert_eq!((&line["method"], &line["params"]["cwd"]), (&json!("thread/start"), &json!("/work")));
    let (_, events) = codex.handle_message(json!({"id": line["id"], "result": opened(THREAD)}));
    let [DriverOutput::Response { id, answer: Ok(AgentResponse::Handshake(agent, _)) }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (id.as_str(), agent.version.as_str(), agent.models.as_slice()),
        ("h", "0.169.0", ["gpt-6.1-sol".to_owned()].as_slice())
    );
    assert!(agent.notice.as_deref().is_some_and(|notice| notice.contains("codex login")));
    codex
}

fn opened(thread: &str) -> Value {
    json!({"thread": {"id": thread, "path": "/t.jsonl"}, "cwd": "/work", "model": "m", "approvalPolicy": "untrusted"})
}

/// The last line that is to be sent.
fn sent(events: Vec<DriverOutput>) -> Value {
    let mut lines = events.into_iter().filter_map(|events| match events {
        DriverOutput::SendLine(line) => Some(line),
        _ => None,
    });
    lines.next_back().expect("a line")
}

#[test]
fn a_prompt_is_a_turn_with_tokens() {
    let mut codex = warm();
    let line = sent(codex.send_prompt("u", "hello"));
    assert_eq!(
        (&line["method"], &line["params"]["clientUserMessageId"]),
        (&json!("turn/start"), &json!("u"))
    );
    let turn = json!({"id": line["id"], "result": {"turn": {"id": "t"}}});
    assert_eq!(codex.handle_message(turn).1, [DriverOutput::prompt("u", PromptState::Started)]);
    let of = |mut params: Value| {
        params["threadId"] = json!(THREAD);
        params
    };
    let tokens = json!({"total": {"inputTokens": 100, "cachedInputTokens": 40, "outputTokens": 10},
        "last": {"totalTokens": 110}, "modelContextWindow": 1000});
    codex.handle_message(
        json!({"method": "thread/tokenUsage/updated", "params": of(json!({"tokenUsage": tokens}))}),
    );
    let ended = of(json!({"turn": {"id": "t", "status": "completed", "durationMs": 7}}));
    let (session, events) = codex.handle_message(json!({"method": "turn/completed", "params": ended}));
    assert_eq!(session.map(|session| session.to_string()).as_deref(), Some(THREAD));
    let DriverOutput::TurnEnded { cost: Some(cost), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(
        (cost.usage.input_tokens, cost.usage.cache_read_input_tokens, cost.usage.output_tokens),
        (60, 40, 10)
    );
    let context = codex.request("c", SlotRequest::call(MeasureContext {}));
    let [
        DriverOutput::Response {
            answer: Ok(AgentResponse::Reply(AgentReply::MeasureContext(context))), ..
        },
    ] = context.as_slice()
    else {
        panic!()
    };
    assert!((context.percent - 11.0).abs() < 0.01);
}

#[test]
fn a_compaction_is_a_turn_of_its_own() {
    let mut codex = warm();
    let line = sent(codex.send_prompt("u", " /compact "));
    assert_eq!(line["method"], "thread/compact/start");
    assert_eq!(codex.handle_message(json!({"id": line["id"], "result": {}})).1, []);
    let params = json!({"threadId": THREAD, "turn": {"id": "t", "status": "completed"}});
    let started = codex.handle_message(json!({"method": "turn/started", "params": params})).1;
    assert_eq!(started, [DriverOutput::prompt("u", PromptState::Started)]);
    let ended = codex.handle_message(json!({"method": "turn/completed", "params": params})).1;
    assert!(ended.contains(&DriverOutput::Idle), "{ended:?}");
}

#[test]
fn an_interrupt_waits_for_the_turn_s_id() {
    let mut codex = warm();
    let line = sent(codex.send_prompt("u", "hello"));
    assert!(matches!(
        codex.request("i", SlotRequest::Interrupt).as_slice(),
        [DriverOutput::Response { answer: Ok(AgentResponse::Done), .. }]
    ));
    let stop = sent(codex.handle_message(json!({"id": line["id"], "result": {"turn": {"id": "t"}}})).1);
    assert_eq!((&stop["method"], &stop["params"]["turnId"]), (&json!("turn/interrupt"), &json!("t")));
}

#[test]
fn a_failed_switch_leaves_the_thread() {
    let mut codex = warm();
    let session = SessionId::random();
    let line =
        sent(codex.request("s", SlotRequest::Switch { switch: Switch::Resume(session), interrupt: false }));
    let events = codex
        .handle_message(json!({"id": line["id"], "error": {"message": "no rollout found for thread id"}}))
        .1;
    assert!(matches!(events.as_slice(), [DriverOutput::Response { answer: Err(_), .. }]));
    assert_eq!(codex.thread.map(|thread| thread.to_string()).as_deref(), Some(THREAD));
}

/// The permission request that codex's approval request becomes.
fn approval(codex: &mut CodexDriver, method: &str, mut params: Value) -> PermissionRequest {
    params["threadId"] = json!(THREAD);
    params["startedAtMs"] = json!(1);
    let events = codex.handle_message(json!({"id": 0, "method": method, "params": params})).1;
    let [DriverOutput::Event(AgentEvent::PermissionRequested(request))] = events.as_slice() else {
        panic!("{events:?}")
    };
    request.clone()
}

fn starts(codex: &mut CodexDriver, item: &Value) {
    codex.handle_message(json!({"method": "item/started", "params": {"threadId": THREAD, "item": item}}));
}

#[test]
fn approvals_are_answered_under_codex_s_own_id_and_once() {
    let mut codex = warm();
    let request = approval(&mut codex, "item/commandExecution/requestApproval", json!({"command": "ls"}));
    let answer = sent(codex.answer_permission(request.clone(), None));
    assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 0, "result": {"decision": "accept"}}));
    let answer = sent(codex.answer_permission(request, Some("no".to_owned())));
    assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 0, "result": {"decision": "decline"}}));
    let unknown = sent(codex.handle_message(json!({"id": 5, "method": "item/tool/call", "params": {}})).1);
    assert_eq!(unknown["error"]["code"], -32601);
}

#[test]
fn the_command_that_is_asked_about_is_the_one_that_runs() {
    let raw = "/bin/bash -lc 'printf evil | tee .git/hooks/pre-commit && cat README.md'";
    let summary = json!([{"type": "read", "command": "cat README.md", "name": "README.md"}]);
    let mut codex = warm();
    let method = "item/commandExecution/requestApproval";
    let request =
        approval(&mut codex, method, json!({"command": raw, "commandActions": summary, "cwd": "/work"}));
    assert_eq!((request.tool.as_str(), &request.input), ("Bash", &json!({"command": raw})));
    assert_eq!(request.cwd, None);
    let elsewhere = approval(&mut codex, method, json!({"command": raw, "cwd": "/etc", "reason": "why"}));
    assert_eq!(elsewhere.cwd.as_deref(), Some(std::path::Path::new("/etc")));
    assert_eq!(elsewhere.description.as_deref(), Some("why"));

    // What the request leaves out its item says; whatever else it says is shown.
    starts(
        &mut codex,
        &json!({"type": "commandExecution", "id": "i", "command": raw, "commandActions": summary}),
    );
    let network = json!({"host": "evil.example", "protocol": "https"});
    let request = approval(&mut codex, method, json!({"itemId": "i", "networkApprovalContext": network}));
    assert_eq!(request.input, json!({"command": raw, "networkApprovalContext": network}));
    let argv = json!(["rm", "-rf", "a b"]);
    assert_eq!(approval(&mut codex, method, json!({"command": argv})).input["command"], "rm -rf 'a b'");

    let shown = items::item_started(
        &json!({"type": "commandExecution", "id": "i", "command": raw, "commandActions": summary}),
    );
    assert!(format!("{shown:?}").contains("tee .git/hooks/pre-commit"), "{shown:?}");
}

#[test]
fn no_byte_of_a_command_is_left_out() {
    let letters =
        ["a", " ", "'", "\"", "|", "&&", ";", "\n", "\t", "\u{1b}[2K", "\u{202e}", "$(x)", "ü", "\\"];
    let mut seed = 1_usize;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut codex = warm();
    for _ in 0..500 {
        let count = 1 + next(40);
        let command: String = (0..count).map(|_| letters[next(letters.len())]).collect();
        let params = json!({"command": command, "commandActions": [{"type": "unknown", "command": "true"}]});
        let request = approval(&mut codex, "item/commandExecution/requestApproval", params);
        assert_eq!(request.input, json!({"command": command}));
    }
}

#[test]
fn a_change_of_files_is_asked_about_with_every_file_in_it() {
    let mut codex = warm();
    let method = "item/fileChange/requestApproval";
    let change = |path: &str, kind: Value, diff: &str| json!({"path": path, "kind": kind, "diff": diff});
    let update =
        change("/work/a", json!({"type": "update"}), "@@ -1,2 +1,2 @@\n a\n-b\n+c\n@@ -9 +9 @@\n-x\n+y\n");
    let moved = change("/work/b", json!({"type": "update", "move_path": "/etc/b"}), "@@ -1 +1 @@\n-p\n+q\n");
    let added = change("/work/.git/hooks/pre-commit", json!({"type": "add"}), "evil\n");
    let deleted = change("/work/d", json!({"type": "delete"}), "old\n");
    starts(&mut codex, &json!({"type": "fileChange", "id": "i", "changes": [update, moved, added, deleted]}));
    let request = approval(&mut codex, method, json!({"itemId": "i", "grantRoot": "/work"}));
    assert_eq!(request.tool, "Edit");
    let edit =
        |path: &str, old: &str, new: &str| json!({"file_path": path, "old_string": old, "new_string": new});
    let mut of_moved = edit("/work/b", "p\n", "q\n");
    of_moved["move_to"] = json!("/etc/b");
    let mut of_deleted = edit("/work/d", "old\n", "");
    of_deleted["deletes"] = json!(true);
    let changes = json!([edit("/work/a", "a\nb\n", "a\nc\n"), edit("/work/a", "x\n", "y\n"), of_moved,
        {"file_path": "/work/.git/hooks/pre-commit", "content": "evil\n"}, of_deleted]);
    assert_eq!(request.input, json!({"changes": changes, "grant_root": "/work"}));

    let patched = json!({"threadId": THREAD, "itemId": "i", "changes": [added]});
    codex.handle_message(json!({"method": "item/fileChange/patchUpdated", "params": patched}));
    let request = approval(&mut codex, method, json!({"itemId": "i"}));
    assert_eq!((request.tool.as_str(), &request.input["content"]), ("Write", &json!("evil\n")));
    for diff in ["@@ -1 +1 @@\n-a\n+b\r\n", "@@\n+evil\n"] {
        let raw = change("/work/a", json!({"type": "update"}), diff);
        starts(&mut codex, &json!({"type": "fileChange", "id": "raw", "changes": [raw]}));
        let request = approval(&mut codex, method, json!({"itemId": "raw"}));
        assert_eq!(request.input["diff"], diff, "what hunks cannot hold is shown as it is");
    }
    let unknown = approval(&mut codex, method, json!({"itemId": "other"}));
    assert!(unknown.input["unknown"].is_string(), "nothing is passed off as a harmless change");
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    let mut codex = warm();
    for line in [
        json!([]),
        json!({"id": 7}),
        json!({"method": "novel", "params": []}),
        json!({"id": {}, "result": 1}),
    ] {
        assert!(codex.handle_message(line).1.is_empty());
    }
}

#[test]
fn a_change_of_a_file_is_an_edit_with_its_hunks() {
    let change = json!({"path": "/a", "kind": {"type": "update"}, "diff": "@@ -3,2 +3,2 @@\n a\n-b\n+c\n"});
    let item = json!({"type": "fileChange", "id": "i", "status": "completed", "changes": [change]});
    let events = items::item_completed(&item);
    let [
        DriverOutput::Event(AgentEvent::ConversationChanged {
            change: crate::session::conversation::ConversationEvent::Result { tool_use_id, result },
            ..
        }),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(tool_use_id, "i/0");
    let hunk = &result.detail.as_ref().unwrap()["structuredPatch"][0];
    assert_eq!((&hunk["oldStart"], &hunk["lines"]), (&json!(3), &json!([" a", "-b", "+c"])));
}
