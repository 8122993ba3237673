//! What other agents than opencode do otherwise (as seen from qwen 0.24, gemini
//! 0.61 and copilot 1.0).

use super::*;

/// Through the handshake with an agent that can only load, in the session that
/// it opens with this answer.
fn loads_only(first: Value) -> (AcpDriver, Vec<DriverOutput>) {
    let mut acp = started(&StartSession::New, PermissionMode::Default);
    acp.request("h", SlotRequest::Handshake);
    reply(&mut acp, json!({"protocolVersion": 1, "agentCapabilities": {"loadSession": true}}));
    let events = reply(&mut acp, first);
    (acp, events)
}

fn modes(id: &str, current: &str, all: &[&str]) -> Value {
    let all: Vec<_> = all.iter().map(|mode| json!({"id": mode, "name": mode})).collect();
    json!({"sessionId": id, "modes": {"currentModeId": current, "availableModes": all}})
}

#[test]
fn a_session_that_was_never_closed_is_open_still() {
    let (mut acp, _) = loads_only(modes("one", "default", &["default", "plan"]));
    let one = SessionId::from_external("one");
    acp.request("s", switch(Switch::Clear));
    let events = reply(&mut acp, json!({"sessionId": "two"}));
    assert_eq!(methods(&events), Vec::<String>::new(), "it closes none");

    let events = acp.request("s", switch(Switch::Resume(one)));
    let [DriverOutput::Response { answer: Ok(AgentResponse::Switched(switched)), .. }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(switched.session, one);
    assert_eq!(sent(&acp.send_prompt("u", "hello"))[0].1["sessionId"], "one");

    let never_open = SessionId::random();
    acp.turn = None;
    let events = acp.request("s", switch(Switch::Resume(never_open)));
    assert_eq!(
        sent(&events)[0],
        (
            "session/load".to_owned(),
            json!({"sessionId": never_open.to_string(), "cwd": "/work", "mcpServers": []})
        )
    );
}

#[test]
fn who_is_to_ask_first_is_told_to() {
    let (mut acp, events) = loads_only(modes("one", "auto", &["plan", "default", "auto"]));
    assert_eq!(
        sent(&events),
        [("session/set_mode".to_owned(), json!({"sessionId": "one", "modeId": "default"}))]
    );
    // The answer says nothing; what was asked for counts.
    assert_eq!(
        sent(&acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::Plan })))[0].1["modeId"],
        "plan"
    );
    assert_eq!(reply(&mut acp, json!({})), [reply_to::<SetMode>("m", Ok(()))]);
    assert_eq!(
        sent(&acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::AcceptEdits })))[0].1["modeId"],
        "default"
    );
}

#[test]
fn a_mode_that_edits_is_one_for_who_accepts_edits() {
    let (mut acp, events) = loads_only(modes("one", "agent", &["read-only", "workspace-write", "agent"]));
    assert_eq!(sent(&events)[0].1["modeId"], "read-only");
    assert_eq!(
        sent(&acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::AcceptEdits })))[0].1["modeId"],
        "workspace-write"
    );
}

#[test]
fn a_mode_may_be_an_address() {
    let at = |mode: &str| format!("https://agentclientprotocol.com/protocol/session-modes#{mode}");
    let (mut acp, events) = loads_only(modes("one", &at("agent"), &[&at("agent"), &at("plan")]));
    assert_eq!(sent(&events), []);
    assert_eq!(
        sent(&acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::Plan })))[0].1["modeId"],
        at("plan")
    );
    reply(&mut acp, json!({}));
    assert!(acp.options.is_planning());
    assert_eq!(
        sent(&acp.request("m", SlotRequest::call(SetMode { mode: PermissionMode::Default })))[0].1["modeId"],
        at("agent")
    );
}

#[test]
fn a_list_of_models_is_a_choice_too() {
    let models = json!([{"modelId": "pro", "name": "Pro"}, {"modelId": "flash", "name": "Flash"}]);
    let (mut acp, _) = loads_only(
        json!({"sessionId": "one", "models": {"currentModelId": "pro", "availableModels": models}}),
    );
    assert_eq!(acp.options.models(), ["pro", "flash"]);
    let events = acp.request("m", SlotRequest::call(SetModel { model: Some("flash".to_owned()) }));
    let expected = json!({"sessionId": "one", "modelId": "flash"});
    assert_eq!(sent(&events), [("session/set_model".to_owned(), expected)]);
    let expected = [reply_to::<SetModel>("m", Ok(Some("flash".to_owned())))];
    assert_eq!(reply(&mut acp, json!({})), expected);
}

#[test]
fn who_is_not_logged_in_is_told_how_in_its_words() {
    let check = |answer: Value, expected: &str| {
        let mut acp = started(&StartSession::New, PermissionMode::Default);
        acp.request("h", SlotRequest::Handshake);
        let login = json!([{"id": "a", "name": "Log in", "description": "Run `some login`"}, {"id": "b", "name": "By key"}]);
        reply(&mut acp, json!({"protocolVersion": 1, "agentCapabilities": {}, "authMethods": login}));
        let id = acp.connection.latest();
        assert_eq!(error(&acp.handle_message(json!({"id": id, "error": answer})).1), expected);
    };
    check(
        json!({"code": -32000, "message": "Authentication required"}),
        "not logged in: Authentication required (Run `some login`; or: By key)",
    );
    check(
        json!({"code": -32603, "message": "Internal error", "data": {"details": "no such folder"}}),
        "Internal error: no such folder",
    );
}

#[test]
fn who_cannot_fork_is_listed_so_until_it_says_otherwise() {
    let mut acp = (QWEN.driver)();
    assert_eq!(acp.capabilities().fork, SwitchSupport::Unsupported("this agent cannot fork"));
    assert_eq!((OPENCODE.driver)().capabilities().fork, SwitchSupport::InProcess);
    acp.start(&Launch::new(QWEN.driver, "qwen", "/work"), &StartSession::New);
    let sent = acp.request("h", SlotRequest::Handshake);
    let [DriverOutput::SendLine(line)] = sent.as_slice() else { panic!("{sent:?}") };
    acp.handle_message(json!({"jsonrpc": "2.0", "id": line["id"], "result": hello()}));
    assert_eq!(acp.capabilities().fork, SwitchSupport::InProcess);
}

#[test]
fn a_session_that_is_just_being_closed_is_opened_after_that() {
    let mut acp = handshake_done(PermissionMode::Default);
    acp.request("s", switch(Switch::Clear));
    let events = reply(&mut acp, opened("ses_2"));
    let close = acp.connection.latest();
    assert_eq!(methods(&events), ["session/close"]);

    let resumed = acp.request("s", switch(Switch::Resume(SessionId::from_external("ses_1"))));
    assert_eq!(methods(&resumed).len(), 1);
    let refused = json!({"code": -32602, "message": "Session ses_1 is already loaded"});
    let load = acp.connection.latest();
    let events = acp.handle_message(json!({"jsonrpc": "2.0", "id": load, "error": refused})).1;
    assert_eq!(events, [], "it is not over yet");
    let events = acp.handle_message(json!({"jsonrpc": "2.0", "id": close, "result": {}})).1;
    assert_eq!(methods(&events), methods(&resumed), "it is asked for again");
    let load = acp.connection.latest();
    let events = acp.handle_message(json!({"jsonrpc": "2.0", "id": load, "error": refused})).1;
    assert!(error(&events).contains("already loaded"), "but once");
}
