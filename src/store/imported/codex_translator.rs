//! Translates codex's lines into entries of the official format.
//!
//! Owns the state between two lines, so a translation can continue anywhere in a file.
//! Leaves out what only the agent needs (instructions, environment, encrypted reasoning).
//! Skips line types it does not know. Start at [`CodexTranslator::push_line`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::codex_tools;
use crate::session::prompt::INTERRUPTED_TEXT;
use crate::session::{SessionId, SessionOrigin};
use crate::transcript::entry_encoder::{EntryEnvelope, EntryOrigin};

/// How many bytes of a malformed line the copy keeps.
const MALFORMED_PREVIEW_BYTES: usize = 256;

/// How many prompts back a thread can be rolled back.
const MAX_ROLLBACK_PROMPTS: usize = 64;

/// The state of a translation between two lines. It is stored in each copy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CodexTranslator {
    /// The first `session_meta` was read; later ones belong to history that a fork copied.
    begun: bool,
    cwd: String,
    version: String,
    branch: Option<String>,
    /// The thread belongs to a subagent.
    is_sidechain: bool,
    /// Nobody was there: `codex exec`, or a client of codex's MCP server.
    is_headless: bool,
    model: Option<String>,
    /// The id of the running turn; empty before the first.
    turn: String,
    /// The uuid of the last entry.
    last: Option<String>,
    /// The prompt that has no reply yet. Some versions write a prompt twice.
    prompt: Option<String>,
    /// For each recent prompt, the uuid of the entry before it.
    before: VecDeque<Option<String>>,
    /// The thread's total tokens when they were last reported.
    tokens: u64,
    /// A fork of an older codex (0.155) repeats its parent's lines: the parent, and the time of
    /// the fork, before which they were written.
    inline_parent: Option<(SessionId, String)>,
    /// The thread these lines belong to, while they are a fork's inherited history.
    #[serde(skip)]
    pub forked_from: Option<SessionId>,
}

/// A line whose payload is not parsed yet.
#[derive(Deserialize)]
struct CodexLine<'a> {
    #[serde(default)]
    timestamp: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// The position of a line, for the entries made from it.
struct LineOrigin<'a> {
    session: SessionId,
    at: u64,
    timestamp: &'a str,
}

impl CodexTranslator {
    /// The folder the agent works in; `/` if it names none.
    pub fn cwd(&self) -> &str {
        if self.cwd.is_empty() { "/" } else { &self.cwd }
    }

    /// Whether the thread belongs to a subagent.
    pub fn is_sidechain(&self) -> bool {
        self.is_sidechain
    }

    /// Who had the thread.
    pub fn origin(&self) -> SessionOrigin {
        if self.is_headless { SessionOrigin::Headless } else { SessionOrigin::Person }
    }

    /// Translates the line that starts at byte `at` and appends its entries to `entries`.
    pub fn push_line(&mut self, session: SessionId, line: &[u8], at: u64, entries: &mut Vec<u8>) {
        let Ok(CodexLine { timestamp, kind, payload }) = serde_json::from_slice(line) else {
            // Keep the start of a malformed line, so the copy's health counts it too. The
            // extra brace makes sure that it never parses as an entry.
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
        let translated = match kind {
            "session_meta" => {
                self.apply_session_meta(&origin, &payload);
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
        for entry in translated {
            entries.extend(entry.to_string().into_bytes());
            entries.push(b'\n');
        }
    }

    /// The thread that this thread was forked from, if its first line says so.
    pub fn parent(&self) -> Option<SessionId> {
        self.inline_parent.as_ref().map(|(parent, _)| *parent)
    }

    /// The thread that a line was inherited from.
    fn inherited_from(&self, origin: &LineOrigin<'_>) -> Option<SessionId> {
        let inline =
            self.inline_parent.as_ref().filter(|(_, forked_at)| origin.timestamp < forked_at.as_str());
        self.forked_from.or(inline.map(|(parent, _)| *parent))
    }

    fn apply_session_meta(&mut self, origin: &LineOrigin<'_>, meta: &Value) {
        if std::mem::replace(&mut self.begun, self.forked_from.is_none()) {
            return;
        }
        let parent = meta["forked_from_id"].as_str().and_then(|id| id.parse().ok());
        self.inline_parent = parent.map(|parent| (parent, origin.timestamp.to_owned()));
        self.cwd = non_empty_string(&meta["cwd"]).unwrap_or_default();
        self.version = non_empty_string(&meta["cli_version"]).unwrap_or_default();
        self.branch = non_empty_string(&meta["git"]["branch"]);
        self.is_headless = matches!(meta["source"].as_str(), Some("exec" | "mcp"));
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

    /// An entry without text for a request's usage: codex reports it after the reply.
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
        // The parent thread paid for what was inherited.
        self.inherited_from(origin).is_none().then(|| self.assistant_entry(origin, &json!([]), &usage))
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

    /// An entry whose parent is the last entry.
    fn chained_entry(
        &mut self,
        origin: &LineOrigin<'_>,
        id: Option<String>,
        kind: &str,
        rest: Value,
    ) -> Value {
        let uuid = id.unwrap_or_else(|| self.entry_uuid(origin));
        let mut fields = Map::from_iter([("type".to_owned(), json!(kind))]);
        if let Value::Object(rest) = rest {
            fields.extend(rest);
        }
        let envelope = EntryEnvelope {
            uuid: &uuid,
            parent: self.last.as_deref(),
            session: origin.session,
            timestamp: origin.timestamp,
            cwd: &self.cwd,
            is_sidechain: self.is_sidechain,
            forked_from: self.inherited_from(origin).map(|source| (source, uuid.as_str())),
            origin: Some(EntryOrigin {
                version: &self.version,
                branch: self.branch.as_deref().unwrap_or_default(),
                entrypoint: None,
            }),
        };
        let entry = envelope.seal(fields);
        self.last = Some(uuid);
        self.prompt = None;
        entry
    }

    /// The uuid of an entry: its turn, which codex's driver knows too, and its offset. Ids
    /// from models are not always unique.
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
