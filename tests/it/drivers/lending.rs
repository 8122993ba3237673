//! Files and terminals that hotseat lends to an agent that asks for them.

use hotseat::session::conversation::ConversationEvent;
use hotseat::slot::{AgentEvent, PermissionDecision, PermissionRequest, PromptState, SlotEventKind, Switch};
use serde_json::json;

use super::scripted::{answers, seat, work};
use crate::support::alive::gone;
use crate::support::slot::Slot;

const PROMPT: &str = "00000000-0000-4000-8000-000000000001";

async fn asked(slot: &mut Slot) -> PermissionRequest {
    slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_lent_within_the_folder() {
    let mut slot = seat(
        r#"greet; turn
        ask fs/read_text_file "\"path\":\"$PWD/in\",\"line\":2,\"limit\":1"
        ask fs/write_text_file "\"path\":\"$PWD/in\",\"content\":\"one\\n2\\nthree\\n\""
        ask fs/write_text_file "\"path\":\"$PWD/new/file\",\"content\":\"x\""
        ask fs/write_text_file "\"path\":\"$PWD/../out\",\"content\":\"x\""
        ask fs/read_text_file "\"path\":\"/etc/hostname\""
        ask fs/read_text_file "\"path\":\"$PWD/none\""
        over; hear never"#,
    );
    slot.ready().await;
    std::fs::write(work(&slot).join("in"), "one\ntwo\nthree\n").unwrap();
    slot.submit(PROMPT, "go").await;
    let edit = asked(&mut slot).await;
    assert_eq!((edit.tool.as_str(), edit.input["new_string"].as_str()), ("Edit", Some("one\n2\nthree\n")));
    assert_eq!(std::fs::read_to_string(work(&slot).join("in")).unwrap(), "one\ntwo\nthree\n");
    slot.handle.answer_permission(edit.id, PermissionDecision::AllowOnce).await.unwrap();
    let write = asked(&mut slot).await;
    assert_eq!((write.tool.as_str(), write.input["content"].as_str()), ("Write", Some("x")));
    slot.handle
        .answer_permission(write.id, PermissionDecision::Deny("not that one".to_owned()))
        .await
        .unwrap();
    slot.prompt(PROMPT, PromptState::Completed).await;

    let answers = answers(&slot);
    assert_eq!(answers[0]["result"], json!({"content": "two\n"}));
    assert_eq!(answers[1]["result"], json!({}));
    assert_eq!(std::fs::read_to_string(work(&slot).join("in")).unwrap(), "one\n2\nthree\n");
    assert_eq!(answers[2]["error"]["message"], "not permitted: not that one");
    assert!(!work(&slot).join("new").exists());
    for outside in &answers[3..5] {
        let why = outside["error"]["message"].as_str().unwrap();
        assert!(why.contains("outside the session's folder"), "{why}");
    }
    assert_eq!(answers[5]["error"]["code"], -32002);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_runs_once_it_is_permitted_and_is_seen_while_it_runs() {
    let mut slot = seat(
        r#"greet; turn
        ask terminal/create '"command":"echo one; until [ -e go ]; do sleep 0.01; done; echo two; exit 3"'
        tell '"tool_call","toolCallId":"c","title":"a loop","kind":"execute","status":"in_progress",
          "content":[{"type":"terminal","terminalId":"terminal-1"}]' | tr -d '\n'; say
        ask terminal/wait_for_exit '"terminalId":"terminal-1"'
        ask terminal/output '"terminalId":"terminal-1"'
        ask terminal/release '"terminalId":"terminal-1"'
        tell '"tool_call_update","toolCallId":"c","status":"completed"'
        ask terminal/output '"terminalId":"terminal-1"'
        over; hear never"#,
    );
    slot.ready().await;
    slot.submit(PROMPT, "go").await;
    let run = asked(&mut slot).await;
    assert_eq!(run.tool, "Bash");
    assert!(run.input["command"].as_str().unwrap().starts_with("echo one; until"), "{run:?}");
    slot.handle.answer_permission(run.id, PermissionDecision::AllowOnce).await.unwrap();
    slot.until("what it says while it runs", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::ConversationChanged {
            change: ConversationEvent::ToolOutput { tool_use_id, text },
            ..
        }) => (tool_use_id == "c" && text == "one\n").then_some(()),
        _ => None,
    })
    .await;
    std::fs::write(work(&slot).join("go"), "").unwrap();
    let result = slot.until("its result", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::ConversationChanged {
            change: ConversationEvent::Result { result, .. },
            ..
        }) => Some(result.text.clone()),
        _ => None,
    });
    assert_eq!(result.await, "one\ntwo\n");
    slot.prompt(PROMPT, PromptState::Completed).await;
    let answers = answers(&slot);
    assert_eq!(answers[1]["result"], json!({"exitCode": 3}));
    let told = json!({"output": "one\ntwo\n", "truncated": false, "exitStatus": {"exitCode": 3}});
    assert_eq!(answers[2]["result"], told);
    assert_eq!(answers[3]["result"], json!({}));
    assert!(answers[4]["error"]["message"].as_str().unwrap().contains("no such terminal"));
}

/// Runs for ever in a terminal, and says its pid.
const FOR_EVER: &str = r#"
    greet; turn
    ask terminal/create '"command":"echo $$ > pid.new; mv pid.new pid; exec tail -f /dev/null"'
    over
"#;

async fn runs_for_ever(slot: &mut Slot) -> u32 {
    slot.ready().await;
    slot.submit(PROMPT, "go").await;
    let run = asked(slot).await;
    slot.handle.answer_permission(run.id, PermissionDecision::AllowSession).await.unwrap();
    slot.prompt(PROMPT, PromptState::Completed).await;
    let pid = work(slot).join("pid");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !pid.exists() {
        assert!(std::time::Instant::now() < deadline, "it does not run");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    std::fs::read_to_string(pid).unwrap().trim().parse().unwrap()
}

async fn is_gone(pid: u32) {
    tokio::task::spawn_blocking(move || gone(&[pid])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_terminal_outlives_the_slot() {
    let mut slot = seat(&format!("{FOR_EVER} hear never"));
    let pid = runs_for_ever(&mut slot).await;
    slot.handle.close().await;
    is_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_terminal_outlives_its_agent() {
    let mut slot = seat(&format!("{FOR_EVER} turn; exit 7"));
    let pid = runs_for_ever(&mut slot).await;
    slot.submit("00000000-0000-4000-8000-000000000002", "die").await;
    assert_eq!(slot.exited().await.reason, "exit 7");
    is_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_terminal_outlives_its_session() {
    let mut slot =
        seat(&format!("{FOR_EVER} hear '\"session/new\"'; answer '{{\"sessionId\":\"t\"}}'; hear never"));
    let pid = runs_for_ever(&mut slot).await;
    slot.handle.switch(Switch::Clear, false).await.unwrap();
    is_gone(pid).await;
}
