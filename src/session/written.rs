//! What was said, written down as entries: the way back from a [`Change`] to the
//! official format.
//!
//! For sessions whose agent keeps no file that could be read. What streams is
//! written once it is complete.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SessionId;
use super::conversation::{Change, Notice};
use super::message::Block;
use super::prompt::INTERRUPTED;

/// The entries of one session, each behind the one before it.
#[derive(Debug)]
pub struct Writing {
    session: SessionId,
    cwd: PathBuf,
    /// The session that what is written was forked from.
    pub forked_from: Option<SessionId>,
    /// The model that answers, or the agent where that does not say.
    pub model: String,
    last: Option<String>,
}

impl Writing {
    /// The next entry goes behind `last`, by its uuid; none: it is the first.
    pub fn behind(last: Option<String>, session: SessionId, cwd: &Path, model: &str) -> Self {
        Self { session, cwd: cwd.to_owned(), forked_from: None, model: model.to_owned(), last }
    }

    /// The entry for this change; none for what is not complete yet.
    pub fn entry(&mut self, uuid: &str, at: DateTime<Utc>, change: &Change) -> Option<Value> {
        let uuid = if uuid.is_empty() { Uuid::new_v4().to_string() } else { uuid.to_owned() };
        let mut entry = match change {
            Change::Prompt(text) => said("user", json!({"role": "user", "content": text})),
            Change::Block { block, model, usage } => {
                let content = match block {
                    Block::Text(text) => json!({"type": "text", "text": text}),
                    Block::Thinking(text) => json!({"type": "thinking", "thinking": text, "signature": ""}),
                    Block::ToolUse { id, name, input } => {
                        json!({"type": "tool_use", "id": id, "name": name, "input": input})
                    }
                    Block::ToolResult { .. } | Block::Image | Block::Other(_) => return None,
                };
                let model = model.as_deref().unwrap_or(&self.model);
                let mut message = json!({"id": uuid, "type": "message", "role": "assistant",
                    "model": model, "content": [content]});
                if let Some(usage) = usage {
                    message["usage"] = json!(usage);
                }
                said("assistant", message)
            }
            Change::Result { tool_use_id, result } => {
                let block = json!({"type": "tool_result", "tool_use_id": tool_use_id,
                    "content": result.text, "is_error": result.is_error});
                let mut entry = said("user", json!({"role": "user", "content": [block]}));
                if let Some(detail) = &result.detail {
                    entry["toolUseResult"] = detail.clone();
                }
                entry
            }
            // The tokens of a turn, in a message without a text.
            Change::TurnEnd(cost) if cost.usage.total() > 0 => said(
                "assistant",
                json!({"id": uuid, "type": "message", "role": "assistant", "model": self.model,
                    "content": [], "usage": cost.usage}),
            ),
            Change::Notice(Notice::Interrupted, _) => {
                said("user", json!({"role": "user", "content": [{"type": "text", "text": INTERRUPTED}]}))
            }
            Change::Notice(Notice::Compacted, summary) => {
                let mut entry = said("user", json!({"role": "user", "content": summary}));
                entry["isCompactSummary"] = json!(true);
                entry
            }
            Change::Notice(Notice::Error, text) => {
                json!({"type": "system", "subtype": "api_error", "content": text})
            }
            Change::Notice(Notice::Info, text) => {
                json!({"type": "system", "subtype": "informational", "content": text})
            }
            Change::TextDelta(_)
            | Change::ThinkingDelta(_)
            | Change::ToolOutput { .. }
            | Change::Dropped(_)
            | Change::TurnEnd(_) => return None,
        };
        if let Some(parent) = self.forked_from {
            entry["forkedFrom"] = json!({"sessionId": parent, "messageUuid": uuid});
        }
        entry["uuid"] = json!(uuid);
        entry["parentUuid"] = json!(self.last.replace(uuid));
        entry["sessionId"] = json!(self.session);
        entry["cwd"] = json!(self.cwd);
        entry["isSidechain"] = json!(false);
        entry["timestamp"] = json!(at.to_rfc3339_opts(SecondsFormat::Millis, true));
        Some(entry)
    }
}

fn said(kind: &str, message: Value) -> Value {
    let mut entry = json!({"type": kind});
    entry["message"] = message;
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::conversation::{ToolResult, TurnCost};
    use crate::session::message::Usage;
    use crate::session::{Conversation, Facts, Transcript};

    #[test]
    fn what_was_written_reads_back_as_it_was_said() {
        let block = |block| Change::Block { block, model: None, usage: None };
        let result = ToolResult { text: "a".into(), is_error: true, detail: Some(json!({"x": 1})) };
        let usage = Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() };
        let changes = [
            Change::Prompt("hello".into()),
            Change::TextDelta("no".into()),
            block(Block::Thinking("hm".into())),
            block(Block::ToolUse { id: "c".into(), name: "Bash".into(), input: json!({"command": "ls"}) }),
            Change::Result { tool_use_id: "c".into(), result },
            block(Block::Text("done".into())),
            Change::Notice(Notice::Interrupted, String::new()),
            Change::TurnEnd(TurnCost { usage, ..TurnCost::default() }),
        ];
        let at: DateTime<Utc> = "2026-11-21T10:00:00Z".parse().unwrap();
        let mut writing = Writing::behind(None, SessionId::random(), Path::new("/w"), "m");
        let mut shown = Conversation::default();
        let mut written = String::new();
        for (number, change) in changes.into_iter().enumerate() {
            let uuid = format!("u{number}");
            if let Some(entry) = writing.entry(&uuid, at, &change) {
                written.push_str(&entry.to_string());
                written.push('\n');
                if !matches!(change, Change::TurnEnd(_)) {
                    let of_model = |change| match change {
                        Change::Block { block, usage, .. } => {
                            Change::Block { block, model: Some("m".to_owned()), usage }
                        }
                        other => other,
                    };
                    shown.apply(of_model(change), &uuid, Some(at));
                }
            }
        }
        assert_eq!(Conversation::of(&Transcript::parse(written.as_bytes())), shown);
        let facts = Facts::read(written.as_bytes());
        assert_eq!((facts.turns, facts.usage.total(), facts.cwd.as_deref()), (1, 7, Some("/w")));
    }
}
