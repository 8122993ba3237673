//! From an entry or a message to the events of a conversation: the one place that
//! decides what of it a person sees.

use serde_json::Value;

use super::{ConversationEvent, Notice, ToolResult};
use crate::session::message::{ApiMessage, MessageBlock, SYNTHETIC_MODEL};
use crate::session::prompt;
use crate::transcript::raw_entry::{EntryKind, RawEntry};

/// The events of one transcript entry.
pub fn events_from_entry(line: &RawEntry<'_>) -> Vec<ConversationEvent> {
    match line.kind() {
        EntryKind::User | EntryKind::Assistant if line.is_meta() => Vec::new(),
        EntryKind::User => {
            let Some(message) = line.message().and_then(ApiMessage::parse) else { return Vec::new() };
            if line.is_compact_summary() {
                return vec![ConversationEvent::Notice(Notice::Compacted, message.text())];
            }
            let detail = line.tool_use_result().and_then(|raw| serde_json::from_str(raw).ok());
            events_from_user(message, detail)
        }
        EntryKind::Assistant => {
            line.message().and_then(ApiMessage::parse).map(events_from_assistant).unwrap_or_default()
        }
        EntryKind::System => match (line.subtype().as_deref(), line.content()) {
            (Some("api_error"), Some(text)) => {
                vec![ConversationEvent::Notice(Notice::Error, text.into_owned())]
            }
            (Some("informational"), Some(text)) => {
                vec![ConversationEvent::Notice(Notice::Info, text.into_owned())]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The events of a user message: tool results, an interruption, or a prompt.
pub fn events_from_user(message: ApiMessage, mut detail: Option<Value>) -> Vec<ConversationEvent> {
    let prompt = prompt::from_message(&message);
    let mut changes = Vec::new();
    for block in message.blocks {
        match block {
            MessageBlock::ToolResult { tool_use_id, text, is_error } => {
                let result = ToolResult { text, is_error, detail: detail.take() };
                changes.push(ConversationEvent::Result { tool_use_id, result });
            }
            MessageBlock::Text(text) if text.starts_with("[Request interrupted by user") => {
                changes.push(ConversationEvent::Notice(Notice::Interrupted, String::new()));
            }
            _ => {}
        }
    }
    changes.extend(prompt.map(ConversationEvent::Prompt));
    changes
}

/// The events of a reply: one for each block.
pub fn events_from_assistant(message: ApiMessage) -> Vec<ConversationEvent> {
    // A failed request is recorded as a synthetic reply that says why.
    if message.model.as_deref() == Some(SYNTHETIC_MODEL) && message.text().starts_with("API Error") {
        return vec![ConversationEvent::Notice(Notice::Error, message.text())];
    }
    let ApiMessage { model, usage, blocks, .. } = message;
    blocks.into_iter().map(|block| ConversationEvent::Block { block, model: model.clone(), usage }).collect()
}
