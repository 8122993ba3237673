use tokio::sync::oneshot::error::TryRecvError;

use super::super::hooks::ReportedEvent;
use super::*;
use crate::slot::handle::StartIn;
use crate::slot::{ErrorCode, SwitchMethod};

const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";
const C: &str = "cccccccc-0000-4000-8000-000000000003";

type Answer = oneshot::Receiver<Result<CompletedSwitch, SlotError>>;

/// A machine, its clock, and what it did in the last step.
struct World {
    machine: TerminalMachine,
    now: Instant,
    did: Vec<TerminalEffect>,
}

impl World {
    /// Warm, in session A.
    fn warm() -> Self {
        let launch = Launch {
            finder: crate::slot::SessionFinder::default(),
            permission_mode: crate::protocol::PermissionMode::Default,
            ..Launch::new(crate::slot::HOTSEAT_AGENT.driver, "/bin/claude", "/w")
        };
        let now = Instant::now();
        let stored = |path: &Path| !path.ends_with(format!("{C}.jsonl"));
        let mut world = Self { machine: TerminalMachine::new(launch, stored, at(now)), now, did: Vec::new() };
        world.step(TerminalSlotInput::Start);
        assert!(world.did.contains(&TerminalEffect::Spawn(None)));
        world.step(TerminalSlotInput::Started(7));
        world.start("startup", A);
        assert_eq!(world.machine.state, SlotState::Idle(id(A)));
        world
    }

    fn step(&mut self, input: TerminalSlotInput) {
        self.did = self.machine.step(input, at(self.now));
    }

    fn reports(&mut self, session: &str, what: ReportedEvent) {
        let transcript_path = format!("/p/{session}.jsonl").into();
        let (session_id, cwd, permission_mode) = (id(session), "/w".into(), None);
        self.step(TerminalSlotInput::Report(HookReport {
            session_id,
            transcript_path,
            cwd,
            permission_mode,
            event: what,
        }));
    }

    fn start(&mut self, source: &str, session: &str) {
        self.reports(session, ReportedEvent::SessionStart { source: source.into(), model: None });
    }

    fn switch(&mut self, switch: Switch, interrupt: bool) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.step(TerminalSlotInput::Command(SlotCommand::Switch { switch, interrupt, reply }));
        answer
    }

    /// What was typed in the last step, pauses left out.
    fn typed(&self) -> String {
        let bytes = self.did.iter().filter_map(|effect| match effect {
            TerminalEffect::SendKeys(PtyInput::Bytes(bytes)) => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
            _ => None,
        });
        bytes.collect()
    }

    fn event_kinds(&self) -> Vec<&SlotEventKind> {
        let reported = self.did.iter().filter_map(|effect| match effect {
            TerminalEffect::Emit(event) => Some(&event.kind),
            _ => None,
        });
        reported.collect()
    }
}

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn fork(source: &str) -> Switch {
    Switch::Fork { source: id(source), at: None, title: Some("a\u{1b} title\n".into()), cwd: None }
}

fn at(now: Instant) -> Now {
    Now { at: now, wall: DateTime::UNIX_EPOCH }
}

#[test]
fn a_switch_is_typed_and_has_happened_when_a_report_says_so() {
    for (switch, typed, source, to) in [
        (Switch::Clear, "/clear\r".to_owned(), "clear", B),
        (Switch::Resume(id(B)), format!("/resume {B}\r"), "resume", B),
        (fork(A), "/branch a  title \r".to_owned(), "fork", B),
    ] {
        let mut world = World::warm();
        let mut answer = world.switch(switch.clone(), false);
        assert_eq!(world.typed(), typed);
        assert_eq!(answer.try_recv(), Err(TryRecvError::Empty));
        world.now += Duration::from_millis(200);
        world.start(source, to);
        let switched = answer.try_recv().unwrap().unwrap();
        assert_eq!((switched.from, switched.to, switched.pid), (id(A), id(to), 7));
        assert_eq!(
            (switched.method, switched.duration),
            (SwitchMethod::InProcess, Duration::from_millis(200))
        );
        assert_eq!(world.machine.state, SlotState::Idle(id(to)));
    }
}

#[test]
fn another_session_is_resumed_before_it_is_copied() {
    let mut world = World::warm();
    let mut answer = world.switch(fork(B), false);
    assert_eq!(world.typed(), format!("/resume {B}\r"));
    world.start("resume", B);
    assert_eq!(world.typed(), "/branch a  title \r");
    assert_eq!(world.event_kinds(), Vec::<&SlotEventKind>::new(), "the way there is no switch");
    world.start("fork", C);
    let switched = answer.try_recv().unwrap().unwrap();
    assert_eq!((switched.from, switched.to, switched.forked_from), (id(A), id(C), Some(id(B))));
}

#[test]
fn what_is_not_confirmed_did_not_happen() {
    let mut world = World::warm();
    let mut answer = world.switch(Switch::Resume(id(B)), false);
    world.now += CONFIRM_TIMEOUT;
    assert_eq!(world.machine.deadline(), Some(world.now));
    world.step(TerminalSlotInput::Tick);
    let refused = answer.try_recv().unwrap().unwrap_err();
    assert!(refused.to_string().contains("was not confirmed"), "{refused:?}");
    assert_eq!(world.machine.state, SlotState::Idle(id(A)));
    // It may come true late, and is told then.
    world.start("resume", B);
    assert!(
        matches!(world.event_kinds()[..], [SlotEventKind::Switched(_), SlotEventKind::StateChanged(_)]),
        "{:?}",
        world.event_kinds()
    );
}

#[test]
fn what_the_program_cannot_do_is_refused_before_anything_is_typed() {
    let elsewhere = Switch::Fork { source: id(A), at: None, title: None, cwd: Some("/other".into()) };
    let at = Switch::Fork { source: id(A), at: Some("x".into()), title: None, cwd: None };
    for (switch, why) in
        [(elsewhere, "its folder"), (at, "at a message"), (Switch::Resume(id(C)), "its folder")]
    {
        let mut world = World::warm();
        let refused = world.switch(switch, false).try_recv().unwrap();
        assert!(
            matches!(&refused, Err(SlotError::Refused { code: Some(ErrorCode::UnsupportedRequest), message })
                if message.contains(why)),
            "{refused:?}"
        );
        assert_eq!((world.typed().as_str(), world.machine.state), ("", SlotState::Idle(id(A))));
    }
}

#[test]
fn a_running_turn_is_interrupted_only_when_asked() {
    let mut world = World::warm();
    world.reports(A, ReportedEvent::UserPromptSubmit { prompt_id: "p".into() });
    assert!(matches!(world.machine.state, SlotState::Busy { .. }));
    assert_eq!(world.switch(Switch::Clear, false).try_recv().unwrap(), Err(SlotError::Busy));
    let _answer = world.switch(Switch::Clear, true);
    // Its prompt may be back in the input: put aside.
    assert_eq!(world.typed(), "\u{1b}\u{13}/clear\r");
}

#[test]
fn what_a_person_wrote_is_put_aside_for_a_switch() {
    let mut world = World::warm();
    world.step(TerminalSlotInput::Typed(b"a draft".to_vec()));
    let _answer = world.switch(Switch::Clear, false);
    assert_eq!(world.typed(), "\u{13}/clear\r");
    world.start("clear", B);
    world.reports(B, ReportedEvent::UserPromptSubmit { prompt_id: "p".into() });
    world.reports(B, ReportedEvent::Stop {});
    let _answer = world.switch(Switch::Clear, false);
    assert_eq!(world.typed(), "/clear\r", "it was sent");
}

#[test]
fn a_switch_of_the_persons_own_is_news() {
    let mut world = World::warm();
    world.reports(A, ReportedEvent::SessionEnd {});
    world.now += Duration::from_millis(30);
    world.start("clear", B);
    let event_kinds = world.event_kinds();
    let [SlotEventKind::Switched(switched), SlotEventKind::StateChanged(SlotState::Idle(_))] =
        event_kinds[..]
    else {
        panic!("{event_kinds:?}")
    };
    assert_eq!((switched.kind, switched.duration), ("clear", Duration::from_millis(30)));
}

#[test]
fn the_end_is_asked_for_and_then_forced() {
    let mut world = World::warm();
    let mut answer = world.switch(Switch::Clear, false);
    let (done, mut closed) = oneshot::channel();
    world.step(TerminalSlotInput::Command(SlotCommand::Close { done }));
    assert_eq!(world.did, [TerminalEffect::Signal(Signal::TERM)]);
    world.now += world.machine.launch.term_grace;
    world.step(TerminalSlotInput::Tick);
    assert_eq!(world.did, [TerminalEffect::Signal(Signal::KILL)]);
    world.step(TerminalSlotInput::Ended("exit 0".into(), Vec::new()));
    assert!(matches!(answer.try_recv().unwrap(), Err(SlotError::Disconnected(_))));
    assert_eq!((closed.try_recv(), world.did.last()), (Ok(()), Some(&TerminalEffect::Finish)));
}

#[test]
fn a_dead_program_starts_again_where_it_was() {
    let mut world = World::warm();
    world.step(TerminalSlotInput::Ended("exit 1".into(), vec!["last words".into()]));
    let SlotState::Exited(exit) = &world.machine.state else { panic!("{:?}", world.machine.state) };
    assert_eq!((exit.expected, exit.stderr.as_slice()), (false, ["last words".to_owned()].as_slice()));
    let (reply, _answer) = oneshot::channel();
    world.step(TerminalSlotInput::Command(SlotCommand::Restart { seat: StartIn::Same, reply }));
    assert!(world.did.contains(&TerminalEffect::Spawn(Some(id(A)))));
    world.start("resume", A);
    assert!(matches!(
        world.event_kinds()[..],
        [SlotEventKind::Ready(_), SlotEventKind::StateChanged(SlotState::Idle(_))]
    ));
}
