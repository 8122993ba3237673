//! Agents that do not behave, and owners that are gone.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotseat::slot::{MeasureContext, PromptState, SlotError, Switch, spawn};

use super::fake;
use super::with_fake::launch;
use crate::support::alive::{gone, lives};
use crate::support::slot::{Slot, kill};

#[tokio::test]
async fn garbage_and_floods_block_nothing() {
    let (mut slot, _) = Slot::warm().await;
    assert_eq!(slot.say("garbage").await, "still here");
    assert_eq!(slot.say("shout").await, "still here");
    slot.handle.call(MeasureContext {}).await.unwrap();
}

#[tokio::test]
async fn the_last_words_are_kept() {
    let (mut slot, agent) = Slot::warm().await;
    slot.say("shout").await;
    kill(agent.pid);
    let exit = slot.exited().await;
    assert_eq!((exit.reason.as_str(), exit.expected), ("killed by SIGKILL", false));
    assert_eq!(exit.stderr.len(), 200);
    assert_eq!(exit.stderr[199], "line 99999 of a long complaint");
}

#[tokio::test]
async fn a_kill_in_a_turn_restarts_on_the_same_session_and_sends_what_waited() {
    let (mut slot, agent) = Slot::warm().await;
    slot.submit("p1", "wait").await;
    slot.submit("p2", "queued").await;
    slot.prompt("p1", PromptState::Started).await;
    kill(agent.pid);
    slot.prompt("p1", PromptState::Aborted).await;
    slot.submit("p3", "typed while it was dead").await;
    let again = slot.ready().await;
    assert_eq!(again.session, agent.session);
    assert_ne!(again.pid, agent.pid);
    slot.prompt("p2", PromptState::Completed).await;
    slot.prompt("p3", PromptState::Completed).await;
    assert_eq!(slot.log(), ["start".to_owned(), format!("start resume {}", agent.session)]);
}

#[tokio::test]
async fn a_session_without_an_entry_keeps_its_id() {
    let (mut slot, agent) = Slot::warm().await;
    kill(agent.pid);
    assert_eq!(slot.ready().await.session, agent.session);
    assert_eq!(slot.log()[1], format!("start named {}", agent.session));
}

#[tokio::test]
async fn death_in_the_handshake_is_told_with_the_last_words() {
    let mut slot = Slot::start("dies");
    let exit = slot.exited().await;
    assert_eq!((exit.reason.as_str(), exit.restart_in), ("exit 3", Some(Duration::from_millis(250))));
    assert_eq!(exit.stderr, ["dying as told"]);
    assert_eq!(slot.exited().await.restart_in, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn what_cannot_be_started_is_not_tried_again() {
    let check = async |launch: hotseat::slot::Launch, reason: &str| {
        let mut slot = Slot::launch(tempfile::tempdir().unwrap(), launch);
        let exit = slot.exited().await;
        assert!(exit.reason.starts_with(reason), "{}", exit.reason);
        assert_eq!(exit.restart_in, None);
        assert_eq!(slot.handle.switch(Switch::Clear, false).await, Err(SlotError::NotReady("not running")));
    };
    let folder = tempfile::tempdir().unwrap();
    let mut absent = launch(folder.path(), "");
    absent.program = "/does/not/exist".into();
    check(absent, "could not start /does/not/exist: No such file").await;
    let mut nowhere = launch(folder.path(), "");
    nowhere.cwd = "/does/not/exist".into();
    check(nowhere, "could not start").await;
}

/// One that is closed with less patience than usual.
fn start_impatient(manners: &str) -> Slot {
    let folder = tempfile::tempdir().unwrap();
    let launch = hotseat::slot::Launch { term_grace: GRACE, ..launch(folder.path(), manners) };
    Slot::launch(folder, launch)
}

const GRACE: Duration = Duration::from_millis(300);

#[test]
fn an_agent_has_five_seconds_to_finish_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(launch(folder.path(), "").term_grace, Duration::from_secs(5));
}

#[tokio::test]
async fn an_agent_that_ignores_the_end_of_its_stdin_is_terminated() {
    let mut slot = start_impatient("ignores-eof");
    let agent = slot.ready().await;
    let start = Instant::now();
    slot.handle.close().await;
    assert!(start.elapsed() >= GRACE, "closed too soon: {:?}", start.elapsed());
    assert!(!lives(agent.pid));
    assert_eq!(slot.exited().await.reason, "killed by SIGTERM");
}

#[tokio::test]
async fn an_agent_that_ignores_sigterm_is_killed() {
    let mut slot = start_impatient("ignores-eof ignores-term");
    let agent = slot.ready().await;
    let start = Instant::now();
    slot.handle.close().await;
    assert!(start.elapsed() >= 2 * GRACE, "closed too soon: {:?}", start.elapsed());
    assert!(!lives(agent.pid));
    assert_eq!(slot.log(), ["start", "eof", "term"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_handles_the_agent_ends() {
    let (slot, agent) = Slot::warm().await;
    let Slot { handle, folder, .. } = slot;
    drop(handle);
    gone(&[agent.pid]);
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "start\neof\n");
}

#[test]
fn dropping_the_runtime_kills_the_whole_group() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_slot, pids) = runtime.block_on(async {
        let mut slot = Slot::start("ignores-eof ignores-term");
        let agent = slot.ready().await;
        let grandchild = slot.say("breed").await.parse().unwrap();
        (slot, [agent.pid, grandchild])
    });
    let start = Instant::now();
    drop(runtime);
    gone(&pids);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

async fn run_as_owner(folder: PathBuf) {
    let (handle, news) = spawn(launch(&folder, ""));
    let mut slot = Slot::owned(handle, news);
    let agent = slot.ready().await;
    let grandchild = slot.say("breed").await;
    println!("pids {} {grandchild}", agent.pid);
    std::future::pending::<()>().await;
}

#[test]
fn a_killed_owner_leaves_no_orphan() {
    // The process that is killed runs this very test.
    if let Some(folder) = std::env::var_os("OWNER_FOLDER") {
        return tokio::runtime::Runtime::new().unwrap().block_on(run_as_owner(folder.into()));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "slot::trouble::a_killed_owner_leaves_no_orphan", "--nocapture", "--quiet"])
        .env("OWNER_FOLDER", folder.path())
        .env_remove(fake::FOLDER)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let pids: Vec<u32> = lines
        .map_while(Result::ok)
        .find_map(|line| {
            Some(line.split_once("pids ")?.1.split(' ').map(|pid| pid.parse().unwrap()).collect())
        })
        .expect("the owner says the pids");
    assert!(pids.iter().all(|&pid| lives(pid)));
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone(&pids);
}
