//! The dialect, frame by frame.

use serde_json::{Value, json};

use super::*;
use crate::protocol::PermissionMode;
use crate::session::conversation::{ConversationEvent, Notice, TurnCost};
use crate::session::message::{MessageBlock, Usage};
use crate::slot::driver::{AgentEvent, DriverOutput};
use crate::slot::{ModelRetry, PromptState, SlotError};

const ID: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

fn hear(frame: Value) -> Vec<DriverOutput> {
    StreamJson::default().handle_message(frame).1
}

fn changes(frame: Value) -> Vec<ConversationEvent> {
    let change = |events| match events {
        DriverOutput::Event(AgentEvent::ConversationChanged { change, .. }) => Some(change),
        _ => None,
    };
    hear(frame).into_iter().filter_map(change).collect()
}

fn launch() -> Launch {
    Launch {
        args: vec!["agent".into()],
        model: Some("m".to_owned()),
        permission_mode: PermissionMode::Plan,
        ephemeral: true,
        finder: crate::slot::SessionFinder::default(),
        ..Launch::new(crate::slot::HOTSEAT_AGENT.driver, "hotseat", "/")
    }
}

#[test]
fn the_flags_say_which_session() {
    let check = |origin, session: &str| {
        let arguments = spawn_args(&launch(), &origin).args;
        let arguments =
            arguments.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" ");
        let expected = format!(
            "--output-format stream-json --verbose --input-format stream-json --include-partial-messages \
             --permission-prompt-tool stdio --permission-mode plan --model m{session} --no-session-persistence"
        );
        assert_eq!(arguments, expected);
    };
    let id: crate::session::SessionId = ID.parse().unwrap();
    check(StartSession::New, "");
    check(StartSession::WithId(id), &format!(" --session-id={ID}"));
    check(StartSession::Stored(id), &format!(" --resume={ID}"));
    let copy = |at: Option<&str>| StartSession::Fork { source: id, at: at.map(str::to_owned) };
    check(copy(None), &format!(" --resume={ID} --fork-session"));
    check(copy(Some("u")), &format!(" --resume={ID} --fork-session --resume-session-at=u"));
}

#[test]
fn requests_are_as_the_wire_has_them() {
    let check = |asked, request: Value| {
        let expected = json!({"type": "control_request", "request_id": "r", "request": request});
        assert_eq!(StreamJson::default().request("r", asked), DriverOutput::SendLine(expected));
    };
    let switch = |switch, interrupt| SlotRequest::Switch { switch, interrupt };
    let id: crate::session::SessionId = ID.parse().unwrap();
    check(SlotRequest::Handshake, json!({"subtype": "initialize", "hooks": null}));
    check(SlotRequest::Interrupt, json!({"subtype": "interrupt"}));
    check(switch(Switch::Clear, false), json!({"subtype": "clear"}));
    check(switch(Switch::Clear, true), json!({"subtype": "clear", "interrupt": true}));
    let begin = Switch::ResumeOrCreate { session: id, cwd: "/work".into() };
    check(
        switch(begin, false),
        json!({"subtype": "resume", "session_id": ID, "cwd": "/work", "create": true}),
    );
    check(switch(Switch::Resume(id), false), json!({"subtype": "resume", "session_id": ID}));
    let (at, title, cwd) = (Some("u".to_owned()), Some("t".to_owned()), Some("/w".into()));
    check(
        switch(Switch::Fork { source: id, at, title, cwd }, false),
        json!({"subtype": "fork", "session_id": ID, "resume_session_at": "u", "title": "t", "cwd": "/w"}),
    );
    check(SlotRequest::call(SetModel { model: None }), json!({"subtype": "set_model", "model": null}));
    check(
        SlotRequest::call(SetMode { mode: PermissionMode::Plan }),
        json!({"subtype": "set_permission_mode", "mode": "plan"}),
    );
    let rename = SlotRequest::call(RenameSession { title: "t".to_owned(), session: id });
    check(rename, json!({"subtype": "rename_session", "title": "t", "session_id": ID}));
    check(SlotRequest::call(MeasureContext {}), json!({"subtype": "get_context_usage"}));
    let reconnect = SlotRequest::call(ReconnectMcpServer { name: "s".to_owned() });
    check(reconnect, json!({"subtype": "mcp_reconnect", "serverName": "s"}));
    check(
        SlotRequest::CancelPrompt("u".to_owned()),
        json!({"subtype": "cancel_async_message", "message_uuid": "u"}),
    );
}

#[test]
fn an_answer_allows_one_call_and_teaches_the_agent_nothing() {
    let input = json!({"command": "ls", "dangerouslyDisableSandbox": true});
    let suggestions = json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"},
        {"type": "addRules", "rules": [{"toolName": "Bash"}], "behavior": "allow"}]);
    let asked = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": input,
        "permission_suggestions": suggestions, "blocked_path": "/etc", "decision_reason": "it is outside", "tool_use_id": "t", "description": "d"});
    let events = hear(json!({"type": "control_request", "request_id": "q", "request": asked}));
    let [DriverOutput::Event(AgentEvent::PermissionRequested(request))] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((&request.input, request.blocked_path.as_deref()), (&input, Some("/etc")));
    assert_eq!(request.reason.as_deref(), Some("it is outside"));
    let check = |denied: Option<&str>, expected: Value| {
        let denied = denied.map(str::to_owned);
        let DriverOutput::SendLine(line) = StreamJson::permission_line(request.clone(), denied) else {
            panic!("no line")
        };
        assert_eq!(line["response"]["response"], expected);
    };
    check(None, json!({"behavior": "allow", "updatedInput": input}));
    check(Some("no"), json!({"behavior": "deny", "message": "no", "interrupt": false}));
}

#[test]
fn a_reply_streams_and_then_is_whole() {
    let delta = |delta: Value| {
        json!({"type": "stream_event", "session_id": ID,
            "event": {"type": "content_block_delta", "index": 0, "delta": delta}})
    };
    assert_eq!(
        changes(delta(json!({"type": "text_delta", "text": "he"}))),
        [ConversationEvent::TextDelta("he".into())]
    );
    let thinking = delta(json!({"type": "thinking_delta", "thinking": "hm"}));
    assert_eq!(changes(thinking), [ConversationEvent::ThinkingDelta("hm".into())]);
    assert_eq!(changes(delta(json!({"type": "input_json_delta", "partial_json": "{"}))), []);
    let whole = json!({"type": "assistant", "uuid": "u", "session_id": ID, "message":
        {"id": "m", "model": "x", "content": [{"type": "text", "text": "hello"}], "usage": {"output_tokens": 2}}});
    let block = ConversationEvent::Block {
        block: MessageBlock::Text("hello".to_owned()),
        model: Some("x".to_owned()),
        usage: Some(Usage { output_tokens: 2, ..Usage::default() }),
    };
    assert_eq!(changes(whole), [block]);
}

#[test]
fn sub_agents_and_echoed_prompts_are_left_out() {
    let text = json!({"content": [{"type": "text", "text": "hello"}]});
    assert_eq!(changes(json!({"type": "assistant", "parent_tool_use_id": "t", "message": text})), []);
    assert_eq!(changes(json!({"type": "user", "message": text})), []);
    let interrupted = json!({"content": [{"type": "text", "text": "[Request interrupted by user]"}]});
    let notice = ConversationEvent::Notice(Notice::Interrupted, String::new());
    assert_eq!(changes(json!({"type": "user", "message": interrupted})), [notice]);
}

#[test]
fn a_turn_costs_what_the_totals_grew_by() {
    let mut driver = StreamJson::default();
    driver.request("r", SlotRequest::Handshake);
    let hello = json!({"session_id": ID, "total_cost_usd": 1.0, "usage": {"input_tokens": 100}});
    let response = json!({"subtype": "success", "request_id": "r", "response": hello});
    driver.handle_message(json!({"type": "control_response", "response": response}));
    let mut ended = |usd: f64, tokens: u64| {
        let result = json!({"type": "result", "subtype": "success", "session_id": ID, "duration_ms": 5,
            "total_cost_usd": usd, "modelUsage": {"m": {"inputTokens": tokens}}, "usage": {}});
        let events = driver.handle_message(result).1;
        match events.as_slice() {
            [DriverOutput::TurnEnded { cost: Some(cost), .. }] => *cost,
            other => panic!("{other:?}"),
        }
    };
    let cost = |usd, tokens| TurnCost {
        usd: Some(usd),
        usage: Usage { input_tokens: tokens, ..Usage::default() },
        duration_ms: 5,
    };
    assert_eq!(ended(1.5, 130), cost(0.5, 30));
    assert_eq!(ended(1.75, 131), cost(0.25, 1));
}

#[test]
fn a_turn_that_failed_says_why() {
    let check = |result: Value, expected: &[ConversationEvent]| assert_eq!(changes(result), expected);
    let result = |subtype: &str| json!({"type": "result", "subtype": subtype, "is_error": true});
    let error = |text: &str| ConversationEvent::Notice(Notice::Error, text.to_owned());
    check(result("success"), &[]);
    check(result("error_max_turns"), &[error("the turn limit was reached")]);
    check(result("error_during_execution"), &[]);
    let mut reported = result("error_during_execution");
    reported["errors"] = json!(["one", "two"]);
    check(reported, &[error("one\ntwo")]);
    let command = json!({"type": "result", "subtype": "success", "result": "done", "local_command": "clear"});
    check(command, &[ConversationEvent::Notice(Notice::Info, "done".to_owned())]);
}

#[test]
fn what_is_unknown_says_nothing() {
    for frame in [
        json!({"type": "keep_alive"}),
        json!({"type": "brand_new", "session_id": "nonsense"}),
        json!({"type": "system", "subtype": "brand_new"}),
        json!({"type": "stream_event", "event": {"type": "ping"}}),
    ] {
        assert_eq!(hear(frame), []);
    }
}

#[test]
fn prompts_and_answers_carry_their_ids() {
    let lifecycle = json!({"type": "command_lifecycle", "command_uuid": "u", "state": "started"});
    assert_eq!(hear(lifecycle), [DriverOutput::prompt("u", PromptState::Started)]);
    let error = |code: &str| {
        let response = json!({"subtype": "error", "request_id": "r", "error": "why", "error_code": code});
        hear(json!({"type": "control_response", "response": response}))
    };
    let answer = |error| [DriverOutput::Response { id: "r".to_owned(), answer: Err(error) }];
    assert_eq!(error("busy"), answer(SlotError::Busy));
    let refused = SlotError::refused_with(ErrorCode::SessionInUse, "why");
    assert_eq!(error("session_in_use"), answer(refused));
}

#[test]
fn context_is_read_as_far_as_it_is_there() {
    let usage = responses::parse_context(json!({"totalTokens": 5, "maxTokens": 10, "percentage": 50.0,
        "categories": [{"name": "Messages", "tokens": 5}, {"name": "odd"}], "model": "m"}));
    assert_eq!((usage.tokens, usage.max, usage.categories), (5, 10, vec![("Messages".to_owned(), 5)]));
    assert_eq!(responses::parse_context(json!("nonsense")), crate::slot::ContextUsage::default());
}

#[test]
fn a_retry_takes_back_what_was_shown_and_says_why() {
    let events = hear(json!({
        "type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 10, "retry_delay_ms": 1500,
        "error_status": 529, "error": "overloaded", "message": "busy", "dropped": ["u"], "session_id": ID,
    }));
    let retry = ModelRetry {
        attempt: 2,
        max_attempts: 10,
        delay: std::time::Duration::from_millis(1500),
        reason: "busy".into(),
    };
    assert_eq!(
        events,
        [
            DriverOutput::changed("", ConversationEvent::Retracted(vec!["u".into()])),
            DriverOutput::Event(AgentEvent::Retrying(retry))
        ]
    );
}
