//! A Messages API on loopback that remembers what it was asked. Include it by
//! `#[path = "support/stub_api.rs"] mod stub_api;`.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A running stub; it ends with the test's process.
pub struct StubApi {
    pub url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl StubApi {
    /// Answers each request with a thought and a text, and a prompt that says
    /// `TOOL` with a call of Bash first.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, &seen));
            }
        });
        Self { url, requests }
    }

    /// The messages of the last request that streams a reply.
    pub fn last_messages(&self) -> Value {
        self.requests.lock().unwrap().last().expect("a request")["messages"].clone()
    }
}

/// One connection, which may carry many requests. It ends with its first error.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((head, body)) = request(&mut reader) {
        let (kind, reply) = if head.starts_with("POST /v1/messages") && !head.contains("count_tokens") {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let reply = stream_of(&request);
            seen.lock().unwrap().push(request);
            ("text/event-stream", reply)
        } else {
            ("application/json", "{}".to_owned())
        };
        let body = if head.starts_with("HEAD") { "" } else { reply.as_str() };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            reply.len()
        );
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    reader.read_line(&mut head).ok().filter(|&count| count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn stream_of(request: &Value) -> String {
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().map(Value::to_string).unwrap_or_default();
    let number = messages.len();
    let mut deltas = vec![(
        json!({"type": "thinking", "thinking": "", "signature": ""}),
        json!({"type": "thinking_delta", "thinking": "hm"}),
    )];
    let calls = last.contains("TOOL") && !last.contains("tool_result");
    if calls {
        let call =
            json!({"type": "tool_use", "id": format!("toolu_stub_{number}"), "name": "Bash", "input": {}});
        let input = r#"{"command":"echo stub-tool-output","description":"say it"}"#;
        deltas.push((call, json!({"type": "input_json_delta", "partial_json": input})));
    } else {
        let text = format!("The stub read {number} messages.{}", " word".repeat(words_asked_for(&last)));
        deltas.push((json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": text})));
    }
    let message = json!({
        "id": format!("msg_stub_{number}_{}", last.len()), "type": "message", "role": "assistant",
        "model": request["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    });
    let mut events = vec![json!({"type": "message_start", "message": message})];
    for (index, (block, delta)) in deltas.into_iter().enumerate() {
        let is_thinking = block["type"] == "thinking";
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        for piece in pieces(delta) {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": piece}));
        }
        if is_thinking {
            let signature = json!({"type": "signature_delta", "signature": "stub-signature"});
            events.push(json!({"type": "content_block_delta", "index": index, "delta": signature}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let reason = if calls { "tool_use" } else { "end_turn" };
    let end = json!({"stop_reason": reason, "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 5}}));
    events.push(json!({"type": "message_stop"}));
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(line).collect()
}

/// How many words more a prompt wants: `WORDS 100`.
fn words_asked_for(last: &str) -> usize {
    let digits = last.rsplit_once("WORDS ").map_or("", |(_, rest)| rest);
    digits.split(|char: char| !char.is_ascii_digit()).next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// A text comes word by word, everything else at once.
fn pieces(delta: Value) -> Vec<Value> {
    match delta["text"].as_str() {
        Some(text) => {
            text.split_inclusive(' ').map(|word| json!({"type": "text_delta", "text": word})).collect()
        }
        None => vec![delta],
    }
}
