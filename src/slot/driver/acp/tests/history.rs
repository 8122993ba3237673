//! What the agent tells of its sessions.

use std::time::SystemTime;

use super::*;
use crate::slot::{ListedSession, SessionLocation};

fn said(kind: &str, text: &str) -> Value {
    json!({"sessionUpdate": kind, "content": {"type": "text", "text": text}})
}

#[test]
fn what_was_said_before_comes_behind_the_answer() {
    let mut acp = started(&StartSession::New, PermissionMode::Default);
    acp.request("h", SlotRequest::Handshake);
    reply(&mut acp, json!({"protocolVersion": 1, "agentCapabilities": {"loadSession": true}}));
    reply(&mut acp, json!({"sessionId": "ses_1"}));
    assert_eq!(acp.capabilities().fork, SwitchSupport::Unsupported("this agent cannot fork"));
    let stored = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    assert_eq!(methods(&acp.request("s", switch(Switch::Resume(stored.parse().unwrap())))), ["session/load"]);
    let call = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "ls", "kind": "execute",
        "status": "completed", "rawInput": {"command": "ls"}});
    for reported in [
        said("user_message_chunk", "first "),
        said("user_message_chunk", "prompt"),
        said("agent_message_chunk", "an "),
        said("agent_message_chunk", "answer"),
        call,
        said("user_message_chunk", "second prompt"),
        said("agent_thought_chunk", "hm"),
    ] {
        assert_eq!(acp.handle_message(update(stored, &reported)).1, [], "nobody is to see it yet");
    }
    let events = reply(&mut acp, json!({}));
    let [
        DriverOutput::Response { answer: Ok(AgentResponse::Switched(_)), .. },
        DriverOutput::Event(AgentEvent::HistoryReplayed { changes, .. }),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    let reported: Vec<_> = changes.iter().map(|(_, change)| change).collect();
    let [
        ConversationEvent::Prompt(first),
        ConversationEvent::Block { block: MessageBlock::Text(answer), .. },
        ConversationEvent::Block { block: MessageBlock::ToolUse { .. }, .. },
        ConversationEvent::Result { .. },
        ConversationEvent::Prompt(second),
        ConversationEvent::Block { block: MessageBlock::Thinking(_), .. },
    ] = reported.as_slice()
    else {
        panic!("{reported:?}")
    };
    assert_eq!(
        (first.as_str(), answer.as_str(), second.as_str()),
        ("first prompt", "an answer", "second prompt")
    );
}

#[test]
fn its_sessions_are_told_page_by_page_and_which_have_no_name_yet() {
    let mut acp = handshake_done(PermissionMode::Default);
    let session = |id: &str, title: Value| json!({"sessionId": id, "cwd": "/there", "title": title, "updatedAt": "2026-11-21T10:00:00.000Z"});
    let first = json!({"sessions": [session("ses_8", json!("Eight")), session("ses_7", json!("New session - 2026"))],
        "nextCursor": "more"});
    assert_eq!(methods(&reply(&mut acp, first)), ["session/list"]);
    let events = reply(&mut acp, json!({"sessions": [session("ses_9", json!(7))]}));
    let listed = |id: &str, title: Option<&str>| ListedSession {
        session: SessionId::from_external(id),
        id: id.into(),
        title: title.map(str::to_owned),
        cwd: "/there".into(),
        last_active: "2026-11-21T10:00:00Z".parse().ok(),
        unnamed: false,
    };
    let unnamed = ListedSession { unnamed: true, ..listed("ses_7", None) };
    let all = vec![listed("ses_8", Some("Eight")), unnamed, listed("ses_9", None)];
    assert_eq!(events, [DriverOutput::Event(AgentEvent::SessionsListed(all))]);
    // An answer that makes no sense lists nothing, and harms nothing.
    acp.request_sessions();
    assert_eq!(reply(&mut acp, json!(7)), []);
}

#[test]
fn what_is_written_down_need_not_be_told_again() {
    let check = |written: &str, method: &str| {
        let mut acp = handshake_done(PermissionMode::Default);
        let as_of: chrono::DateTime<chrono::Utc> = written.parse().unwrap();
        acp.finder = SessionFinder::new(move |_| {
            let as_of = Some(SystemTime::from(as_of));
            Some(SessionLocation {
                cwd: "/there".into(),
                is_trusted: true,
                transcript: "/t".into(),
                recorded_until: as_of,
                holder: None,
            })
        });
        reply(
            &mut acp,
            json!({"sessions": [
            {"sessionId": "ses_8", "cwd": "/there", "updatedAt": "2026-11-21T10:00:10.000Z"}]}),
        );
        let resumed = acp.request("s", switch(Switch::Resume(SessionId::from_external("ses_8"))));
        assert_eq!(methods(&resumed), [method], "{written}");
    };
    check("2026-11-21T10:00:08Z", "session/resume");
    check("2026-11-21T09:00:00Z", "session/load");
}
