//! What only the driver of the official `claude` promises: standbys.

use hotseat::slot::{
    AgentEvent, PermissionDecision, PromptState, SlotError, SlotEventKind, Switch, SwitchMethod,
    SwitchSupport,
};

use crate::support::agent_bench::Bench;

/// A row is highlighted, and its process becomes ready.
async fn prepare(seated: &mut crate::support::agent_bench::Seated, switch: Switch) {
    seated.slot.handle.prewarm(switch.clone()).await;
    let ready = seated.slot.until("a standby", |event| match &event.kind {
        SlotEventKind::Prewarmed(Some(prepared)) if *prepared == switch => Some(()),
        _ => None,
    });
    ready.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_highlighted_is_seated_at_once() {
    let Some(bench) = Bench::of("claude", "a_session_that_was_highlighted_is_seated_at_once") else { return };
    let mut seated = bench.seat().await;
    assert_eq!(
        (seated.abilities().clear, seated.abilities().resume),
        (SwitchSupport::InProcess, SwitchSupport::Standby)
    );
    let told = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    seated.switch(Switch::Clear).await;
    let before = seated.transcript(told);

    prepare(&mut seated, Switch::Resume(told)).await;
    assert_eq!(seated.transcript(told), before, "being ready writes nothing");
    let resumed = seated.switch(Switch::Resume(told)).await;
    assert_eq!(resumed.method, SwitchMethod::Standby, "a ready process took over: none was started");
    assert!(seated.slot.say("What is the word?").await.contains("PINEAPPLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_was_never_used_writes_nothing() {
    let Some(bench) = Bench::of("claude", "a_standby_that_was_never_used_writes_nothing") else { return };
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    seated.switch(Switch::Clear).await;
    let before = seated.transcript(told);
    prepare(&mut seated, Switch::Resume(told)).await;
    let fork = Switch::Fork { source: told, at: None, title: None, cwd: None };
    prepare(&mut seated, fork).await;
    seated.slot.handle.close().await;
    assert_eq!(seated.transcript(told), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_words_say_why_it_did_not_resume() {
    let Some(bench) = Bench::of("claude", "its_own_words_say_why_it_did_not_resume") else { return };
    let seated = bench.seat().await;
    let nowhere = hotseat::session::SessionId::random();
    match seated.slot.handle.switch(Switch::Resume(nowhere), false).await {
        Err(SlotError::Refused { message, .. }) => {
            assert!(message.contains("No conversation found"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

/// Has a file written; whether that was asked about first.
async fn writes(
    seated: &mut crate::support::agent_bench::Seated,
    name: &str,
    decision: PermissionDecision,
) -> bool {
    let path = seated.agent.cwd.join(name);
    let prompt = uuid::Uuid::new_v4().to_string();
    seated.slot.submit(&prompt, &format!("WRITE: {}", path.display())).await;
    let event = seated.slot.until("a question or the end", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(Some(request.clone())),
        SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state: PromptState::Completed })
            if *uuid == prompt =>
        {
            Some(None)
        }
        _ => None,
    });
    let asked = event.await;
    if let Some(request) = &asked {
        seated.slot.handle.answer_permission(request.id.clone(), decision).await.unwrap();
        seated.slot.prompt(&prompt, PromptState::Completed).await;
    }
    assert!(path.exists(), "{name}");
    asked.is_some()
}

/// `claude` itself would go on in acceptEdits, in every later session.
#[tokio::test(flavor = "multi_thread")]
async fn allowing_edits_for_a_session_ends_with_it() {
    let Some(bench) = Bench::of("claude", "allowing_edits_for_a_session_ends_with_it") else { return };
    let mut seated = bench.seat().await;
    assert!(writes(&mut seated, "a", PermissionDecision::AllowSession).await);
    assert!(!writes(&mut seated, "b", PermissionDecision::AllowOnce).await, "it covers all edits");
    let told = seated.agent.session;
    seated.switch(Switch::Clear).await;
    assert!(writes(&mut seated, "c", PermissionDecision::AllowOnce).await, "not in the next session");
    seated.switch(Switch::Resume(told)).await;
    assert!(writes(&mut seated, "d", PermissionDecision::AllowOnce).await, "nor when it is opened again");
}
