//! What a line of codex's says, as entries in the official format.
//!
//! Owns what has to be remembered between two lines, so that a file can be
//! taken on from anywhere. What only the agent needs (instructions, the state
//! of its world, reasoning that is encrypted) is left out. Lines of versions to
//! come are passed over.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::codex_tools;
use crate::session::SessionId;
use crate::session::prompt::INTERRUPTED_TEXT;

/// Bytes of a line that makes no sense that the copy holds.
const MALFORMED_PREVIEW_BYTES: usize = 256;

/// So many prompts back a thread can be taken back.
const MAX_ROLLBACK_PROMPTS: usize = 64;

/// A translation on its way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CodexTranslator {
    /// The first line was read; those of its kind that follow are of what a fork copied.
    begun: bool,
    cwd: String,
    version: String,
    branch: Option<String>,
    /// It belongs to a sub-agent.
    is_sidechain: bool,
    model: Option<String>,
    /// The turn that runs; empty before the first one.
    turn: String,
    /// The uuid of the last entry.
    last: Option<String>,
    /// The prompt that nothing was said to yet: some versions write it twice.
    prompt: Option<String>,
    /// The last entries before the prompts.
    before: VecDeque<Option<String>>,
    /// All tokens of the thread, when they were counted last.
    tokens: u64,
    /// The thread whose lines these are, while they are of what was forked.
    #[serde(skip)]
    pub forked_from: Option<SessionId>,
}

/// A line, what it says yet unread.
#[derive(Deserialize)]
struct CodexLine<'a> {
    #[serde(default)]
    timestamp: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// Where an entry comes from.
struct LineOrigin<'a> {
    session: SessionId,
    at: u64,
    timestamp: &'a str,
}

impl CodexTranslator {
    /// The folder the agent works in, the root where it says none.
    pub fn cwd(&self) -> &str {
        if self.cwd.is_empty() { "/" } else { &self.cwd }
    }

    /// Whether it belongs to a sub-agent.
    pub fn is_sidechain(&self) -> bool {
        self.is_sidechain
    }

    /// Takes a line that begins at this offset, and adds what it says to `entries`.
    pub fn push_line(&mut self, session: SessionId, line: &[u8], at: u64, entries: &mut Vec<u8>) {
        let Ok(CodexLine { timestamp, kind, payload }) = serde_json::from_slice(line) else {
            // The copy is as torn as what it is a copy of, and counted so; what could
            // pass for an entry is none.
            let line = line.trim_ascii();
            if line.is_empty() {
                return;
            }
            entries.push(b'{');
            entries.extend(&line[..line.len().min(MALFORMED_PREVIEW_BYTES)]);
            entries.push(b'\n');
            return;
        };
        if !matches!(kind, "session_meta" | "turn_context" | "event_msg" | "response_item" | "compacted") {
            return;
        }
        let Ok(payload) = serde_json::from_str::<Value>(payload.get()) else { return };
        let origin = LineOrigin { session, at, timestamp };
        let told = match kind {
            "session_meta" => {
                self.apply_session_meta(&payload);
                Vec::new()
            }
            "turn_context" => {
                self.model = non_empty_string(&payload["model"]).or(self.model.take());
                self.cwd = non_empty_string(&payload["cwd"]).unwrap_or(std::mem::take(&mut self.cwd));
                self.turn = non_empty_string(&payload["turn_id"]).unwrap_or(std::mem::take(&mut self.turn));
                Vec::new()
            }
            "event_msg" => self.translate_event(&origin, &payload),
            "response_item" => self.translate_item(&origin, &payload),
            _ => self.compaction_entries(&origin, &payload),
        };
        for entry in told {
            entries.extend(entry.to_string().into_bytes());
            entries.push(b'\n');
        }
    }

    fn apply_session_meta(&mut self, meta: &Value) {
        if std::mem::replace(&mut self.begun, self.forked_from.is_none()) {
            return;
        }
        self.cwd = non_empty_string(&meta["cwd"]).unwrap_or_default();
        self.version = non_empty_string(&meta["cli_version"]).unwrap_or_default();
        self.branch = non_empty_string(&meta["git"]["branch"]);
        self.is_sidechain = meta["source"].get("subagent").is_some() || meta["parent_thread_id"].is_string();
    }

    fn translate_event(&mut self, origin: &LineOrigin<'_>, event: &Value) -> Vec<Value> {
        match event["type"].as_str().unwrap_or_default() {
            "task_started" => {
                self.turn = non_empty_string(&event["turn_id"]).unwrap_or_default();
                Vec::new()
            }
            "user_message" => {
                self.user_prompt(origin, non_empty_string(&event["message"]).unwrap_or_default(), None)
            }
            "item_completed" if event["item"]["type"] == "UserMessage" => {
                let item = &event["item"];
                let id = non_empty_string(&item["client_id"]).or_else(|| non_empty_string(&item["id"]));
                self.user_prompt(origin, joined_text(&item["content"]), id)
            }
            "turn_aborted" => {
                let message =
                    json!({"role": "user", "content": [{"type": "text", "text": INTERRUPTED_TEXT}]});
                vec![self.chained_entry(origin, None, "user", json!({"message": message}))]
            }
            "token_count" => self.usage_entry(origin, &event["info"]).into_iter().collect(),
            "error" => {
                let error = non_empty_string(&event["message"]).unwrap_or_default();
                let rest = json!({"subtype": "api_error", "content": error, "level": "error"});
                vec![self.chained_entry(origin, None, "system", rest)]
            }
            "thread_rolled_back" => {
                self.roll_back(event["num_turns"].as_u64().unwrap_or_default());
                let leaf = &self.last;
                vec![json!({"type": "last-prompt", "leafUuid": leaf, "sessionId": origin.session})]
            }
            _ => Vec::new(),
        }
    }

    fn user_prompt(&mut self, origin: &LineOrigin<'_>, text: String, id: Option<String>) -> Vec<Value> {
        if text.is_empty() || self.prompt.as_ref() == Some(&text) {
            return Vec::new();
        }
        self.before.push_back(self.last.clone());
        if self.before.len() > MAX_ROLLBACK_PROMPTS {
            self.before.pop_front();
        }
        let message = json!({"role": "user", "content": text});
        let entry = self.chained_entry(origin, id, "user", json!({"message": message}));
        self.prompt = Some(text);
        vec![entry]
    }

    fn translate_item(&mut self, origin: &LineOrigin<'_>, item: &Value) -> Vec<Value> {
        if let Some((call, result)) = codex_tools::parse_tool_result(item) {
            let content = json!([{"type": "tool_result", "tool_use_id": call,
                "content": result.text, "is_error": result.is_error}]);
            let rest = json!({"message": {"role": "user", "content": content}});
            return vec![self.chained_entry(origin, None, "user", rest)];
        }
        let block = match item["type"].as_str().unwrap_or_default() {
            "message" if item["role"] == "assistant" => {
                json!({"type": "text", "text": joined_text(&item["content"])})
            }
            "reasoning" => {
                let thought = [joined_text(&item["summary"]), joined_text(&item["content"])].concat();
                if thought.is_empty() {
                    return Vec::new();
                }
                json!({"type": "thinking", "thinking": thought, "signature": ""})
            }
            _ => match codex_tools::parse_tool_call(item) {
                Some((call, name, input)) => {
                    json!({"type": "tool_use", "id": call, "name": name, "input": input})
                }
                None => return Vec::new(),
            },
        };
        vec![self.assistant_entry(origin, &json!([block]), &Value::Null)]
    }

    /// What a request took, in an entry without a text: codex tells it after the reply.
    fn usage_entry(&mut self, origin: &LineOrigin<'_>, info: &Value) -> Option<Value> {
        let total = info["total_token_usage"]["total_tokens"].as_u64()?;
        if std::mem::replace(&mut self.tokens, total) == total {
            return None;
        }
        let last = &info["last_token_usage"];
        let number = |name: &str| last[name].as_u64().unwrap_or_default();
        let (read, written) = (number("cached_input_tokens"), number("cache_write_input_tokens"));
        let usage = json!({"input_tokens": number("input_tokens").saturating_sub(read + written),
            "output_tokens": number("output_tokens"),
            "cache_read_input_tokens": read, "cache_creation_input_tokens": written});
        // What was forked was paid for by the other session.
        self.forked_from.is_none().then(|| self.assistant_entry(origin, &json!([]), &usage))
    }

    fn compaction_entries(&mut self, origin: &LineOrigin<'_>, compacted: &Value) -> Vec<Value> {
        let logical = self.last.take();
        let rest = json!({"subtype": "compact_boundary", "content": "Conversation compacted",
            "logicalParentUuid": logical, "compactMetadata": {"trigger": "auto"}});
        let boundary = self.chained_entry(origin, None, "system", rest);
        let summary = non_empty_string(&compacted["message"]).unwrap_or_default();
        let message = json!({"role": "user", "content": summary});
        let rest = json!({"message": message, "isCompactSummary": true});
        let summary = self.chained_entry(&LineOrigin { at: origin.at + 1, ..*origin }, None, "user", rest);
        vec![boundary, summary]
    }

    fn roll_back(&mut self, turns: u64) {
        for _turn in 0..turns {
            let Some(before) = self.before.pop_back() else { break };
            self.last = before;
        }
        self.prompt = None;
    }

    fn assistant_entry(&mut self, origin: &LineOrigin<'_>, content: &Value, usage: &Value) -> Value {
        let model = self.model.as_deref().unwrap_or("codex");
        let id = self.entry_uuid(origin);
        let mut message =
            json!({"id": id, "type": "message", "role": "assistant", "model": model, "content": content});
        if !usage.is_null() {
            message["usage"] = usage.clone();
        }
        self.chained_entry(origin, Some(id), "assistant", json!({"message": message}))
    }

    /// An entry behind the last one.
    fn chained_entry(
        &mut self,
        origin: &LineOrigin<'_>,
        id: Option<String>,
        kind: &str,
        rest: Value,
    ) -> Value {
        let uuid = id.unwrap_or_else(|| self.entry_uuid(origin));
        let mut entry = json!({
            "parentUuid": self.last, "isSidechain": self.is_sidechain, "userType": "external",
            "cwd": self.cwd, "sessionId": origin.session, "version": self.version,
            "gitBranch": self.branch.as_deref().unwrap_or_default(),
            "type": kind, "uuid": uuid, "timestamp": origin.timestamp,
        });
        if let Some(from) = self.forked_from {
            entry["forkedFrom"] = json!({"sessionId": from, "messageUuid": uuid});
        }
        if let (Some(fields), Value::Object(rest)) = (entry.as_object_mut(), rest) {
            fields.extend(rest);
        }
        self.last = Some(uuid);
        self.prompt = None;
        entry
    }

    /// The uuid of an entry: its turn, by which codex's driver knows it, and its
    /// place. The ids that models give are not always different ones.
    fn entry_uuid(&self, origin: &LineOrigin<'_>) -> String {
        format!("{}/{}", self.turn, origin.at)
    }
}

fn non_empty_string(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The texts of a message's parts.
fn joined_text(parts: &Value) -> String {
    let parts = parts.as_array().into_iter().flatten();
    let texts = parts.filter_map(|part| match part["text"].as_str() {
        Some(text) => Some(text),
        None => part["type"].as_str().filter(|kind| kind.contains("image")).map(|_| "[image]"),
    });
    texts.collect::<Vec<_>>().join("\n")
}
