//! A conversation as a request for a chat completion.
//!
//! Owns the conversion of Messages API blocks to chat messages. Thinking is left
//! out: it belongs to another model, or was signed for another API.

use serde_json::{Value, json};

use crate::agent::context::{ContextMessage, MessageRole};
use crate::agent::provider::CompletionRequest;

/// The body of the request.
pub fn body(request: &CompletionRequest) -> Vec<u8> {
    let mut messages = Vec::new();
    let system: Vec<_> =
        [&request.system_prompt, &request.facts].into_iter().flatten().map(String::as_str).collect();
    if !system.is_empty() {
        messages.push(json!({"role": "system", "content": system.join("\n\n")}));
    }
    for message in request.context.messages() {
        match message.role {
            MessageRole::User => user(message, &mut messages),
            MessageRole::Assistant => assistant(message, &mut messages),
        }
    }
    let mut body = json!({
        "model": request.model, "messages": messages, "stream": true, "stream_options": {"include_usage": true},
    });
    // Some servers refuse an empty list.
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let function = json!({
                "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
            });
            json!({"type": "function", "function": function})
        });
        body["tools"] = tools.collect();
    }
    if let Some(effort) = &request.effort {
        body["reasoning_effort"] = json!(effort);
    }
    // A value is always JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Tool results are messages of their own, and come first.
fn user(message: &ContextMessage, messages: &mut Vec<Value>) {
    let mut parts = Vec::new();
    for block in values(message) {
        match block["type"].as_str().unwrap_or_default() {
            "tool_result" => {
                messages.push(json!({
                    "role": "tool", "tool_call_id": block["tool_use_id"], "content": result(&block["content"]),
                }));
                // Only a person's message takes images, so they follow behind all results.
                let content = block["content"].as_array().into_iter().flatten();
                parts.extend(
                    content
                        .filter_map(|part| image_part(&part["source"]).filter(|_| part["type"] == "image")),
                );
            }
            "text" => parts.push(json!({"type": "text", "text": block["text"]})),
            "image" => parts.extend(image_part(&block["source"])),
            other => parts.push(json!({"type": "text", "text": format!("[{other}]")})),
        }
    }
    let is_text = parts.iter().all(|part| part["type"] == "text");
    if parts.is_empty() {
        return;
    }
    // Many local servers take nothing but a plain text.
    let content = if is_text { json!(texts(&parts)) } else { Value::Array(parts) };
    messages.push(json!({"role": "user", "content": content}));
}

fn assistant(message: &ContextMessage, messages: &mut Vec<Value>) {
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for block in values(message) {
        match block["type"].as_str().unwrap_or_default() {
            "text" => parts.push(block),
            "tool_use" => calls.push(json!({
                "id": block["id"], "type": "function",
                "function": {"name": block["name"], "arguments": block["input"].to_string()},
            })),
            _ => {}
        }
    }
    if parts.is_empty() && calls.is_empty() {
        return;
    }
    let mut reply = json!({"role": "assistant", "content": texts(&parts)});
    if !calls.is_empty() {
        reply["tool_calls"] = Value::Array(calls);
    }
    messages.push(reply);
}

fn values(message: &ContextMessage) -> impl Iterator<Item = Value> {
    message.blocks.iter().filter_map(|block| serde_json::from_str(block.json()).ok())
}

fn texts(parts: &[Value]) -> String {
    parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// A tool's result as text: chat completions take no pictures there.
fn result(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let part = |part: &Value| match part["text"].as_str() {
                Some(text) => text.to_owned(),
                None => format!("[{}]", part["type"].as_str().unwrap_or("content")),
            };
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn image_part(source: &Value) -> Option<Value> {
    let url = match source["type"].as_str()? {
        "url" => source["url"].as_str()?.to_owned(),
        "base64" => format!("data:{};base64,{}", source["media_type"].as_str()?, source["data"].as_str()?),
        _ => return None,
    };
    Some(json!({"type": "image_url", "image_url": {"url": url}}))
}
