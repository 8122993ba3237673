//! Turns conversations into session updates for the editor, live and replayed.

use agent_client_protocol_schema::v1::{ContentBlock, ContentChunk, SessionUpdate};
use serde_json::Value;

use super::tool_calls;
use crate::session::conversation::{Conversation, ConversationEvent, ItemKind, Notice, ToolCall};
use crate::session::message::MessageBlock;

/// The state of a turn that is needed to send each thing only once.
#[derive(Debug, Default)]
pub(super) struct UpdateBuilder {
    /// Parts of the current reply were already sent as deltas.
    reply_streamed: bool,
    /// The same for its reasoning.
    thought_streamed: bool,
    calls: Vec<ToolCall>,
}

impl UpdateBuilder {
    /// The updates for a change.
    pub fn push(&mut self, change: ConversationEvent) -> Vec<SessionUpdate> {
        match change {
            ConversationEvent::TextDelta(text) => {
                self.reply_streamed = true;
                vec![message_chunk(text)]
            }
            ConversationEvent::ThinkingDelta(text) => {
                self.thought_streamed = true;
                vec![thought_chunk(text)]
            }
            ConversationEvent::Block { block, .. } => self.push_block(block),
            ConversationEvent::Result { tool_use_id, result } => {
                let call = self.calls.iter().find(|call| call.id == tool_use_id);
                call.and_then(|call| tool_calls::call_ended(call, &result)).into_iter().collect()
            }
            ConversationEvent::ToolOutput { tool_use_id, text } => {
                let call = self.calls.iter_mut().find(|call| call.id == tool_use_id);
                let runs = call.map(|call| {
                    call.append_output(&text);
                    tool_calls::call_running(call)
                });
                runs.into_iter().collect()
            }
            ConversationEvent::Notice(notice, text) => self::notice(notice, text),
            // The editor has the prompt; and what was sent cannot be withdrawn.
            ConversationEvent::Prompt(_)
            | ConversationEvent::Retracted(_)
            | ConversationEvent::TurnEnd(_) => Vec::new(),
        }
    }

    fn push_block(&mut self, block: MessageBlock) -> Vec<SessionUpdate> {
        match block {
            MessageBlock::Text(_) if std::mem::take(&mut self.reply_streamed) => Vec::new(),
            MessageBlock::Thinking(_) if std::mem::take(&mut self.thought_streamed) => Vec::new(),
            MessageBlock::Text(text) => vec![message_chunk(text)],
            MessageBlock::Thinking(text) => vec![thought_chunk(text)],
            MessageBlock::ToolUse { id, name, input } => {
                let call = ToolCall { id, name, input, partial_output: String::new(), result: None };
                let update = tool_calls::call_started(&call);
                self.calls.push(call);
                vec![update]
            }
            MessageBlock::ToolResult { .. } | MessageBlock::Image | MessageBlock::Other(_) => Vec::new(),
        }
    }

    /// The id of the call a permission request is about: the last identical one.
    pub fn find_call(&self, tool: &str, input: &Value) -> Option<&str> {
        let same = |call: &&ToolCall| call.name == tool && call.input == *input;
        self.calls.iter().rfind(same).map(|call| call.id.as_str())
    }
}

/// The updates for a whole conversation.
pub(super) fn replay(conversation: &Conversation) -> Vec<SessionUpdate> {
    let item = |body: &ItemKind| match body {
        ItemKind::Prompt(text) => vec![SessionUpdate::UserMessageChunk(content_chunk(text.clone()))],
        ItemKind::Reply { text, .. } => vec![message_chunk(text.clone())],
        ItemKind::Thinking(text) => vec![thought_chunk(text.clone())],
        ItemKind::Tool(call) => tool_calls::stored_call(call),
        ItemKind::Notice(notice, text) => self::notice(*notice, text.clone()),
        ItemKind::TurnEnd(_) => Vec::new(),
    };
    conversation.items().iter().flat_map(|stored| item(&stored.kind)).collect()
}

fn notice(notice: Notice, text: String) -> Vec<SessionUpdate> {
    match notice {
        Notice::Error | Notice::Info if !text.is_empty() => vec![message_chunk(text)],
        Notice::Compacted => {
            vec![message_chunk("(The conversation before this point was replaced by a summary.)".to_owned())]
        }
        // The end of the turn reports it.
        Notice::Interrupted | Notice::Error | Notice::Info => Vec::new(),
    }
}

fn message_chunk(text: String) -> SessionUpdate {
    SessionUpdate::AgentMessageChunk(content_chunk(text))
}

fn thought_chunk(text: String) -> SessionUpdate {
    SessionUpdate::AgentThoughtChunk(content_chunk(text))
}

fn content_chunk(text: String) -> ContentChunk {
    ContentChunk::new(ContentBlock::from(text))
}

#[cfg(test)]
mod tests;
