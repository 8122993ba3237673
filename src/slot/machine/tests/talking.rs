//! Prompts, turns, permissions.

use super::*;

#[test]
fn a_prompt_is_shown_when_its_turn_starts() {
    let mut bench = Bench::warm();
    assert_eq!(bench.submit("p1"), ["1 p1 Queued", "> prompt p1"]);
    assert_eq!(bench.lifecycle("p1", "queued", A), [""; 0]);
    assert_eq!(bench.lifecycle("p1", "started", A), ["1 p1 Started", "1 shows text of p1", "1 busy A p1"]);
    assert_eq!(bench.submit("p2"), ["1 p2 Queued", "> prompt p2"]);
    assert_eq!(bench.lifecycle("p1", "completed", A), ["1 p1 Completed", "1 idle A"]);
    assert_eq!(bench.lifecycle("p2", "started", A), ["1 p2 Started", "1 shows text of p2", "1 busy A p2"]);
    let idle =
        json!({"type": "system", "subtype": "session_state_changed", "state": "idle", "session_id": A});
    assert_eq!(bench.frame(idle), ["1 idle A"]);
    assert_eq!(bench.lifecycle("p2", "completed", A), ["1 p2 Completed"]);
}

#[test]
fn what_is_typed_before_it_is_warm_is_sent_when_it_is() {
    let mut bench = Bench::new();
    bench.step(SlotInput::Start);
    assert_eq!(bench.submit("p1"), ["1 p1 Queued"]);
    assert_eq!(bench.submit("p2"), ["1 p2 Queued"]);
    let words = bench.answer(&handshake(A));
    assert_eq!(words, ["1 ready A", "1 idle A", "> prompt p1", "> prompt p2"]);
}

#[test]
fn a_crash_cuts_one_turn_off_and_keeps_the_queue() {
    let mut bench = Bench::busy();
    bench.submit("p2");
    assert_eq!(bench.die(), ["1 p1 Aborted", "1 exited, killed by SIGKILL, Some(250ms)"]);
    assert_eq!(bench.submit("p3"), ["1 p3 Queued"]);
    bench.tick();
    let words = bench.answer(&handshake(A));
    assert_eq!(words, ["2 ready A", "2 idle A", "> prompt p2", "> prompt p3"]);
}

#[test]
fn a_waiting_prompt_can_be_taken_back() {
    let cancel = |bench: &mut Bench, uuid: &str| {
        let uuid = uuid.to_owned();
        bench.command(|reply| SlotCommand::Cancel { uuid, reply })
    };
    let mut bench = Bench::busy();
    bench.submit("p2");
    let (words, answer) = cancel(&mut bench, "p2");
    assert_eq!(words, ["> cancel_async_message p2"]);
    assert_eq!(bench.lifecycle("p2", "cancelled", A), ["1 p2 Cancelled"]);
    assert_eq!(bench.answer(&json!({"cancelled": true})), [""; 0]);
    assert_eq!(got(answer), Ok(true));

    let (_, answer) = cancel(&mut bench, "p1");
    assert_eq!(got(answer), Ok(false), "its turn runs");

    bench.die();
    bench.submit("p3");
    let (words, answer) = cancel(&mut bench, "p3");
    assert_eq!((words, got(answer)), (vec!["1 p3 Cancelled".to_owned()], Ok(true)));
}

#[test]
fn an_interrupt_needs_a_turn() {
    let mut bench = Bench::busy();
    let (words, answer) = bench.command(|reply| SlotCommand::Interrupt { reply });
    assert_eq!(words, ["> interrupt"]);
    bench.answer(&json!({"still_queued": []}));
    assert_eq!(got(answer), Ok(()));

    let mut bench = Bench::warm();
    let (words, answer) = bench.command(|reply| SlotCommand::Interrupt { reply });
    assert_eq!((words, got(answer)), (Vec::new(), Ok(())));
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    let mut bench = Bench::busy();
    let (_, answer) = bench.command(|reply| SlotCommand::Interrupt { reply });
    bench.tick();
    assert_eq!(got(answer), Err(SlotError::Timeout { what: "interrupt", after: Duration::from_secs(10) }));
    assert_eq!(bench.answer(&json!({})), [""; 0], "too late");
}

fn asks(bench: &mut Bench) {
    let request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}});
    let words = bench.frame(json!({"type": "control_request", "request_id": "q1", "request": request}));
    assert_eq!(words, ["1 asks q1"]);
}

#[test]
fn a_permission_is_answered_once() {
    let mut bench = Bench::busy();
    asks(&mut bench);
    let answer = |bench: &mut Bench| {
        let (id, decision) = ("q1".to_owned(), PermissionDecision::AllowOnce);
        bench.command(|reply| SlotCommand::AnswerPermission { id, decision, reply })
    };
    let (words, first) = answer(&mut bench);
    assert!(words[0].contains(r#""behavior":"allow""#), "{words:?}");
    assert_eq!(got(first), Ok(()));
    let (words, second) = answer(&mut bench);
    assert_eq!(words, [""; 0]);
    assert!(matches!(got(second), Err(SlotError::Disconnected(_))));
}

/// The agent asks for this tool; what comes of it, in words.
fn asks_for(bench: &mut Bench, id: &str, tool: &str, input: &Value) -> Vec<String> {
    let request = json!({"subtype": "can_use_tool", "tool_name": tool, "input": input});
    bench.frame(json!({"type": "control_request", "request_id": id, "request": request}))
}

fn answers(bench: &mut Bench, id: &str, decision: PermissionDecision) -> Vec<String> {
    let id = id.to_owned();
    bench.command(|reply| SlotCommand::AnswerPermission { id, decision, reply }).0
}

#[test]
fn for_this_session_is_answered_by_the_slot_until_the_session_is_left() {
    let mut bench = Bench::busy();
    let ls = json!({"command": "ls"});
    assert_eq!(asks_for(&mut bench, "q1", "Bash", &ls), ["1 asks q1"]);
    assert_eq!(asks_for(&mut bench, "q2", "Bash", &ls), ["1 asks q2"]);
    let words = answers(&mut bench, "q1", PermissionDecision::AllowSession);
    assert!(
        words[0].contains(r#""behavior":"allow""#) && !words[0].contains("updatedPermissions"),
        "{words:?}"
    );
    assert_eq!(words[1], "1 dropped q2", "the same is not asked twice");
    assert!(words[2].contains(r#""behavior":"allow""#), "{words:?}");
    let words = asks_for(&mut bench, "q3", "Bash", &ls);
    assert!(words.len() == 1 && words[0].contains(r#""behavior":"allow""#), "{words:?}");
    assert_eq!(asks_for(&mut bench, "q4", "Bash", &json!({"command": "ls -R /"})), ["1 asks q4"]);

    // Another session knows nothing of it, nor does this one when it is opened again.
    let (_, _answer) = bench.switch(Switch::Clear, true);
    bench.answer(&result(B));
    assert_eq!(asks_for(&mut bench, "q5", "Bash", &ls), ["2 asks q5"]);
    let (_, _answer) = bench.switch(Switch::Resume(A.parse().unwrap()), true);
    bench.answer(&result(A));
    assert_eq!(asks_for(&mut bench, "q6", "Bash", &ls), ["3 asks q6"]);
}

#[test]
fn a_permission_is_dropped_with_what_asked_for_it() {
    let dropped = "1 dropped q1";
    let mut bench = Bench::busy();
    asks(&mut bench);
    assert_eq!(bench.frame(json!({"type": "control_cancel_request", "request_id": "q1"})), [dropped]);
    asks(&mut bench);
    assert_eq!(bench.die()[0], dropped);

    let mut bench = Bench::busy();
    asks(&mut bench);
    let (_, _answer) = bench.switch(Switch::Clear, true);
    assert_eq!(bench.answer(&result(B)), [dropped, "2 switched B InProcess", "2 idle B"]);
}

#[test]
fn a_request_that_nobody_can_do_is_refused() {
    let mut bench = Bench::warm();
    let request = json!({"subtype": "hook_callback", "callback_id": "h"});
    let words = bench.frame(json!({"type": "control_request", "request_id": "q1", "request": request}));
    assert!(words[0].contains("unsupported_request"), "{words:?}");
}
