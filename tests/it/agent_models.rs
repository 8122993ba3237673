//! `hotseat agent` and a real model's API, played by a script on loopback: what
//! is asked, what becomes of the answer, and what becomes of none.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home, eventually};
use crate::support::stub_api::{Answer, KEY, StubApi, events_of};

const FREE: [&str; 2] = ["--permission-mode", "bypassPermissions"];

/// An agent that asks this API, and asks again at once.
fn agent(home: &Home, api: &StubApi, flags: &[&str], env: &[(&str, &str)]) -> Agent {
    let mut all = api.anthropic().to_vec();
    all.push(("HOTSEAT_RETRY_FIRST_MS", "1"));
    all.extend(env);
    home.agent_with(&[&FREE, flags].concat(), &all)
}

/// A turn's frames, up to its result.
fn turn(agent: &mut Agent, prompt: &str) -> Vec<Value> {
    agent.prompt(prompt);
    agent.until(|frame| frame["type"] == "result")
}

fn of<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind || frame["subtype"] == kind).collect()
}

/// The entries of a transcript that are part of the conversation.
fn entries(home: &Home, agent: &mut Agent) -> Vec<Value> {
    let text = home.transcript(&agent.session());
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["uuid"].is_string()).collect()
}

#[test]
fn a_turn_asks_for_a_stream_and_writes_down_what_came() {
    let home = Home::new();
    let api = StubApi::scripted([Answer::blocks(&[
        json!({"type": "thinking", "thinking": "hm", "signature": "signed"}),
        json!({"type": "text", "text": "Good day."}),
    ])]);
    let flags = ["--model", "opus", "--include-partial-messages", "--max-thinking-tokens", "2000"];
    let mut agent = agent(&home, &api, &flags, &[]);
    let frames = turn(&mut agent, "Hello");
    assert_eq!(frames.last().unwrap()["result"], "Good day.");
    assert_eq!(frames.last().unwrap()["usage"]["output_tokens"], 5);
    assert_eq!(of(&frames, "assistant").len(), 2);
    assert!(of(&frames, "stream_event").len() > 8, "{frames:#?}");

    let asked = api.asked().remove(0);
    assert!(asked.head.contains(&format!("x-api-key: {KEY}")) && asked.head.contains("anthropic-version"));
    let body = &asked.body;
    assert_eq!((&body["model"], &body["stream"]), (&json!("claude-opus-5-5"), &json!(true)));
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    let system = body["system"][0]["text"].as_str().unwrap();
    assert!(system.contains(home.work().to_str().unwrap()), "{system}");
    let tools = body["tools"].as_array().unwrap();
    let bash = tools.iter().find(|tool| tool["name"] == "Bash").unwrap();
    assert_eq!(bash["input_schema"]["required"], json!(["command"]));
    let cached = json!({"type": "ephemeral"});
    assert_eq!(body["system"][0]["cache_control"], cached);
    assert_eq!(tools.last().unwrap()["cache_control"], cached);
    assert_eq!(body["messages"][0]["content"][1]["cache_control"], cached);

    let entries = entries(&home, &mut agent);
    assert_eq!(entries[1]["message"]["content"][0]["signature"], "signed");
    assert_eq!(entries[1]["message"]["id"], entries[2]["message"]["id"]);
}

#[test]
fn a_tool_runs_and_its_result_goes_back() {
    let home = Home::new();
    let input = json!({"command": "echo from-the-tool", "description": "say it"});
    let api = StubApi::scripted([Answer::call("toolu_1", "Bash", &input), Answer::text("It said so.")]);
    let mut agent = agent(&home, &api, &[], &[]);
    assert_eq!(agent.turn("Go"), "It said so.");
    let messages = api.last_messages();
    assert_eq!(messages[1]["content"][0]["input"], input);
    let result = &messages[2]["content"][0];
    assert_eq!((&result["tool_use_id"], &result["is_error"]), (&json!("toolu_1"), &json!(false)));
    assert!(result["content"].as_str().unwrap().contains("from-the-tool"), "{result}");
}

#[test]
fn blocks_come_back_as_they_were_and_the_cache_outlives_a_switch() {
    let home = Home::new();
    let blocks = [
        json!({"type": "redacted_thinking", "data": "Zm9v"}),
        json!({"type": "thinking", "thinking": "a\u{2028}b", "signature": "s+/="}),
        json!({"type": "text", "text": "Said \"so\"."}),
    ];
    let call = Answer::call("toolu_1", "Bash", &json!({"command": "echo hi"}));
    let api = StubApi::scripted([Answer::blocks(&blocks), call, Answer::text("Done.")]);
    // The model that the replies name: thinking of another one is left out.
    let mut agent = agent(&home, &api, &["--model", "scripted"], &[]);
    agent.turn("First");
    agent.turn("Second");
    let session = agent.session();
    agent.ask(&json!({"subtype": "clear"}));
    agent.turn("Elsewhere");
    agent.ask(&json!({"subtype": "resume", "session_id": session}));
    agent.turn("Third");

    let asked = api.asked();
    let [before, after] = [&asked[2], &asked[4]].map(|asked| unmarked(&asked.text));
    let shared = before.find("],\"stream\"").unwrap();
    assert_eq!(before[..shared], after[..shared], "what the cache knows begins the later request");
    assert!(after.len() > shared + 40);
    let raw = blocks.map(|block| block.to_string());
    assert!(before.contains(&raw.join(",")), "{before}");
}

/// A request without the marks that move on with the conversation.
fn unmarked(text: &str) -> String {
    text.replace(r#","cache_control":{"type":"ephemeral"}"#, "")
}

#[test]
fn a_provider_that_is_busy_is_asked_again_and_says_how_often() {
    let home = Home::new();
    let api = StubApi::scripted([
        Answer::error(529, "overloaded_error", "Overloaded"),
        Answer::error(429, "rate_limit_error", "Slow down").header("retry-after", "0.05"),
        Answer::error(500, "api_error", "Broken"),
        Answer::error(408, "timeout_error", "Late"),
        Answer::error(409, "conflict", "Twice"),
        Answer::text("Here I am."),
    ]);
    let mut agent = agent(&home, &api, &[], &[]);
    let frames = turn(&mut agent, "Hello");
    assert_eq!(frames.last().unwrap()["result"], "Here I am.");
    let told: Vec<_> = of(&frames, "api_retry")
        .iter()
        .map(|frame| (frame["attempt"].clone(), frame["error_status"].clone(), frame["error"].clone()))
        .collect();
    let expected = [
        (1, 529, "overloaded"),
        (2, 429, "rate_limit"),
        (3, 500, "server_error"),
        (4, 408, "unknown"),
        (5, 409, "unknown"),
    ];
    assert_eq!(told, expected.map(|(attempt, status, kind)| (json!(attempt), json!(status), json!(kind))));
    assert_eq!(of(&frames, "api_retry")[1]["retry_delay_ms"], 50);
    assert_eq!(of(&frames, "api_retry")[0]["max_retries"], 10);
}

#[test]
fn a_reply_that_breaks_off_is_asked_for_anew_and_leaves_nothing() {
    let blocks = [json!({"type": "text", "text": "first block"}), json!({"type": "text", "text": "second"})];
    let broken = Answer::blocks(&blocks);
    for (name, answer) in [
        ("cut", broken.clone().cut_before("ond\"")),
        ("stalled", broken.clone().stall_before("ond\"")),
        ("ended", Answer::stream(events_of(&blocks, "m").split("event: message_delta").next().unwrap())),
        ("garbage", Answer::stream(events_of(&blocks, "m").replace("\"index\":1", "\"index:1"))),
        ("no stream", Answer::stream("Good day, this is a web page.\n\n")),
        (
            "an error",
            Answer::stream(events_of(&blocks, "m").replace(
                "\"type\":\"message_stop\"",
                r#""type":"error","error":{"type":"overloaded_error","message":"Overloaded"}"#,
            )),
        ),
    ] {
        let home = Home::new();
        let api = StubApi::scripted([answer, Answer::text("Whole.")]);
        let mut agent = agent(&home, &api, &[], &[("CLAUDE_STREAM_IDLE_TIMEOUT_MS", "300")]);
        let frames = turn(&mut agent, "Hello");
        assert_eq!(frames.last().unwrap()["result"], "Whole.", "{name}");
        let retry = of(&frames, "api_retry");
        assert_eq!(retry.len(), 1, "{name}: {frames:#?}");
        let shown = of(&frames, "assistant");
        let dropped: Vec<_> = shown[..shown.len() - 1].iter().map(|frame| frame["uuid"].clone()).collect();
        assert_eq!(retry[0]["dropped"], json!(dropped), "{name}");
        assert_eq!(entries(&home, &mut agent).len(), 2, "{name}: a prompt and a reply");
    }
}

#[test]
fn what_cannot_be_helped_ends_the_turn_and_not_the_session() {
    for (status, kind, message, error) in [
        (400, "invalid_request_error", "messages.0: no", "invalid_request"),
        (401, "authentication_error", "invalid x-api-key", "authentication_failed"),
        (403, "permission_error", "not yours", "authentication_failed"),
        (404, "not_found_error", "model: novel", "model_not_found"),
        (413, "request_too_large", "too many bytes", "invalid_request"),
    ] {
        let home = Home::new();
        let refusal = Answer::error(status, kind, &format!("{message} ({KEY})"));
        let api = StubApi::scripted([refusal, Answer::text("Now it works.")]);
        let mut agent = agent(&home, &api, &["--model", "novel"], &[]);
        let frames = turn(&mut agent, "Hello");
        let result = frames.last().unwrap();
        // As the official CLI tells it (2.1.332).
        assert_eq!((&result["subtype"], &result["is_error"]), (&json!("success"), &json!(true)));
        assert_eq!(result["terminal_reason"], "api_error");
        assert_eq!(result["api_error_status"], status);
        let said = result["result"].as_str().unwrap();
        assert!(said.contains(message) && said.contains(&status.to_string()), "{said}");
        assert_eq!(of(&frames, "assistant")[0]["error"], error);
        assert!(of(&frames, "api_retry").is_empty());
        let text = home.transcript(&agent.session());
        assert!(!text.contains(KEY) && !json!(frames).to_string().contains(KEY), "a key was repeated");

        assert_eq!(agent.turn("Again"), "Now it works.", "{status}");
        let asked = api.last_messages().to_string();
        assert!(asked.contains("Hello") && !asked.contains("API Error"), "{asked}");
    }
}

#[test]
fn a_provider_that_never_answers_is_given_up() {
    let home = Home::new();
    let api = StubApi::scripted([Answer::error(503, "api_error", "Down")]);
    let mut agent = agent(&home, &api, &[], &[("CLAUDE_CODE_MAX_RETRIES", "2")]);
    let frames = turn(&mut agent, "Hello");
    assert_eq!(of(&frames, "api_retry").len(), 2);
    assert_eq!(api.asked().len(), 3);
    assert!(frames.last().unwrap()["result"].as_str().unwrap().contains("503"));
}

#[test]
fn nobody_at_the_address_is_told_by_name() {
    let home = Home::new();
    let env = [("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"), ("CLAUDE_CODE_MAX_RETRIES", "0")];
    let mut agent = home.agent_with(&FREE, &env);
    let said = turn(&mut agent, "Hello").pop().unwrap()["result"].to_string();
    assert!(said.contains("cannot reach 127.0.0.1:1"), "{said}");
}

#[test]
fn a_call_that_is_no_json_is_told_to_the_model() {
    let home = Home::new();
    let call = events_of(
        &[json!({"type": "tool_use", "id": "t", "name": "Bash", "input": "{\"command\": \"ls"})],
        "m",
    );
    let api = StubApi::scripted([Answer::stream(call), Answer::text("I see.")]);
    let mut agent = agent(&home, &api, &[], &[]);
    assert_eq!(agent.turn("Go"), "I see.");
    let messages = api.last_messages();
    assert_eq!(messages[1]["content"][0]["input"], json!({}));
    let result = &messages[2]["content"][0];
    assert_eq!(result["is_error"], true);
    assert!(result["content"].as_str().unwrap().contains("not valid JSON"), "{result}");
}

#[test]
fn an_interruption_stops_a_stream_and_a_wait_at_once() {
    let stalled = Answer::text("This never ends.").stall_before("ends.");
    let busy = Answer::error(529, "overloaded_error", "Overloaded").header("retry-after", "60");
    for (name, answer, until) in [("stream", stalled, "stream_event"), ("wait", busy, "api_retry")] {
        let home = Home::new();
        let api = StubApi::scripted([answer, Answer::text("Back again.")]);
        let mut agent = agent(&home, &api, &["--include-partial-messages"], &[]);
        agent.prompt("Hello");
        agent.until(|frame| frame["type"] == until || frame["subtype"] == until);
        let began = Instant::now();
        agent.ask(&json!({"subtype": "interrupt"}));
        let result = agent.result();
        // A hundredth of this when nothing else runs.
        assert!(began.elapsed() < Duration::from_secs(1), "{name}: {:?}", began.elapsed());
        assert_eq!(result["subtype"], "error_during_execution", "{name}");
        assert_eq!(agent.turn("Again"), "Back again.", "{name}");
    }
}

#[test]
fn without_a_key_it_is_the_offline_model_and_a_wish_that_cannot_be_met_is_an_error() {
    let home = Home::new();
    let mut offline = home.agent(&[]);
    assert_eq!(offline.ask(&json!({"subtype": "initialize"}))["provider"], "offline");
    for (flags, says) in [
        (["--provider", "anthropic"], "ANTHROPIC_API_KEY"),
        (["--model", "openai/gpt-5"], "OPENAI_API_KEY"),
        (["--provider", "nobody"], "there is no provider"),
    ] {
        let mut agent = home.agent(&flags);
        let (status, _) = agent.ended();
        let stderr = agent.stderr();
        assert!(status.code() == Some(1) && stderr.contains(says), "{flags:?}: {stderr}");
    }
    eventually("nothing was written", || home.transcripts().is_empty());
}

#[test]
fn what_it_cost_is_told_by_model_and_nothing_where_no_price_is_known() {
    let home = Home::new();
    let priced =
        events_of(&[json!({"type": "text", "text": "Hi."})], "m").replace("scripted", "claude-opus-5");
    let api = StubApi::scripted([Answer::stream(priced), Answer::text("From nobody known.")]);
    let mut agent = agent(&home, &api, &["--model", "claude-opus-5"], &[]);
    let result = turn(&mut agent, "Hello").pop().unwrap();
    // 10 tokens read at $5 and 5 written at $25 a million.
    assert_eq!(result["total_cost_usd"], 0.000_175);
    assert_eq!(result["modelUsage"]["claude-opus-5"]["costUSD"], 0.000_175);
    assert_eq!(result["modelUsage"]["claude-opus-5"]["contextWindow"], 1_000_000);
    let session = agent.session();
    agent.ask(&json!({"subtype": "clear"}));
    let back = agent.ask(&json!({"subtype": "resume", "session_id": session}));
    assert_eq!(back["total_cost_usd"], 0.000_175, "read back from the transcript");
    let result = turn(&mut agent, "And now?").pop().unwrap();
    assert_eq!(result["total_cost_usd"], 0.0, "no sum where a part is unknown");
}

#[test]
fn an_answer_has_the_form_that_was_asked_for() {
    let home = Home::new();
    let schema = r#"{"type": "object", "required": ["sum"], "properties": {"sum": {"type": "integer"}}}"#;
    let give = |id: &str, answer: Value| Answer::call(id, "StructuredOutput", &answer);
    let script =
        [Answer::text("It is 42."), give("t1", json!({"sum": "42"})), give("t2", json!({"sum": 42}))];
    let api = StubApi::scripted(script);
    let mut asked = agent(&home, &api, &["--json-schema", schema], &[]);
    let frames = turn(&mut asked, "What is 40 and 2?");
    let result = frames.last().unwrap();
    assert_eq!((&result["subtype"], &result["structured_output"]), (&json!("success"), &json!({"sum": 42})));
    let requests = api.asked();
    assert!(requests[0].body["tools"].to_string().contains("StructuredOutput"));
    assert!(requests[1].body["messages"].to_string().contains("MUST call the StructuredOutput"));
    assert!(requests[2].body["messages"].to_string().contains("does not match required schema: /sum"));
    // The next turn owes an answer of its own.
    assert_eq!(turn(&mut asked, "Again").last().unwrap()["structured_output"], json!({"sum": 42}));

    let stubborn = StubApi::scripted([Answer::text("No.")]);
    let mut asked =
        agent(&home, &stubborn, &["--json-schema", schema], &[("MAX_STRUCTURED_OUTPUT_RETRIES", "2")]);
    let frames = turn(&mut asked, "What is 40 and 2?");
    assert_eq!(frames.last().unwrap()["subtype"], "error_max_structured_output_retries");
    assert_eq!(stubborn.asked().len(), 3);

    let mut refused = agent(&home, &stubborn, &["--json-schema", "{"], &[]);
    assert_eq!(refused.ended().0.code(), Some(1));
    assert!(refused.stderr().contains("cannot use the JSON schema"));
}

#[test]
fn limits_end_a_turn_and_a_resume_with_higher_ones_goes_on() {
    let call = |id| {
        let text = events_of(
            &[json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "true"}})],
            id,
        );
        Answer::stream(text.replace("scripted", "claude-opus-5"))
    };
    for (flags, higher, subtype, asked) in [
        (["--max-turns", "1"], ["--max-turns", "9"], "error_max_turns", 1),
        (["--max-budget-usd", "0.0002"], ["--max-budget-usd", "9"], "error_max_budget_usd", 2),
    ] {
        let home = Home::new();
        let api = StubApi::scripted([call("t1"), call("t2"), Answer::text("Done.")]);
        let model = ["--model", "claude-opus-5"];
        let mut first = agent(&home, &api, &[&flags[..], &model].concat(), &[]);
        let result = turn(&mut first, "Go").pop().unwrap();
        assert_eq!((&result["subtype"], &result["is_error"]), (&json!(subtype), &json!(true)));
        assert_eq!(api.asked().len(), asked, "{subtype}");
        let session = first.session();
        // As the official CLI: a last turn that failed is the exit code.
        assert_eq!(first.close().code(), Some(1), "{subtype}");
        let mut next = agent(&home, &api, &[&higher[..], &model, &["--resume", &session]].concat(), &[]);
        assert_eq!(next.turn("Go on"), "Done.", "{subtype}");
    }
}
