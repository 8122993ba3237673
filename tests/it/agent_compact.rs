//! `hotseat agent` when a conversation grows too long: it goes on from a summary,
//! nothing is taken away, and both it and the official program resume there.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};
use crate::support::claude;
use crate::support::skip::skip;
use crate::support::stub_api::{Answer, StubApi, events_of};

const FREE: [&str; 2] = ["--permission-mode", "bypassPermissions"];

/// Sums up when it is asked to, and else says how many messages it was given.
fn api() -> StubApi {
    StubApi::serving(|asked| {
        let messages = asked.body["messages"].as_array().unwrap();
        if messages.last().unwrap().to_string().contains("Write that summary now") {
            return Answer::text("The person likes PINEAPPLE.");
        }
        // As a real one counts: what it was given.
        let tokens = asked.body["messages"].to_string().len() / 4;
        let text = json!({"type": "text", "text": format!("Given {} messages.", messages.len())});
        let events = events_of(&[text], "msg_scripted");
        Answer::stream(events.replace("\"input_tokens\":10", &format!("\"input_tokens\":{tokens}")))
    })
}

fn agent(home: &Home, api: &StubApi, flags: &[&str], env: &[(&str, &str)]) -> Agent {
    home.agent_with(&[&FREE, flags].concat(), &[&api.anthropic()[..], env].concat())
}

fn entries(home: &Home, session: &str) -> Vec<Value> {
    let text = home.transcript(session);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn by_hand_a_conversation_goes_on_from_its_summary() {
    let (home, api) = (Home::new(), api());
    let mut agent = agent(&home, &api, &[], &[]);
    agent.turn("My favourite is PINEAPPLE");
    agent.turn("Say more");
    let session = agent.session();
    let before = home.transcript(&session);
    agent.prompt("/compact the fruit");
    let frames = agent.until(|frame| frame["type"] == "result");
    let result = frames.last().unwrap();
    assert_eq!((&result["is_error"], &result["local_command"]), (&json!(false), &json!("compact")));
    let boundary = frames.iter().find(|frame| frame["subtype"] == "compact_boundary").unwrap();
    assert_eq!(boundary["compact_metadata"]["trigger"], "manual");
    assert!(api.last_messages().to_string().contains("Dwell on this: the fruit"));

    let after = home.transcript(&session);
    assert!(after.starts_with(&before), "nothing is taken away");
    let written = entries(&home, &session);
    let cut = written.iter().position(|entry| entry["subtype"] == "compact_boundary").unwrap();
    assert_eq!(written[cut]["parentUuid"], Value::Null);
    assert!(written[cut]["logicalParentUuid"].is_string());
    assert_eq!(
        (&written[cut + 1]["isCompactSummary"], &written[cut + 1]["parentUuid"]),
        (&json!(true), &written[cut]["uuid"])
    );

    // The model knows the summary and nothing of before, here and after a resume.
    let knows = |api: &StubApi| {
        let told = api.last_messages().to_string();
        assert!(told.contains("likes PINEAPPLE") && !told.contains("Say more"), "{told}");
    };
    agent.turn("And now?");
    knows(&api);
    agent.ask(&json!({"subtype": "clear"}));
    agent.ask(&json!({"subtype": "resume", "session_id": session}));
    agent.turn("And after a resume?");
    knows(&api);
}

#[test]
fn a_full_window_is_emptied_in_the_middle_of_the_work() {
    let (home, api) = (Home::new(), api());
    // Ten thousand tokens, of which each prompt takes a fifth.
    let env = [("CLAUDE_CODE_AUTO_COMPACT_WINDOW", "10000")];
    let mut agent = agent(&home, &api, &[], &env);
    let long = "word ".repeat(1_700);
    let mut given = Vec::new();
    for round in 0..9 {
        given.push(agent.turn(&format!("Round {round}: {long}")));
    }
    assert!(given.iter().all(|text| text.starts_with("Given ")), "{given:?}");
    let session = agent.session();
    let cuts = entries(&home, &session).iter().filter(|entry| entry["subtype"] == "compact_boundary").count();
    assert!((1..=4).contains(&cuts), "{cuts} compactions: {given:?}");
    // The request that was being worked on is not lost with the rest.
    let asked = api.asked();
    let first_after = asked.iter().find(|asked| asked.body["messages"].to_string().contains("word for word"));
    assert!(first_after.is_some_and(|asked| asked.body["messages"].to_string().contains("Round ")));
}

#[test]
fn a_summary_that_fails_leaves_everything_as_it_is() {
    let home = Home::new();
    let api = StubApi::serving(|asked| {
        if asked.body["messages"].to_string().contains("Write that summary now") {
            return Answer::error(400, "invalid_request_error", "no summaries today");
        }
        Answer::text("Fine.")
    });
    let mut agent = agent(&home, &api, &[], &[]);
    agent.turn("One");
    agent.turn("Two");
    let session = agent.session();
    let before = home.transcript(&session);
    agent.prompt("/compact");
    let result = agent.result();
    assert_eq!(result["is_error"], true);
    assert!(result.to_string().contains("no summaries today"), "{result}");
    assert!(!home.transcript(&session).contains("compact_boundary"));
    assert!(home.transcript(&session).starts_with(&before));
    agent.turn("Three");
    assert!(api.last_messages().to_string().contains("Two"));
}

#[test]
fn too_little_is_not_compacted() {
    let (home, api) = (Home::new(), api());
    let mut agent = agent(&home, &api, &[], &[]);
    agent.prompt("/compact");
    let result = agent.result();
    assert!(result.to_string().contains("too little to compact"), "{result}");
    assert!(api.asked().is_empty());
}

#[test]
fn the_official_program_goes_on_from_our_summary() {
    let test = "the_official_program_goes_on_from_our_summary";
    let Some(claude) = claude::claude() else {
        return skip(test, "there is no official claude", "python3 -m pip install claude-agent-sdk");
    };
    let (home, api) = (Home::new(), api());
    let mut ours = agent(&home, &api, &[], &[]);
    ours.turn("My favourite is PINEAPPLE");
    ours.turn("Say more");
    let session = ours.session();
    ours.turn("/compact");
    assert!(ours.close().success());
    let mut command = home.command(claude);
    command.args(["-p", "What is it?", "--output-format", "json", "--resume", &session]);
    command.envs(claude::environment(&api.url));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = api.last_messages().to_string();
    assert!(told.contains("likes PINEAPPLE") && !told.contains("Say more"), "{told}");
}
