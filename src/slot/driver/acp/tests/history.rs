//! What the agent tells of its sessions.

use std::time::SystemTime;

use super::*;
use crate::slot::{Found, Listed};

fn said(kind: &str, text: &str) -> Value {
    json!({"sessionUpdate": kind, "content": {"type": "text", "text": text}})
}

#[test]
fn what_was_said_before_comes_behind_the_answer() {
    let mut acp = started(&Origin::New, PermissionMode::Default);
    acp.ask("h", Ask::Handshake);
    reply(&mut acp, json!({"protocolVersion": 1, "agentCapabilities": {"loadSession": true}}));
    reply(&mut acp, json!({"sessionId": "ses_1"}));
    assert_eq!(acp.abilities().fork, Ability::Missing("this agent cannot fork"));
    let stored = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    assert_eq!(methods(&acp.ask("s", switch(Switch::Resume(stored.parse().unwrap())))), ["session/load"]);
    let call = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "ls", "kind": "execute",
        "status": "completed", "rawInput": {"command": "ls"}});
    for told in [
        said("user_message_chunk", "first "),
        said("user_message_chunk", "prompt"),
        said("agent_message_chunk", "an "),
        said("agent_message_chunk", "answer"),
        call,
        said("user_message_chunk", "second prompt"),
        said("agent_thought_chunk", "hm"),
    ] {
        assert_eq!(acp.hear(update(stored, &told)).1, [], "nobody is to see it yet");
    }
    let heard = reply(&mut acp, json!({}));
    let [Heard::Answer { answer: Ok(Answer::Seated(_)), .. }, Heard::Replay { changes, .. }] =
        heard.as_slice()
    else {
        panic!("{heard:?}")
    };
    let told: Vec<_> = changes.iter().map(|(_, change)| change).collect();
    let [
        Change::Prompt(first),
        Change::Block { block: Block::Text(answer), .. },
        Change::Block { block: Block::ToolUse { .. }, .. },
        Change::Result { .. },
        Change::Prompt(second),
        Change::Block { block: Block::Thinking(_), .. },
    ] = told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!(
        (first.as_str(), answer.as_str(), second.as_str()),
        ("first prompt", "an answer", "second prompt")
    );
}

#[test]
fn its_sessions_are_told_page_by_page_and_which_have_no_name_yet() {
    let mut acp = greeted(PermissionMode::Default);
    let session = |id: &str, title: Value| json!({"sessionId": id, "cwd": "/there", "title": title, "updatedAt": "2026-11-21T10:00:00.000Z"});
    let first = json!({"sessions": [session("ses_8", json!("Eight")), session("ses_7", json!("New session - 2026"))],
        "nextCursor": "more"});
    assert_eq!(methods(&reply(&mut acp, first)), ["session/list"]);
    let heard = reply(&mut acp, json!({"sessions": [session("ses_9", json!(7))]}));
    let listed = |id: &str, title: Option<&str>| Listed {
        session: SessionId::named(id),
        id: id.into(),
        title: title.map(str::to_owned),
        cwd: "/there".into(),
        active: "2026-11-21T10:00:00Z".parse().ok(),
        unnamed: false,
    };
    let unnamed = Listed { unnamed: true, ..listed("ses_7", None) };
    let all = vec![listed("ses_8", Some("Eight")), unnamed, listed("ses_9", None)];
    assert_eq!(heard, [Heard::Sessions(all)]);
    // An answer that makes no sense lists nothing, and harms nothing.
    acp.ask_sessions();
    assert_eq!(reply(&mut acp, json!(7)), []);
}

#[test]
fn what_is_written_down_need_not_be_told_again() {
    let check = |written: &str, method: &str| {
        let mut acp = greeted(PermissionMode::Default);
        let as_of: chrono::DateTime<chrono::Utc> = written.parse().unwrap();
        acp.finder = Finder::new(move |_| {
            let as_of = Some(SystemTime::from(as_of));
            Some(Found { cwd: "/there".into(), transcript: "/t".into(), as_of, holder: None })
        });
        reply(
            &mut acp,
            json!({"sessions": [
            {"sessionId": "ses_8", "cwd": "/there", "updatedAt": "2026-11-21T10:00:10.000Z"}]}),
        );
        let resumed = acp.ask("s", switch(Switch::Resume(SessionId::named("ses_8"))));
        assert_eq!(methods(&resumed), [method], "{written}");
    };
    check("2026-11-21T10:00:08Z", "session/resume");
    check("2026-11-21T09:00:00Z", "session/load");
}
