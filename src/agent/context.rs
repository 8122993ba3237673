//! The model's context: the messages of the active session.
//!
//! Begins with what [`ModelConversation`] makes of a transcript, and grows with the
//! turns. A block stays the JSON it was, so that signatures hold. Must never write
//! anything.

mod block;
mod media;

use std::sync::Arc;

use serde_json::{Value, json};

pub use block::ContextBlock;

use crate::transcript::prompt_text::typed_text;
use crate::transcript::{ModelBlock, ModelConversation, ModelMessage, ModelRole, Transcript};

/// The result of a call whose own was never recorded.
const NO_RESULT: &str = "[no result: the turn ended before the tool did]";

/// Stands for a prompt without words, which the API refuses.
const NO_WORDS: &str = "(no content)";

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
    /// The model that wrote it, if that is known: another does not take its reasoning.
    pub model: Option<String>,
    /// A person typed it.
    pub is_prompt: bool,
    /// Words of a hook or of a file that stand ahead of the prompt they came with.
    pub is_context: bool,
    /// Its content.
    pub blocks: Vec<ContextBlock>,
}

/// The messages of one session. Cheap to clone: messages are shared.
#[derive(Debug, Clone, Default)]
pub struct ModelContext {
    messages: Vec<Arc<ContextMessage>>,
    chars: usize,
    /// Images and documents that were left out and nobody was told of.
    left_out: usize,
}

impl ModelContext {
    /// The conversation of a transcript up to `leaf`, as
    /// [`ModelConversation::read`] gives it.
    pub fn from_transcript(transcript: &Transcript<'_>, leaf: Option<usize>) -> Self {
        let conversation = ModelConversation::read(transcript, leaf);
        let mut context = Self { left_out: conversation.left_out, ..Self::default() };
        for message in conversation.messages {
            let role = match message.role {
                ModelRole::User => MessageRole::User,
                ModelRole::Assistant => MessageRole::Assistant,
            };
            let blocks: Vec<_> =
                message.blocks.iter().map(|block| ContextBlock::new(block.raw().to_owned())).collect();
            context.chars += blocks.iter().map(|block| block.json().len()).sum::<usize>();
            let ModelMessage { reply_id: reply, model, is_prompt, is_context, .. } = message;
            let message = ContextMessage { role, reply, model, is_prompt, is_context, blocks };
            context.messages.push(Arc::new(message));
        }
        context.limit_media();
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
        let typed = texts.filter_map(|block| Some(typed_text(block["text"].as_str()?)?.into_owned()));
        typed.collect::<Vec<_>>().join("\n")
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

    /// Adds what a person typed. What the API refuses is mended or left out, as it is
    /// when the transcript is read again.
    pub fn push_prompt(&mut self, content: &Value) {
        let mut blocks = self.sendable(content);
        if blocks.is_empty() {
            blocks.extend(ContextBlock::from_value(&json!({"type": "text", "text": NO_WORDS})));
        }
        let is_prompt = blocks.iter().any(ContextBlock::is_typed);
        self.push(MessageRole::User, None, is_prompt, blocks);
        self.limit_media();
    }

    /// The blocks of a user's message that the API takes.
    fn sendable(&mut self, content: &Value) -> Vec<ContextBlock> {
        let mut blocks = ModelBlock::read_user_content(content);
        self.left_out += blocks.iter().map(ModelBlock::left_out).sum::<usize>();
        blocks.retain(|block| !block.is_blank());
        blocks.iter().map(|block| ContextBlock::new(block.raw().to_owned())).collect()
    }

    /// Adds a block of the reply with this id, by this model.
    pub fn push_reply(&mut self, id: &str, model: &str, block: &Value) {
        self.push(
            MessageRole::Assistant,
            Some(id.to_owned()),
            false,
            ContextBlock::from_value(block).into_iter().collect(),
        );
        if let Some(last) = self.messages.last_mut().filter(|last| last.model.is_none()) {
            Arc::make_mut(last).model = Some(model.to_owned());
        }
    }

    /// Adds a tool's result, or another note that no person typed.
    pub fn push_user_block(&mut self, block: &Value) {
        let blocks = self.sendable(&json!([block]));
        self.push(MessageRole::User, None, false, blocks);
        self.limit_media();
    }

    /// How many images and documents were left out since the last call.
    pub fn take_left_out(&mut self) -> usize {
        std::mem::take(&mut self.left_out)
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
            && !last.is_context
        {
            Arc::make_mut(last).blocks.extend(blocks);
            return;
        }
        let message = ContextMessage { role, reply, model: None, is_prompt, is_context: false, blocks };
        self.messages.push(Arc::new(message));
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
                let message = ContextMessage {
                    role,
                    reply: reply_id,
                    model: None,
                    is_prompt: false,
                    is_context: false,
                    blocks: missing,
                };
                self.messages.insert(reply + 1, Arc::new(message));
            }
        }
    }
}

fn missing_result(call: &str) -> Option<ContextBlock> {
    let block = json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": NO_RESULT});
    ContextBlock::from_value(&block)
}

#[cfg(test)]
mod tests;
