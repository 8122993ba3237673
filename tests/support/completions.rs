//! Answers as servers of chat completions and as Google's API give them, as far
//! as qwen, copilot and gemini need them.

use serde_json::{Value, json};

use super::stub_api::Answer;

/// A text, word by word.
pub fn text(text: &str) -> Answer {
    let words = text.split_inclusive(' ').map(|word| json!({"role": "assistant", "content": word}));
    chunks(words.collect(), "stop")
}

/// A call of a tool.
pub fn call(id: &str, tool: &str, input: &Value) -> Answer {
    let function = json!({"name": tool, "arguments": input.to_string()});
    let call = json!({"index": 0, "id": id, "type": "function", "function": function});
    chunks(vec![json!({"role": "assistant", "tool_calls": [call]})], "tool_calls")
}

fn chunks(deltas: Vec<Value>, end: &str) -> Answer {
    let chunk = |delta: Value, end: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": end});
        json!({"id": "c", "object": "chat.completion.chunk", "model": "stub", "choices": [choice]})
    };
    let mut last = chunk(json!({}), Some(end));
    last["usage"] = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110});
    let all: Vec<_> = deltas.into_iter().map(|delta| chunk(delta, None)).chain([last]).collect();
    Answer::chunks(&all)
}

/// A text of Gemini's, word by word.
pub fn gemini_text(text: &str) -> Answer {
    gemini(text.split_inclusive(' ').map(|word| json!({"text": word})).collect())
}

/// A call of Gemini's.
pub fn gemini_call(tool: &str, input: &Value) -> Answer {
    gemini(vec![json!({"functionCall": {"name": tool, "args": input}})])
}

fn gemini(parts: Vec<Value>) -> Answer {
    let count = parts.len();
    let usage = json!({"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110});
    let event = |(at, part): (usize, Value)| {
        let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": [part]}});
        if at + 1 == count {
            candidate["finishReason"] = json!("STOP");
        }
        let event = json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub"});
        format!("data: {event}\r\n\r\n")
    };
    Answer::stream(parts.into_iter().enumerate().map(event).collect::<String>())
}
