//! Replies that do not end as they should, and turns that cannot be recorded:
//! `hotseat agent` says what happened, and the next request is valid.

use std::collections::HashSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::agent::{Agent, HOTSEAT, Home};
use crate::support::stub_api::{Answer, StubApi, events_of};

fn agent(home: &Home, api: &StubApi, flags: &[&str]) -> Agent {
    let mut env = api.anthropic().to_vec();
    env.push(("HOTSEAT_RETRY_FIRST_MS", "1"));
    home.agent_with(&[&["--permission-mode", "bypassPermissions"], flags].concat(), &env)
}

/// A reply that ends for this reason.
fn ending(reason: &str, blocks: &[Value]) -> Answer {
    let text = events_of(blocks, &format!("msg_{}", uuid::Uuid::new_v4().simple()));
    Answer::stream(text.replace("\"end_turn\"", &format!("\"{reason}\"")))
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// What the API would refuse about a request's messages.
fn assert_valid(messages: &Value) {
    let mut ids = HashSet::new();
    let mut open: Vec<String> = Vec::new();
    for message in messages.as_array().unwrap() {
        let blocks = message["content"].as_array().unwrap();
        let of = |kind: &str, key: &str| -> Vec<String> {
            let blocks = blocks.iter().filter(|block| block["type"] == kind);
            blocks.map(|block| block[key].as_str().unwrap().to_owned()).collect()
        };
        let mut results = of("tool_result", "tool_use_id");
        results.sort();
        open.sort();
        assert_eq!(results, open, "{messages:#}");
        open = of("tool_use", "id");
        for id in &open {
            assert!(!id.is_empty() && ids.insert(id.clone()), "the id “{id}” in {messages:#}");
        }
    }
    assert!(open.is_empty(), "{messages:#}");
}

#[test]
fn a_reply_cut_off_by_its_limit_is_continued_and_then_given_up() {
    let home = Home::new();
    let api = StubApi::scripted([
        ending("max_tokens", &[text("one ")]),
        ending("max_tokens", &[text("two ")]),
        Answer::text("three."),
        ending("max_tokens", &[text("never ends")]),
    ]);
    let mut agent = agent(&home, &api, &[]);
    agent.prompt("Count");
    let frames = agent.until(|frame| frame["type"] == "result");
    let result = frames.last().unwrap();
    assert_eq!((&result["is_error"], &result["result"]), (&json!(false), &json!("three.")));
    let continued = frames.iter().filter(|frame| frame["isSynthetic"] == true).count();
    assert_eq!((continued, api.asked().len()), (2, 3));
    assert_valid(&api.last_messages());

    agent.prompt("Again");
    let result = agent.result();
    assert_eq!((&result["is_error"], &result["terminal_reason"]), (&json!(true), &json!("api_error")));
    assert!(result["result"].as_str().unwrap().contains("CLAUDE_CODE_MAX_OUTPUT_TOKENS"), "{result}");
    assert_eq!(api.asked().len(), 3 + 4);
    assert_eq!(agent.close().code(), Some(1));
}

#[test]
fn a_refusal_and_an_empty_reply_say_so() {
    let home = Home::new();
    let api = StubApi::scripted([
        ending("refusal", &[text("I")]),
        ending("end_turn", &[]),
        ending("tool_use", &[text("but no call")]),
        Answer::text("Fine."),
    ]);
    let mut agent = agent(&home, &api, &["--model", "claude-opus-5"]);
    agent.prompt("Bad");
    let result = agent.result();
    assert_eq!((&result["is_error"], &result["stop_reason"]), (&json!(true), &json!("refusal")));
    assert!(result["result"].as_str().unwrap().contains("claude-opus-5 declined"), "{result}");
    agent.prompt("Nothing");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(frames.iter().any(|frame| frame["subtype"] == "informational"), "{frames:#?}");
    let result = frames.last().unwrap();
    assert_eq!(
        (&result["is_error"], &result["result"]),
        (&json!(false), &json!("(The model returned an empty reply.)"))
    );
    // A reply that promises a call and makes none ends the turn, too.
    assert_eq!(agent.turn("Promise"), "but no call");
    assert_eq!(agent.turn("Last"), "Fine.");
    assert_valid(&api.last_messages());
    assert_eq!(agent.close().code(), Some(0));
}

#[test]
fn calls_without_an_id_of_their_own_get_one() {
    let home = Home::new();
    let call = |id: &str, word: &str| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": format!("echo {word}")}});
    let api = StubApi::scripted([
        Answer::blocks(&[call("same", "a"), call("same", "b"), call("", "c")]),
        Answer::blocks(&[call("same", "d")]),
        Answer::text("Done."),
    ]);
    let mut first = agent(&home, &api, &[]);
    assert_eq!(first.turn("Go"), "Done.");
    let messages = api.last_messages();
    assert_valid(&messages);
    for word in ["a", "b", "c", "d"] {
        assert!(messages.to_string().contains(&format!("\"content\":\"{word}\"")), "{messages:#}");
    }
    let session = first.session();
    assert!(first.close().success());
    let api = StubApi::scripted([Answer::text("Known.")]);
    let mut next = agent(&home, &api, &["--resume", &session]);
    assert_eq!(next.turn("And?"), "Known.");
    assert_valid(&api.last_messages());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_in_a_tool_turn_does_not_poison_the_session() {
    let home = Home::new();
    let call = |id: &str| {
        let input = json!({"command": "head -c 9000 /dev/zero | tr '\\0' x"});
        json!({"type": "tool_use", "id": id, "name": "Bash", "input": input})
    };
    let api = StubApi::scripted([
        Answer::blocks(&[call("t1"), call("t2"), call("t3")]),
        Answer::text("Room again."),
        Answer::text("Resumed."),
    ]);
    // No file may become longer than 16 KiB: the second result is cut off in the middle of its line.
    let script =
        format!("trap '' XFSZ; ulimit -S -f 32; exec {HOTSEAT} agent --permission-mode bypassPermissions");
    let mut command = home.command("sh");
    command.args(["-c", &script]).envs(api.anthropic());
    let mut running = Agent::spawn(command);
    running.prompt("Go");
    let result = running.result();
    assert_eq!(result["is_error"], true, "{result}");
    assert!(result["result"].as_str().unwrap().contains("cannot write the transcript"), "{result}");
    let pid = running.pid().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(lifted.is_ok_and(|status| status.success()), "prlimit (util-linux) lifts the limit");
    assert_eq!(running.turn("Go on"), "Room again.");
    let remembered = api.last_messages();
    assert_valid(&remembered);
    let session = running.session();
    assert!(running.close().success());
    let mut next = agent(&home, &api, &["--resume", &session]);
    assert_eq!(next.turn("And?"), "Resumed.");
    let resumed = api.last_messages();
    assert_valid(&resumed);
    assert!(resumed.to_string().contains("Room again."), "{resumed:#}");
}

#[test]
fn an_unknown_session_is_said_on_the_wire() {
    let home = Home::new();
    let id = uuid::Uuid::new_v4().to_string();
    let mut agent = home.agent(&["--resume", &id]);
    let result = agent.result();
    assert_eq!(result["subtype"], "error_during_execution");
    assert_eq!(result["errors"][0], format!("No conversation found with session ID: {id}"));
    assert_eq!(result["session_id"], *id);
    assert_eq!(agent.ended().0.code(), Some(1));
}
