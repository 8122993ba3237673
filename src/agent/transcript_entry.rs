//! The entries that a turn writes to the transcript, in the official format, so
//! that `claude --resume` continues our sessions (CLI 2.1.329).
//!
//! Owns the fields of each entry. Must never write: see [`super::active_session`].

use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::protocol::{CLAUDE_CODE_VERSION, PermissionMode};
use crate::session::SessionId;
use crate::session::message::{SYNTHETIC_MODEL, Usage};
use crate::session::prompt::INTERRUPTED_TEXT;
use crate::session::summary::one_line;
use crate::sys::git_repository::current_branch;
use crate::transcript::entry_encoder::{EntryEnvelope, EntryOrigin, last_prompt_entry, title_entry};

/// The official text for a turn that was interrupted during a tool call.
const INTERRUPTED_TOOL: &str = "[Request interrupted by user for tool use]";

/// Where an entry was made: fields that every entry repeats.
#[derive(Debug, Clone)]
pub struct EntryContext {
    /// The kind of host, as the official CLI names it (`sdk-py`, `sdk-cli`, …).
    entrypoint: String,
    /// The git branch of the session's folder; empty outside a repository.
    branch: String,
}

impl EntryContext {
    /// The context of entries written now, in this folder.
    pub fn current(cwd: &Path) -> Self {
        let entrypoint = std::env::var("CLAUDE_CODE_ENTRYPOINT").unwrap_or_else(|_| "sdk-cli".to_owned());
        Self { entrypoint, branch: current_branch(cwd).unwrap_or_default() }
    }
}

/// One entry of the conversation, before [`TranscriptEntry::finish`] adds the common fields.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptEntry {
    /// Its uuid; frames about it carry the same.
    pub uuid: String,
    fields: Map<String, Value>,
}

impl TranscriptEntry {
    fn new(uuid: Option<String>, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { uuid: uuid.unwrap_or_else(new_uuid), fields }
    }

    /// A prompt; its uuid is the host's.
    pub fn prompt(uuid: String, content: &Value, mode: PermissionMode) -> Self {
        let message = json!({"role": "user", "content": content});
        let fields = json!({
            "type": "user", "message": message, "permissionMode": mode.wire_name(), "promptSource": "sdk",
        });
        Self::new(Some(uuid), fields)
    }

    /// One block of a reply, in its message; `effort` if the model was told one.
    pub fn reply_block(uuid: String, message: &Value, effort: Option<&str>, is_cut_off: bool) -> Self {
        let mut fields = json!({"type": "assistant", "message": message});
        if let Some(effort) = effort {
            fields["effort"] = json!(effort);
        }
        if is_cut_off {
            fields["isAbortedMidStream"] = json!(true);
        }
        Self::new(Some(uuid), fields)
    }

    /// The entry in place of a reply that failed, in the official CLI's form.
    pub fn failure(reason: &str, kind: &str) -> Self {
        let message = json!({
            "id": new_uuid(), "type": "message", "role": "assistant", "model": SYNTHETIC_MODEL,
            "content": [{"type": "text", "text": format!("API Error: {reason}")}],
            "stop_reason": "stop_sequence", "stop_sequence": "", "usage": Usage::default(),
        });
        Self::new(
            None,
            json!({"type": "assistant", "message": message, "error": kind, "isApiErrorMessage": true}),
        )
    }

    /// The boundary of a compaction: the model starts anew behind it, a person can still read what came
    /// before `leaf`.
    pub fn boundary(metadata: &Value, leaf: Option<&str>) -> Self {
        let fields = json!({
            "parentUuid": null, "logicalParentUuid": leaf, "type": "system", "subtype": "compact_boundary",
            "content": "Conversation compacted", "isMeta": false, "level": "info", "compactMetadata": metadata,
        });
        Self::new(None, fields)
    }

    /// The summary behind a boundary.
    pub fn summary(text: &str) -> Self {
        let message = json!({"role": "user", "content": text});
        let fields = json!({
            "type": "user", "message": message, "isVisibleInTranscriptOnly": true, "isCompactSummary": true,
        });
        Self::new(None, fields)
    }

    /// The result of a tool; `call` is the uuid of the entry that holds the call.
    pub fn tool_result(block: &Value, detail: &Value, call: &str) -> Self {
        let fields = json!({
            "type": "user", "message": {"role": "user", "content": [block]}, "toolUseResult": detail,
            "sourceToolAssistantUUID": call,
        });
        Self::new(None, fields)
    }

    /// A text that the model gets as if a person had typed it.
    pub fn meta_user(text: &str) -> Self {
        let message = json!({"role": "user", "content": text});
        Self::new(None, json!({"type": "user", "isMeta": true, "message": message}))
    }

    /// Puts a block in place of a text, as hosts are shown it.
    pub fn set_blocks(&mut self, block: &Value) {
        self.fields["message"]["content"] = json!([block]);
    }

    /// Context beside the conversation; `rendered` is what the model gets of it.
    pub fn attachment(attachment: &Value, rendered_text: &str) -> Self {
        let rendered = json!([{"content": rendered_text}]);
        let fields = json!({
            "type": "attachment", "attachment": attachment, "renderedRole": "user", "rendered": rendered,
        });
        Self::new(None, fields)
    }

    /// The mark of an interrupted turn.
    pub fn interrupted(in_a_tool: bool) -> Self {
        let text = if in_a_tool { INTERRUPTED_TOOL } else { INTERRUPTED_TEXT };
        let content = json!([{"type": "text", "text": text}]);
        Self::new(None, json!({"type": "user", "message": {"role": "user", "content": content}}))
    }

    /// The Messages API content of this entry.
    pub fn content(&self) -> &Value {
        &self.fields["message"]["content"]
    }

    /// The Messages API message of this entry.
    pub fn message(&self) -> &Value {
        &self.fields["message"]
    }

    /// The complete entry as a child of `parent`, with the present time.
    pub fn finish(
        &self,
        parent: Option<&str>,
        session: SessionId,
        cwd: &Path,
        origin: &EntryContext,
    ) -> Value {
        let envelope = EntryEnvelope {
            uuid: &self.uuid,
            parent,
            session,
            timestamp: &now(),
            cwd: &cwd.display().to_string(),
            is_sidechain: false,
            forked_from: None,
            // The format's version is that of the CLI that defined it.
            origin: Some(EntryOrigin {
                version: CLAUDE_CODE_VERSION,
                branch: &origin.branch,
                entrypoint: Some(&origin.entrypoint),
            }),
        };
        envelope.seal(self.fields.clone())
    }
}

/// The line that ends a turn: the last prompt, and the leaf of the conversation.
pub fn last_prompt(prompt: &str, leaf: &str, session: SessionId) -> Value {
    last_prompt_entry(session, &one_line(prompt), leaf)
}

/// The line that gives a session its title.
pub fn custom_title(title: &str, session: SessionId) -> Value {
    title_entry(session, title)
}

/// A fresh uuid for an entry or a frame.
pub fn new_uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The present time, as entries and frames write it.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::raw_entry::{EntryKind, RawEntry};

    #[test]
    fn an_entry_reads_back_as_what_it_is() {
        let session = SessionId::random();
        let origin = EntryContext { entrypoint: "sdk-cli".into(), branch: "main".into() };
        let entry = TranscriptEntry::prompt("u".into(), &json!("hello"), PermissionMode::Plan);
        let json = entry.finish(Some("p"), session, Path::new("/w"), &origin).to_string();
        let line = RawEntry::parse(&json).unwrap();
        assert_eq!(
            (line.kind(), line.uuid().as_deref(), line.parent_uuid().as_deref()),
            (EntryKind::User, Some("u"), Some("p"))
        );
        assert_eq!((line.cwd().as_deref(), line.git_branch().as_deref()), (Some("/w"), Some("main")));
        assert_eq!(line.session_id().unwrap(), session.to_string());
        assert!(line.timestamp().is_some() && !line.is_sidechain());
    }
}
