//! Our own agent in the slot.

use std::path::Path;
use std::time::{Duration, Instant};

use hotseat::slot::{
    AgentEvent, ErrorCode, Launch, PermissionDecision, PromptState, SlotError, SlotEventKind, Switch,
};

use super::with_fake::launch;
use crate::support::alive::{gone, lives};
use crate::support::slot::{Slot, kill};

fn own(folder: &Path) -> Launch {
    Launch {
        driver: hotseat::slot::HOTSEAT_AGENT.driver,
        program: env!("CARGO_BIN_EXE_hotseat").into(),
        args: vec!["agent".into()],
        env: vec![("CLAUDE_CONFIG_DIR".into(), folder.join("store").into()), ("HOME".into(), folder.into())],
        ..launch(folder, "")
    }
}

/// One in a folder and store of its own.
fn start() -> Slot {
    let folder = tempfile::tempdir().unwrap();
    let launch = own(folder.path());
    Slot::launch(folder, launch)
}

/// Permits whatever is asked next.
async fn permit(slot: &mut Slot) {
    let id = slot
        .until("a permission request", |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.id.clone()),
            _ => None,
        })
        .await;
    slot.handle.answer_permission(id, PermissionDecision::AllowOnce).await.unwrap();
}

/// Starts a tool that runs for long; gives back its pid once it does.
async fn long_tool(slot: &mut Slot, uuid: &str) -> u32 {
    let file = slot.folder.path().join("pid");
    slot.submit(uuid, &format!("run: echo $$ > {}; exec sleep 1000", file.display())).await;
    permit(slot).await;
    let start = Instant::now();
    loop {
        if let Some(pid) = std::fs::read_to_string(&file).ok().and_then(|pid| pid.trim().parse().ok()) {
            return pid;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the tool did not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_a_turn_loses_only_that_turn_and_leaves_no_tool_running() {
    let mut slot = start();
    let agent = slot.ready().await;
    slot.say("Remember: the word is PINEAPPLE.").await;
    let uuid = uuid::Uuid::new_v4().to_string();
    let tool = long_tool(&mut slot, &uuid).await;
    let waiting = uuid::Uuid::new_v4().to_string();
    slot.submit(&waiting, "What is the word?").await;

    kill(agent.pid);
    slot.prompt(&uuid, PromptState::Aborted).await;
    let again = slot.ready().await;
    assert_eq!(again.session, agent.session);
    assert_ne!(again.pid, agent.pid);
    assert!(slot.reply().await.contains("PINEAPPLE"));
    slot.prompt(&waiting, PromptState::Completed).await;
    gone(&[tool]);
    slot.handle.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_in_a_turn_ends_the_tool_and_soon() {
    let mut slot = start();
    let agent = slot.ready().await;
    let tool = long_tool(&mut slot, &uuid::Uuid::new_v4().to_string()).await;
    let start = Instant::now();
    slot.handle.close().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(!lives(agent.pid));
    gone(&[tool]);
}

#[tokio::test]
async fn an_interrupt_stops_the_tool() {
    let mut slot = start();
    slot.ready().await;
    let uuid = uuid::Uuid::new_v4().to_string();
    let tool = long_tool(&mut slot, &uuid).await;
    slot.handle.interrupt().await.unwrap();
    slot.prompt(&uuid, PromptState::Completed).await;
    slot.idle().await;
    tokio::task::spawn_blocking(move || gone(&[tool])).await.unwrap();
}

#[tokio::test]
async fn a_session_that_another_process_holds_is_refused_and_can_be_forked() {
    let mut holder = start();
    let held = holder.ready().await.session;
    holder.say("Remember: the word is PINEAPPLE.").await;

    let launch = own(holder.folder.path());
    let mut second = Slot::launch(tempfile::tempdir().unwrap(), launch);
    let mine = second.ready().await.session;
    match second.handle.switch(Switch::Resume(held), false).await {
        Err(SlotError::Refused { code, .. }) => assert_eq!(code, Some(ErrorCode::SessionInUse)),
        other => panic!("{other:?}"),
    }
    let fork = Switch::Fork { source: held, at: None, title: Some("mine".to_owned()), cwd: None };
    let forked = second.handle.switch(fork, false).await.unwrap();
    assert_eq!((forked.from, forked.forked_from), (mine, Some(held)));
    assert!(second.say("What is the word?").await.contains("PINEAPPLE"));
}

#[tokio::test]
async fn a_new_slot_goes_on_where_the_last_one_ended() {
    let mut slot = start();
    let session = slot.ready().await.session;
    slot.say("Remember: the word is PINEAPPLE.").await;
    slot.handle.close().await;

    let launch = Launch { resume: Some(session), ..own(slot.folder.path()) };
    let Slot { folder, .. } = slot;
    let mut slot = Slot::launch(folder, launch);
    assert_eq!(slot.ready().await.session, session);
    assert!(slot.say("What is the word?").await.contains("PINEAPPLE"));
}
