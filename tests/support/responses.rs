//! Answers in the dialect of OpenAI's Responses API, as far as codex needs them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::stub_api::Answer;

/// A message of one text, word by word.
pub fn text(text: &str) -> Answer {
    let item =
        |content: Value| json!({"type": "message", "id": "msg_1", "role": "assistant", "content": content});
    let deltas = text.split_inclusive(' ').map(|word| {
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": word})
    });
    stream(&item(json!([])), deltas.collect(), &item(json!([{"type": "output_text", "text": text}])))
}

/// A call of whichever tool for commands is offered.
pub fn call(id: &str, tools: &Value, command: &str) -> Answer {
    let tool = |name: &str| tools.as_array().into_iter().flatten().find(|tool| tool["name"] == name);
    let (name, mut arguments) = if tool("exec_command").is_some() {
        ("exec_command", json!({"cmd": command, "yield_time_ms": 30_000}))
    } else {
        ("shell", json!({"command": ["bash", "-lc", command]}))
    };
    // Where a sandbox would not let it, a person has to.
    let asks =
        tool(name).is_some_and(|tool| tool["parameters"]["properties"]["sandbox_permissions"].is_object());
    if asks {
        arguments["sandbox_permissions"] = json!("require_escalated");
        arguments["justification"] = json!("as told");
    }
    let item = json!({
        "type": "function_call", "id": "fc_1", "call_id": id, "name": name, "arguments": arguments.to_string(),
    });
    stream(&item, Vec::new(), &item)
}

fn stream(added: &Value, deltas: Vec<Value>, done: &Value) -> Answer {
    let usage = json!({
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 40}, "output_tokens": 10,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 110,
    });
    let mut events = vec![
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": added}),
    ];
    events.extend(deltas);
    events.extend([
        json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "usage": usage}}),
    ]);
    let mut body = String::new();
    for event in events {
        let kind = event["type"].as_str().unwrap_or_default();
        write!(body, "event: {kind}\ndata: {event}\n\n").unwrap();
    }
    Answer::stream(body)
}
