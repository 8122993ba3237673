//! What only the driver of the official `claude` promises: standbys.

use std::time::Duration;

use hotseat::slot::{SlotError, SlotEventKind, Switch, SwitchMethod, SwitchSupport};

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
    assert_eq!(resumed.method, SwitchMethod::Standby);
    assert!(resumed.duration < Duration::from_millis(30), "{:?}", resumed.duration);
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
