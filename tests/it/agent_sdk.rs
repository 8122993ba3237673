//! What the official SDKs send and expect of `hotseat agent`, beside its turns.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::agent::{Agent, HOTSEAT, Home};
use crate::support::stub_api::{Answer, StubApi};

fn agent(home: &Home, api: &StubApi, flags: &[&str]) -> Agent {
    home.agent_with(flags, &api.anthropic())
}

/// The last request's body, as text.
fn asked(api: &StubApi) -> String {
    api.asked().last().expect("a request").body.to_string()
}

#[test]
fn the_fields_of_initialize_count_and_a_malformed_one_changes_nothing() {
    let home = Home::new();
    let structured = json!({"type": "tool_use", "id": "s", "name": "StructuredOutput", "input": {"a": 4}});
    let api = StubApi::scripted([Answer::blocks(&[structured]), Answer::text("Done.")]);
    let mut agent = agent(&home, &api, &[]);
    for (field, value) in [
        ("systemPrompt", json!(7)),
        ("appendSystemPrompt", json!({})),
        ("jsonSchema", json!("x")),
        ("managedSettings", json!([])),
    ] {
        let mut request = json!({"subtype": "initialize", "title": "Never"});
        request[field] = value;
        let (code, error) = agent.refused(&request);
        assert!(code == "invalid_request" && error.contains(field), "{error}");
    }
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]});
    agent.ask(&json!({
        "subtype": "initialize", "systemPrompt": ["ONE", "TWO"], "appendSystemPrompt": "THREE", "jsonSchema": schema,
        "title": "My title", "agents": {"reviewer": {"description": "d", "prompt": "p"}},
    }));
    agent.prompt("Give");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames.last().unwrap()["structured_output"], json!({"a": 4}));
    assert_eq!(api.asked()[0].body["system"][0]["text"], "ONE\n\nTWO\n\nTHREE");
    let said = json!(frames).to_string();
    assert!(said.contains("named agents are not supported yet: reviewer"), "{said}");
    let session = agent.session();
    assert!(home.transcript(&session).contains("My title"));
}

#[test]
fn a_host_that_answers_no_permission_requests_is_not_asked() {
    let home = Home::new();
    let call = || Answer::call("t", "Bash", &json!({"command": "touch made"}));
    let api = StubApi::scripted([call(), Answer::text("I see.")]);
    let flags: &[&str] = &[];
    let mut command = home.command(HOTSEAT);
    command.arg("agent").args(flags).envs(api.anthropic());
    let mut agent = Agent::spawn(command);
    agent.prompt("Go");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(!frames.iter().any(|frame| frame["type"] == "control_request"), "{flags:?}");
    let denied = frames.iter().find(|frame| frame["subtype"] == "permission_denied").expect("such a frame");
    assert_eq!((&denied["tool_name"], &denied["tool_use_id"]), (&json!("Bash"), &json!("t")));
    assert_eq!(frames.last().unwrap()["permission_denials"][0]["tool_name"], "Bash");
    assert!(!home.work().join("made").exists());
    let (_, error) = agent.refused(&json!({"subtype": "set_permission_mode", "mode": "bypassPermissions"}));
    assert!(error.contains("--allow-dangerously-skip-permissions"), "{error}");
}

#[test]
fn calls_that_only_read_run_at_once_and_others_do_not() {
    let home = Home::new();
    let calls = |commands: [&str; 3]| {
        let call = |(at, command): (usize, &str)| {
            json!({"type": "tool_use", "id": format!("{command}{at}").replace([' ', ';'], "_"), "name": "Bash",
                   "input": {"command": command}})
        };
        Answer::blocks(&commands.into_iter().enumerate().map(call).collect::<Vec<_>>())
    };
    let api = StubApi::scripted([
        calls(["sleep 1", "sleep 1; pwd", "sleep 1"]),
        Answer::text("Read."),
        calls(["sleep 0.2; touch a", "ls", "touch b"]),
        Answer::text("Written."),
    ]);
    let mut agent = agent(&home, &api, &["--allowedTools", "Bash"]);
    let began = Instant::now();
    assert_eq!(agent.turn("Read"), "Read.");
    assert!(began.elapsed() < Duration::from_millis(2900), "{:?}", began.elapsed());
    assert_eq!(agent.turn("Write"), "Written.");
    let results = api.last_messages();
    let last = results.as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(last[1]["content"], "a", "what reads waits for what writes before it: {last:#}");
}

#[test]
fn images_that_tools_read_reach_the_model_as_images() {
    let home = Home::new();
    std::fs::write(home.work().join("a.png"), b"not really").unwrap();
    let api =
        StubApi::scripted([Answer::call("t", "Read", &json!({"file_path": "a.png"})), Answer::text("Nice.")]);
    let mut agent = agent(&home, &api, &[]);
    assert_eq!(agent.turn("Look"), "Nice.");
    let messages = api.last_messages();
    let source = json!({"type": "base64", "media_type": "image/png", "data": "bm90IHJlYWxseQ=="});
    assert_eq!(
        messages[2]["content"][0]["content"][0],
        json!({"type": "image", "source": source}),
        "{messages:#}"
    );
}

#[test]
fn the_model_is_told_where_it_is_and_what_people_wrote_down() {
    let home = Home::new();
    std::fs::create_dir_all(home.config()).unwrap();
    std::fs::write(home.config().join("CLAUDE.md"), "MINE-1").unwrap();
    std::fs::write(home.work().join("CLAUDE.md"), "OURS-2 @more.md").unwrap();
    std::fs::write(home.work().join("more.md"), "MORE-3 @CLAUDE.md").unwrap();
    let reply = || Answer::text("Hi.");
    let api = StubApi::scripted([reply(), reply(), reply(), reply()]);
    for (flags, expected) in [
        (&[][..], &["MINE-1", "OURS-2", "MORE-3"][..]),
        (&["--setting-sources", "project", "--system-prompt", "X"], &["OURS-2", "MORE-3"]),
        (&["--setting-sources="], &[]),
    ] {
        let mut agent = agent(&home, &api, flags);
        agent.turn("Hello");
        let body = asked(&api);
        let found: Vec<_> =
            ["MINE-1", "OURS-2", "MORE-3"].into_iter().filter(|text| body.contains(text)).collect();
        assert_eq!(found, expected, "{flags:?}");
        let folder = format!("Primary working directory: {}", home.work().display());
        assert!(body.contains(&folder) && body.contains("Today's date is"), "{body}");
        let session = agent.session();
        assert!(!home.transcript(&session).contains("OURS-2"), "it is no part of the transcript");
    }
}

#[test]
fn model_and_environment_of_the_settings_count() {
    let home = Home::new();
    let api = StubApi::scripted([
        Answer::call("t", "Bash", &json!({"command": "echo $NOVEL"})),
        Answer::text("Hi."),
    ]);
    let settings = json!({"model": "claude-haiku-4-5", "env": {"NOVEL": "value-7"}}).to_string();
    let mut agent = agent(&home, &api, &["--settings", &settings, "--allowedTools", "Bash"]);
    agent.turn("Hello");
    assert_eq!(api.asked()[0].body["model"], "claude-haiku-4-5");
    assert!(api.last_messages().to_string().contains("value-7"));
}

#[test]
fn without_a_key_an_sdk_gets_an_error_and_no_made_up_answer() {
    let home = Home::new();
    let mut command = home.command(HOTSEAT);
    command.arg("agent").env("CLAUDE_CODE_ENTRYPOINT", "sdk-py");
    let mut agent = Agent::spawn(command);
    let result = agent.result();
    assert_eq!(result["is_error"], true);
    assert!(result["errors"][0].as_str().unwrap().contains("ANTHROPIC_API_KEY"), "{result}");
    assert_eq!(agent.ended().0.code(), Some(1));
}

/// The entries of a session that another machine wrote.
fn foreign(home: &Home) -> (String, Vec<Value>) {
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    let id = agent.session();
    assert!(agent.close().success());
    let path = home.transcript_path(&id);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    (id, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Answers the agent's request for a session with this, and gives the answer to the switch.
fn resume(agent: &mut Agent, id: &str, subtype: &str, entries: Option<&Value>) -> Value {
    let request = json!({"subtype": subtype, "session_id": id});
    agent.send(&json!({"type": "control_request", "request_id": "switch", "request": request}));
    let load = agent.until_type("control_request");
    assert_eq!(load["request"]["subtype"], "session_store_load", "{load}");
    assert_eq!(load["request"]["key"]["session_id"], id);
    match entries {
        Some(entries) => agent.answer(&load, &json!({"entries": entries})),
        None => agent.send(&json!({"type": "control_response", "response": {
            "subtype": "error", "request_id": load["request_id"], "error": "the database is away",
        }})),
    }
    agent.until(|frame| frame["response"]["request_id"] == "switch").pop().unwrap()["response"].clone()
}

#[test]
fn a_session_of_the_hosts_store_is_resumed_and_forked_without_a_file() {
    let home = Home::new();
    let (id, entries) = foreign(&home);
    let mut agent = home.agent(&["--session-mirror"]);
    agent.turn("I am another session.");
    let former = agent.session();
    // Nobody offered a store: the id is unknown.
    assert_eq!(agent.refused(&json!({"subtype": "resume", "session_id": id})).0, "session_not_found");
    agent.ask(&json!({"subtype": "initialize", "session_store": true}));

    let mut lies = json!(entries);
    lies[0]["sessionId"] = json!(former);
    for (answer, code) in [
        (Some(json!(null)), "session_not_found"),
        (Some(json!([1, 2])), "session_unreadable"),
        (Some(lies), "session_unreadable"),
        (None, "session_unreadable"),
    ] {
        let refused = resume(&mut agent, &id, "resume", answer.as_ref());
        assert_eq!(
            (&refused["subtype"], &refused["error_code"]),
            (&json!("error"), &json!(code)),
            "{refused}"
        );
        assert_eq!(agent.session(), former, "the former session stays");
    }
    let resumed = resume(&mut agent, &id, "resume", Some(&json!(entries)));
    assert_eq!(resumed["response"]["session_id"], *id, "{resumed}");
    agent.prompt("What is the secret?");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(frames.last().unwrap()["result"].as_str().unwrap().contains("PINEAPPLE"));
    let mirror = frames.iter().find(|frame| frame["type"] == "transcript_mirror").expect("it is mirrored");
    let path = mirror["filePath"].as_str().unwrap();
    assert!(path.ends_with(&format!("/{id}.jsonl")) && path.contains("/projects/"), "{path}");
    assert!(!std::path::Path::new(path).exists(), "it needs no file");

    // A fork's history is mirrored whole, in order, before the answer.
    let frames = agent.request(&json!({"subtype": "fork"}));
    let copy = frames.last().unwrap()["response"]["response"]["session_id"].as_str().unwrap().to_owned();
    let mirrored: Vec<&Value> = frames
        .iter()
        .filter(|frame| frame["type"] == "transcript_mirror")
        .flat_map(|frame| frame["entries"].as_array().unwrap())
        .collect();
    assert!(json!(mirrored).to_string().contains("PINEAPPLE"), "{frames:#?}");
    assert!(mirrored.iter().all(|entry| entry["sessionId"].as_str().is_none_or(|id| id == copy)));
    let mut next = home.agent(&[]);
    next.ask(&json!({"subtype": "initialize", "session_store": true}));
    resume(&mut next, &copy, "resume", Some(&json!(mirrored)));
    assert!(
        next.turn("What is the secret?").contains("PINEAPPLE"),
        "a fork resumed from the store remembers"
    );
}

#[test]
fn a_fork_at_the_start_is_mirrored_whole_too() {
    let home = Home::new();
    let mut first = home.agent(&[]);
    first.turn("Remember the secret is PINEAPPLE.");
    let id = first.session();
    assert!(first.close().success());
    let mut fork = home.agent(&["--resume", &id, "--fork-session", "--session-mirror"]);
    let frames = fork.request(&json!({"subtype": "initialize"}));
    assert!(json!(frames).to_string().contains("PINEAPPLE"), "{frames:#?}");
}

#[test]
fn a_hook_can_put_another_output_in_place_of_a_tools_own() {
    let home = Home::new();
    let api = StubApi::scripted([
        Answer::call("t", "Bash", &json!({"command": "echo own"})),
        Answer::text("Done."),
    ]);
    let mut agent = agent(&home, &api, &["--allowedTools", "Bash"]);
    let hooks = json!({"PostToolUse": [{"matcher": "Bash", "hookCallbackIds": ["h"]}]});
    agent.ask(&json!({"subtype": "initialize", "hooks": hooks}));
    agent.prompt("Go");
    let asked = agent.until_type("control_request");
    assert_eq!(asked["request"]["tool_name"], Value::Null);
    assert_eq!(asked["request"]["input"]["tool_response"]["stdout"].as_str().unwrap().trim(), "own");
    let output = json!({"hookEventName": "PostToolUse", "updatedToolOutput": "REPLACED"});
    agent.answer(&asked, &json!({"hookSpecificOutput": output}));
    assert_eq!(agent.result()["result"], "Done.");
    let messages = api.last_messages();
    assert_eq!(messages[2]["content"][0]["content"], "REPLACED", "{messages:#}");
    let session = agent.session();
    assert!(!home.transcript(&session).contains("\"content\":\"own\""));
}

#[test]
fn a_cut_that_drops_more_than_its_host_knows_is_refused() {
    let home = Home::new();
    let mut first = home.agent(&[]);
    let uuids = ["one", "two", "three"].map(|text| {
        let uuid = first.prompt(text);
        first.result();
        uuid
    });
    let id = first.session();
    assert!(first.close().success());
    let text = home.transcript(&id);
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reply_to = |prompt: &str| {
        let reply =
            entries.iter().find(|entry| entry["parentUuid"] == *prompt && entry["type"] == "assistant");
        reply.expect("a reply")["uuid"].as_str().unwrap().to_owned()
    };
    for (at, dropped, starts) in [(1, 2, true), (0, 2, false), (0, 1, false), (1, 1, false)] {
        let flags = [
            "--resume",
            &id,
            "--resume-session-at",
            &reply_to(&uuids[at]),
            "--resume-drops-turn",
            &uuids[dropped],
        ];
        let mut agent = home.agent(&flags);
        if starts {
            assert!(!agent.turn("List my prompts").contains("three"));
        } else {
            let error = agent.result()["errors"][0].to_string();
            assert!(error.contains("nothing was resumed"), "{error}");
        }
    }
}

#[test]
fn a_command_that_somebody_wrote_down_becomes_the_prompt() {
    let home = Home::new();
    let commands = home.work().join(".claude/commands");
    std::fs::create_dir_all(&commands).unwrap();
    std::fs::write(
        commands.join("review.md"),
        "---\ndescription: Reviews\n---\nBODY-1 of $ARGUMENTS, see @note.txt",
    )
    .unwrap();
    std::fs::write(commands.join("shell.md"), "now !`date`").unwrap();
    std::fs::write(home.work().join("note.txt"), "NOTE-2").unwrap();
    let api = StubApi::scripted([Answer::text("Reviewed.")]);
    let mut agent = agent(&home, &api, &[]);
    let listed = agent.ask(&json!({"subtype": "initialize"}))["commands"].clone();
    let review =
        listed.as_array().unwrap().iter().find(|command| command["name"] == "review").expect("it is listed");
    assert_eq!(review["description"], "Reviews");
    assert_eq!(agent.turn("/review the parser"), "Reviewed.");
    let body = asked(&api);
    for text in ["BODY-1 of the parser", "NOTE-2", "<command-name>/review</command-name>"] {
        assert!(body.contains(text), "{text}: {body}");
    }
    agent.prompt("/shell");
    let result = agent.result();
    assert_eq!(result["is_error"], true);
    assert!(result["result"].as_str().unwrap().contains("cannot do yet"), "{result}");
    assert_eq!(api.asked().len(), 1);
}
