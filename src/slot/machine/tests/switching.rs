//! Clear, resume, fork: entirely or not at all.

use super::*;

fn resume() -> Switch {
    Switch::Resume(id(B))
}

#[test]
fn a_switch_changes_the_session_and_not_the_process() {
    let mut bench = Bench::warm();
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!(words, ["1 switching A resume", "> resume"]);
    let reset =
        json!({"type": "conversation_reset", "new_conversation_id": B, "trigger": "resume", "session_id": A});
    assert_eq!(bench.frame(reset), [""; 0]);
    bench.now.at += Duration::from_millis(2);
    assert_eq!(bench.answer(&result(B)), ["2 switched B InProcess", "2 idle B"]);
    let switched = CompletedSwitch {
        kind: "resume",
        method: crate::slot::SwitchMethod::InProcess,
        from: id(A),
        to: id(B),
        forked_from: None,
        duration: Duration::from_millis(2),
        pid: 42,
        turns: 3,
        cwd: "/work".into(),
        transcript: format!("/stored/{B}.jsonl").into(),
        repaired: None,
    };
    assert_eq!(got(answer), Ok(switched));
}

#[test]
fn another_pid_is_not_called_the_same_process() {
    let mut bench = Bench::warm();
    let (_, _answer) = bench.switch(resume(), false);
    let mut answer = result(B);
    answer["pid"] = json!(43);
    assert_eq!(bench.answer(&answer), ["2 switched B Standby", "2 idle B"]);
}

#[test]
fn a_refused_switch_leaves_the_former_session() {
    for code in ["session_not_found", "session_in_use", "session_unreadable"] {
        let mut bench = Bench::warm();
        let (_, answer) = bench.switch(resume(), false);
        assert_eq!(bench.refuse(code), ["1 idle A"]);
        let refused = SlotError::Refused { code: code.parse().ok(), message: "no".to_owned() };
        assert_eq!(got(answer), Err(refused));
    }
}

#[test]
fn a_switch_waits_for_a_turn_or_interrupts_it() {
    let mut bench = Bench::busy();
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!((words, got(answer)), (Vec::new(), Err(SlotError::Busy)));
    let (words, answer) = bench.switch(resume(), true);
    assert_eq!(words, ["1 switching A resume", "> resume"]);
    assert_eq!(bench.lifecycle("p1", "completed", A), ["1 p1 Completed"]);
    assert_eq!(bench.answer(&result(B)), ["2 switched B InProcess", "2 idle B"]);
    assert!(got(answer).is_ok());
}

#[test]
fn a_refusal_during_a_turn_leaves_the_turn() {
    let mut bench = Bench::busy();
    let (_, answer) = bench.switch(resume(), true);
    assert_eq!(bench.refuse("session_not_found"), ["1 busy A p1"]);
    assert!(got(answer).is_err());
}

#[test]
fn a_prompt_on_its_way_counts_as_a_turn() {
    let mut bench = Bench::warm();
    bench.submit("p1");
    let (_, answer) = bench.switch(resume(), false);
    assert_eq!(got(answer), Err(SlotError::Busy));
}

#[test]
fn queued_prompts_never_run_in_another_session() {
    let queued = || {
        let mut bench = Bench::busy();
        bench.submit("p2");
        let (words, answer) = bench.switch(resume(), true);
        assert_eq!(words, ["> cancel_async_message p2", "1 switching A resume", "> resume"]);
        assert_eq!(bench.lifecycle("p2", "cancelled", A), [""; 0], "kept here until it is decided");
        bench.lifecycle("p1", "completed", A);
        (bench, answer)
    };
    let (mut bench, _answer) = queued();
    assert_eq!(bench.answer(&result(B)), ["1 p2 Cancelled", "2 switched B InProcess", "2 idle B"]);
    let (mut bench, _answer) = queued();
    assert_eq!(bench.refuse("session_not_found"), ["1 idle A", "> prompt p2"]);
}

#[test]
fn a_prompt_typed_during_a_switch_is_for_the_session_to_come() {
    let typed = || {
        let mut bench = Bench::warm();
        let (_, answer) = bench.switch(resume(), false);
        assert_eq!(bench.submit("p1"), ["1 p1 Queued"]);
        (bench, answer)
    };
    let (mut bench, _answer) = typed();
    assert_eq!(bench.answer(&result(B)), ["2 switched B InProcess", "2 idle B", "> prompt p1"]);
    let (mut bench, _answer) = typed();
    assert_eq!(bench.refuse("session_not_found"), ["1 p1 Cancelled", "1 idle A"]);
    let (mut bench, _answer) = typed();
    assert_eq!(bench.die(), ["1 p1 Cancelled", "1 exited, killed by SIGKILL, Some(250ms)"]);
}

#[test]
fn frames_of_the_session_that_was_left_are_dropped() {
    let mut bench = Bench::warm();
    let (_, _answer) = bench.switch(resume(), false);
    bench.answer(&result(B));
    let text = |session| {
        json!({"type": "assistant", "session_id": session, "uuid": "u",
            "message": {"content": [{"type": "text", "text": "hello"}]}})
    };
    assert_eq!(bench.frame(text(A)), [""; 0]);
    assert_eq!(bench.frame(text(B)).len(), 1);
    assert_eq!(bench.lifecycle("p1", "started", A), [""; 0]);
}

#[test]
fn a_crash_during_a_switch_restarts_on_the_former_session() {
    let mut bench = Bench::warm();
    let (_, answer) = bench.switch(resume(), false);
    bench.die();
    assert!(matches!(got(answer), Err(SlotError::Disconnected(_))));
    assert_eq!(bench.tick()[1], "spawn stored A");
}

#[test]
fn a_switch_without_an_answer_restarts_on_the_former_session() {
    let mut bench = Bench::warm();
    bench.tick();
    let (_, answer) = bench.switch(resume(), false);
    assert_eq!(bench.tick(), ["end input"]);
    assert_eq!(got(answer), Err(SlotError::Timeout { what: "resume", after: Duration::from_secs(30) }));
    let why = "the agent did not answer “resume” within 30 s";
    assert_eq!(bench.die(), [format!("1 exited, {why}, Some(250ms)")]);
    assert_eq!(bench.tick()[1], "spawn stored A");
}

#[test]
fn a_slash_command_that_switches_is_followed() {
    let mut bench = Bench::busy();
    let reset =
        json!({"type": "conversation_reset", "new_conversation_id": B, "trigger": "clear", "session_id": A});
    assert_eq!(bench.frame(reset), ["2 switched B InProcess", "2 busy B p1"]);
    assert_eq!(bench.lifecycle("p1", "completed", B), ["2 p1 Completed", "2 idle B"]);
}

#[test]
fn what_a_session_was_allowed_ends_with_it() {
    let mut bench = Bench::warm();
    let status = json!({"type": "system", "subtype": "status", "permissionMode": "acceptEdits"});
    assert_eq!(bench.frame(status), ["1 mode acceptEdits"]);
    let (_, answer) = bench.switch(resume(), false);
    let words = bench.answer(&result(B));
    assert_eq!(words, ["2 switched B InProcess", "2 idle B", "> set_permission_mode"]);
    assert!(got(answer).is_ok());
    assert_eq!(bench.answer(&json!({"mode": "default"})), ["2 mode default"]);
}
