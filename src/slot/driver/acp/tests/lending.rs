//! Files and terminals that the agent asks for.

use PermissionMode::{AcceptEdits, BypassPermissions, Default, DontAsk, Plan};

use super::*;
use crate::slot::driver::{Ending, Lent, Loan, Run};

/// What the agent asks for, as its request 5.
#[allow(clippy::needless_pass_by_value, reason = "every caller makes one")]
fn wants(acp: &mut Acp, method: &str, mut params: Value) -> Vec<Heard> {
    params["sessionId"] = json!("ses_1");
    acp.hear(json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params})).1
}

fn write(acp: &mut Acp, path: &str) -> Vec<Heard> {
    wants(acp, "fs/write_text_file", json!({"path": path, "content": "new\n"}))
}

fn run(acp: &mut Acp, command: &str) -> Vec<Heard> {
    wants(acp, "terminal/create", json!({"command": command}))
}

/// The loan that is made, and what came of it.
fn lend(acp: &mut Acp, heard: &[Heard], outcome: Result<Lent, String>) -> (Loan, Vec<Heard>) {
    let [Heard::Lend { ticket, folder, loan }] = heard else { panic!("{heard:?}") };
    assert_eq!(folder.as_os_str(), "/work");
    (loan.clone(), acp.lent(LoanNews::Answer { ticket: *ticket, outcome }))
}

fn question(heard: &[Heard]) -> PermissionRequest {
    match heard {
        [Heard::Permission(request)] => request.clone(),
        other => panic!("{other:?}"),
    }
}

/// What is answered to the agent's request: its result, or the error's message.
fn answered(heard: &[Heard]) -> Value {
    let [Heard::Send(line)] = heard else { panic!("{heard:?}") };
    assert_eq!(line["id"], 5, "{line}");
    line.get("result").unwrap_or(&line["error"]["message"]).clone()
}

fn no_file() -> Lent {
    Lent::Text(None)
}

#[test]
fn a_read_is_free_and_by_lines() {
    for mode in [Default, Plan, DontAsk] {
        let mut acp = greeted(mode);
        let mut check = |wanted: Value, expected: &str| {
            let heard = wants(&mut acp, "fs/read_text_file", wanted);
            let text = Ok(Lent::Text(Some("1\n2\r\n3".to_owned())));
            let (loan, heard) = lend(&mut acp, &heard, text);
            assert_eq!(loan, Loan::Read("/work/a".into()));
            assert_eq!(answered(&heard), json!({"content": expected}));
        };
        check(json!({"path": "/work/a"}), "1\n2\r\n3");
        check(json!({"path": "/work/a", "line": 2}), "2\r\n3");
        check(json!({"path": "/work/a", "line": 1, "limit": 2}), "1\n2\r\n");
        check(json!({"path": "/work/a", "line": 9, "limit": 2}), "");
        check(json!({"path": "/work/a", "limit": 0}), "");
    }
    let mut acp = greeted(Default);
    let heard = wants(&mut acp, "fs/read_text_file", json!({"path": "/work/a"}));
    assert_eq!(answered(&lend(&mut acp, &heard, Ok(no_file())).1), "Resource not found");
    let heard = wants(&mut acp, "fs/read_text_file", json!({"path": "/etc/passwd"}));
    let why = Err("lies outside".to_owned());
    assert_eq!(answered(&lend(&mut acp, &heard, why).1), "lies outside");
    assert!(answered(&wants(&mut acp, "fs/read_text_file", json!({}))).as_str().unwrap().contains("path"));
}

#[test]
fn a_write_is_put_to_a_person_as_what_it_changes() {
    let mut acp = greeted(Default);
    let heard = write(&mut acp, "/work/a");
    let (loan, heard) = lend(&mut acp, &heard, Ok(Lent::Text(Some("old\n".to_owned()))));
    assert_eq!(loan, Loan::Read("/work/a".into()));
    let request = question(&heard);
    let input = json!({"file_path": "/work/a", "old_string": "old\n", "new_string": "new\n"});
    assert_eq!((request.tool.as_str(), &request.input), ("Edit", &input));
    let heard = acp.verdict(request, Verdict::Once);
    let (loan, heard) = lend(&mut acp, &heard, Ok(Lent::Done));
    assert_eq!(loan, Loan::Write { path: "/work/a".into(), text: "new\n".to_owned() });
    assert_eq!(answered(&heard), json!({}));

    let heard = write(&mut acp, "/work/a");
    let heard = lend(&mut acp, &heard, Ok(no_file())).1;
    let request = question(&heard);
    assert_eq!((request.tool.as_str(), request.input["content"].as_str()), ("Write", Some("new\n")));
    let heard = acp.verdict(request, Verdict::Deny("wrong file".to_owned()));
    assert_eq!(answered(&heard), "not permitted: wrong file");

    // Where it may not be written anyway nobody is asked.
    let heard = write(&mut acp, "/work/link/a");
    let heard = lend(&mut acp, &heard, Err("lies outside".to_owned())).1;
    assert_eq!(answered(&heard), "lies outside");
}

#[test]
fn the_mode_answers_where_it_does() {
    let check = |mode, writes: Option<bool>, runs: Option<bool>| {
        let verdict = |heard: &[Heard]| match heard {
            [Heard::Lend { loan: Loan::Write { .. } | Loan::Run(_), .. }] => Some(true),
            [Heard::Send(_)] => Some(false),
            [Heard::Lend { loan: Loan::Read(_), .. } | Heard::Permission(_)] => None,
            other => panic!("{other:?}"),
        };
        let mut acp = greeted(mode);
        assert_eq!(verdict(&write(&mut acp, "/work/a")), writes, "{mode:?}");
        assert_eq!(verdict(&run(&mut acp, "ls")), runs, "{mode:?}");
    };
    check(Default, None, None);
    check(AcceptEdits, Some(true), None);
    check(Plan, Some(false), Some(false));
    check(DontAsk, Some(false), Some(false));
    check(BypassPermissions, Some(true), Some(true));
}

#[test]
fn what_the_agent_was_just_allowed_is_not_asked_again() {
    let mut acp = greeted(Default);
    acp.prompt("u", "hello");
    let turn = acp.connection.latest();
    let heard = acp.hear(asks("ses_1", "edit", "/work/a")).1;
    let Some(Heard::Permission(request)) = heard.last() else { panic!("{heard:?}") };
    acp.verdict(request.clone(), Verdict::Once);
    let allowed =
        |heard: &[Heard]| matches!(heard, [Heard::Lend { loan: Loan::Write { .. } | Loan::Run(_), .. }]);
    assert!(!allowed(&write(&mut acp, "/work/b")), "another file");
    assert!(allowed(&write(&mut acp, "/work/a")));
    assert!(!allowed(&write(&mut acp, "/work/a")), "once");

    let heard = acp.hear(asks("ses_1", "execute", "/work")).1;
    let Some(Heard::Permission(request)) = heard.last() else { panic!("{heard:?}") };
    acp.verdict(request.clone(), Verdict::Once);
    assert!(!allowed(&run(&mut acp, "ls -la")), "another command");
    assert!(!allowed(&write(&mut acp, "/work")), "a command is no file");
    acp.hear(json!({"id": turn, "result": {"stopReason": "end_turn"}}));
    assert!(!allowed(&run(&mut acp, "ls")), "it was for that turn");
}

#[test]
fn what_was_denied_to_the_agent_is_asked_when_it_comes_to_us() {
    let mut acp = greeted(Default);
    let heard = acp.hear(asks("ses_1", "execute", "/work")).1;
    let Some(Heard::Permission(request)) = heard.last() else { panic!("{heard:?}") };
    acp.verdict(request.clone(), Verdict::Deny(String::new()));
    question(&run(&mut acp, "ls"));
}

#[test]
fn for_this_session_is_for_this_session() {
    let mut acp = greeted(Default);
    let request = question(&run(&mut acp, "ls"));
    acp.verdict(request, Verdict::Session);
    assert!(matches!(run(&mut acp, "ls").as_slice(), [Heard::Lend { loan: Loan::Run(_), .. }]));
    question(&run(&mut acp, "rm -r ."));
    let heard = write(&mut acp, "/work/a");
    let heard = lend(&mut acp, &heard, Ok(no_file())).1;
    acp.verdict(question(&heard), Verdict::Session);
    assert!(matches!(write(&mut acp, "/work/b").as_slice(), [Heard::Lend { loan: Loan::Write { .. }, .. }]));

    acp.ask("s", switch(Switch::Clear));
    reply(&mut acp, opened("ses_2"));
    let params = json!({"sessionId": "ses_2", "command": "ls"});
    question(&acp.hear(json!({"id": 5, "method": "terminal/create", "params": params})).1);
    assert_eq!(answered(&run(&mut acp, "ls")), "this session does not have the seat");
}

#[test]
fn a_terminal_is_opened_heard_and_given_back() {
    let mut acp = greeted(BypassPermissions);
    let mut wanted = json!({"command": "make", "args": ["all"], "cwd": "/work/sub", "outputByteLimit": 9});
    wanted["env"] = json!([{"name": "A", "value": "1"}]);
    let heard = wants(&mut acp, "terminal/create", wanted);
    let (loan, heard) = lend(&mut acp, &heard, Ok(Lent::Done));
    let (terminal, env) = ("terminal-1".to_owned(), vec![("A".to_owned(), "1".to_owned())]);
    let command = vec!["make".to_owned(), "all".to_owned()];
    assert_eq!(loan, Loan::Run(Run { terminal, command, env, cwd: "/work/sub".into(), keep: 9 }));
    assert_eq!(answered(&heard), json!({"terminalId": "terminal-1"}));

    let mut check = |method: &str, lent: Lent, expected: Value| {
        let heard = wants(&mut acp, method, json!({"terminalId": "terminal-1"}));
        assert_eq!(answered(&lend(&mut acp, &heard, Ok(lent)).1), expected, "{method}");
    };
    let output = |ended| Lent::Output { text: "out".to_owned(), truncated: true, ended };
    let failed = || Ending { code: Some(2), signal: None };
    let exit = json!({"exitCode": 2});
    check("terminal/output", output(None), json!({"output": "out", "truncated": true}));
    let told = json!({"output": "out", "truncated": true, "exitStatus": exit});
    check("terminal/output", output(Some(failed())), told);
    check("terminal/wait_for_exit", Lent::Ended(failed()), exit);
    check("terminal/kill", Lent::Done, json!({}));
    check("terminal/release", Lent::Done, json!({}));

    let heard = run(&mut acp, "no such thing");
    let why = "could not open a terminal".to_owned();
    assert_eq!(answered(&lend(&mut acp, &heard, Err(why.clone())).1), json!(why));
    for cwd in ["/", "/workshop", "/work/../etc"] {
        let heard = wants(&mut acp, "terminal/create", json!({"command": "ls", "cwd": cwd}));
        assert!(answered(&heard).as_str().unwrap().contains("outside of the session's folder"), "{cwd}");
    }
}

#[test]
fn the_terminals_of_a_session_that_is_left_end() {
    let mut acp = greeted(BypassPermissions);
    for _ in 0..2 {
        let heard = run(&mut acp, "tail -f log");
        lend(&mut acp, &heard, Ok(Lent::Done));
    }
    wants(&mut acp, "terminal/release", json!({"terminalId": "terminal-1"}));
    acp.ask("s", switch(Switch::Clear));
    let heard = reply(&mut acp, opened("ses_2"));
    let loans: Vec<_> = heard
        .iter()
        .filter_map(|heard| match heard {
            Heard::Lend { loan, .. } => Some(loan.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(loans, [Loan::Release("terminal-2".to_owned())]);
}

#[test]
fn what_is_asked_of_us_ends_with_the_turn() {
    let mut acp = greeted(Default);
    acp.prompt("u", "hello");
    let request = question(&run(&mut acp, "ls"));
    let heard = acp.ask("i", Ask::Interrupt);
    assert!(heard.contains(&Heard::PermissionDropped(request.id)), "{heard:?}");
    assert_eq!(methods(&heard), ["session/cancel", "answer"]);
    assert_eq!(sent(&heard)[1].1["code"], -32800);

    let heard = write(&mut acp, "/work/a");
    let [Heard::Lend { ticket, .. }] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!(methods(&acp.ask("i", Ask::Interrupt)), ["session/cancel", "answer"]);
    let late = LoanNews::Answer { ticket: *ticket, outcome: Ok(no_file()) };
    assert_eq!(acp.lent(late), [], "nobody is asked any more");
}

#[test]
fn a_call_shows_what_its_terminal_says() {
    let mut acp = greeted(BypassPermissions);
    let heard = run(&mut acp, "make");
    lend(&mut acp, &heard, Ok(Lent::Done));
    let mut say = |text: &str| {
        let said = LoanNews::Said { terminal: "terminal-1".to_owned(), text: text.to_owned() };
        acp.lent(said)
    };
    assert_eq!(say("one\n"), [], "no call runs in it yet");
    let content = json!([{"type": "terminal", "terminalId": "terminal-1"}]);
    let told = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "make", "kind": "execute",
        "status": "pending", "rawInput": {"command": "make"}, "content": content});
    let heard = acp.hear(update("ses_1", &told)).1;
    let change = |heard: &[Heard], at: usize| match &heard[at] {
        Heard::Grew { change, .. } => change.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(change(&heard, 0), Change::Block { block: Block::ToolUse { .. }, .. }));
    let output = |text: &str| Change::ToolOutput { tool_use_id: "c".to_owned(), text: text.to_owned() };
    assert_eq!(change(&heard, 1), output("one\n"));
    let said = LoanNews::Said { terminal: "terminal-1".to_owned(), text: "two\n".to_owned() };
    assert_eq!(change(&acp.lent(said), 0), output("two\n"));
    let over = json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed"});
    let heard = acp.hear(update("ses_1", &over)).1;
    let Change::Result { result, .. } = change(&heard, 0) else { panic!("{heard:?}") };
    assert_eq!(result.text, "one\ntwo\n");
}
