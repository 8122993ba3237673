//! Starting, dying, restarting, closing.

use super::*;
use crate::slot::AgentProgram;

#[test]
fn it_starts_and_shakes_hands() {
    let mut bench = Bench::new();
    assert_eq!(bench.step(SlotInput::Start), ["1 starting", "spawn", "> initialize"]);
    assert_eq!(bench.answer(&handshake(A)), ["1 ready A", "1 idle A"]);
}

#[test]
fn a_crash_is_followed_by_a_restart_on_the_same_session() {
    let mut bench = Bench::warm();
    assert_eq!(bench.die(), ["1 exited, killed by SIGKILL, Some(250ms)"]);
    assert_eq!(bench.tick(), ["2 starting", "spawn stored A", "> initialize"]);
    assert_eq!(bench.answer(&handshake(A)), ["2 ready A", "2 idle A"]);
}

#[test]
fn a_session_without_an_entry_keeps_its_id() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    let mut hello = handshake(A);
    hello["transcript_path"] = json!("/nowhere/A.jsonl");
    bench.answer(&hello);
    bench.die();
    assert_eq!(bench.tick(), ["2 starting", "spawn named A", "> initialize"]);
}

#[test]
fn the_back_off_ends_after_three_restarts_and_begins_anew_when_asked() {
    let mut bench = Bench::warm();
    for wait in ["Some(250ms)", "Some(1s)", "Some(4s)"] {
        assert_eq!(
            bench.die().last().unwrap(),
            &format!("{} exited, killed by SIGKILL, {wait}", bench.machine.epoch)
        );
        bench.tick();
        bench.answer(&handshake(A));
    }
    assert_eq!(bench.die(), ["4 exited, killed by SIGKILL, None"]);
    assert_eq!(bench.machine.deadline(), None);
    let (words, answer) = bench.command(|reply| SlotCommand::Restart { seat: StartIn::Same, reply });
    assert_eq!(words, ["5 starting", "spawn stored A", "> initialize"]);
    assert_eq!(got(answer), Ok(()));
    assert_eq!(bench.die(), ["5 exited, killed by SIGKILL, Some(250ms)"]);
}

#[test]
fn a_run_of_a_minute_forgives_former_crashes() {
    let check = |seconds, wait: &str| {
        let mut bench = Bench::warm();
        bench.die();
        bench.tick();
        bench.answer(&handshake(A));
        bench.now.at += Duration::from_secs(seconds);
        assert_eq!(bench.die(), [format!("2 exited, killed by SIGKILL, {wait}")]);
    };
    check(59, "Some(1s)");
    check(60, "Some(250ms)");
}

#[test]
fn death_in_the_handshake_counts() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    assert_eq!(bench.die(), ["1 exited, killed by SIGKILL, Some(250ms)"]);
    assert_eq!(bench.tick(), ["2 starting", "spawn", "> initialize"]);
}

#[test]
fn a_program_that_is_not_there_is_not_tried_again() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    let stderr = vec!["could not start agent: No such file".to_owned()];
    let ended = ExitDetails { code: Some(127), reason: "exit 127".to_owned(), stderr };
    assert_eq!(
        bench.step(SlotInput::ProcessEnded(1, ended)),
        ["1 exited, could not start agent: No such file, None"]
    );
    assert_eq!(bench.machine.deadline(), None);
}

#[test]
fn a_handshake_without_an_answer_ends_the_process() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    assert_eq!(bench.tick(), ["end input"]);
    assert_eq!(bench.tick(), ["signal 15"]);
    assert_eq!(bench.tick(), ["signal 9"]);
    let why = "the agent did not answer “handshake” within 30 s";
    assert_eq!(bench.die(), [format!("1 exited, {why}, Some(250ms)")]);
}

#[test]
fn a_handshake_that_makes_no_sense_ends_the_process() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    assert_eq!(bench.answer(&json!({"session_id": "../../etc"})), ["end input"]);
    assert!(bench.die()[0].contains("is not a session id"));
}

#[test]
fn closing_is_patient() {
    let mut bench = Bench::busy();
    let (done, mut closed) = oneshot::channel();
    let start = bench.now.at;
    assert_eq!(bench.step(SlotInput::Command(SlotCommand::Close { done })), ["> end_session", "end input"]);
    assert_eq!(bench.tick(), ["signal 15"]);
    assert_eq!(bench.now.at - start, Duration::from_secs(5));
    assert_eq!(bench.tick(), ["signal 9"]);
    assert_eq!(bench.now.at - start, Duration::from_secs(10));
    assert!(closed.try_recv().is_err(), "the process is still there");
    assert_eq!(bench.die(), ["1 p1 Aborted", "1 exited, killed by SIGKILL, None", "finish"]);
    assert_eq!(closed.try_recv(), Ok(()));
}

#[test]
fn closing_waits_for_no_restart() {
    let mut bench = Bench::warm();
    bench.die();
    let (done, mut closed) = oneshot::channel();
    assert_eq!(bench.step(SlotInput::Command(SlotCommand::Close { done })), ["finish"]);
    assert_eq!(closed.try_recv(), Ok(()));
}

#[test]
fn without_handles_it_closes_by_itself() {
    let mut bench = Bench::warm();
    assert_eq!(bench.step(SlotInput::HandlesDropped), ["end input"]);
}

#[test]
fn a_restart_is_graceful_and_keeps_the_settings() {
    let mut bench = Bench::warm();
    let (_, model) = bench.call(SetModel { model: Some("x".to_owned()) });
    assert_eq!(bench.answer(&json!({})), ["1 model x"]);
    assert_eq!(got(model), Ok(None));
    let (_, mode) = bench.call(SetMode { mode: PermissionMode::Plan });
    assert_eq!(bench.answer(&json!({"mode": "plan"})), ["1 mode plan"]);
    assert_eq!(got(mode), Ok(()));

    let (words, _) = bench.command(|reply| SlotCommand::Restart { seat: StartIn::Same, reply });
    assert_eq!(words, ["end input"]);
    let ended = SlotInput::ProcessEnded(
        1,
        ExitDetails { code: Some(0), reason: "exit 0".to_owned(), stderr: Vec::new() },
    );
    let effects = bench.machine.step(ended, bench.now);
    let launch = effects.iter().find_map(|effect| match effect {
        SlotEffect::Spawn { launch, .. } => Some((launch.model.as_deref(), launch.permission_mode)),
        _ => None,
    });
    assert_eq!(launch, Some((Some("x"), PermissionMode::Plan)));
}

#[test]
fn a_restart_can_leave_a_session_that_does_not_start() {
    let check = |seat, spawn: &str| {
        let mut bench = Bench::warm();
        bench.die();
        bench.submit("p1");
        let (words, _) = bench.command(|reply| SlotCommand::Restart { seat, reply });
        assert_eq!(words, ["1 p1 Cancelled", "2 starting", spawn, "> initialize"]);
    };
    check(StartIn::New, "spawn");
    check(StartIn::Stored(id(B)), "spawn stored B");
}

#[test]
fn a_state_says_what_it_does_not_allow() {
    let check = |mut bench: Bench, word| {
        let (words, answer) = bench.switch(Switch::Clear, true);
        assert_eq!((words, got(answer)), (Vec::new(), Err(SlotError::NotReady(word))));
    };
    let mut starting = Bench::new();
    starting.step(SlotInput::Start);
    check(starting, "starting");
    let mut switching = Bench::warm();
    let (_, _waits) = switching.switch(Switch::Clear, false);
    check(switching, "switching");
    let mut closing = Bench::warm();
    closing.step(SlotInput::HandlesDropped);
    check(closing, "closing");
    let mut dead = Bench::warm();
    dead.die();
    check(dead, "not running");
}

#[test]
fn a_session_that_is_refused_at_the_start_costs_only_itself() {
    let mut bench = Bench::warm();
    bench.die();
    let (words, _) = bench.command(|reply| SlotCommand::Restart { seat: StartIn::Stored(id(B)), reply });
    assert_eq!(words.last().map(String::as_str), Some("> initialize"));
    let words = bench.refuse("session_not_found");
    assert_eq!(words, ["end input"]);
    let ended = SlotInput::ProcessEnded(
        2,
        ExitDetails { code: Some(0), reason: "exit 0".to_owned(), stderr: Vec::new() },
    );
    let words = bench.step(ended);
    assert!(words.iter().any(|word| word == "spawn"), "{words:?}");
    assert!(!words.iter().any(|word| word.starts_with("spawn stored")), "{words:?}");
    let words = bench.answer(&handshake(A));
    assert!(words.iter().any(|word| word.ends_with("refused: no")), "{words:?}");
}

#[test]
fn a_handshake_that_comes_too_late_is_not_the_next_ones() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    let program = AgentProgram { driver: HOTSEAT_AGENT.driver, path: "other".into(), args: Vec::new() };
    let seat = StartIn::Stored(id(B));
    let (words, _) = bench.command(|reply| SlotCommand::ReplaceAgent { program, seat, reply });
    assert_eq!(words, ["end input"]);
    assert_eq!(bench.answer(&handshake(A)), Vec::<String>::new());
    let ended = SlotInput::ProcessEnded(
        1,
        ExitDetails { code: Some(0), reason: "exit 0".to_owned(), stderr: Vec::new() },
    );
    let words = bench.step(ended);
    assert!(words.contains(&"spawn stored B".to_owned()), "{words:?}");
}
