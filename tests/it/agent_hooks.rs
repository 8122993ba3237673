//! Hooks over the protocol: callbacks of the host, and commands from settings.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home, eventually, lives};

/// An agent with these commands as hooks.
fn with_commands(home: &Home, hooks: &[(&str, &str)]) -> Agent {
    let mut settings = json!({"hooks": {}});
    for (event, command) in hooks {
        settings["hooks"][event] = json!([{"hooks": [{"type": "command", "command": command}]}]);
    }
    home.agent(&["--settings", &settings.to_string(), "--permission-mode", "bypassPermissions"])
}

/// An agent whose host has a callback for each of these events, named as the event.
fn with_callbacks(home: &Home, flags: &[&str], events: &[&str]) -> Agent {
    let mut agent = home.agent(flags);
    let hooks: serde_json::Map<_, _> = events
        .iter()
        .map(|event| ((*event).to_owned(), json!([{"matcher": null, "hookCallbackIds": [event]}])))
        .collect();
    agent.ask(&json!({"subtype": "initialize", "hooks": hooks}));
    agent
}

/// The next request of the agent's.
fn asked(agent: &mut Agent, callback: &str) -> Value {
    let request = agent.until_type("control_request");
    assert_eq!(request["request"]["callback_id"], callback, "{request}");
    request
}

fn specific(event: &str, mut more: Value) -> Value {
    more["hookEventName"] = json!(event);
    json!({"hookSpecificOutput": more})
}

#[test]
fn the_hosts_hooks_have_a_say_in_a_call() {
    let home = Home::new();
    let mut agent = with_callbacks(&home, &["--disallowedTools", "Bash(rm:*)"], &["PreToolUse"]);
    let said = |decision: &str, more: Value| {
        let mut said = specific("PreToolUse", json!({"permissionDecision": decision}));
        said["hookSpecificOutput"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        said
    };
    agent.prompt("run: echo one");
    let request = asked(&mut agent, "PreToolUse");
    let input = &request["request"]["input"];
    assert_eq!((&input["tool_name"], &input["tool_input"]["command"]), (&json!("Bash"), &json!("echo one")));
    assert_eq!(input["permission_mode"], "default");
    assert!(input["transcript_path"].as_str().unwrap().contains("projects"));
    agent.answer(&request, &said("deny", json!({"permissionDecisionReason": "not today"})));
    let result = agent.result();
    assert!(result["result"].as_str().unwrap().contains("PreToolUse:Bash hook error: not today"), "{result}");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Bash");

    agent.prompt("run: echo one");
    let request = asked(&mut agent, "PreToolUse");
    agent.answer(&request, &said("allow", json!({"updatedInput": {"command": "echo two"}})));
    assert!(agent.result()["result"].as_str().unwrap().contains("two"));

    agent.prompt("run: echo one");
    let request = asked(&mut agent, "PreToolUse");
    agent.answer(&request, &said("allow", json!({"updatedInput": {"command": "rm x"}})));
    assert!(agent.result()["result"].as_str().unwrap().contains("forbids it"), "a rule counts more");

    agent.prompt("read: a.txt");
    let request = asked(&mut agent, "PreToolUse");
    agent.answer(&request, &said("ask", json!({"permissionDecisionReason": "look twice"})));
    let request = agent.until_type("control_request")["request"].clone();
    assert_eq!(request["subtype"], "can_use_tool");
    assert_eq!(
        (&request["decision_reason_type"], &request["decision_reason"]),
        (&json!("hook"), &json!("look twice"))
    );
}

/// A gate of the settings that sleeps for longer than it may.
#[test]
fn a_gate_that_is_too_slow_blocks_in_the_real_process() {
    for event in ["PreToolUse", "PermissionRequest", "UserPromptSubmit"] {
        let home = Home::new();
        std::fs::create_dir_all(home.config()).unwrap();
        let hook = json!([{"hooks": [{"type": "command", "command": "exec sleep 60", "timeout": 0.3}]}]);
        let settings = json!({"hooks": {event: hook}});
        std::fs::write(home.config().join("settings.json"), settings.to_string()).unwrap();
        let mode = if event == "PermissionRequest" { "default" } else { "bypassPermissions" };
        let mut agent = home.agent(&["--permission-mode", mode]);
        agent.prompt("run: touch made");
        // Nobody is asked in the hook's place either.
        let frames =
            agent.until(|frame| matches!(frame["type"].as_str(), Some("result" | "control_request")));
        assert_eq!(frames.last().unwrap()["type"], "result", "{event}: {frames:?}");
        assert!(!home.work().join("made").exists(), "{event} let it run");
        let text = format!("{frames:?}");
        assert!(text.contains("did not answer within"), "{event}: {text}");
    }
}

#[test]
fn what_a_hook_adds_is_written_down_for_the_model() {
    let home = Home::new();
    let flags = ["--permission-mode", "bypassPermissions"];
    let mut agent = with_callbacks(&home, &flags, &["UserPromptSubmit", "PostToolUse"]);
    agent.prompt("run: echo one\nrun: echo two");
    let request = asked(&mut agent, "UserPromptSubmit");
    assert_eq!(request["request"]["input"]["prompt"], "run: echo one\nrun: echo two");
    agent
        .answer(&request, &specific("UserPromptSubmit", json!({"additionalContext": "the secret is MANGO"})));
    for output in ["one\n", "two\n"] {
        let request = asked(&mut agent, "PostToolUse");
        assert_eq!(request["request"]["input"]["tool_response"]["stdout"], output);
        agent.answer(
            &request,
            &specific("PostToolUse", json!({"additionalContext": format!("after {output}")})),
        );
    }
    let result = agent.result();
    let transcript = home.transcript(result["session_id"].as_str().unwrap());
    let kinds: Vec<_> = transcript
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|entry| entry["attachment"]["hookName"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["UserPromptSubmit", "PostToolUse:Bash", "PostToolUse:Bash"]);
    // In the form that a resume gives to the model again.
    assert_eq!(transcript.matches(r#""renderedRole":"user""#).count(), 3);
}

#[test]
fn commands_block_a_prompt_a_call_and_the_end() {
    let home = Home::new();
    let stop = "if [ -e stopped ]; then exit 0; fi; touch stopped; echo 'say more' >&2; exit 2";
    let prompt = "if grep -q forbidden; then echo 'bad prompt' >&2; exit 2; fi";
    let mut agent = with_commands(
        &home,
        &[("PreToolUse", "echo 'no tools' >&2; exit 2"), ("Stop", stop), ("UserPromptSubmit", prompt)],
    );
    agent.prompt("something forbidden");
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(frames.iter().any(|frame| frame["subtype"] == "informational"), "{frames:#?}");
    assert!(frames.last().unwrap()["result"].as_str().unwrap().contains("bad prompt"));
    assert_eq!(frames.last().unwrap()["num_turns"], 0);

    agent.prompt("run: touch made");
    agent.result();
    assert!(agent.turn("forbidden again").contains("bad prompt"));
    agent.prompt("hello");
    let result = agent.result();
    assert!(home.work().join("stopped").exists() && !home.work().join("made").exists());
    let transcript = home.transcript(result["session_id"].as_str().unwrap());
    assert!(transcript.contains("no tools") && transcript.contains("Stop hook feedback"), "{transcript}");
    assert!(!transcript.contains("something forbidden") && !transcript.contains("forbidden again"));
}

#[test]
fn hooks_hear_how_a_session_starts_and_ends() {
    let home = Home::new();
    let log = |event: &str, key: &str| {
        format!(r#"sed 's/.*"{key}":"\([a-z]*\)".*/{event} \1/' >> "$CLAUDE_PROJECT_DIR/log""#)
    };
    let (start, end) = (log("start", "source"), log("end", "reason"));
    let mut agent = with_commands(&home, &[("SessionStart", &start), ("SessionEnd", &end)]);
    let told = || fs::read_to_string(home.work().join("log")).unwrap_or_default();
    let first = agent.session();
    eventually("it was told", || told() == "start startup\n");
    agent.turn("hello");
    for (request, end, start) in [
        (json!({"subtype": "clear"}), "clear", "clear"),
        (json!({"subtype": "resume", "session_id": first}), "resume", "resume"),
        (json!({"subtype": "fork"}), "other", "fork"),
    ] {
        fs::remove_file(home.work().join("log")).unwrap();
        agent.ask(&request);
        let wanted = [format!("end {end}\n"), format!("start {start}\n")];
        eventually("it was told", || wanted.iter().all(|line| told().contains(line)));
    }
    assert!(agent.close().success());
    assert!(told().ends_with("end other\n"), "{}", told());
}

#[test]
fn no_hook_holds_up_a_switch_or_an_interrupt() {
    let home = Home::new();
    let never = "echo $$ > pid; sleep 600";
    let mut agent = with_commands(&home, &[("SessionStart", never), ("SessionEnd", "sleep 600")]);
    let began = Instant::now();
    agent.session();
    for _ in 0..3 {
        agent.ask(&json!({"subtype": "clear"}));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    agent.prompt("hello");
    let pid = || fs::read_to_string(home.work().join("pid")).unwrap_or_default().trim().to_owned();
    eventually("the last hook runs", || !pid().is_empty() && lives(&pid()));
    agent.ask(&json!({"subtype": "interrupt"}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    eventually("it was killed", || !lives(&pid()));
    let began = Instant::now();
    // An interrupted last turn is the exit code, as in the official CLI.
    assert_eq!(agent.close().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn an_interrupt_takes_a_hooks_question_back() {
    let home = Home::new();
    let mut agent = with_callbacks(&home, &[], &["PreToolUse"]);
    agent.prompt("run: echo one");
    let request = asked(&mut agent, "PreToolUse");
    agent.ask(&json!({"subtype": "interrupt"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(frames.iter().any(|frame| frame["type"] == "control_cancel_request"), "{frames:#?}");
    agent.answer(&request, &json!({}));
    assert!(agent.turn("hello").contains("Noted"));
}
