//! Two programs write one session: each is told, and nothing falls out of sight.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};

/// Appends entries as another program would, each a child of the one before; gives the last one's uuid.
fn append_turn(path: &Path, parent: &str, prompt: &str) -> String {
    let uuids = [uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string()];
    let lines = [
        json!({"type": "user", "uuid": uuids[0], "parentUuid": parent, "isSidechain": false,
            "message": {"role": "user", "content": prompt}}),
        json!({"type": "assistant", "uuid": uuids[1], "parentUuid": uuids[0], "isSidechain": false,
            "message": {"id": format!("msg_{}", uuids[1]), "role": "assistant", "model": "m",
                "content": [{"type": "text", "text": "Noted elsewhere."}]}}),
    ];
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    for line in &lines {
        writeln!(file, "{line}").unwrap();
    }
    uuids[1].clone()
}

/// The uuids of prompts and replies in a session's file, oldest first.
fn uuids(home: &Home, session: &str) -> Vec<String> {
    let lines = home.transcript(session);
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let entries = entries.filter(|entry| entry["type"] == "user" || entry["type"] == "assistant");
    entries.map(|entry| entry["uuid"].as_str().unwrap().to_owned()).collect()
}

/// The next thing that the agent says about a second writer.
fn report(agent: &mut Agent) -> Value {
    agent.until(|frame| frame["reason"] == "second_writer").pop().unwrap()
}

#[test]
fn what_another_program_adds_is_said_while_idle_and_taken_up_with_the_next_prompt() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the first word is APPLE.");
    let session = agent.session();
    let last = uuids(&home, &session).pop().unwrap();
    append_turn(&home.transcript_path(&session), &last, "Remember the second word is PEAR.");
    let said = report(&mut agent);
    assert_eq!((&said["messages"], &said["is_branch"]), (&json!(2), &json!(false)), "{said}");
    agent.prompt("List my prompts");
    let frames = agent.until(|frame| frame["type"] == "result");
    let added = frames.iter().find(|frame| frame["subtype"] == "entries_added").unwrap();
    assert_eq!(added["entries"].as_array().unwrap().len(), 2);
    let text = frames.last().unwrap()["result"].as_str().unwrap();
    assert!(text.contains("APPLE") && text.contains("PEAR"), "{text}");
    assert!(agent.close().success());
    let mut agent = home.agent(&["--resume", &session]);
    let text = agent.turn("List my prompts");
    assert!(text.contains("APPLE") && text.contains("PEAR"), "{text}");
}

#[test]
fn a_branch_of_another_program_is_said_and_can_be_kept_reached_or_left() {
    for (choice, own, others) in [("/both", true, false), ("/reload", false, true), ("/fork", true, false)] {
        let home = Home::new();
        let mut agent = home.agent(&[]);
        agent.turn("Remember the first word is APPLE.");
        let session = agent.session();
        let first = uuids(&home, &session).pop().unwrap();
        agent.turn("Remember the second word is PLUM.");
        append_turn(&home.transcript_path(&session), &first, "Remember the second word is PEAR.");
        let said = report(&mut agent);
        assert_eq!(said["is_branch"], true, "{said}");
        let content = said["content"].as_str().unwrap();
        assert!(["/reload", "/fork", "/both"].iter().all(|offer| content.contains(offer)), "{content}");
        let answer = agent.turn(choice);
        let text = agent.turn("List my prompts");
        let has = |word: &str| text.contains(word);
        assert_eq!((has("APPLE"), has("PLUM"), has("PEAR")), (true, own, others), "{choice}: {text}");
        match choice {
            "/both" => {
                let branch =
                    home.transcripts().into_iter().find(|path| !path.ends_with(format!("{session}.jsonl")));
                let branch = std::fs::read_to_string(branch.unwrap()).unwrap();
                assert!(branch.contains("PEAR") && !branch.contains("PLUM"), "{branch}");
            }
            "/fork" => assert_ne!(agent.session(), session),
            _ => assert!(answer.contains("--at"), "the branch that was left is named: {answer}"),
        }
        assert!(agent.close().success());
    }
}

#[test]
fn a_resume_says_that_a_branch_is_not_part_of_the_conversation() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the first word is APPLE.");
    let session = agent.session();
    let first = uuids(&home, &session).pop().unwrap();
    append_turn(&home.transcript_path(&session), &first, "Remember the second word is PEAR.");
    assert!(agent.close().success());
    // A program that does not look, as the official one.
    let path = home.transcript_path(&session);
    append_turn(&path, &first, "Remember the second word is PLUM.");
    append_turn(&path, &uuids(&home, &session)[3], "Remember the third word is FIG.");
    let mut agent = home.agent(&["--resume", &session]);
    let repaired = agent.ask(&json!({"subtype": "initialize"}))["repaired"].clone();
    let tip = repaired.as_str().unwrap_or_default().split("--at ").nth(1).unwrap_or_default();
    let tip = tip.split_whitespace().next().unwrap_or_default();
    assert!(!tip.is_empty() && repaired.as_str().unwrap().contains("two programs"), "{repaired}");
    let mut command = home.command(crate::support::agent::HOTSEAT);
    let forked = command.args(["sessions", "fork", &session, "--at", tip]).output().unwrap();
    let id = String::from_utf8(forked.stdout).unwrap();
    assert!(home.transcript(id.trim()).contains("PLUM"), "the other branch is a session now");
}

#[test]
fn an_official_process_that_opens_the_session_is_named() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the first word is APPLE.");
    let session = agent.session();
    let registry = home.config().join("sessions");
    std::fs::create_dir_all(&registry).unwrap();
    // A live process that is not the agent: this test.
    let pid = std::process::id();
    let entry = json!({"pid": pid, "sessionId": session, "status": "busy"});
    std::fs::write(registry.join(format!("{pid}.json")), entry.to_string()).unwrap();
    let said = report(&mut agent);
    assert_eq!(said["holder"]["pid"], pid, "{said}");
    assert!(said["content"].as_str().unwrap().contains(&format!("claude (pid {pid})")), "{said}");
}
