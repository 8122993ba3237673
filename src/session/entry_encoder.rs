//! Encodes [`ConversationEvent`]s as transcript entries.
//!
//! For agents that keep no readable file of their own: their sessions are recorded
//! in the official format. Streamed text is written once it is complete.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SessionId;
use super::conversation::{ConversationEvent, Notice};
use super::message::MessageBlock;
use super::prompt::INTERRUPTED_TEXT;
use crate::transcript::entry_encoder::EntryEnvelope;

/// Encodes the entries of one session as a chain.
#[derive(Debug)]
pub struct EntryEncoder {
    session: SessionId,
    cwd: PathBuf,
    /// The session that the recorded events were forked from.
    pub forked_from: Option<SessionId>,
    /// The model that answers, or the agent's name if it does not tell its model.
    pub model: String,
    last_uuid: Option<String>,
}

impl EntryEncoder {
    /// The next entry's parent is `last`; `None` if it is the first.
    pub fn after(last: Option<String>, session: SessionId, cwd: &Path, model: &str) -> Self {
        Self { session, cwd: cwd.to_owned(), forked_from: None, model: model.to_owned(), last_uuid: last }
    }

    /// The entry for this event; `None` if it records nothing, such as a delta.
    pub fn encode(&mut self, uuid: &str, at: DateTime<Utc>, change: &ConversationEvent) -> Option<Value> {
        let uuid = if uuid.is_empty() { Uuid::new_v4().to_string() } else { uuid.to_owned() };
        let entry = match change {
            ConversationEvent::Prompt(text) => {
                message_entry("user", json!({"role": "user", "content": text}))
            }
            ConversationEvent::Block { block, model, usage } => {
                let content = match block {
                    MessageBlock::Text(text) => json!({"type": "text", "text": text}),
                    MessageBlock::Thinking(text) => {
                        json!({"type": "thinking", "thinking": text, "signature": ""})
                    }
                    MessageBlock::ToolUse { id, name, input } => {
                        json!({"type": "tool_use", "id": id, "name": name, "input": input})
                    }
                    MessageBlock::ToolResult { .. } | MessageBlock::Image | MessageBlock::Other(_) => {
                        return None;
                    }
                };
                let model = model.as_deref().unwrap_or(&self.model);
                let mut message = json!({"id": uuid, "type": "message", "role": "assistant",
                    "model": model, "content": [content]});
                if let Some(usage) = usage {
                    message["usage"] = json!(usage);
                }
                message_entry("assistant", message)
            }
            ConversationEvent::Result { tool_use_id, result } => {
                let block = json!({"type": "tool_result", "tool_use_id": tool_use_id,
                    "content": result.text, "is_error": result.is_error});
                let mut entry = message_entry("user", json!({"role": "user", "content": [block]}));
                if let Some(detail) = &result.detail {
                    entry["toolUseResult"] = detail.clone();
                }
                entry
            }
            // The tokens of a turn, in a message without a text.
            ConversationEvent::TurnEnd(cost) if cost.usage.total() > 0 => message_entry(
                "assistant",
                json!({"id": uuid, "type": "message", "role": "assistant", "model": self.model,
                    "content": [], "usage": cost.usage}),
            ),
            ConversationEvent::Notice(Notice::Interrupted, _) => message_entry(
                "user",
                json!({"role": "user", "content": [{"type": "text", "text": INTERRUPTED_TEXT}]}),
            ),
            ConversationEvent::Notice(Notice::Compacted, summary) => {
                let mut entry = message_entry("user", json!({"role": "user", "content": summary}));
                entry["isCompactSummary"] = json!(true);
                entry
            }
            ConversationEvent::Notice(Notice::Error, text) => {
                json!({"type": "system", "subtype": "api_error", "content": text})
            }
            ConversationEvent::Notice(Notice::Info, text) => {
                json!({"type": "system", "subtype": "informational", "content": text})
            }
            ConversationEvent::TextDelta(_)
            | ConversationEvent::ThinkingDelta(_)
            | ConversationEvent::ToolOutput { .. }
            | ConversationEvent::Retracted(_)
            | ConversationEvent::TurnEnd(_) => return None,
        };
        let Value::Object(fields) = entry else { return None };
        let envelope = EntryEnvelope {
            uuid: &uuid,
            parent: self.last_uuid.as_deref(),
            session: self.session,
            timestamp: &at.to_rfc3339_opts(SecondsFormat::Millis, true),
            cwd: &self.cwd.display().to_string(),
            is_sidechain: false,
            forked_from: self.forked_from.map(|source| (source, uuid.as_str())),
            origin: None,
        };
        let entry = envelope.seal(fields);
        self.last_uuid = Some(uuid);
        Some(entry)
    }
}

fn message_entry(kind: &str, message: Value) -> Value {
    let mut entry = json!({"type": kind});
    entry["message"] = message;
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::conversation::{ToolResult, TurnCost};
    use crate::session::message::Usage;
    use crate::session::{Conversation, SessionSummary, Transcript};

    #[test]
    fn what_was_written_reads_back_as_it_was_said() {
        let block = |block| ConversationEvent::Block { block, model: None, usage: None };
        let result = ToolResult { text: "a".into(), is_error: true, detail: Some(json!({"x": 1})) };
        let usage = Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() };
        let changes = [
            ConversationEvent::Prompt("hello".into()),
            ConversationEvent::TextDelta("no".into()),
            block(MessageBlock::Thinking("hm".into())),
            block(MessageBlock::ToolUse {
                id: "c".into(),
                name: "Bash".into(),
                input: json!({"command": "ls"}),
            }),
            ConversationEvent::Result { tool_use_id: "c".into(), result },
            block(MessageBlock::Text("done".into())),
            ConversationEvent::Notice(Notice::Interrupted, String::new()),
            ConversationEvent::TurnEnd(TurnCost { usage, ..TurnCost::default() }),
        ];
        let at: DateTime<Utc> = "2026-11-21T10:00:00Z".parse().unwrap();
        let mut writing = EntryEncoder::after(None, SessionId::random(), Path::new("/w"), "m");
        let mut shown = Conversation::default();
        let mut written = String::new();
        for (number, change) in changes.into_iter().enumerate() {
            let uuid = format!("u{number}");
            if let Some(entry) = writing.encode(&uuid, at, &change) {
                written.push_str(&entry.to_string());
                written.push('\n');
                if !matches!(change, ConversationEvent::TurnEnd(_)) {
                    let of_model = |change| match change {
                        ConversationEvent::Block { block, usage, .. } => {
                            ConversationEvent::Block { block, model: Some("m".to_owned()), usage }
                        }
                        other => other,
                    };
                    shown.apply(of_model(change), &uuid, Some(at));
                }
            }
        }
        assert_eq!(
            Conversation::from_transcript(&Transcript::read(&crate::transcript::TranscriptText::read(
                written.as_bytes()
            ))),
            shown
        );
        let facts = SessionSummary::from_bytes(written.as_bytes());
        assert_eq!((facts.turns, facts.usage.total(), facts.cwd.as_deref()), (1, 7, Some("/w")));
    }
}
