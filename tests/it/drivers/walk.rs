//! The whole way with the agents of the Agent Client Protocol that start slowly,
//! in one process: told, asked for a permission, cleared, resumed, forked where
//! they can, listed where they do, interrupted, crashed, closed.

use hotseat::slot::{AgentEvent, PermissionDecision, SlotEventKind, Switch, SwitchSupport};

use super::talk;
use crate::support::agent_bench::{Bench, Seated};
use crate::support::alive::gone;
use crate::support::slot::kill;

const TELL: &str = "Remember: the word is PINEAPPLE.";
const ASK: &str = "What do you know?";

macro_rules! walks {
    ($($agent:ident: $lists:expr, $comes_back:expr);* $(;)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $agent() {
            if let Some(bench) = Bench::of(stringify!($agent), concat!("walk::", stringify!($agent))) {
                walk(bench, $lists, $comes_back).await;
            }
        })*
    };
}

walks! {
    qwen: true, true;
    // It lists nothing, and overwrites a session that it is to load in the minute
    // in which that began (0.61.0).
    gemini: false, false;
    copilot: true, true;
    claude_agent_acp: true, true;
    codex_acp: true, true;
}

async fn walk(bench: Bench, lists: bool, comes_back: bool) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    knows(&mut seated, TELL, true).await;
    permits(&mut seated).await;

    let cleared = seated.switch(Switch::Clear).await.to;
    knows(&mut seated, ASK, false).await;
    assert_eq!(seated.switch(Switch::Resume(told)).await.to, told);
    knows(&mut seated, ASK, true).await;
    assert_eq!(seated.switch(Switch::Resume(cleared)).await.to, cleared);
    knows(&mut seated, ASK, false).await;
    if seated.abilities().fork == SwitchSupport::InProcess {
        let fork = Switch::Fork { source: told, at: None, title: None, cwd: None };
        let forked = seated.switch(fork).await;
        assert_eq!(forked.forked_from, Some(told));
        assert!(forked.to != told && forked.to != cleared);
        knows(&mut seated, ASK, true).await;
    }
    let is_listed = seated.slot.heard.iter().any(|event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::SessionsListed(listed)) => {
            listed.iter().any(|listed| listed.session == told)
        }
        _ => false,
    });
    assert_eq!(is_listed, lists);

    seated.switch(Switch::Clear).await;
    talk::begin_for_ever(&mut seated).await;
    seated.slot.handle.interrupt().await.unwrap();
    seated.slot.idle().await;
    knows(&mut seated, ASK, false).await;
    seated
        .slot
        .handle
        .switch(Switch::Resume(hotseat::session::SessionId::random()), false)
        .await
        .unwrap_err();
    knows(&mut seated, TELL, true).await;

    if comes_back {
        let before = seated.slot.idle().await;
        kill(seated.agent.pid);
        let again = seated.slot.ready().await;
        assert_eq!(again.session, before);
        assert_ne!(again.pid, seated.agent.pid);
        seated.agent.pid = again.pid;
        knows(&mut seated, ASK, true).await;
    }
    seated.slot.handle.close().await;
    let pid = seated.agent.pid;
    tokio::task::spawn_blocking(move || gone(&[pid])).await.unwrap();
}

async fn knows(seated: &mut Seated, text: &str, word: bool) {
    let reply = seated.slot.say(text).await;
    assert_eq!(reply.trim() == "The word is PINEAPPLE.", word, "{text}: {reply}");
}

async fn permits(seated: &mut Seated) {
    for (verdict, file, made) in [
        (PermissionDecision::AllowOnce, "allowed", true),
        (PermissionDecision::Deny(String::new()), "denied", false),
    ] {
        seated.slot.submit(&uuid::Uuid::new_v4().to_string(), &format!("COMMAND: touch {file}")).await;
        let id = talk::asked(seated).await;
        assert!(!seated.agent.cwd.join(file).exists(), "nobody has answered yet");
        seated.slot.handle.answer_permission(id, verdict).await.unwrap();
        seated.slot.idle().await;
        assert_eq!(seated.agent.cwd.join(file).exists(), made, "{file}");
    }
}
