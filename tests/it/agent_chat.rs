//! `hotseat agent` and a server of chat completions, played by a script on
//! loopback.

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};
use crate::support::stub_api::{Answer, KEY, StubApi};

fn agent(home: &Home, api: &StubApi) -> Agent {
    let env = api.openai();
    let mut env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.extend([("HOTSEAT_RETRY_FIRST_MS", "1"), ("CLAUDE_STREAM_IDLE_TIMEOUT_MS", "300")]);
    home.agent_with(&["--permission-mode", "bypassPermissions"], &env)
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "some/model", "choices": [choice]})
}

fn text(text: &str) -> Answer {
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15});
    Answer::chunks(&[
        chunk(&json!({"role": "assistant", "content": ""}), None),
        chunk(&json!({"content": text}), None),
        chunk(&json!({}), Some("stop")),
        json!({"id": "chatcmpl-1", "choices": [], "usage": usage}),
    ])
}

fn call(name: &str, arguments: &str) -> Answer {
    let function = json!({"name": name, "arguments": arguments});
    let call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
    Answer::chunks(&[
        chunk(&json!({"reasoning_content": "I should look."}), None),
        chunk(&json!({"tool_calls": [call]}), None),
        chunk(&json!({}), Some("tool_calls")),
    ])
}

#[test]
fn a_conversation_with_tools_goes_there_and_back() {
    let home = Home::new();
    let api = StubApi::scripted([
        call("Bash", r#"{"command":"echo from-the-tool"}"#),
        text("It said so."),
        text("Yes."),
    ]);
    let mut agent = agent(&home, &api);
    assert_eq!(agent.turn("Go"), "It said so.");
    agent.prompt("Sure?");
    let result = agent.result();
    assert_eq!((&result["result"], &result["usage"]["input_tokens"]), (&json!("Yes."), &json!(12)));

    let asked = api.asked();
    assert!(asked[0].head.starts_with("POST /v1/chat/completions"), "{}", asked[0].head);
    assert!(asked[0].head.contains(&format!("authorization: Bearer {KEY}")));
    let body = &asked[0].body;
    assert_eq!(
        (&body["model"], &body["stream_options"]),
        (&json!("some/model"), &json!({"include_usage": true}))
    );
    let bash =
        body["tools"].as_array().unwrap().iter().find(|tool| tool["function"]["name"] == "Bash").unwrap();
    assert_eq!(bash["function"]["parameters"]["required"], json!(["command"]));
    let messages = asked[2].body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant", "user"]);
    assert_eq!(messages[2]["tool_calls"][0]["function"]["name"], "Bash");
    assert_eq!(messages[3]["tool_call_id"], "call_1");
    assert!(messages[3]["content"].as_str().unwrap().contains("from-the-tool"));
    // Unsigned reasoning would make another API refuse the session.
    assert!(!home.transcript(&agent.session()).contains("I should look."));
}

#[test]
fn what_breaks_off_or_is_busy_is_asked_for_anew() {
    for (name, answer) in [
        ("busy", Answer::error(429, "rate_limit", "Slow down").header("retry-after", "0")),
        ("broken", Answer::error(502, "bad_gateway", "Broken")),
        ("cut", text("Half.").cut_before("Half")),
        ("stalled", text("Half.").stall_before("Half")),
        ("garbage", Answer::stream("data: {\"id\": \n\n")),
        ("no stream", Answer::stream("")),
    ] {
        let home = Home::new();
        let api = StubApi::scripted([answer, text("Whole.")]);
        assert_eq!(agent(&home, &api).turn("Hello"), "Whole.", "{name}");
        assert_eq!(api.asked().len(), 2, "{name}");
    }
}

#[test]
fn what_cannot_be_helped_is_told_and_the_session_goes_on() {
    for (answer, says) in [
        (Answer::error(401, "invalid_api_key", "Incorrect API key"), "check the API key"),
        (Answer::error(403, "forbidden", "Not yours"), "403"),
        (Answer::error(404, "model_not_found", "The model does not exist"), "check the model's name"),
        (Answer::error(413, "too_large", "Too large"), "/compact"),
        (Answer::error(429, "insufficient_quota", "No money"), "billing"),
        (Answer::error(200, "odd", "No stream"), "without a stream"),
    ] {
        let home = Home::new();
        let api = StubApi::scripted([answer, text("Now it works.")]);
        let mut agent = agent(&home, &api);
        agent.prompt("Hello");
        let result = agent.result();
        let said = result["result"].as_str().unwrap_or_else(|| panic!("{says}: {result}"));
        assert!(said.contains(says), "{says}: {said}");
        assert_eq!(agent.turn("Again"), "Now it works.", "{says}");
    }
}
