//! What `claude` says otherwise, frame by frame (as seen at 2.1.329).

use serde_json::{Value, json};

use super::*;
use crate::protocol::PermissionMode;
use crate::slot::AgentEvent;
use crate::slot::SlotError;
use crate::slot::driver::AgentResponse;

const NEW: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

/// A driver whose process is started, and its session.
fn started(origin: &StartSession) -> (ClaudeDriver, SpawnArgs) {
    let launch = Launch::new(CLAUDE.driver, "claude", "/work");
    let mut claude = ClaudeDriver::default();
    let start = claude.start(&launch, origin);
    (claude, start)
}

fn success(id: &str, response: &Value) -> Value {
    let response = json!({"subtype": "success", "request_id": id, "response": response});
    json!({"type": "control_response", "response": response})
}

fn refusal(id: &str, code: &str) -> Value {
    let response = json!({"subtype": "error", "request_id": id, "error": "no", "error_code": code});
    json!({"type": "control_response", "response": response})
}

/// Through the handshake; what it knows besides is answered with this code.
fn handshake_done(code: &str) -> ClaudeDriver {
    let (mut claude, _) = started(&StartSession::New);
    assert_eq!(claude.request("h", SlotRequest::Handshake).len(), 3);
    let hello = json!({"pid": 7, "claude_code_version": "2.1.329", "current_permission_mode": "plan",
        "models": [{"value": "default", "resolvedModel": "m"}], "account": {"tokenSource": "none",
        "apiProvider": "firstParty"}});
    assert_eq!(claude.handle_message(success("h", &hello)).1, [], "not all is answered");
    assert_eq!(claude.handle_message(refusal("h-resume", code)).1, []);
    let (_, events) = claude.handle_message(refusal("h-fork", code));
    let [DriverOutput::Response { id, answer: Ok(AgentResponse::Handshake(agent, _)) }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((id.as_str(), agent.pid, agent.model.as_str()), ("h", 7, "m"));
    assert_eq!((Some(agent.session), agent.permission_mode), (claude.session, PermissionMode::Plan));
    assert!(agent.notice.as_ref().unwrap().contains("not logged in"));
    claude
}

fn clear(interrupt: bool) -> SlotRequest {
    SlotRequest::Switch { switch: Switch::Clear, interrupt }
}

/// The prompt that clears, as it was sent; gives its uuid.
fn sent_clear(events: &[DriverOutput]) -> String {
    let Some(DriverOutput::SendLine(line)) = events.first() else { panic!("{events:?}") };
    assert_eq!(line["message"]["content"], "/clear");
    line["uuid"].as_str().unwrap().to_owned()
}

fn lifecycle(uuid: &str, state: &str) -> Value {
    json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state})
}

#[test]
fn it_is_told_which_session_it_is_to_be() {
    let check = |origin: &StartSession, flags: &[&str], named: bool| {
        let (claude, start) = started(origin);
        let arguments: Vec<_> = start.args.iter().map(|argument| argument.to_str().unwrap()).collect();
        for flag in flags {
            assert!(arguments.contains(flag), "{arguments:?}");
        }
        let session = format!("--session-id={}", claude.session.unwrap());
        assert_eq!(arguments.contains(&session.as_str()), named, "{arguments:?}");
    };
    let id: SessionId = NEW.parse().unwrap();
    let resume = format!("--resume={NEW}");
    check(&StartSession::New, &[], true);
    check(&StartSession::WithId(id), &[], true);
    check(&StartSession::Stored(id), &[&resume], false);
    check(&StartSession::Fork { source: id, at: None }, &[&resume, "--fork-session"], true);
}

#[test]
fn it_is_asked_once_which_switches_it_knows() {
    let abilities = handshake_done("unsupported_request").capabilities();
    let by_standby = (SwitchSupport::InProcess, SwitchSupport::Standby, SwitchSupport::Standby);
    assert_eq!((abilities.clear, abilities.resume, abilities.fork), by_standby);
    assert_eq!(
        handshake_done("session_not_found").capabilities(),
        Capabilities::FULL,
        "the day it knows them"
    );
}

#[test]
fn a_clear_is_a_prompt_where_the_request_is_not_known() {
    let mut claude = handshake_done("unsupported_request");
    let asked = claude.request("c", clear(false));
    assert!(
        matches!(asked.as_slice(), [DriverOutput::SendLine(line)] if line["request"]["subtype"] == "clear")
    );
    let uuid = sent_clear(&claude.handle_message(refusal("c", "unsupported_request")).1);
    for line in [
        lifecycle(&uuid, "started"),
        // This is no session's id.
        json!({"type": "conversation_reset", "new_conversation_id": uuid, "trigger": "clear"}),
        json!({"type": "system", "subtype": "init", "session_id": NEW, "model": "m"}),
        json!({"type": "result", "subtype": "success", "local_command": "clear", "session_id": NEW}),
    ] {
        assert_eq!(claude.handle_message(line), (None, Vec::new()));
    }
    let (_, events) = claude.handle_message(lifecycle(&uuid, "completed"));
    let [DriverOutput::Response { id, answer: Ok(AgentResponse::Switched(switched)) }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((id.as_str(), switched.session.to_string().as_str()), ("c", NEW));
    // It remembers: the next one is a prompt at once, before a turn is interrupted.
    let events = claude.request("d", clear(true));
    sent_clear(&events);
    assert!(matches!(&events[1], DriverOutput::SendLine(line) if line["request"]["subtype"] == "interrupt"));
}

#[test]
fn a_clear_that_was_taken_back_changes_nothing() {
    let mut claude = handshake_done("unsupported_request");
    claude.request("c", clear(false));
    let uuid = sent_clear(&claude.handle_message(refusal("c", "unsupported_request")).1);
    let (_, events) = claude.handle_message(lifecycle(&uuid, "cancelled"));
    assert!(matches!(
        events.as_slice(),
        [DriverOutput::Response { answer: Err(SlotError::Refused { .. }), .. }]
    ));
}

#[test]
fn a_clear_that_a_person_typed_is_followed() {
    let mut claude = handshake_done("unsupported_request");
    claude.handle_message(
        json!({"type": "conversation_reset", "new_conversation_id": "x", "trigger": "clear"}),
    );
    let init = json!({"type": "system", "subtype": "init", "session_id": NEW, "model": "m"});
    let (of, events) = claude.handle_message(init.clone());
    let to = NEW.parse().unwrap();
    assert_eq!((of, &events[0]), (None, &DriverOutput::SessionReset { to, what: "clear", details: None }));
    assert_eq!(
        claude.handle_message(init),
        (Some(to), vec![DriverOutput::Event(AgentEvent::ModelChanged("m".to_owned()))]),
        "once"
    );
}

#[test]
fn what_a_resumed_session_spent_before_is_no_cost_of_its_next_turn() {
    let (mut claude, _) = started(&StartSession::Stored(NEW.parse().unwrap()));
    let mut ended = |usd: f64| {
        let result =
            json!({"type": "result", "subtype": "success", "session_id": NEW, "total_cost_usd": usd});
        match claude.handle_message(result).1.as_slice() {
            [DriverOutput::TurnEnded { cost: Some(cost), .. }] => cost.usd,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ended(5.0), None, "nobody said what was spent before");
    assert_eq!(ended(5.5), Some(0.5));
}
