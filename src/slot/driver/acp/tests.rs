//! What such an agent says, line by line (as seen from opencode 1.18.33).

use serde_json::{Value, json};

use super::*;
use crate::session::conversation::Change;
use crate::session::message::Block;

mod history;
mod lending;
mod others;

/// The lines that are sent, each as its method (or `answer`) and its parameters.
fn sent(heard: &[Heard]) -> Vec<(String, Value)> {
    let line = |heard: &Heard| match heard {
        Heard::Send(line) => {
            let method = line["method"].as_str().unwrap_or("answer").to_owned();
            let body = ["params", "result", "error"].into_iter().find_map(|key| line.get(key).cloned());
            Some((method, body.unwrap_or_default()))
        }
        _ => None,
    };
    heard.iter().filter_map(line).collect()
}

fn methods(heard: &[Heard]) -> Vec<String> {
    sent(heard).into_iter().map(|(method, _)| method).collect()
}

/// A driver whose process is started.
fn started(origin: &Origin, mode: PermissionMode) -> Acp {
    let launch = Launch { permission_mode: mode, ..Launch::new(OPENCODE.driver, "opencode", "/work") };
    let mut acp = Acp::default();
    assert_eq!(acp.start(&launch, origin), Start::default());
    acp
}

/// Answers the driver's latest request.
#[allow(clippy::needless_pass_by_value, reason = "every caller makes one")]
fn reply(acp: &mut Acp, result: Value) -> Vec<Heard> {
    let id = acp.connection.latest();
    acp.hear(json!({"jsonrpc": "2.0", "id": id, "result": result})).1
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
fn greeted(mode: PermissionMode) -> Acp {
    let mut acp = started(&Origin::New, mode);
    assert_eq!(methods(&acp.ask("h", Ask::Handshake)), ["initialize"]);
    assert_eq!(methods(&reply(&mut acp, hello())), ["session/new"]);
    let heard = reply(&mut acp, opened("ses_1"));
    let [Heard::Answer { answer: Ok(Answer::Agent(agent, _)), .. }, ..] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!((agent.name.as_str(), agent.session), ("OpenCode", SessionId::named("ses_1")));
    assert_eq!((agent.abilities.resume, agent.abilities.fork), (Ability::InProcess, Ability::InProcess));
    acp
}

fn switch(switch: Switch) -> Ask {
    Ask::Switch { switch, interrupt: false }
}

fn update(session: &str, update: &Value) -> Value {
    json!({"method": "session/update", "params": {"sessionId": session, "update": update}})
}

fn asks(session: &str, kind: &str, path: &str) -> Value {
    let options = json!([{"optionId": "y", "name": "yes", "kind": "allow_once"},
        {"optionId": "a", "name": "always", "kind": "allow_always"},
        {"optionId": "n", "name": "no", "kind": "reject_once"}]);
    let call = json!({"toolCallId": "c", "title": "t", "kind": kind, "locations": [{"path": path}],
        "rawInput": {"command": "ls", "filePath": path, "content": "x"}});
    json!({"id": 7, "method": "session/request_permission",
        "params": {"sessionId": session, "toolCall": call, "options": options}})
}

/// The last error that was answered.
fn error(heard: &[Heard]) -> String {
    match heard.last() {
        Some(Heard::Answer { answer: Err(error), .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clear_is_another_session_and_the_former_is_closed() {
    let mut acp = greeted(PermissionMode::Default);
    assert_eq!(methods(&acp.ask("s", switch(Switch::Clear))), ["session/new"]);
    let heard = reply(&mut acp, opened("ses_2"));
    assert!(matches!(&heard[0], Heard::Answer { answer: Ok(Answer::Seated(_)), .. }), "{heard:?}");
    assert_eq!(sent(&heard), [("session/close".to_owned(), json!({"sessionId": "ses_1"}))]);
}

#[test]
fn a_session_is_looked_for_page_by_page() {
    let mut acp = greeted(PermissionMode::Default);
    let page = |id: &str, cursor: Option<&str>| json!({"sessions": [{"sessionId": id, "cwd": "/there"}], "nextCursor": cursor});
    let resume = || switch(Switch::Resume(SessionId::named("ses_9")));
    assert_eq!(methods(&acp.ask("s", resume())), ["session/list"]);
    assert_eq!(methods(&reply(&mut acp, page("ses_8", Some("more")))), ["session/list"]);
    let heard = reply(&mut acp, page("ses_9", None));
    assert_eq!(sent(&heard)[0].1["cwd"], "/there");
    assert_eq!(methods(&heard), ["session/load"], "nobody has written down what was said in it");
    assert_eq!(methods(&reply(&mut acp, json!({}))), ["session/close"]);
    assert_eq!(acp.active.as_ref().unwrap().place.id, "ses_9");

    acp.ask("t", switch(Switch::Resume(SessionId::named("ses_10"))));
    assert!(error(&reply(&mut acp, page("ses_8", None))).contains("no such session"));
    assert_eq!(acp.active.unwrap().place.id, "ses_9", "the former one stays");
}

#[test]
fn words_become_a_text_and_calls_are_told_in_the_official_words() {
    let mut acp = greeted(PermissionMode::Default);
    acp.prompt("u", "hello");
    let turn = acp.connection.latest();
    let mut changes = Vec::new();
    for told in [
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
        let (session, heard) = acp.hear(update("ses_1", &told));
        assert!(session.is_none_or(|session| session == SessionId::named("ses_1")));
        changes.extend(heard.into_iter().filter_map(|heard| match heard {
            Heard::Grew { change, .. } => Some(change),
            _ => None,
        }));
    }
    let [Change::TextDelta(_), Change::TextDelta(_), text, call, result] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert!(matches!(text, Change::Block { block: Block::Text(text), .. } if text == "a b"));
    assert!(
        matches!(call, Change::Block { block: Block::ToolUse { name, input, .. }, .. }
            if name == "Bash" && input["command"] == "ls"),
        "{call:?}"
    );
    assert!(matches!(result, Change::Result { result, .. } if result.text == "out" && !result.is_error));

    let ended = acp.hear(json!({"id": turn, "result": {"stopReason": "end_turn"}})).1;
    let moved = Heard::Prompt { uuid: "u".to_owned(), state: PromptState::Completed };
    assert_eq!(ended[ended.len() - 3..ended.len() - 1], [moved, Heard::Quiet]);
    assert_eq!(methods(&ended), ["session/list"], "it may bear a title now");
}

#[test]
fn slash_commands_are_told_whenever_they_come() {
    let mut acp = greeted(PermissionMode::Default);
    let commands = json!([{"name": "/init", "description": "makes AGENTS.md"},
        {"name": "two words", "description": ""}, {"name": "", "description": ""}]);
    let told = json!({"sessionUpdate": "available_commands_update", "availableCommands": commands});
    let expected = Heard::Commands(vec![("init".to_owned(), "makes AGENTS.md".to_owned())]);
    assert_eq!(acp.hear(update("ses_1", &told)).1, std::slice::from_ref(&expected));

    acp.ask("s", switch(Switch::Clear));
    assert_eq!(acp.hear(update("ses_2", &told)).1, [], "it is not open yet");
    let heard = reply(&mut acp, opened("ses_2"));
    assert!(heard.contains(&expected), "{heard:?}");
}

#[test]
fn a_plan_is_a_list_of_things_to_do() {
    let mut acp = greeted(PermissionMode::Default);
    let entry = json!({"content": "one", "priority": "high", "status": "in_progress"});
    let heard = acp.hear(update("ses_1", &json!({"sessionUpdate": "plan", "entries": [entry]}))).1;
    let Heard::Grew { change: Change::Block { block: Block::ToolUse { name, input, .. }, .. }, .. } =
        &heard[0]
    else {
        panic!("{heard:?}")
    };
    assert_eq!(name, "TodoWrite");
    assert_eq!(input["todos"][0], json!({"content": "one", "activeForm": "one", "status": "in_progress"}));
}

#[test]
fn a_question_is_put_to_a_person_unless_the_mode_answers_it() {
    use PermissionMode::{AcceptEdits, BypassPermissions, Default, DontAsk};
    let check = |mode, kind: &str, path: &str, expected: Option<&str>| {
        let mut acp = greeted(mode);
        let heard = acp.hear(asks("ses_1", kind, path)).1;
        let answered = sent(&heard).pop().map(|(_, result)| result["outcome"]["optionId"].clone());
        assert_eq!(answered, expected.map(|option| json!(option)), "{mode:?} {kind} {path}");
        let asked = heard.iter().any(|heard| matches!(heard, Heard::Permission(_)));
        assert_eq!(asked, expected.is_none());
    };
    check(Default, "edit", "/work/a", None);
    check(AcceptEdits, "edit", "/work/a", Some("y"));
    check(AcceptEdits, "edit", "/elsewhere/a", None);
    check(AcceptEdits, "edit", "/work/../a", None);
    check(AcceptEdits, "execute", "/work", None);
    check(DontAsk, "edit", "/work/a", Some("n"));
    check(BypassPermissions, "execute", "/elsewhere", Some("y"));
}

#[test]
fn a_verdict_is_the_option_of_its_kind() {
    for (verdict, option) in
        [(Verdict::Once, "y"), (Verdict::Session, "a"), (Verdict::Deny(String::new()), "n")]
    {
        let mut acp = greeted(PermissionMode::Default);
        let heard = acp.hear(asks("ses_1", "execute", "/work")).1;
        let Some(Heard::Permission(request)) = heard.last() else { panic!("{heard:?}") };
        assert_eq!((request.tool.as_str(), &request.input["command"]), ("Bash", &json!("ls")));
        let heard = acp.verdict(request.clone(), verdict);
        assert_eq!(sent(&heard)[0].1["outcome"], json!({"outcome": "selected", "optionId": option}));
    }
}

#[test]
fn what_nobody_can_answer_is_cancelled_and_what_nobody_knows_is_refused() {
    let mut acp = greeted(PermissionMode::Default);
    let heard = acp.hear(asks("ses_8", "execute", "/work")).1;
    assert_eq!(sent(&heard)[0].1["outcome"]["outcome"], "cancelled", "another session's");
    let heard = acp.hear(json!({"id": 1, "method": "fs/erase_disk", "params": {}})).1;
    assert_eq!(sent(&heard)[0].1["code"], -32601);

    acp.prompt("u", "hello");
    acp.hear(asks("ses_1", "execute", "/work"));
    let heard = acp.ask("i", Ask::Interrupt);
    assert_eq!(methods(&heard), ["session/cancel", "answer"]);
    assert!(heard.contains(&Heard::PermissionDropped("7".to_owned())));
}

#[test]
fn a_switch_that_interrupts_waits_for_the_end_of_the_turn() {
    let mut acp = greeted(PermissionMode::Default);
    acp.prompt("u", "hello");
    assert_eq!(error(&acp.ask("s", switch(Switch::Clear))), SlotError::Busy.to_string());
    let heard = acp.ask("s", Ask::Switch { switch: Switch::Clear, interrupt: true });
    assert_eq!(methods(&heard), ["session/cancel"]);
    assert_eq!(methods(&reply(&mut acp, json!({"stopReason": "cancelled"}))), ["session/new"]);
}

#[test]
fn plan_is_a_mode_of_the_agents() {
    let mut acp = greeted(PermissionMode::Default);
    let heard = acp.ask("m", Ask::Mode(PermissionMode::Plan));
    assert_eq!(sent(&heard)[0].1, json!({"sessionId": "ses_1", "configId": "mode", "value": "plan"}));
    let mut planning = opened("ses_1");
    planning["configOptions"][0]["currentValue"] = json!("plan");
    assert_eq!(reply(&mut acp, planning), [answer("m", Ok(Answer::Done))]);
    let heard = acp.ask("m", Ask::Mode(PermissionMode::AcceptEdits));
    assert_eq!(sent(&heard)[0].1["value"], "build");
    assert!(error(&acp.ask("n", Ask::Model(Some("x".to_owned())))).contains("no choice of models"));
}

#[test]
fn why_it_cannot_be_seated_is_said_in_its_own_words() {
    let check = |answer: Value, expected: &str| {
        let mut acp = started(&Origin::New, PermissionMode::Default);
        acp.ask("h", Ask::Handshake);
        let id = acp.connection.latest();
        let mut line = json!({"id": id});
        line.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        let reason = error(&acp.hear(line).1);
        assert!(reason.contains(expected), "{reason}");
    };
    check(json!({"result": {"protocolVersion": 2}}), "version 2");
    check(json!({"result": 7}), "makes no sense");
    check(json!({"error": {"code": -32000, "message": "run login"}}), "not logged in - run login");
    check(json!({"error": "odd"}), "Internal error");
}
