//! PINEAPPLE: tell it, clear and it is forgotten, resume and it is remembered,
//! fork and the original is as it was.

use hotseat::session::SessionId;
use hotseat::slot::Switch;

use super::talk;
use crate::support::agent_bench::Bench;
use crate::support::slot::Slot;

const TELL: &str = "Remember: the word is PINEAPPLE.";
const ASK: &str = "What do you know?";

fn fork(source: SessionId) -> Switch {
    Switch::Fork { source, at: None, title: None, cwd: None }
}

pub async fn a_clear_forgets(bench: Bench) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    let cleared = seated.switch(Switch::Clear).await;
    assert!(seated.transcript(told).contains("The word is PINEAPPLE."), "complete before the switch is told");
    assert_eq!((cleared.from, cleared.kind), (told, "clear"));
    assert_ne!(cleared.to, told);
    assert!(seated.slot.say(ASK).await.contains("no word"));
    // The second takes another way where the first found out which there is.
    let again = seated.switch(Switch::Clear).await;
    assert_eq!(again.from, cleared.to);
    seated.slot.say(TELL).await;
    seated.slot.handle.close().await;
    assert!(!seated.transcript(cleared.to).contains("The word is PINEAPPLE."));
    assert!(seated.transcript(again.to).contains("The word is PINEAPPLE."));
}

pub async fn a_resume_remembers(bench: Bench) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    let cleared = seated.switch(Switch::Clear).await.to;
    seated.slot.say(ASK).await;
    for _ in 0..2 {
        assert_eq!(seated.switch(Switch::Resume(told)).await.to, told);
        assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
        assert_eq!(seated.switch(Switch::Resume(cleared)).await.to, cleared);
        assert!(seated.slot.say(ASK).await.contains("no word"));
    }
}

pub async fn a_fork_leaves_its_source_as_it_is(bench: Bench) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    seated.switch(Switch::Clear).await;
    let before = seated.transcript(told);
    let forked = seated.switch(fork(told)).await;
    assert_eq!(forked.forked_from, Some(told));
    assert_ne!(forked.to, told);
    assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
    seated.slot.handle.close().await;
    // Some sum up what a session cost once it is closed.
    let after = seated.transcript(told);
    let since = after.strip_prefix(&before);
    assert!(since.is_some_and(|since| !since.contains("\"message\"")), "{since:?}");
    assert!(!after.contains(ASK));
    assert!(seated.transcript(forked.to).contains(ASK));
}

pub async fn a_session_that_is_not_there_leaves_the_former(bench: Bench) {
    let mut seated = bench.seat().await;
    seated.slot.say(TELL).await;
    seated.slot.handle.switch(Switch::Resume(SessionId::random()), false).await.unwrap_err();
    assert_eq!(seated.slot.idle().await, seated.agent.session);
    assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
}

pub async fn a_switch_can_interrupt_a_turn(bench: Bench) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    seated.switch(Switch::Clear).await;
    talk::begin_for_ever(&mut seated).await;
    seated.slot.handle.switch(Switch::Clear, false).await.unwrap_err();
    let cleared = seated.slot.handle.switch(Switch::Clear, true).await.unwrap();
    assert!(seated.slot.say(ASK).await.contains("no word"));
    talk::begin_for_ever(&mut seated).await;
    let resumed = seated.slot.handle.switch(Switch::Resume(told), true).await.unwrap();
    assert_eq!((resumed.from, resumed.to), (cleared.to, told));
    assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
}

pub async fn a_session_runs_in_its_own_folder(bench: Bench) {
    let elsewhere = bench.elsewhere();
    let mut other = Slot::launch(tempfile::tempdir().unwrap(), elsewhere.clone());
    let there = other.ready().await.session;
    other.say(TELL).await;
    other.handle.close().await;

    let mut seated = bench.seat().await;
    let resumed = seated.switch(Switch::Resume(there)).await;
    assert_eq!(resumed.cwd, elsewhere.cwd);
    assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
    seated.slot.submit(&uuid::Uuid::new_v4().to_string(), "COMMAND: touch here").await;
    let id = talk::asked(&mut seated).await;
    seated.slot.handle.answer_permission(id, hotseat::slot::PermissionDecision::AllowOnce).await.unwrap();
    seated.slot.idle().await;
    assert!(elsewhere.cwd.join("here").exists());
}
