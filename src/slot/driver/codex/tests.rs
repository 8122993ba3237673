use serde_json::{Value, json};

use super::*;
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
    let [AgentEvent::Response { id, answer: Ok(AgentResponse::Handshake(agent, _)) }] = events.as_slice()
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
fn sent(events: Vec<AgentEvent>) -> Value {
    let mut lines = events.into_iter().filter_map(|events| match events {
        AgentEvent::SendLine(line) => Some(line),
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
    assert_eq!(
        codex.handle_message(turn).1,
        [AgentEvent::PromptStateChanged { uuid: "u".into(), state: PromptState::Started }]
    );
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
    let AgentEvent::TurnEnded { cost: Some(cost), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(
        (cost.usage.input_tokens, cost.usage.cache_read_input_tokens, cost.usage.output_tokens),
        (60, 40, 10)
    );
    let context = codex.request("c", SlotRequest::ContextUsage);
    let [AgentEvent::Response { answer: Ok(AgentResponse::ContextUsage(context)), .. }] = context.as_slice()
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
    assert_eq!(started, [AgentEvent::PromptStateChanged { uuid: "u".into(), state: PromptState::Started }]);
    let ended = codex.handle_message(json!({"method": "turn/completed", "params": params})).1;
    assert!(ended.contains(&AgentEvent::Idle), "{ended:?}");
}

#[test]
fn an_interrupt_waits_for_the_turn_s_id() {
    let mut codex = warm();
    let line = sent(codex.send_prompt("u", "hello"));
    assert!(matches!(
        codex.request("i", SlotRequest::Interrupt).as_slice(),
        [AgentEvent::Response { answer: Ok(AgentResponse::Done), .. }]
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
    assert!(matches!(events.as_slice(), [AgentEvent::Response { answer: Err(_), .. }]));
    assert_eq!(codex.thread.map(|thread| thread.to_string()).as_deref(), Some(THREAD));
}

#[test]
fn approvals_are_answered_under_codex_s_own_id() {
    let mut codex = warm();
    let params =
        json!({"threadId": THREAD, "command": "/bin/bash -lc 'ls'", "commandActions": [{"command": "ls"}]});
    let asked = json!({"id": 0, "method": "item/commandExecution/requestApproval", "params": params});
    let (_, events) = codex.handle_message(asked);
    let [AgentEvent::PermissionRequested(request)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((request.tool.as_str(), &request.input["command"]), ("Bash", &json!("ls")));
    let answer = sent(codex.answer_permission(request.clone(), PermissionDecision::AllowSession));
    assert_eq!(answer, json!({"id": 0, "result": {"decision": "acceptForSession"}}));
    let unknown = sent(codex.handle_message(json!({"id": 5, "method": "item/tool/call", "params": {}})).1);
    assert_eq!(unknown["error"]["code"], -32601);
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
        AgentEvent::ConversationChanged {
            change: crate::session::conversation::ConversationEvent::Result { tool_use_id, result },
            ..
        },
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(tool_use_id, "i/0");
    let hunk = &result.detail.as_ref().unwrap()["structuredPatch"][0];
    assert_eq!((&hunk["oldStart"], &hunk["lines"]), (&json!(3), &json!([" a", "-b", "+c"])));
}
