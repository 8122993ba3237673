//! The model's context: the messages of the active session.
//!
//! Owns the way from a transcript's main path to messages. A block stays the JSON
//! it was, so that thinking signatures and unknown blocks survive. Must never write
//! anything, and never fails: what cannot be read is skipped.

mod block;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use block::Content;
pub use block::ContextBlock;

use crate::session::Transcript;
use crate::session::message::SYNTHETIC_MODEL;
use crate::session::raw_entry::{EntryKind, RawEntry};
use crate::session::transcript::PathScope;

/// The result of a call whose own was never recorded.
const NO_RESULT: &str = "[no result: the turn ended before the tool did]";

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRole {
    /// The person, or a tool with its result.
    User,
    /// The model.
    Assistant,
}

/// One message, its blocks as raw Messages API JSON.
#[derive(Debug, Clone)]
pub struct ContextMessage {
    /// Who speaks.
    pub role: MessageRole,
    /// The API's id of a reply; `None` for a user message.
    pub reply: Option<String>,
    /// A person typed it.
    pub is_prompt: bool,
    /// Its content.
    pub blocks: Vec<ContextBlock>,
}

/// The messages of one session. Cheap to clone: messages are shared.
#[derive(Debug, Clone, Default)]
pub struct ModelContext {
    messages: Vec<Arc<ContextMessage>>,
    chars: usize,
}

impl ModelContext {
    /// The messages on a transcript's main path up to `leaf`.
    pub fn from_transcript(transcript: &Transcript<'_>, leaf: Option<usize>) -> Self {
        let mut context = Self::default();
        for at in transcript.path(leaf, PathScope::Model) {
            let line = &transcript.entries[at];
            if line.is_sidechain() {
                continue;
            }
            match line.kind() {
                EntryKind::User => context.push_user_line(line),
                EntryKind::Assistant => context.push_assistant_line(line),
                EntryKind::Attachment => context.push_attachment_line(line),
                _ => {}
            }
        }
        context.pair_calls_with_results();
        context
    }

    /// All messages, oldest first.
    pub fn messages(&self) -> &[Arc<ContextMessage>] {
        &self.messages
    }

    /// Prompts a person typed.
    pub fn prompts(&self) -> usize {
        self.messages.iter().filter(|message| message.is_prompt).count()
    }

    /// The text of the last prompt.
    pub fn last_prompt(&self) -> String {
        let last = self.messages.iter().rev().find(|message| message.is_prompt);
        let texts = last.into_iter().flat_map(|message| &message.blocks).filter(|block| block.is_typed());
        let texts = texts.filter_map(|block| serde_json::from_str::<Value>(block.json()).ok());
        texts.filter_map(|block| block["text"].as_str().map(str::to_owned)).collect::<Vec<_>>().join("\n")
    }

    /// Estimated tokens, at four bytes of JSON each.
    pub fn estimated_tokens(&self) -> u64 {
        self.chars as u64 / 4
    }

    /// Estimated tokens since the last reply, which its usage does not count.
    pub fn estimated_since_reply(&self) -> u64 {
        let since = self.messages.iter().rev().take_while(|message| message.role == MessageRole::User);
        let blocks = since.flat_map(|message| &message.blocks);
        blocks.map(|block| block.json().len() as u64).sum::<u64>() / 4
    }

    /// Adds what a person typed.
    pub fn push_prompt(&mut self, content: &Value) {
        let blocks = Content::deserialize(content).unwrap_or_default().0;
        let is_prompt = blocks.iter().any(ContextBlock::is_typed);
        self.push(MessageRole::User, None, is_prompt, blocks);
    }

    /// Adds a block of the reply with this id.
    pub fn push_reply(&mut self, id: &str, block: &Value) {
        self.push(
            MessageRole::Assistant,
            Some(id.to_owned()),
            false,
            ContextBlock::from_value(block).into_iter().collect(),
        );
    }

    /// Adds a tool's result, or another note that no person typed.
    pub fn push_user_block(&mut self, block: &Value) {
        self.push(MessageRole::User, None, false, ContextBlock::from_value(block).into_iter().collect());
    }

    fn push_user_line(&mut self, line: &RawEntry<'_>) {
        let Some(LineMessage { content, .. }) = LineMessage::of(line) else { return };
        let is_prompt =
            !line.is_meta() && !line.is_compact_summary() && content.0.iter().any(ContextBlock::is_typed);
        self.push(MessageRole::User, None, is_prompt, content.0);
    }

    fn push_assistant_line(&mut self, line: &RawEntry<'_>) {
        let Some(wire) = LineMessage::of(line).filter(|wire| wire.model.as_deref() != Some(SYNTHETIC_MODEL))
        else {
            return;
        };
        let id = wire.id.unwrap_or_else(|| line.uuid().unwrap_or_default().into_owned());
        self.push(MessageRole::Assistant, Some(id), false, wire.content.0);
    }

    /// Files attached to a prompt: the official CLI records what it told the model. What it rendered in
    /// the system's name concerns only itself.
    fn push_attachment_line(&mut self, line: &RawEntry<'_>) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Attachment {
            rendered_role: Option<String>,
            #[serde(default)]
            rendered: Vec<Rendered>,
        }
        #[derive(Deserialize)]
        struct Rendered {
            content: String,
        }
        let Ok(attachment) = serde_json::from_str::<Attachment>(line.json()) else { return };
        if attachment.rendered_role.as_deref() == Some("user") {
            let blocks = attachment.rendered.iter().filter_map(|text| ContextBlock::text(&text.content));
            self.push(MessageRole::User, None, false, blocks.collect());
        }
    }

    /// Adds blocks; those of one reply, and user blocks without a prompt, are merged into one message.
    fn push(&mut self, role: MessageRole, reply: Option<String>, is_prompt: bool, blocks: Vec<ContextBlock>) {
        if blocks.is_empty() {
            return;
        }
        self.chars += blocks.iter().map(|block| block.json().len()).sum::<usize>();
        if let Some(last) = self.messages.last_mut()
            && last.role == role
            && last.reply == reply
            && !is_prompt
        {
            Arc::make_mut(last).blocks.extend(blocks);
            return;
        }
        self.messages.push(Arc::new(ContextMessage { role, reply, is_prompt, blocks }));
    }

    /// Whether a call has this id.
    pub fn has_call(&self, id: &str) -> bool {
        self.messages.iter().flat_map(|message| &message.blocks).any(|block| block.call() == Some(id))
    }

    /// Gives each call of the last reply that has no result one that says so. A turn whose results could
    /// not be recorded leaves such calls; resuming the session would do the same.
    pub fn close_open_calls(&mut self) {
        let Some(reply) = self.messages.iter().rposition(|message| message.role == MessageRole::Assistant)
        else {
            return;
        };
        let results = self.messages[reply + 1..].iter().flat_map(|message| &message.blocks);
        let answered: Vec<_> = results.filter_map(ContextBlock::result).collect();
        let calls = self.messages[reply].blocks.iter().filter_map(ContextBlock::call);
        let open = calls.filter(|call| !answered.contains(call));
        let missing: Vec<_> = open.filter_map(missing_result).collect();
        if missing.is_empty() {
            return;
        }
        self.chars += missing.iter().map(|block| block.json().len()).sum::<usize>();
        match self.messages.get_mut(reply + 1) {
            // Results of other calls: all of them belong into one message.
            Some(next) if !next.is_prompt => drop(Arc::make_mut(next).blocks.splice(0..0, missing)),
            _ => {
                let (role, reply_id) = (MessageRole::User, None);
                let message = ContextMessage { role, reply: reply_id, is_prompt: false, blocks: missing };
                self.messages.insert(reply + 1, Arc::new(message));
            }
        }
    }

    /// Models refuse a call without a result and a result without a call: gives each open call a result
    /// that says there is none, and drops orphaned results.
    fn pair_calls_with_results(&mut self) {
        let mut open: Vec<String> = Vec::new();
        let mut matched: Vec<Arc<ContextMessage>> = Vec::with_capacity(self.messages.len() + 1);
        for mut message in self.messages.drain(..) {
            if message.role == MessageRole::Assistant {
                close_open_calls(&mut matched, &mut open);
                open = message.blocks.iter().filter_map(ContextBlock::call).map(str::to_owned).collect();
            } else if message.blocks.iter().any(|block| block.result().is_some()) {
                let is_lost = |block: &ContextBlock| {
                    block.result().is_some_and(|id| !open.iter().any(|call| call == id))
                };
                if message.blocks.iter().any(is_lost) {
                    Arc::make_mut(&mut message).blocks.retain(|block| !is_lost(block));
                }
                open.retain(|call| !message.blocks.iter().any(|block| block.result() == Some(call)));
                if !open.is_empty() {
                    let missing = open.drain(..).filter_map(|call| missing_result(&call));
                    Arc::make_mut(&mut message).blocks.splice(0..0, missing);
                }
            } else {
                close_open_calls(&mut matched, &mut open);
            }
            if !message.blocks.is_empty() {
                matched.push(message);
            }
        }
        close_open_calls(&mut matched, &mut open);
        self.messages = matched;
    }
}

fn close_open_calls(messages: &mut Vec<Arc<ContextMessage>>, open: &mut Vec<String>) {
    if !open.is_empty() {
        let blocks = open.drain(..).filter_map(|call| missing_result(&call)).collect();
        messages.push(Arc::new(ContextMessage {
            role: MessageRole::User,
            reply: None,
            is_prompt: false,
            blocks,
        }));
    }
}

fn missing_result(call: &str) -> Option<ContextBlock> {
    let block = json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": NO_RESULT});
    ContextBlock::from_value(&block)
}

/// A message, as far as it becomes context.
#[derive(Deserialize)]
struct LineMessage {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    content: Content,
}

impl LineMessage {
    fn of(line: &RawEntry<'_>) -> Option<Self> {
        serde_json::from_str(line.message()?).ok()
    }
}

#[cfg(test)]
mod tests;
