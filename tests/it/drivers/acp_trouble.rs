//! Programs that are no good agents of the Agent Client Protocol.

use std::time::{Duration, Instant};

use hotseat::protocol::PermissionMode;
use hotseat::session::conversation::{ConversationEvent, Notice};
use hotseat::slot::{AgentEvent, PromptState, SlotEvent, SlotEventKind, Switch};
use hotseat::sys::resident_memory::resident_memory;

use super::scripted::{seat, work};
use crate::support::own_process::is_own_process;

const PROMPT: &str = "00000000-0000-4000-8000-000000000001";
const NEXT: &str = "00000000-0000-4000-8000-000000000002";

/// A script that is no good the first time, and good from then on; it says so.
fn better_next_time(bad: &str) -> String {
    format!("if [ ! -e came ]; then : > came; {bad}\nfi\ngreet; while :; do turn; word better; over; done")
}

/// Types before it is warm; it fails, for a reason that has this in it; what was
/// typed is answered by the next.
async fn fails_and_keeps_what_was_typed(bad: &str, reason: &str) -> hotseat::slot::ProcessExit {
    let mut slot = seat(&better_next_time(bad));
    slot.submit(PROMPT, "typed early").await;
    let exit = slot.exited().await;
    assert!(exit.reason.contains(reason) && !exit.expected, "{exit:?}");
    assert_eq!(slot.reply().await, "better");
    slot.prompt(PROMPT, PromptState::Completed).await;
    exit
}

#[tokio::test]
async fn one_that_dies_in_the_handshake_is_quoted() {
    let exit =
        fails_and_keeps_what_was_typed("hear initialize; echo 'no such option: --acp' >&2; exit 2", "exit 2")
            .await;
    assert_eq!(exit.stderr, ["no such option: --acp"]);
}

#[tokio::test]
async fn one_that_refuses_the_folder_is_quoted() {
    let bad = "hello; hear session/new; refuse -32602 'this folder is not trusted'; hear never";
    fails_and_keeps_what_was_typed(bad, "this folder is not trusted").await;
}

#[tokio::test]
async fn one_that_is_not_logged_in_is_quoted() {
    let bad = "hello; hear session/new; refuse -32000 'run some-agent login first'; hear never";
    fails_and_keeps_what_was_typed(bad, "not logged in: run some-agent login first").await;
}

#[tokio::test]
async fn one_of_another_version_is_told_apart() {
    let bad = "hear initialize; answer '{\"protocolVersion\":2}'; hear never";
    fails_and_keeps_what_was_typed(bad, "version 2 of the Agent Client Protocol").await;
}

#[tokio::test]
async fn one_that_answers_with_something_else_is_told_so() {
    let bad = "hear initialize; answer '[\"hello\"]'; hear never";
    fails_and_keeps_what_was_typed(bad, "handshake is invalid").await;
    let bad = "hello; hear session/new; answer '{}'; hear never";
    fails_and_keeps_what_was_typed(bad, "opened a session without an id").await;
}

#[tokio::test]
async fn what_nobody_knows_is_passed_over() {
    let mut slot = seat(
        r#"greet; turn
        say 'no frame {'; say '[1]'; say '{"method":7}'; say '{"id":99,"result":{}}'; say '{"id":{},"error":3}'
        say '{"method":"session/update"}'; say '{"method":"brand/new","params":{}}'
        tell '"something_new","x":1'; tell '"agent_message_chunk","content":7'; tell '"tool_call"'; tell 7
        tell '"agent_message_chunk","content":{"type":"hologram","x":1}'
        say '{"method":"session/update","params":{"sessionId":"other","update":{"sessionUpdate":"plan","entries":[]}}}'
        ask brand/new '"x":1'
        word done; over; hear never"#,
    );
    slot.ready().await;
    assert!(slot.say("go").await.ends_with("done"));
    let answer = std::fs::read_to_string(work(&slot).join("answers")).unwrap();
    assert!(answer.contains("-32601"), "{answer}");
}

#[tokio::test]
async fn a_turn_that_fails_says_why_and_the_next_one_runs() {
    let mut slot = seat(
        r#"greet; turn; say "{\"id\":$prompt,\"error\":{\"code\":-32603,\"message\":\"out of credit\"}}"
        turn; say "{\"id\":$prompt,\"result\":7}"; turn; word done; over; hear never"#,
    );
    slot.ready().await;
    for expected in ["out of credit", "is invalid"] {
        slot.submit(&uuid::Uuid::new_v4().to_string(), "go").await;
        let notice = slot.until("a notice", |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::ConversationChanged {
                change: ConversationEvent::Notice(Notice::Error, text),
                ..
            }) => Some(text.clone()),
            _ => None,
        });
        assert!(notice.await.contains(expected));
    }
    assert_eq!(slot.say("go").await, "done");
}

#[tokio::test]
async fn a_switch_that_is_refused_leaves_the_former_session() {
    let mut slot =
        seat("greet; hear session/new; refuse 1 'no more sessions'; turn; word done; over; hear never");
    let session = slot.ready().await.session;
    let error = slot.handle.switch(Switch::Clear, false).await.unwrap_err();
    assert_eq!(error.to_string(), "no more sessions");
    assert_eq!(slot.idle().await, session);
    assert_eq!(slot.say("go").await, "done");
}

/// What it asked is dropped, and what was typed meanwhile is answered by the next.
async fn vanishes(ask: &str) {
    let mut slot =
        seat(&better_next_time(&format!("greet; turn; {ask}; hear never-comes & sleep 1; exit 3")));
    slot.ready().await;
    slot.submit(PROMPT, "go").await;
    let asked = slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.id.clone()),
        _ => None,
    });
    let asked = asked.await;
    slot.submit(NEXT, "typed meanwhile").await;
    slot.until("the request dropped", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) if *id == asked => Some(()),
        _ => None,
    })
    .await;
    slot.prompt(PROMPT, PromptState::Aborted).await;
    assert_eq!(slot.exited().await.reason, "exit 3");
    assert_eq!(slot.reply().await, "better");
    slot.prompt(NEXT, PromptState::Completed).await;
}

#[tokio::test]
async fn a_permission_of_one_that_vanished_is_dropped() {
    vanishes(
        r#"say '{"id":1,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}}'"#,
    )
    .await;
    vanishes(r#"say '{"id":1,"method":"terminal/create","params":{"sessionId":"s","command":"ls"}}'"#).await;
}

/// As many questions as nobody can answer: those beyond are refused.
#[tokio::test]
async fn a_flood_of_questions_is_bounded() {
    let mut slot = seat(
        r#"greet; turn
        i=0; while [ $i -lt 500 ]; do
          say "{\"id\":\"r$i\",\"method\":\"terminal/create\",\"params\":{\"sessionId\":\"s\",\"command\":\"ls $i\"}}"
          say "{\"id\":\"p$i\",\"method\":\"session/request_permission\",\"params\":{\"sessionId\":\"s\",\"toolCall\":{\"toolCallId\":\"c$i\"},\"options\":[]}}"
          i=$((i+1))
        done
        word asked; over; hear never"#,
    );
    slot.ready().await;
    assert_eq!(slot.say("go").await, "asked");
    let asked = slot
        .heard
        .iter()
        .filter(|event| matches!(event.kind, SlotEventKind::Agent(AgentEvent::PermissionRequested(_))))
        .count();
    assert!(asked <= 128, "{asked}");
}

/// 100,000 updates of this kind while a turn runs: nobody waits for long, and
/// they take no room.
async fn floods(test: &str, update: &str) {
    // It measures the memory of the process that it runs in.
    const ROOM: u64 = 96 * 1024 * 1024;
    if !is_own_process(&format!("drivers::acp_trouble::{test}")) {
        return;
    }
    let mut slot = seat(&format!("greet; turn; flood 100000 '{update}'; word done; over; hear never"));
    slot.ready().await;
    let before = resident_memory(std::process::id()).unwrap();
    slot.submit(PROMPT, "go").await;
    slot.prompt(PROMPT, PromptState::Started).await;
    // Nobody reads its news for a while.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    slot.handle.set_permission_mode(PermissionMode::AcceptEdits).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let more = || resident_memory(std::process::id()).unwrap().saturating_sub(before);
    let unread = more();
    assert!(unread < ROOM, "{unread} while nobody reads");
    let over = |event: &SlotEvent| {
        Some(matches!(
            event.kind,
            SlotEventKind::Agent(AgentEvent::PromptStateChanged { state: PromptState::Completed, .. })
        ))
    };
    while !slot.until("the end", over).await {
        slot.heard.clear();
    }
    println!("{:?}, {} and {} MB more", start.elapsed(), unread >> 20, more() >> 20);
    assert!(more() < ROOM, "{} after all", more());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_words_is_borne() {
    floods(
        "a_flood_of_words_is_borne",
        r#""agent_message_chunk","content":{"type":"text","text":"NUMBER words and some more "}"#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_is_borne() {
    floods(
        "a_flood_of_calls_is_borne",
        concat!(
            r#""tool_call","toolCallId":"NUMBER","title":"a call","status":"completed","rawInput":{"command":"ls"},"#,
            r#""content":[{"type":"content","content":{"type":"text","text":"what it said, and some more"}}]"#
        ),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_what_nobody_knows_is_borne() {
    floods(
        "a_flood_of_what_nobody_knows_is_borne",
        r#""brand_new","content":{"type":"text","text":"NUMBER words and some more "}"#,
    )
    .await;
}
