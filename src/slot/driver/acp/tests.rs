//! What such an agent says, line by line (as seen from opencode 1.18.33).

use serde_json::{Value, json};

use super::*;
use crate::agent_api::{AgentEvent, SetMode, SetModel};
use crate::session::conversation::ConversationEvent;
use crate::session::message::MessageBlock;

mod asking;
mod history;
mod lending;
mod others;

/// The lines that are sent, each as its method (or `answer`) and its parameters.
fn sent(events: &[DriverOutput]) -> Vec<(String, Value)> {
    let line = |events: &DriverOutput| match events {
        DriverOutput::SendLine(line) => {
            let method = line["method"].as_str().unwrap_or("answer").to_owned();
            let body = ["params", "result", "error"].into_iter().find_map(|key| line.get(key).cloned());
            Some((method, body.unwrap_or_default()))
        }
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

fn methods(events: &[DriverOutput]) -> Vec<String> {
    sent(events).into_iter().map(|(method, _)| method).collect()
}

/// A driver whose process is started.
fn started(origin: &StartSession, mode: PermissionMode) -> AcpDriver {
    let launch = Launch { permission_mode: mode, ..Launch::new(OPENCODE.driver, "opencode", "/work") };
    let mut acp = AcpDriver::default();
    assert_eq!(acp.start(&launch, origin), SpawnArgs::default());
    acp
}

/// Answers the driver's latest request.
#[allow(clippy::needless_pass_by_value, reason = "every caller makes one")]
fn reply(acp: &mut AcpDriver, result: Value) -> Vec<DriverOutput> {
    let id = acp.connection.latest();
    acp.handle_message(json!({"jsonrpc": "2.0", "id": id, "result": result})).1
}

fn hello() -> Value {
    json!({"protocolVersion": 1, "agentInfo": {"name": "OpenCode", "version": "1.18"}, "agentCapabilities":
        {"loadSession": true, "sessionCapabilities": {"list": {}, "resume": {}, "fork": {}, "close": {}}}})
}

fn opened(id: &str) -> Value {
    let values = json!([{"value": "build", "name": "build"}, {"value": "plan", "name": "plan"}]);
    json!({"sessionId": id, "configOptions": [{"id": "mode", "name": "Mode", "category": "mode",
        "type": "select", "currentValue": "build", "options": values}]})
}

/// Through the handshake, in the session `ses_1`.
fn handshake_done(mode: PermissionMode) -> AcpDriver {
    let mut acp = started(&StartSession::New, mode);
    assert_eq!(methods(&acp.request("h", SlotRequest::Handshake)), ["initialize"]);
    assert_eq!(methods(&reply(&mut acp, hello())), ["session/new"]);
    let events = reply(&mut acp, opened("ses_1"));
    let [DriverOutput::Response { answer: Ok(AgentResponse::Handshake(agent, _)), .. }, ..] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((agent.name.as_str(), agent.session), ("OpenCode", SessionId::from_external("ses_1")));
    assert_eq!(
        (agent.capabilities.resume, agent.capabilities.fork),
        (SwitchSupport::InProcess, SwitchSupport::InProcess)
    );
    acp
}

fn switch(switch: Switch) -> SlotRequest {
    SlotRequest::Switch { switch, interrupt: false }
}

fn update(session: &str, update: &Value) -> Value {
    json!({"method": "session/update", "params": {"sessionId": session, "update": update}})
}

fn asks(session: &str, kind: &str, path: &str) -> Value {
    let options = json!([{"optionId": "y", "name": "yes", "kind": "allow_once"},
        {"optionId": "a", "name": "always", "kind": "allow_always"},
        {"optionId": "n", "name": "no", "kind": "reject_once"}]);
    let input = match kind {
        "edit" => json!({"filePath": path, "content": "new\n"}),
        _ => json!({"command": "ls"}),
    };
    let call = json!({"toolCallId": "c", "title": "t", "kind": kind, "locations": [{"path": path}],
        "rawInput": input});
    json!({"id": 7, "method": "session/request_permission",
        "params": {"sessionId": session, "toolCall": call, "options": options}})
}

/// The last error that was answered.
fn error(events: &[DriverOutput]) -> String {
    match events.last() {
        Some(DriverOutput::Response { answer: Err(error), .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clear_is_another_session_and_the_former_is_closed() {
    let mut acp = handshake_done(PermissionMode::Default);
    assert_eq!(methods(&acp.request("s", switch(Switch::Clear))), ["session/new"]);
    let events = reply(&mut acp, opened("ses_2"));
    assert!(
        matches!(&events[0], DriverOutput::Response { answer: Ok(AgentResponse::Switched(_)), .. }),
        "{events:?}"
    );
    assert_eq!(sent(&events), [("session/close".to_owned(), json!({"sessionId": "ses_1"}))]);
}

#[test]
fn a_session_is_looked_for_page_by_page() {
    let mut acp = handshake_done(PermissionMode::Default);
    let page = |id: &str, cursor: Option<&str>| json!({"sessions": [{"sessionId": id, "cwd": "/there"}], "nextCursor": cursor});
    let resume = || switch(Switch::Resume(SessionId::from_external("ses_9")));
    assert_eq!(methods(&acp.request("s", resume())), ["session/list"]);
    assert_eq!(methods(&reply(&mut acp, page("ses_8", Some("more")))), ["session/list"]);
    let events = reply(&mut acp, page("ses_9", None));
    assert_eq!(sent(&events)[0].1["cwd"], "/there");
    assert_eq!(methods(&events), ["session/load"], "nobody has written down what was said in it");
    assert_eq!(methods(&reply(&mut acp, json!({}))), ["session/close"]);
    assert_eq!(acp.active.as_ref().unwrap().remote.id, "ses_9");

    acp.request("t", switch(Switch::Resume(SessionId::from_external("ses_10"))));
    assert!(error(&reply(&mut acp, page("ses_8", None))).contains("no such session"));
    assert_eq!(acp.active.unwrap().remote.id, "ses_9", "the former one stays");
}

#[test]
fn words_become_a_text_and_calls_are_told_in_the_official_words() {
    let mut acp = handshake_done(PermissionMode::Default);
    acp.send_prompt("u", "hello");
    let turn = acp.connection.latest();
    let mut changes = Vec::new();
    for reported in [
        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "a "}}),
        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "b"}}),
        json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "bash", "kind": "execute",
            "status": "pending", "rawInput": {}}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress",
            "rawInput": {"command": "ls"}}),
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
            "content": [{"type": "content", "content": {"type": "text", "text": "out"}}]}),
        json!({"sessionUpdate": "something_new"}),
    ] {
        let (session, events) = acp.handle_message(update("ses_1", &reported));
        assert!(session.is_none_or(|session| session == SessionId::from_external("ses_1")));
        changes.extend(events.into_iter().filter_map(|events| match events {
            DriverOutput::Event(AgentEvent::ConversationChanged { change, .. }) => Some(change),
            _ => None,
        }));
    }
    let [ConversationEvent::TextDelta(_), ConversationEvent::TextDelta(_), text, call, result] =
        changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert!(
        matches!(text, ConversationEvent::Block { block: MessageBlock::Text(text), .. } if text == "a b")
    );
    assert!(
        matches!(call, ConversationEvent::Block { block: MessageBlock::ToolUse { name, input, .. }, .. }
            if name == "Bash" && input["command"] == "ls"),
        "{call:?}"
    );
    assert!(
        matches!(result, ConversationEvent::Result { result, .. } if result.text == "out" && !result.is_error)
    );

    let ended = acp.handle_message(json!({"id": turn, "result": {"stopReason": "end_turn"}})).1;
    let moved = DriverOutput::prompt("u", PromptState::Completed);
    assert_eq!(ended[ended.len() - 3..ended.len() - 1], [moved, DriverOutput::Idle]);
    assert_eq!(methods(&ended), ["session/list"], "it may bear a title now");
}

#[test]
fn slash_commands_are_told_whenever_they_come() {
    let mut acp = handshake_done(PermissionMode::Default);
    let commands = json!([{"name": "/init", "description": "makes AGENTS.md"},
        {"name": "two words", "description": ""}, {"name": "", "description": ""}]);
    let reported = json!({"sessionUpdate": "available_commands_update", "availableCommands": commands});
    let expected = DriverOutput::Event(AgentEvent::SlashCommands(vec![(
        "init".to_owned(),
        "makes AGENTS.md".to_owned(),
    )]));
    assert_eq!(acp.handle_message(update("ses_1", &reported)).1, std::slice::from_ref(&expected));

    acp.request("s", switch(Switch::Clear));
    assert_eq!(acp.handle_message(update("ses_2", &reported)).1, [], "it is not open yet");
    let events = reply(&mut acp, opened("ses_2"));
    assert!(events.contains(&expected), "{events:?}");
}

#[test]
fn a_plan_is_a_list_of_things_to_do() {
    let mut acp = handshake_done(PermissionMode::Default);
    let entry = json!({"content": "one", "priority": "high", "status": "in_progress"});
    let events = acp.handle_message(update("ses_1", &json!({"sessionUpdate": "plan", "entries": [entry]}))).1;
    let DriverOutput::Event(AgentEvent::ConversationChanged {
        change: ConversationEvent::Block { block: MessageBlock::ToolUse { name, input, .. }, .. },
        ..
    }) = &events[0]
    else {
        panic!("{events:?}")
    };
    assert_eq!(name, "TodoWrite");
    assert_eq!(input["todos"][0], json!({"content": "one", "activeForm": "one", "status": "in_progress"}));
}

#[test]
fn a_question_is_put_to_a_person_unless_the_mode_answers_it() {
    use PermissionMode::{AcceptEdits, BypassPermissions, Default, DontAsk};
    let check = |mode, kind: &str, path: &str, expected: Option<&str>| {
        let mut acp = handshake_done(mode);
        let events = acp.handle_message(asks("ses_1", kind, path)).1;
        let answered = sent(&events).pop().map(|(_, result)| result["outcome"]["optionId"].clone());
        assert_eq!(answered, expected.map(|option| json!(option)), "{mode:?} {kind} {path}");
        let asked = events
            .iter()
            .any(|events| matches!(events, DriverOutput::Event(AgentEvent::PermissionRequested(_))));
        assert_eq!(asked, expected.is_none());
    };
    check(Default, "edit", "/work/a", None);
    check(AcceptEdits, "edit", "/work/a", Some("y"));
    check(AcceptEdits, "edit", "/elsewhere/a", None);
    check(AcceptEdits, "edit", "/work/../a", None);
    check(AcceptEdits, "execute", "/work", None);
    check(DontAsk, "edit", "/work/a", Some("n"));
    check(BypassPermissions, "execute", "/elsewhere", Some("y"));
    check(BypassPermissions, "edit", "/elsewhere", Some("y"));
    check(BypassPermissions, "edit", "/work/.git/hooks/pre-commit", None);
    check(BypassPermissions, "delete", "/work/.mcp.json", None);
}

#[test]
fn an_answer_is_the_option_for_one_call() {
    for (denied, option) in [(None, "y"), (Some(String::new()), "n")] {
        let mut acp = handshake_done(PermissionMode::Default);
        let events = acp.handle_message(asks("ses_1", "execute", "/work")).1;
        let Some(DriverOutput::Event(AgentEvent::PermissionRequested(request))) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!((request.tool.as_str(), &request.input["command"]), ("Bash", &json!("ls")));
        let events = acp.answer_permission(request.clone(), denied);
        assert_eq!(sent(&events)[0].1["outcome"], json!({"outcome": "selected", "optionId": option}));
    }
}

#[test]
fn what_nobody_can_answer_is_cancelled_and_what_nobody_knows_is_refused() {
    let mut acp = handshake_done(PermissionMode::Default);
    let events = acp.handle_message(asks("ses_8", "execute", "/work")).1;
    assert_eq!(sent(&events)[0].1["outcome"]["outcome"], "cancelled", "another session's");
    let events = acp.handle_message(json!({"id": 1, "method": "fs/erase_disk", "params": {}})).1;
    assert_eq!(sent(&events)[0].1["code"], -32601);

    acp.send_prompt("u", "hello");
    acp.handle_message(asks("ses_1", "execute", "/work"));
    let events = acp.request("i", SlotRequest::Interrupt);
    assert_eq!(methods(&events), ["session/cancel", "answer"]);
    assert!(events.contains(&DriverOutput::Event(AgentEvent::PermissionDropped("7".to_owned()))));
}

#[test]
fn a_switch_that_interrupts_waits_for_the_end_of_the_turn() {
    let mut acp = handshake_done(PermissionMode::Default);
    acp.send_prompt("u", "hello");
    assert_eq!(error(&acp.request("s", switch(Switch::Clear))), SlotError::Busy.to_string());
    let events = acp.request("s", SlotRequest::Switch { switch: Switch::Clear, interrupt: true });
    assert_eq!(methods(&events), ["session/cancel"]);
    assert_eq!(methods(&reply(&mut acp, json!({"stopReason": "cancelled"}))), ["session/new"]);
}

#[test]
fn plan_is_a_mode_of_the_agents() {
    let mut acp = handshake_done(PermissionMode::Default);
    let events = acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::Plan }));
    assert_eq!(sent(&events)[0].1, json!({"sessionId": "ses_1", "configId": "mode", "value": "plan"}));
    let mut planning = opened("ses_1");
    planning["configOptions"][0]["currentValue"] = json!("plan");
    assert_eq!(reply(&mut acp, planning), [reply_to::<SetMode>("m", Ok(()))]);
    let events = acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::AcceptEdits }));
    assert_eq!(sent(&events)[0].1["value"], "build");
    assert!(
        error(&acp.request("n", SlotRequest::call(SetModel { model: Some("x".to_owned()) })))
            .contains("no choice of models")
    );
}

#[test]
fn why_it_cannot_be_seated_is_said_in_its_own_words() {
    let check = |answer: Value, expected: &str| {
        let mut acp = started(&StartSession::New, PermissionMode::Default);
        acp.request("h", SlotRequest::Handshake);
        let id = acp.connection.latest();
        let mut line = json!({"id": id});
        line.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        let reason = error(&acp.handle_message(line).1);
        assert!(reason.contains(expected), "{reason}");
    };
    check(json!({"result": {"protocolVersion": 2}}), "version 2");
    check(json!({"result": 7}), "is invalid");
    check(json!({"error": {"code": -32000, "message": "run login"}}), "not logged in: run login");
    check(json!({"error": "odd"}), "odd");
}
