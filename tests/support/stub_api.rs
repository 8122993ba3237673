//! A model's API on loopback that remembers what it was asked: one that talks by
//! itself, or one that follows a script in either dialect.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A running stub; it ends with the test's process.
pub struct StubApi {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// One request that was made.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request line and the headers, names in small letters.
    pub head: String,
    /// The body, byte for byte.
    pub text: String,
    pub body: Value,
}

/// What a script answers to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    body: String,
    end: End,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Whole,
    /// The connection breaks off.
    Cut,
    /// Nothing more comes, and nothing closes.
    Stall,
}

impl Answer {
    /// A stream of these events, or of whatever text is given.
    pub fn stream(body: impl Into<String>) -> Self {
        let headers = "content-type: text/event-stream\r\n".to_owned();
        Self { status: 200, headers, body: body.into(), end: End::Whole }
    }

    /// A message of these blocks, from the Messages API.
    pub fn blocks(blocks: &[Value]) -> Self {
        // Each reply has an id of its own, as blocks of one id are one message.
        static REPLIES: AtomicU32 = AtomicU32::new(0);
        let id = format!("msg_scripted_{}", REPLIES.fetch_add(1, Ordering::Relaxed));
        Self::stream(events_of(blocks, &id))
    }

    /// A message of one text.
    pub fn text(text: &str) -> Self {
        Self::blocks(&[json!({"type": "text", "text": text})])
    }

    /// A message that calls a tool.
    pub fn call(id: &str, tool: &str, input: &Value) -> Self {
        Self::blocks(&[json!({"type": "tool_use", "id": id, "name": tool, "input": input})])
    }

    /// These chunks of a chat completion, and the mark of its end.
    pub fn chunks(chunks: &[Value]) -> Self {
        let mut lines: Vec<_> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        lines.push("data: [DONE]\n\n".to_owned());
        Self::stream(lines.concat())
    }

    /// An error.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}}).to_string();
        Self { status, headers: "content-type: application/json\r\n".to_owned(), body, end: End::Whole }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Only what stands before this text is sent, then the connection breaks off.
    pub fn cut_before(mut self, text: &str) -> Self {
        self.body.truncate(self.body.find(text).unwrap_or_else(|| panic!("no {text} in {}", self.body)));
        Self { end: End::Cut, ..self }
    }

    /// Only what stands before this text is sent, then nothing more.
    pub fn stall_before(self, text: &str) -> Self {
        Self { end: End::Stall, ..self.cut_before(text) }
    }

    fn send(&self, writer: &mut TcpStream, without_body: bool) -> std::io::Result<()> {
        // A length that is never reached is what a torn connection looks like.
        let length = if self.end == End::Whole { self.body.len() } else { self.body.len() + 100 };
        let head =
            format!("HTTP/1.1 {} Told\r\n{}content-length: {length}\r\n\r\n", self.status, self.headers);
        writer.write_all(head.as_bytes())?;
        if !without_body {
            writer.write_all(self.body.as_bytes())?;
        }
        match self.end {
            End::Whole => Ok(()),
            End::Cut => writer.shutdown(std::net::Shutdown::Both),
            End::Stall => {
                std::thread::sleep(std::time::Duration::from_mins(1));
                Ok(())
            }
        }
    }
}

impl StubApi {
    /// Answers each request with a thought and a text, and a prompt that says
    /// `TOOL` with a call of Bash first.
    pub fn start() -> Self {
        Self::serving(|asked| Answer::stream(stream_of(&asked.body)))
    }

    /// Answers as the script says, in order; when it is at its end, with its
    /// last answer again.
    pub fn scripted(script: impl Into<VecDeque<Answer>>) -> Self {
        let script = Mutex::new(script.into());
        Self::serving(move |_| {
            let mut script = script.lock().unwrap();
            let next = script.pop_front().expect("a script has an answer");
            if script.is_empty() {
                script.push_back(next.clone());
            }
            next
        })
    }

    /// Answers as this says.
    pub fn serving(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Head and body are written apart; neither waits for the other's acknowledgement.
                stream.set_nodelay(true).unwrap();
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { url, asked }
    }

    /// The requests for a reply so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The messages of the last request that streams a reply.
    pub fn last_messages(&self) -> Value {
        self.asked().last().expect("a request").body["messages"].clone()
    }

    /// The same, of one that takes it for a server of chat completions.
    pub fn openai(&self) -> [(&str, String); 3] {
        let model = "some/model".to_owned();
        [
            ("OPENAI_BASE_URL", format!("{}/v1", self.url)),
            ("OPENAI_API_KEY", KEY.to_owned()),
            ("OPENAI_MODEL", model),
        ]
    }

    /// The environment of an agent that asks this API.
    pub fn anthropic(&self) -> [(&str, &str); 2] {
        [("ANTHROPIC_BASE_URL", self.url.as_str()), ("ANTHROPIC_API_KEY", KEY)]
    }
}

/// The key that tests give, which nothing may repeat.
pub const KEY: &str = "sk-ant-test-7c9e6679";

/// One connection, which may carry many requests. It ends with its first error.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((head, text)) = request(&mut reader) {
        let wants_reply = head.starts_with("POST")
            && ["/v1/messages", "/chat/completions", "/v1/responses", "enerateContent"]
                .iter()
                .any(|path| head.contains(path))
            && !head.contains("count_tokens");
        let without_body = head.starts_with("HEAD");
        let answer = if wants_reply {
            let body = serde_json::from_str(&text).unwrap_or_default();
            let asked = Asked { head, text, body };
            seen.lock().unwrap().push(asked.clone());
            answer(&asked)
        } else {
            let headers = "content-type: application/json\r\n".to_owned();
            Answer { status: 200, headers, body: "{}".to_owned(), end: End::Whole }
        };
        if answer.send(&mut writer, without_body).is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    reader.read_line(&mut head).ok().filter(|&count| count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            let name = name.to_lowercase();
            if name == "content-length" {
                length = value.trim().parse().ok()?;
            }
            head.extend([name.as_str(), ": ", value.trim(), "\n"]);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8_lossy(&body).into_owned()))
}

fn stream_of(request: &Value) -> String {
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().map(Value::to_string).unwrap_or_default();
    let number = messages.len();
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "stub-signature"});
    let said = if last.contains("TOOL") && !last.contains("tool_result") {
        let input = json!({"command": "echo stub-tool-output", "description": "say it"});
        json!({"type": "tool_use", "id": format!("toolu_stub_{number}"), "name": "Bash", "input": input})
    } else {
        let more = " word".repeat(words_asked_for(&last));
        json!({"type": "text", "text": format!("The stub read {number} messages.{more}")})
    };
    let id = format!("msg_stub_{number}_{}", last.len());
    events_of(&[thought, said], &id).replace("\"scripted\"", &request["model"].to_string())
}

/// A message of these blocks as the Messages API streams it. A block that is no
/// text, thought or call comes whole.
pub fn events_of(blocks: &[Value], id: &str) -> String {
    let usage = json!({"input_tokens": 10, "output_tokens": 1});
    let message = json!({
        "id": id, "type": "message", "role": "assistant", "model": "scripted", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let mut events = vec![json!({"type": "message_start", "message": message}), json!({"type": "ping"})];
    for (index, block) in blocks.iter().enumerate() {
        let (mut start, mut deltas) = (block.clone(), Vec::new());
        let mut grows = |key: &str, empty: Value, kind: &str, part: &str| {
            if let Some(value) = block.get(key) {
                start[key] = empty;
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                deltas.extend(pieces(&text).map(|text| json!({"type": kind, part: text})));
            }
        };
        match block["type"].as_str().unwrap() {
            "text" => grows("text", json!(""), "text_delta", "text"),
            "thinking" => {
                grows("thinking", json!(""), "thinking_delta", "thinking");
                start["signature"] = json!("");
            }
            "tool_use" => grows("input", json!({}), "input_json_delta", "partial_json"),
            _ => {}
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.into_iter().map(delta));
        // Signatures come whole.
        if let Some(signature) = block.get("signature") {
            events.push(delta(json!({"type": "signature_delta", "signature": signature})));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let calls = blocks.iter().any(|block| block["type"] == "tool_use");
    let end = json!({"stop_reason": if calls { "tool_use" } else { "end_turn" }, "stop_sequence": null});
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

/// A text comes word by word.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}
