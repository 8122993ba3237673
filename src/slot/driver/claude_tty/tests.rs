use serde_json::json;

use super::*;
use crate::agent_api::{AgentEvent, RenameSession, SetModel, SwitchResult};

const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";
const C: &str = "cccccccc-0000-4000-8000-000000000003";

/// Warm, in session A; C is not stored in its folder.
fn warm() -> ClaudeTtyDriver {
    let is_stored = |path: &Path| !path.ends_with(format!("{C}.jsonl"));
    let mut claude = ClaudeTtyDriver { is_stored, ..ClaudeTtyDriver::default() };
    claude.handle_message(json!({"version": "2.1.0"}));
    assert_eq!(claude.request("h", SlotRequest::Handshake), []);
    let outputs = starts(&mut claude, "startup", A);
    let [DriverOutput::Response { id, answer: Ok(AgentResponse::Handshake(agent, _)) }] = outputs.as_slice()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((id.as_str(), agent.session, agent.version.as_str()), ("h", self::id(A), "2.1.0"));
    claude
}

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn reports(claude: &mut ClaudeTtyDriver, session: &str, mut event: serde_json::Value) -> Vec<DriverOutput> {
    event["session_id"] = json!(session);
    event["transcript_path"] = json!(format!("/p/{session}.jsonl"));
    event["cwd"] = json!("/w");
    claude.handle_message(event).1
}

fn starts(claude: &mut ClaudeTtyDriver, source: &str, session: &str) -> Vec<DriverOutput> {
    reports(claude, session, json!({"hook_event_name": "SessionStart", "source": source}))
}

fn begins_turn(claude: &mut ClaudeTtyDriver, session: &str) -> Vec<DriverOutput> {
    reports(claude, session, json!({"hook_event_name": "UserPromptSubmit", "prompt_id": "own"}))
}

fn switch(claude: &mut ClaudeTtyDriver, switch: Switch) -> Vec<DriverOutput> {
    claude.request("s", SlotRequest::Switch { switch, interrupt: true })
}

fn fork(source: &str) -> Switch {
    Switch::Fork { source: id(source), at: None, title: Some("a\u{1b} title\n".into()), cwd: None }
}

/// What is typed, pauses left out.
fn typed(outputs: &[DriverOutput]) -> String {
    let bytes = outputs.iter().filter_map(|output| match output {
        DriverOutput::SendKeys(PtyInput::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    });
    bytes.collect()
}

/// The session that a switch ended in, or why it did not.
fn switched(outputs: &[DriverOutput]) -> Result<SwitchResult, SlotError> {
    match outputs {
        [DriverOutput::Response { id, answer }, ..] if id == "s" => match answer.clone()? {
            AgentResponse::Switched(switched) => Ok(*switched),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_switch_is_typed_and_has_happened_when_a_report_says_so() {
    for (target, expected, source) in [
        (Switch::Clear, "/clear\r".to_owned(), "clear"),
        (Switch::Resume(id(B)), format!("/resume {B}\r"), "resume"),
        (fork(A), "/branch a  title \r".to_owned(), "fork"),
    ] {
        let mut claude = warm();
        assert_eq!(typed(&switch(&mut claude, target)), expected);
        let done = switched(&starts(&mut claude, source, B)).unwrap();
        assert_eq!((done.session, done.transcript), (id(B), format!("/p/{B}.jsonl").into()));
        assert_eq!(done.forked_from, (source == "fork").then_some(id(A)));
        assert_eq!(claude.deadline(), None);
    }
}

#[test]
fn another_session_is_resumed_before_it_is_copied() {
    let mut claude = warm();
    assert_eq!(typed(&switch(&mut claude, fork(B))), format!("/resume {B}\r"));
    let outputs = starts(&mut claude, "resume", B);
    assert_eq!(typed(&outputs), "/branch a  title \r");
    let is_typing = |output: &DriverOutput| matches!(output, DriverOutput::SendKeys(_));
    assert!(outputs.iter().all(is_typing), "the way there is no switch: {outputs:?}");
    let done = switched(&starts(&mut claude, "fork", C)).unwrap();
    assert_eq!((done.session, done.forked_from), (id(C), Some(id(B))));
}

#[test]
fn what_is_not_confirmed_did_not_happen() {
    let mut claude = warm();
    switch(&mut claude, Switch::Resume(id(B)));
    let due = claude.deadline().unwrap();
    assert_eq!(claude.expire(due - Duration::from_millis(1)), []);
    let refused = switched(&claude.expire(due)).unwrap_err();
    assert!(refused.to_string().contains("was not confirmed"), "{refused}");
    // It may come true late, and is reported then.
    let outputs = starts(&mut claude, "resume", B);
    assert!(matches!(outputs[..], [DriverOutput::SessionReset { what: "resume", .. }]), "{outputs:?}");
}

#[test]
fn a_switch_by_hand_goes_before_one_that_was_typed() {
    let mut claude = warm();
    switch(&mut claude, Switch::Clear);
    let outputs = starts(&mut claude, "resume", B);
    assert!(switched(&outputs).unwrap_err().to_string().contains("another session"), "{outputs:?}");
    assert!(matches!(outputs[1..], [DriverOutput::SessionReset { to, .. }] if to == id(B)), "{outputs:?}");
    // Compaction starts the same session again.
    switch(&mut claude, Switch::Clear);
    assert_eq!(starts(&mut claude, "compact", B), []);
    assert_eq!(switched(&starts(&mut claude, "clear", C)).unwrap().session, id(C));
}

#[test]
fn what_the_program_cannot_do_is_refused_before_anything_is_typed() {
    let elsewhere = Switch::Fork { source: id(A), at: None, title: None, cwd: Some("/other".into()) };
    for target in [elsewhere, Switch::Resume(id(C)), fork(C)] {
        let outputs = switch(&mut warm(), target);
        assert!(switched(&outputs).unwrap_err().to_string().contains("its folder"), "{outputs:?}");
        assert_eq!(typed(&outputs), "");
    }
    assert!(CAPABILITIES.unsupported(Feature::ForkAt).is_some());
    let refused = warm().request("r", SlotRequest::call(SetModel { model: None }));
    assert_eq!((refused.len(), typed(&refused).as_str()), (1, ""));
    let renamed = RenameSession { session: id(A), title: "x\ry".to_owned() };
    assert_eq!(typed(&warm().request("r", SlotRequest::call(renamed))), "/rename x y\r");
}

#[test]
fn a_turn_begins_and_ends_as_the_hooks_say() {
    let mut claude = warm();
    assert_eq!(typed(&claude.send_prompt("u", "hi\u{1b}[2J\nyou")), "\u{1b}[200~hi[2J\nyou\u{1b}[201~\r");
    assert_eq!(begins_turn(&mut claude, A), [DriverOutput::prompt("u", PromptState::Started)]);
    assert_eq!(begins_turn(&mut claude, A), [DriverOutput::prompt("own", PromptState::Started)]);
    let stop = json!({"hook_event_name": "Stop", "permission_mode": "plan"});
    let expected = [
        DriverOutput::Event(AgentEvent::ModeChanged(PermissionMode::Plan)),
        DriverOutput::prompt("u", PromptState::Completed),
        DriverOutput::prompt("own", PromptState::Completed),
        DriverOutput::Idle,
    ];
    assert_eq!(reports(&mut claude, A, stop.clone()), expected);
    assert_eq!(reports(&mut claude, A, stop), [], "nothing runs");
    assert_eq!(begins_turn(&mut claude, B), [], "of another session");
    // A command of the program's own begins no turn.
    claude.send_prompt("v", "/help");
    let due = claude.deadline().unwrap();
    let over = [DriverOutput::prompt("v", PromptState::Completed), DriverOutput::Idle];
    assert_eq!(claude.expire(due), over);
}

#[test]
fn unsent_text_is_put_aside_for_a_switch() {
    let mut claude = warm();
    assert_eq!(typed(&claude.handle_keys(b"a draft".to_vec())), "a draft");
    assert_eq!(typed(&switch(&mut claude, Switch::Clear)), "\u{13}/clear\r");
    starts(&mut claude, "clear", B);
    begins_turn(&mut claude, B);
    // The interrupted prompt may be back in the input.
    assert_eq!(typed(&switch(&mut claude, Switch::Clear)), "\u{1b}\u{13}/clear\r");
    starts(&mut claude, "clear", C);
    begins_turn(&mut claude, C);
    reports(&mut claude, C, json!({"hook_event_name": "Stop"}));
    assert_eq!(typed(&switch(&mut claude, Switch::Clear)), "/clear\r", "it was sent");
}

#[test]
fn a_switch_of_the_persons_own_is_reported() {
    let mut claude = warm();
    begins_turn(&mut claude, A);
    reports(&mut claude, A, json!({"hook_event_name": "SessionEnd"}));
    let outputs = starts(&mut claude, "clear", B);
    let [
        DriverOutput::Event(AgentEvent::PromptStateChanged { state: PromptState::Completed, .. }),
        DriverOutput::Idle,
        DriverOutput::SessionReset { to, what: "clear", details: Some(details) },
    ] = outputs.as_slice()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*to, details.transcript.clone()), (id(B), format!("/p/{B}.jsonl").into()));
    assert!(details.took.is_some());
    assert_eq!(starts(&mut claude, "resume", B), [], "the same session goes on");
    for senseless in [json!({}), json!([1]), json!({"hook_event_name": "Stop", "session_id": "../etc"})] {
        assert_eq!(claude.handle_message(senseless).1, []);
    }
}
