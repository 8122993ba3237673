//! Files and terminals that the agent asks for.

use PermissionMode::{AcceptEdits, BypassPermissions, Default, DontAsk, Plan};

use super::*;
use crate::slot::driver::{ClientOp, ClientOpResult, CreateTerminal, TerminalExit};

/// What the agent asks for, as its request 5.
#[allow(clippy::needless_pass_by_value, reason = "every caller makes one")]
fn wants(acp: &mut AcpDriver, method: &str, mut params: Value) -> Vec<DriverOutput> {
    params["sessionId"] = json!("ses_1");
    acp.handle_message(json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params})).1
}

fn write(acp: &mut AcpDriver, path: &str) -> Vec<DriverOutput> {
    wants(acp, "fs/write_text_file", json!({"path": path, "content": "new\n"}))
}

fn run(acp: &mut AcpDriver, command: &str) -> Vec<DriverOutput> {
    wants(acp, "terminal/create", json!({"command": command}))
}

/// The loan that is made, and what came of it.
fn lend(
    acp: &mut AcpDriver,
    events: &[DriverOutput],
    outcome: Result<ClientOpResult, String>,
) -> (ClientOp, Vec<DriverOutput>) {
    let [DriverOutput::ClientOp { op_id, folder, op }] = events else { panic!("{events:?}") };
    assert_eq!(folder.as_os_str(), "/work");
    (op.clone(), acp.handle_client_op(ClientOpEvent::Completed { op_id: *op_id, outcome }))
}

fn question(events: &[DriverOutput]) -> PermissionRequest {
    match events {
        [DriverOutput::Event(AgentEvent::PermissionRequested(request))] => request.clone(),
        other => panic!("{other:?}"),
    }
}

/// What is answered to the agent's request: its result, or the error's message.
fn answered(events: &[DriverOutput]) -> Value {
    let [DriverOutput::SendLine(line)] = events else { panic!("{events:?}") };
    assert_eq!(line["id"], 5, "{line}");
    line.get("result").unwrap_or(&line["error"]["message"]).clone()
}

fn no_file() -> ClientOpResult {
    ClientOpResult::FileText(None)
}

#[test]
fn a_read_is_free_and_by_lines() {
    for mode in [Default, Plan, DontAsk] {
        let mut acp = handshake_done(mode);
        let mut check = |requested: Value, expected: &str| {
            let events = wants(&mut acp, "fs/read_text_file", requested);
            let text = Ok(ClientOpResult::FileText(Some("1\n2\r\n3".to_owned())));
            let (op, events) = lend(&mut acp, &events, text);
            assert_eq!(op, ClientOp::ReadFile("/work/a".into()));
            assert_eq!(answered(&events), json!({"content": expected}));
        };
        check(json!({"path": "/work/a"}), "1\n2\r\n3");
        check(json!({"path": "/work/a", "line": 2}), "2\r\n3");
        check(json!({"path": "/work/a", "line": 1, "limit": 2}), "1\n2\r\n");
        check(json!({"path": "/work/a", "line": 9, "limit": 2}), "");
        check(json!({"path": "/work/a", "limit": 0}), "");
    }
    let mut acp = handshake_done(Default);
    let events = wants(&mut acp, "fs/read_text_file", json!({"path": "/work/a"}));
    assert_eq!(answered(&lend(&mut acp, &events, Ok(no_file())).1), "Resource not found");
    let events = wants(&mut acp, "fs/read_text_file", json!({"path": "/etc/passwd"}));
    let why = Err("lies outside".to_owned());
    assert_eq!(answered(&lend(&mut acp, &events, why).1), "lies outside");
    assert!(answered(&wants(&mut acp, "fs/read_text_file", json!({}))).as_str().unwrap().contains("path"));
}

#[test]
fn a_write_is_put_to_a_person_as_what_it_changes() {
    let mut acp = handshake_done(Default);
    let events = write(&mut acp, "/work/a");
    let (op, events) = lend(&mut acp, &events, Ok(ClientOpResult::FileText(Some("old\n".to_owned()))));
    assert_eq!(op, ClientOp::ReadFile("/work/a".into()));
    let request = question(&events);
    let input = json!({"file_path": "/work/a", "old_string": "old\n", "new_string": "new\n"});
    assert_eq!((request.tool.as_str(), &request.input), ("Edit", &input));
    let events = acp.answer_permission(request, None);
    let (op, events) = lend(&mut acp, &events, Ok(ClientOpResult::Done));
    assert_eq!(op, ClientOp::WriteFile { path: "/work/a".into(), text: "new\n".to_owned() });
    assert_eq!(answered(&events), json!({}));

    let events = write(&mut acp, "/work/a");
    let events = lend(&mut acp, &events, Ok(no_file())).1;
    let request = question(&events);
    assert_eq!((request.tool.as_str(), request.input["content"].as_str()), ("Write", Some("new\n")));
    let events = acp.answer_permission(request, Some("wrong file".to_owned()));
    assert_eq!(answered(&events), "not permitted: wrong file");

    // Where it may not be written anyway nobody is asked.
    let events = write(&mut acp, "/work/link/a");
    let events = lend(&mut acp, &events, Err("lies outside".to_owned())).1;
    assert_eq!(answered(&events), "lies outside");
}

#[test]
fn the_mode_answers_where_it_does() {
    let check = |mode, writes: Option<bool>, runs: Option<bool>| {
        let decision = |events: &[DriverOutput]| match events {
            [
                DriverOutput::ClientOp {
                    op: ClientOp::WriteFile { .. } | ClientOp::CreateTerminal(_), ..
                },
            ] => Some(true),
            [DriverOutput::SendLine(_)] => Some(false),
            [
                DriverOutput::ClientOp { op: ClientOp::ReadFile(_), .. }
                | DriverOutput::Event(AgentEvent::PermissionRequested(_)),
            ] => None,
            other => panic!("{other:?}"),
        };
        let mut acp = handshake_done(mode);
        assert_eq!(decision(&write(&mut acp, "/work/a")), writes, "{mode:?}");
        assert_eq!(decision(&run(&mut acp, "ls")), runs, "{mode:?}");
    };
    check(Default, None, None);
    check(AcceptEdits, Some(true), None);
    check(Plan, Some(false), Some(false));
    check(DontAsk, Some(false), Some(false));
    check(BypassPermissions, Some(true), Some(true));
    for mode in [AcceptEdits, BypassPermissions] {
        let mut acp = handshake_done(mode);
        let events = write(&mut acp, "/work/sub/.git/hooks/pre-commit");
        let [DriverOutput::ClientOp { op: ClientOp::ReadFile(_), .. }] = events.as_slice() else {
            panic!("{mode:?} {events:?}")
        };
    }
}

#[test]
fn what_the_agent_was_just_allowed_is_not_asked_again() {
    let mut acp = handshake_done(Default);
    acp.send_prompt("u", "hello");
    let turn = acp.connection.latest();
    let events = acp.handle_message(asks("ses_1", "edit", "/work/a")).1;
    let Some(DriverOutput::Event(AgentEvent::PermissionRequested(request))) = events.last() else {
        panic!("{events:?}")
    };
    acp.answer_permission(request.clone(), None);
    let allowed = |events: &[DriverOutput]| {
        matches!(
            events,
            [DriverOutput::ClientOp { op: ClientOp::WriteFile { .. } | ClientOp::CreateTerminal(_), .. }]
        )
    };
    let mut written = |path: &str| {
        let events = write(&mut acp, path);
        allowed(&lend(&mut acp, &events, Ok(no_file())).1)
    };
    assert!(!written("/work/b"), "another file");
    assert!(written("/work/a"));
    assert!(!written("/work/a"), "once");

    let events = acp.handle_message(asks("ses_1", "edit", "/work/a")).1;
    let Some(DriverOutput::Event(AgentEvent::PermissionRequested(request))) = events.last() else {
        panic!("{events:?}")
    };
    acp.answer_permission(request.clone(), None);
    let events = wants(&mut acp, "fs/write_text_file", json!({"path": "/work/a", "content": "other\n"}));
    let events = lend(&mut acp, &events, Ok(no_file())).1;
    assert_eq!(question(&events).input["content"], "other\n", "other content than was shown");

    let events = acp.handle_message(asks("ses_1", "execute", "/work")).1;
    let Some(DriverOutput::Event(AgentEvent::PermissionRequested(request))) = events.last() else {
        panic!("{events:?}")
    };
    acp.answer_permission(request.clone(), None);
    assert!(!allowed(&run(&mut acp, "ls -la")), "another command");
    assert!(!allowed(&write(&mut acp, "/work")), "a command is not a regular file");
    acp.handle_message(json!({"id": turn, "result": {"stopReason": "end_turn"}}));
    assert!(!allowed(&run(&mut acp, "ls")), "it was for that turn");
}

#[test]
fn what_was_denied_to_the_agent_is_asked_when_it_comes_to_us() {
    let mut acp = handshake_done(Default);
    let events = acp.handle_message(asks("ses_1", "execute", "/work")).1;
    let Some(DriverOutput::Event(AgentEvent::PermissionRequested(request))) = events.last() else {
        panic!("{events:?}")
    };
    acp.answer_permission(request.clone(), Some(String::new()));
    question(&run(&mut acp, "ls"));
}

#[test]
fn a_terminal_is_opened_heard_and_given_back() {
    let mut acp = handshake_done(BypassPermissions);
    let mut requested = json!({"command": "make", "args": ["all"], "cwd": "/work/sub", "outputByteLimit": 9});
    requested["env"] = json!([{"name": "A", "value": "1"}]);
    let events = wants(&mut acp, "terminal/create", requested);
    let (op, events) = lend(&mut acp, &events, Ok(ClientOpResult::Done));
    let (terminal, env) = ("terminal-1".to_owned(), vec![("A".to_owned(), "1".to_owned())]);
    let command = vec!["make".to_owned(), "all".to_owned()];
    assert_eq!(
        op,
        ClientOp::CreateTerminal(CreateTerminal {
            terminal,
            command,
            env,
            cwd: "/work/sub".into(),
            output_limit: 9
        })
    );
    assert_eq!(answered(&events), json!({"terminalId": "terminal-1"}));

    let mut check = |method: &str, result: ClientOpResult, expected: Value| {
        let events = wants(&mut acp, method, json!({"terminalId": "terminal-1"}));
        assert_eq!(answered(&lend(&mut acp, &events, Ok(result)).1), expected, "{method}");
    };
    let output = |ended| ClientOpResult::TerminalOutput { text: "out".to_owned(), truncated: true, ended };
    let failed = || TerminalExit { code: Some(2), signal: None };
    let exit = json!({"exitCode": 2});
    check("terminal/output", output(None), json!({"output": "out", "truncated": true}));
    let reported = json!({"output": "out", "truncated": true, "exitStatus": exit});
    check("terminal/output", output(Some(failed())), reported);
    check("terminal/wait_for_exit", ClientOpResult::Exited(failed()), exit);
    check("terminal/kill", ClientOpResult::Done, json!({}));
    check("terminal/release", ClientOpResult::Done, json!({}));

    let events = run(&mut acp, "no such thing");
    let why = "could not open a terminal".to_owned();
    assert_eq!(answered(&lend(&mut acp, &events, Err(why.clone())).1), json!(why));
    for cwd in ["/", "/workshop", "/work/../etc"] {
        let events = wants(&mut acp, "terminal/create", json!({"command": "ls", "cwd": cwd}));
        assert!(answered(&events).as_str().unwrap().contains("outside the session's folder"), "{cwd}");
    }
}

#[test]
fn the_terminals_of_a_session_that_is_left_end() {
    let mut acp = handshake_done(BypassPermissions);
    for _ in 0..2 {
        let events = run(&mut acp, "tail -f log");
        lend(&mut acp, &events, Ok(ClientOpResult::Done));
    }
    wants(&mut acp, "terminal/release", json!({"terminalId": "terminal-1"}));
    acp.request("s", switch(Switch::Clear));
    let events = reply(&mut acp, opened("ses_2"));
    let loans: Vec<_> = events
        .iter()
        .filter_map(|events| match events {
            DriverOutput::ClientOp { op, .. } => Some(op.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(loans, [ClientOp::ReleaseTerminal("terminal-2".to_owned())]);
}

#[test]
fn what_is_asked_of_us_ends_with_the_turn() {
    let mut acp = handshake_done(Default);
    acp.send_prompt("u", "hello");
    let request = question(&run(&mut acp, "ls"));
    let events = acp.request("i", SlotRequest::Interrupt);
    assert!(events.contains(&DriverOutput::Event(AgentEvent::PermissionDropped(request.id))), "{events:?}");
    assert_eq!(methods(&events), ["session/cancel", "answer"]);
    assert_eq!(sent(&events)[1].1["code"], -32800);

    let events = write(&mut acp, "/work/a");
    let [DriverOutput::ClientOp { op_id, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(methods(&acp.request("i", SlotRequest::Interrupt)), ["session/cancel", "answer"]);
    let late = ClientOpEvent::Completed { op_id: *op_id, outcome: Ok(no_file()) };
    assert_eq!(acp.handle_client_op(late), [], "nobody is asked any more");
}

#[test]
fn a_call_shows_what_its_terminal_says() {
    let mut acp = handshake_done(BypassPermissions);
    let events = run(&mut acp, "make");
    lend(&mut acp, &events, Ok(ClientOpResult::Done));
    let mut say = |text: &str| {
        let said = ClientOpEvent::TerminalOutput { terminal: "terminal-1".to_owned(), text: text.to_owned() };
        acp.handle_client_op(said)
    };
    assert_eq!(say("one\n"), [], "no call runs in it yet");
    let content = json!([{"type": "terminal", "terminalId": "terminal-1"}]);
    let reported = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "make", "kind": "execute",
        "status": "pending", "rawInput": {"command": "make"}, "content": content});
    let events = acp.handle_message(update("ses_1", &reported)).1;
    let change = |events: &[DriverOutput], at: usize| match &events[at] {
        DriverOutput::Event(AgentEvent::ConversationChanged { change, .. }) => change.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        change(&events, 0),
        ConversationEvent::Block { block: MessageBlock::ToolUse { .. }, .. }
    ));
    let output =
        |text: &str| ConversationEvent::ToolOutput { tool_use_id: "c".to_owned(), text: text.to_owned() };
    assert_eq!(change(&events, 1), output("one\n"));
    let said = ClientOpEvent::TerminalOutput { terminal: "terminal-1".to_owned(), text: "two\n".to_owned() };
    assert_eq!(change(&acp.handle_client_op(said), 0), output("two\n"));
    let over = json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed"});
    let events = acp.handle_message(update("ses_1", &over)).1;
    let ConversationEvent::Result { result, .. } = change(&events, 0) else { panic!("{events:?}") };
    assert_eq!(result.text, "one\ntwo\n");
}
