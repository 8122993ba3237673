//! Switches by a second process: ready before they are asked for, or not.

use super::*;
use crate::slot::driver::{Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs};
use crate::slot::{
    AgentProgram, Capabilities, ErrorCode, Launch, SessionLocation, SwitchMethod, SwitchSupport,
};

/// Our own dialect, spoken by an agent that can only clear in its process.
#[derive(Debug)]
struct Stiff(Box<dyn Driver>);

impl Driver for Stiff {
    fn capabilities(&self) -> Capabilities {
        Capabilities { resume: SwitchSupport::Standby, fork: SwitchSupport::Standby, ..Capabilities::FULL }
    }
    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        self.0.start(launch, origin)
    }
    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        self.0.request(id, ask)
    }
    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        self.0.send_prompt(uuid, text)
    }
    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput> {
        self.0.answer_permission(request, denied)
    }
    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        self.0.handle_message(line)
    }
}

fn stiff() -> Box<dyn Driver> {
    Box::new(Stiff((HOTSEAT_AGENT.driver)()))
}

/// Idle on session A, in process 1.
fn warm() -> Bench {
    let mut bench = Bench::new();
    bench.machine.launch.driver = stiff;
    bench.machine.launch.finder = SessionFinder::new(|session| {
        Some(SessionLocation {
            cwd: "/b".into(),
            is_trusted: true,
            transcript: format!("/stored/{session}.jsonl").into(),
            recorded_until: None,
            holder: None,
        })
    });
    bench.step(SlotInput::Start);
    bench.answer(&handshake(A));
    bench
}

fn prepare(bench: &mut Bench, switch: Switch) {
    assert_eq!(bench.step(SlotInput::Command(SlotCommand::Prewarm(switch))), [""; 0]);
}

/// A standby is through its handshake.
fn greet(bench: &mut Bench, process: ProcessId, session: &str) -> Vec<String> {
    let mut hello = handshake(session);
    hello["pid"] = json!(100 + process);
    let response = json!({"subtype": "success", "request_id": "hotseat-handshake", "response": hello});
    bench.step(SlotInput::Line(process, json!({"type": "control_response", "response": response})))
}

fn ended(bench: &mut Bench, process: ProcessId) -> Vec<String> {
    bench.step(SlotInput::ProcessEnded(
        process,
        ExitDetails { code: Some(1), reason: "exit 1".to_owned(), stderr: Vec::new() },
    ))
}

fn resume() -> Switch {
    Switch::Resume(id(B))
}

#[test]
fn a_standby_that_is_ready_takes_the_seat_at_once() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    assert_eq!(bench.tick(), ["spawn stored B", "> initialize"]);
    assert_eq!(greet(&mut bench, 2, B), ["1 prepared resume"]);
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!(words, ["1 switching A resume", "> set_permission_mode"]);
    bench.now.at += Duration::from_millis(1);
    let response = json!({"subtype": "success", "request_id": "hotseat-call", "response": {}});
    let words = bench.step(SlotInput::Line(2, json!({"type": "control_response", "response": response})));
    assert_eq!(words, ["1 unprepared", "end input", "2 switched B Standby", "2 idle B"]);
    let switched = got(answer).unwrap();
    assert_eq!((switched.pid, switched.duration), (102, Duration::from_millis(1)));
    assert_eq!(bench.submit("p1"), ["2 p1 Queued", "> prompt p1"]);
    assert_eq!(ended(&mut bench, 1), [""; 0], "the one that was left is no crash");
}

#[test]
fn a_standby_that_does_not_come_when_called_leaves_the_former_session() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    bench.tick();
    greet(&mut bench, 2, B);
    let (_, answer) = bench.switch(resume(), false);
    assert_eq!(ended(&mut bench, 2), ["1 unprepared", "1 idle A"]);
    assert!(matches!(got(answer), Err(SlotError::Refused { .. })));
}

#[test]
fn a_switch_that_nothing_was_ready_for_says_so() {
    let mut bench = warm();
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!(words, ["1 switching A resume", "spawn stored B", "> initialize"]);
    assert_eq!(bench.submit("p1"), ["1 p1 Queued"], "for the session to come");
    bench.now.at += Duration::from_millis(700);
    let words = greet(&mut bench, 2, B);
    assert_eq!(words, ["end input", "2 switched B Cold", "2 idle B", "> prompt p1"]);
    let switched = got(answer).unwrap();
    assert_eq!((switched.method, switched.duration), (SwitchMethod::Cold, Duration::from_millis(700)));
}

#[test]
fn only_the_row_where_the_cursor_stays_gets_a_process() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    bench.now.at += Duration::from_millis(200);
    assert_eq!(bench.step(SlotInput::Tick), [""; 0]);
    prepare(&mut bench, Switch::Resume(id(A)));
    bench.now.at += Duration::from_millis(300);
    assert_eq!(bench.step(SlotInput::Tick), [""; 0], "A has the seat already");
}

#[test]
fn there_are_never_more_processes_than_allowed() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    bench.tick();
    greet(&mut bench, 2, B);
    let fork = Switch::Fork { source: id(B), at: None, title: None, cwd: None };
    prepare(&mut bench, fork.clone());
    assert_eq!(
        bench.tick(),
        ["1 unprepared", "signal 9"],
        "an unused one is killed, so that it writes nothing"
    );
    assert_eq!(ended(&mut bench, 2), ["spawn copy B", "> initialize"]);
    assert_eq!(ended(&mut bench, 3), [""; 0]);

    let (words, _answer) = bench.switch(fork, false);
    assert_eq!(words, ["1 switching A fork", "spawn copy B", "> initialize"]);
    greet(&mut bench, 4, B);
    prepare(&mut bench, Switch::Resume(id(A)));
    assert_eq!(bench.tick(), [""; 0], "the former process of A still writes");
    assert_eq!(ended(&mut bench, 1), ["spawn stored A", "> initialize"]);
}

#[test]
fn a_standby_that_fails_leaves_the_former_session() {
    let mut bench = warm();
    let (_, answer) = bench.switch(resume(), false);
    let said = vec!["No conversation found".to_owned(), String::new()];
    let died = ExitDetails { code: Some(1), reason: "exit 1".to_owned(), stderr: said };
    assert_eq!(bench.step(SlotInput::ProcessEnded(2, died)), ["1 idle A"]);
    let message = "No conversation found (exit 1)".to_owned();
    assert_eq!(got(answer), Err(SlotError::refused(message)));
}

#[test]
fn a_standby_that_never_gets_ready_is_given_up() {
    let mut bench = warm();
    bench.machine.totals = SlotTotals::default();
    let (_, answer) = bench.switch(resume(), false);
    bench.now.at += Duration::from_secs(30);
    assert_eq!(bench.step(SlotInput::Tick), ["1 idle A", "signal 9"]);
    assert!(matches!(got(answer), Err(SlotError::Timeout { .. })));
}

#[test]
fn a_changed_transcript_is_read_again() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    bench.tick();
    greet(&mut bench, 2, B);
    bench.machine.probes.transcript_size = |_| 99;
    let (words, _answer) = bench.switch(resume(), false);
    assert_eq!(words, ["1 switching A resume", "1 unprepared", "signal 9"]);
    assert_eq!(ended(&mut bench, 2), ["spawn stored B", "> initialize"]);
}

#[test]
fn closing_takes_all_processes_along() {
    let mut bench = warm();
    prepare(&mut bench, resume());
    bench.tick();
    let (done, mut closed) = oneshot::channel();
    assert_eq!(bench.step(SlotInput::Command(SlotCommand::Close { done })), ["signal 9", "end input"]);
    assert_eq!(ended(&mut bench, 1), ["1 exited, exit 1, None"]);
    assert!(closed.try_recv().is_err(), "the standby is still there");
    assert_eq!(ended(&mut bench, 2), ["finish"]);
    assert_eq!(closed.try_recv(), Ok(()));
}

#[test]
fn a_turn_is_interrupted_before_its_process_is_left() {
    let mut bench = warm();
    bench.submit("p1");
    bench.lifecycle("p1", "started", A);
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!((words, got(answer)), (Vec::new(), Err(SlotError::Busy)));
    let (_, _answer) = bench.switch(resume(), true);
    let words = greet(&mut bench, 2, B);
    assert_eq!(words, ["> interrupt", "end input", "1 p1 Completed", "2 switched B Cold", "2 idle B"]);
}

#[test]
fn a_session_that_another_program_has_open_is_not_opened_twice() {
    let mut bench = warm();
    bench.machine.launch.finder = SessionFinder::new(|_| {
        let holder = Some((9, "claude".to_owned()));
        Some(SessionLocation {
            cwd: "/b".into(),
            is_trusted: true,
            transcript: "/stored/b.jsonl".into(),
            recorded_until: None,
            holder,
        })
    });
    prepare(&mut bench, resume());
    assert_eq!(bench.machine.deadline(), bench.machine.pending.deadline(), "nothing is prepared");
    let (words, answer) = bench.switch(resume(), false);
    assert_eq!(words, [""; 0]);
    let message = "this session is open in claude (pid 9)".to_owned();
    assert_eq!(got(answer), Err(SlotError::refused_with(ErrorCode::SessionInUse, message)));
    let fork = Switch::Fork { source: id(B), at: None, title: None, cwd: None };
    assert_eq!(bench.switch(fork, false).0[1], "spawn copy B");
}

#[test]
fn another_agent_goes_on_in_the_same_session() {
    let mut bench = warm();
    bench.submit("p1");
    bench.lifecycle("p1", "started", A);
    bench.lifecycle("p1", "completed", A);
    let program = AgentProgram { driver: HOTSEAT_AGENT.driver, path: "other".into(), args: Vec::new() };
    let (words, _answer) =
        bench.command(|reply| SlotCommand::ReplaceAgent { program, seat: StartIn::Same, reply });
    assert_eq!(words, ["end input"]);
    let words = ended(&mut bench, 1);
    assert_eq!(words[2..], ["spawn stored A", "> initialize"], "{words:?}");
    assert_eq!(bench.machine.launch.program, Path::new("other"));
}
