//! `hotseat agent` over its stdio: the handshake, turns, interrupts, odd input.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::agent;
use crate::support::agent::{Home, eventually, kinds, lives};

#[test]
fn the_handshake_says_what_the_process_is_and_has() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-mode", "plan"]);
    let answer = agent.ask(&json!({"subtype": "initialize", "hooks": null}));
    assert_eq!(answer["pid"], agent.pid());
    assert_eq!(answer["current_permission_mode"], "plan");
    assert_eq!(answer["capabilities"], json!(["clear", "resume", "fork"]));
    assert_eq!(answer["session_state"], "idle");
    assert_eq!(answer["notice"], "offline model: it only knows this conversation");
    assert!(answer["claude_code_version"].as_str().unwrap().starts_with("2."));
    for list in ["commands", "models", "agents", "available_output_styles"] {
        assert!(answer[list].is_array(), "{list}");
    }
    let session = answer["session_id"].as_str().unwrap();
    assert!(answer["transcript_path"].as_str().unwrap().ends_with(&format!("{session}.jsonl")));
    assert!(home.transcripts().is_empty(), "nothing is written before the first entry");
    assert!(agent.close().success());
}

#[test]
fn a_turn_has_one_order_of_frames() {
    let home = Home::new();
    let mut agent = home.agent_with(&[], &[("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1")]);
    let uuid = agent.prompt("hello");
    let frames = agent.until(|frame| frame["state"] == "idle");
    assert_eq!(
        kinds(&frames),
        [
            "command_lifecycle/queued",
            "system/session_state_changed/running",
            "command_lifecycle/started",
            "system/init",
            "assistant",
            "result/success",
            "command_lifecycle/completed",
            "system/session_state_changed/idle",
        ]
    );
    assert_eq!(frames[0]["command_uuid"], uuid.as_str());
    let ids: std::collections::HashSet<_> =
        frames.iter().map(|frame| frame["session_id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    let result = &frames[5];
    assert_eq!((&result["num_turns"], &result["is_error"]), (&json!(1), &json!(false)));
    assert!(result["usage"]["output_tokens"].as_u64().unwrap() > 0);
    assert!(result["modelUsage"]["offline"]["inputTokens"].is_u64());
    assert!(home.transcript(frames[0]["session_id"].as_str().unwrap()).contains(&uuid));
}

#[test]
fn pieces_are_streamed_where_they_are_asked_for() {
    let home = Home::new();
    let mut agent = home.agent(&["--include-partial-messages"]);
    agent.prompt("hello");
    let frames = agent.until(|frame| frame["type"] == "result");
    let events: Vec<_> = frames.iter().filter(|frame| frame["type"] == "stream_event").collect();
    let text: String = events.iter().filter_map(|frame| frame["event"]["delta"]["text"].as_str()).collect();
    assert_eq!(text, frames.last().unwrap()["result"].as_str().unwrap());
    let mut order: Vec<_> = events.iter().map(|frame| frame["event"]["type"].as_str().unwrap()).collect();
    order.dedup();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(order, expected);
}

#[test]
fn prompts_during_a_turn_queue_up_and_run_in_order() {
    let home = Home::new();
    let mut agent = home.agent(&["--allowedTools", "Bash(sleep:*)"]);
    agent.prompt("run: sleep 0.3");
    agent.until_type("assistant");
    let waiting = ["one", "two", "three"].map(|text| {
        let uuid = uuid::Uuid::new_v4().to_string();
        let message = json!({"role": "user", "content": text});
        agent.send(&json!({"type": "user", "message": message, "uuid": uuid, "priority": "later"}));
        uuid
    });
    let cancelled = agent.ask(&json!({"subtype": "cancel_async_message", "message_uuid": waiting[1]}));
    assert_eq!(cancelled, json!({"cancelled": true}));
    agent.result();
    agent.result();
    let end =
        agent.until(|frame| frame["command_uuid"] == waiting[2].as_str() && frame["state"] == "completed");
    assert!(end.iter().any(|frame| frame["type"] == "result"));
    let listed = agent.turn("List my prompts");
    assert!(listed.contains("2. one\n3. three") && !listed.contains("two"), "{listed}");
    let gone = agent.ask(&json!({"subtype": "cancel_async_message", "message_uuid": waiting[1]}));
    assert_eq!(gone, json!({"cancelled": false}));
}

#[test]
fn a_prompt_during_a_turn_joins_it_at_the_next_request_or_ends_it() {
    let home = Home::new();
    let mut agent = home.agent(&["--allowedTools", "Bash(sleep:*)", "--replay-user-messages"]);
    let first = agent.prompt("run: sleep 0.3");
    agent.until_type("assistant");
    let second = agent.prompt("And remember the secret is PINEAPPLE.");
    let frames =
        agent.until(|frame| frame["command_uuid"] == first.as_str() && frame["state"] == "completed");
    assert_eq!(frames.iter().filter(|frame| frame["type"] == "result").count(), 1);
    let at = |fits: &dyn Fn(&serde_json::Value) -> bool| frames.iter().position(fits).expect("such a frame");
    let of = |state: &'static str| at(&|frame| frame["command_uuid"] == *second && frame["state"] == state);
    let replayed = at(&|frame| frame["isReplay"] == true && frame["uuid"] == *second);
    let result = at(&|frame| frame["type"] == "result");
    assert!(of("queued") < replayed && replayed < of("started") && of("started") < of("completed"));
    assert!(of("completed") < result, "{frames:#?}");
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));

    agent.prompt("run: sleep 30");
    agent.until_type("assistant");
    let message = json!({"role": "user", "content": "List my prompts"});
    agent.send(&json!({"type": "user", "message": message, "priority": "now", "origin": {"kind": "human"}}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    let result = agent.result();
    assert_eq!((&result["is_error"], &result["origin"]["kind"]), (&json!(false), &json!("human")));
}

#[test]
fn requests_are_served_while_a_turn_runs() {
    let home = Home::new();
    let mut agent = home.agent(&["--allowedTools", "Bash"]);
    agent.prompt("run: touch begun; sleep 20");
    eventually("the command runs", || home.work().join("begun").exists());
    assert_eq!(agent.ask(&json!({"subtype": "mcp_status"})), json!({"mcpServers": []}));
    assert_eq!(agent.ask(&json!({"subtype": "set_model", "model": "other"}))["model"], "other");
    assert_eq!(
        agent.ask(&json!({"subtype": "set_permission_mode", "mode": "plan"})),
        json!({"mode": "plan"})
    );
    assert!(agent.ask(&json!({"subtype": "get_context_usage"}))["percentage"].is_number());
    assert!(agent.ask(&json!({"subtype": "get_session_cost"}))["text"].is_string());
    assert!(!agent.ask(&json!({"subtype": "list_models"}))["models"].as_array().unwrap().is_empty());
    assert_eq!(agent.ask(&json!({"subtype": "initialize"}))["session_state"], "running");
    let waiting = agent.prompt("next");
    assert_eq!(agent.ask(&json!({"subtype": "interrupt"})), json!({"still_queued": [waiting]}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    let frames = agent.until(|frame| frame["type"] == "result");
    let init = frames.iter().find(|frame| frame["subtype"] == "init").unwrap();
    assert_eq!((&init["model"], &init["permissionMode"]), (&json!("other"), &json!("plan")));
}

#[test]
fn an_interrupt_stops_the_words_within_100_ms_and_is_remembered() {
    let home = Home::new();
    let slow = [("HOTSEAT_OFFLINE_DELAY_MS", "200")];
    let mut agent = home.agent_with(&["--include-partial-messages"], &slow);
    let mut interrupted = || {
        agent.prompt("hello");
        agent.until(|frame| frame["event"]["delta"]["text"].is_string());
        let asked = Instant::now();
        agent.ask(&json!({"subtype": "interrupt"}));
        let frames = agent.until(|frame| frame["type"] == "result");
        let took = asked.elapsed();
        assert_eq!(kinds(&frames), ["assistant", "user", "result/error_during_execution"]);
        assert_eq!(frames[1]["message"]["content"][0]["text"], "[Request interrupted by user]");
        let transcript = home.transcript(frames[2]["session_id"].as_str().unwrap());
        assert!(
            transcript.contains("isAbortedMidStream") && transcript.contains("[Request interrupted by user]")
        );
        took
    };
    // A machine busy with other tests may hold one of them up.
    let quickest = (0..5).map(|_| interrupted()).min().unwrap();
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    assert_eq!(
        agent.ask(&json!({"subtype": "interrupt"})),
        json!({"still_queued": []}),
        "nothing runs: no harm"
    );
}

#[test]
fn an_interrupted_command_dies_with_all_it_started() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("run: (sleep 60 & echo $! > pids; echo $$ >> pids; wait)");
    let pids = home.work().join("pids");
    let mut read = Vec::new();
    eventually("two pids", || {
        read = std::fs::read_to_string(&pids).unwrap_or_default().lines().map(str::to_owned).collect();
        read.len() == 2
    });
    agent.ask(&json!({"subtype": "interrupt"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames[0]["message"]["content"][0]["is_error"], true);
    assert_eq!(frames[1]["message"]["content"][0]["text"], "[Request interrupted by user for tool use]");
    eventually("all gone", || read.iter().all(|pid| !lives(pid)));
    assert!(agent.turn("What now?").contains("offline model"), "the conversation goes on");
}

#[test]
fn a_command_outlives_not_even_a_killed_agent() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("run: echo $$ > pid; sleep 60");
    let mut pid = String::new();
    eventually("a pid", || {
        pid = std::fs::read_to_string(home.work().join("pid")).unwrap_or_default().trim().to_owned();
        !pid.is_empty()
    });
    agent.signal("KILL");
    agent.ended();
    eventually("the command is gone", || !lives(&pid));
}

#[test]
fn a_turn_ends_at_its_limit() {
    let home = Home::new();
    let mut agent = home.agent(&["--max-turns", "1", "--allowedTools", "Bash"]);
    agent.prompt("run: echo a");
    let result = agent.result();
    assert_eq!((&result["subtype"], &result["num_turns"]), (&json!("error_max_turns"), &json!(1)));
}

#[test]
fn odd_input_is_passed_over_and_unknown_requests_are_named() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    for line in [
        "",
        "hello",
        "[1]",
        "{\"type\":",
        "{\"type\":\"novel\",\"x\":1}",
        "{\"type\":\"user\"}",
        "{\"type\":\"keep_alive\"}",
    ] {
        agent.line(line);
    }
    agent.line(r#"{"type":"user","message":{"role":"user","content":7}}"#);
    agent.line(
        r#"{"type":"control_response","response":{"subtype":"success","request_id":"nobody","response":{}}}"#,
    );
    agent.line(r#"{"type":"control_cancel_request","request_id":"nobody"}"#);
    for (request, code) in [
        (json!({"subtype": "seed_read_state"}), "unsupported_request"),
        (json!({"subtype": "novel"}), "unsupported_request"),
        (json!({"subtype": "resume"}), "invalid_request"),
        (json!({"subtype": "rename_session"}), "invalid_request"),
        (json!({"subtype": "set_permission_mode", "mode": "yolo"}), "invalid_request"),
    ] {
        assert_eq!(agent.refused(&request).0, code, "{request}");
    }
    assert!(agent.turn(&"long ".repeat(1 << 20)).contains("Noted"), "a line of 5 MiB");
    assert!(agent.close().success());
}

#[test]
fn what_the_command_line_gets_wrong_is_said_on_stderr() {
    let home = Home::new();
    for (flags, says) in [
        (&["--novel"][..], "--novel"),
        (&["--resume=nonsense"], "not a session id"),
        (&["--resume=3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1"], "no session 3f9c1a52"),
        (&["--system-prompt-file", "/no/such/file"], "instructions"),
    ] {
        let mut agent = home.agent(flags);
        let (status, _) = agent.ended();
        let stderr = agent.stderr();
        assert_eq!(status.code(), Some(1), "{flags:?}: {stderr}");
        assert!(stderr.contains(says), "{flags:?}: {stderr}");
    }
}

#[test]
fn text_alone_can_do_what_requests_do() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    let first = agent.session();
    let command = |agent: &mut agent::Agent, line: &str| {
        agent.prompt(line);
        let result = agent.result();
        assert_eq!(result["num_turns"], 0, "{line}");
        result
    };
    for line in ["/clear", "/new", "/reset"] {
        let result = command(&mut agent, line);
        assert_eq!((&result["subtype"], &result["local_command"]), (&json!("success"), &json!(&line[1..])));
        assert_ne!(result["session_id"], first.as_str());
    }
    assert!(agent.turn("What is the secret?").contains("does not tell"));
    assert_eq!(command(&mut agent, &format!("/resume {first}"))["session_id"], first.as_str());
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));
    assert_ne!(command(&mut agent, "/fork")["session_id"], first.as_str());
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));
    command(&mut agent, "/rename Plan B");
    assert_eq!(command(&mut agent, "/resume nonsense")["is_error"], true);
    for (line, says) in [
        ("/help", "/resume ID"),
        ("/model", "offline"),
        ("/cost", "tokens"),
        ("/context", "%"),
        ("/novel x", "/help"),
    ] {
        assert!(command(&mut agent, line)["result"].as_str().unwrap().contains(says), "{line}");
    }
    assert!(agent.turn("/etc/hosts is a path").contains("Noted"), "a path is no command");
}

#[test]
fn a_prompt_without_a_turn_is_context_for_the_next() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let uuid = uuid::Uuid::new_v4().to_string();
    let content = json!({"role": "user", "content": "Remember X1."});
    agent.send(&json!({"type": "user", "message": content, "uuid": uuid, "shouldQuery": false}));
    let frames = agent.until(|frame| frame["state"] == "completed");
    assert_eq!(
        kinds(&frames),
        ["command_lifecycle/queued", "command_lifecycle/started", "command_lifecycle/completed"]
    );
    assert!(agent.turn("What is it?").contains("Remember X1."));
}

#[test]
fn a_uuid_that_comes_twice_loses_nothing() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let uuid = agent.prompt("Remember A1.");
    agent.result();
    let again = json!({"type": "user", "message": {"role": "user", "content": "Remember B2."}, "uuid": uuid});
    agent.send(&again);
    agent.result();
    let session = agent.session();
    assert!(agent.close().success());
    let mut agent = home.agent(&["--resume", &session]);
    let told = agent.turn("What is it?");
    assert!(told.contains("A1") && told.contains("B2"), "{told}");
}

#[test]
fn the_sdks_way_to_start_it_needs_no_word_in_front() {
    let home = Home::new();
    let mut command = home.command(agent::HOTSEAT);
    command.args(["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"]);
    let mut agent = agent::Agent::spawn(command);
    assert!(agent.turn("hello").contains("offline model"));
    assert_eq!(agent.ask(&json!({"subtype": "end_session", "reason": "done"})), json!({}));
    assert!(agent.ended().0.success());
}

#[test]
fn a_tool_is_heard_while_it_runs() {
    let home = Home::new();
    let flags = ["--include-partial-messages", "--permission-mode", "bypassPermissions"];
    let mut agent = home.agent(&flags);
    // It waits for us to have heard it.
    agent.prompt("run: echo \"begun\u{e9}\"; while [ ! -e heard ]; do sleep 0.05; done; echo ended");
    let progress = agent.until_type("tool_progress");
    assert_eq!((&progress["tool_name"], &progress["output"]), (&json!("Bash"), &json!("begun\u{e9}\n")));
    assert!(progress["elapsed_time_seconds"].as_f64().is_some_and(|seconds| seconds < 10.0), "{progress}");
    std::fs::write(home.work().join("heard"), "").unwrap();
    let result = agent.until_type("user");
    assert_eq!(result["message"]["content"][0]["tool_use_id"], progress["tool_use_id"]);
    assert_eq!(result["tool_use_result"]["stdout"], "begun\u{e9}\nended\n");

    let mut quiet = home.agent(&flags[1..]);
    quiet.prompt("run: echo begun; sleep 0.3");
    let frames = quiet.until(|frame| frame["type"] == "result");
    assert!(frames.iter().all(|frame| frame["type"] != "tool_progress"), "only where pieces are wanted");
}
