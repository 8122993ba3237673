//! What was said in a session, as updates for the editor: live, and replayed.

use agent_client_protocol_schema::v1::{ContentBlock, ContentChunk, SessionUpdate};
use serde_json::Value;

use super::tool;
use crate::session::conversation::{Body, Change, Conversation, Notice, ToolCall};
use crate::session::message::Block;

/// What has to be remembered of a turn to tell each thing once.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Some of the reply that is being written was told already.
    reply: bool,
    /// The same of its reasoning.
    thought: bool,
    calls: Vec<ToolCall>,
}

impl Said {
    /// What the editor is to be told of a change.
    pub fn take(&mut self, change: Change) -> Vec<SessionUpdate> {
        match change {
            Change::TextDelta(text) => {
                self.reply = true;
                vec![reply(text)]
            }
            Change::ThinkingDelta(text) => {
                self.thought = true;
                vec![thought(text)]
            }
            Change::Block { block, .. } => self.block(block),
            Change::Result { tool_use_id, result } => {
                let call = self.calls.iter().find(|call| call.id == tool_use_id);
                call.and_then(|call| tool::ended(call, &result)).into_iter().collect()
            }
            Change::ToolOutput { tool_use_id, text } => {
                let call = self.calls.iter_mut().find(|call| call.id == tool_use_id);
                let runs = call.map(|call| {
                    call.heard(&text);
                    tool::runs(call)
                });
                runs.into_iter().collect()
            }
            Change::Notice(notice, text) => self::notice(notice, text),
            // The prompt is the editor's own; what was told cannot be taken back.
            Change::Prompt(_) | Change::Dropped(_) | Change::TurnEnd(_) => Vec::new(),
        }
    }

    fn block(&mut self, block: Block) -> Vec<SessionUpdate> {
        match block {
            Block::Text(_) if std::mem::take(&mut self.reply) => Vec::new(),
            Block::Thinking(_) if std::mem::take(&mut self.thought) => Vec::new(),
            Block::Text(text) => vec![reply(text)],
            Block::Thinking(text) => vec![thought(text)],
            Block::ToolUse { id, name, input } => {
                let call = ToolCall { id, name, input, so_far: String::new(), result: None };
                let update = tool::begun(&call);
                self.calls.push(call);
                vec![update]
            }
            Block::ToolResult { .. } | Block::Image | Block::Other(_) => Vec::new(),
        }
    }

    /// The call that a permission request is about: the last that is the same.
    pub fn call(&self, tool: &str, input: &Value) -> Option<&str> {
        let same = |call: &&ToolCall| call.name == tool && call.input == *input;
        self.calls.iter().rfind(same).map(|call| call.id.as_str())
    }
}

/// A whole conversation, from its beginning.
pub(super) fn replay(conversation: &Conversation) -> Vec<SessionUpdate> {
    let item = |body: &Body| match body {
        Body::Prompt(text) => vec![SessionUpdate::UserMessageChunk(chunk(text.clone()))],
        Body::Reply { text, .. } => vec![reply(text.clone())],
        Body::Thinking(text) => vec![thought(text.clone())],
        Body::Tool(call) => tool::stored(call),
        Body::Notice(notice, text) => self::notice(*notice, text.clone()),
        Body::TurnEnd(_) => Vec::new(),
    };
    conversation.items().iter().flat_map(|stored| item(&stored.body)).collect()
}

fn notice(notice: Notice, text: String) -> Vec<SessionUpdate> {
    match notice {
        Notice::Error | Notice::Info if !text.is_empty() => vec![reply(text)],
        Notice::Compacted => vec![reply("(From here on a summary stands for what came before.)".to_owned())],
        // The end of the turn says so.
        Notice::Interrupted | Notice::Error | Notice::Info => Vec::new(),
    }
}

fn reply(text: String) -> SessionUpdate {
    SessionUpdate::AgentMessageChunk(chunk(text))
}

fn thought(text: String) -> SessionUpdate {
    SessionUpdate::AgentThoughtChunk(chunk(text))
}

fn chunk(text: String) -> ContentChunk {
    ContentChunk::new(ContentBlock::from(text))
}

#[cfg(test)]
mod tests;
