//! What the model is given: the messages of the active session.
//!
//! Owns the way from a transcript's main path to messages. A block stays the
//! JSON it was, so thinking signatures and unknown blocks survive. Never writes
//! anything down, and never fails: what cannot be read is passed over.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::session::Transcript;
use crate::session::line::{Kind, Line};
use crate::session::prompt;
use crate::session::transcript::Reach;

/// What closes a call whose result was never written down.
const NO_RESULT: &str = "[no result: the turn ended before the tool did]";
/// The official CLI's name for the author of messages no model wrote.
const SYNTHETIC: &str = "<synthetic>";

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person, or a tool with its result.
    User,
    /// The model.
    Assistant,
}

/// One message, its blocks as raw Messages API JSON.
#[derive(Debug, Clone)]
pub struct ContextMessage {
    /// Who speaks.
    pub role: Role,
    /// The API's id of a reply; none for the person's.
    pub reply: Option<String>,
    /// A person typed it.
    pub is_prompt: bool,
    /// Its content.
    pub blocks: Vec<Box<RawValue>>,
}

/// The messages of one session. Cheap to copy: messages are shared.
#[derive(Debug, Clone, Default)]
pub struct Context {
    messages: Vec<Arc<ContextMessage>>,
    chars: usize,
}

impl Context {
    /// The messages on a transcript's main path up to `leaf`.
    pub fn of(transcript: &Transcript<'_>, leaf: Option<usize>) -> Self {
        let mut context = Self::default();
        for at in transcript.path(leaf, Reach::Model) {
            let line = &transcript.lines[at];
            if line.is_sidechain() {
                continue;
            }
            match line.kind() {
                Kind::User => context.take_user(line),
                Kind::Assistant => context.take_reply(line),
                Kind::Attachment => context.take_attachment(line),
                _ => {}
            }
        }
        context.match_calls_with_results();
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

    /// A rough count of the tokens, four bytes of JSON to one.
    pub fn estimated_tokens(&self) -> u64 {
        self.chars as u64 / 4
    }

    /// Adds what a person typed.
    pub fn push_prompt(&mut self, content: &Value) {
        let is_prompt = prompt_in(content);
        self.push(Role::User, None, is_prompt, blocks_of(content));
    }

    /// Adds a block of the reply with this id.
    pub fn push_reply(&mut self, id: &str, block: &Value) {
        self.push(Role::Assistant, Some(id.to_owned()), false, raw(block).into_iter().collect());
    }

    /// Adds a tool's result, or another note that no person typed.
    pub fn push_note(&mut self, block: &Value) {
        self.push(Role::User, None, false, raw(block).into_iter().collect());
    }

    fn take_user(&mut self, line: &Line<'_>) {
        let content = line.message().and_then(|json| serde_json::from_str::<Wire<'_>>(json).ok());
        let blocks = content.and_then(|wire| wire.content).map(raw_blocks).unwrap_or_default();
        self.push(Role::User, None, prompt::of_line(line).is_some(), blocks);
    }

    fn take_reply(&mut self, line: &Line<'_>) {
        let Some(wire) = line.message().and_then(|json| serde_json::from_str::<Wire<'_>>(json).ok()) else {
            return;
        };
        if wire.model.as_deref() == Some(SYNTHETIC) {
            return;
        }
        let id = wire.id.unwrap_or_else(|| line.uuid().unwrap_or_default().into_owned());
        self.push(Role::Assistant, Some(id), false, wire.content.map(raw_blocks).unwrap_or_default());
    }

    /// Files given with a prompt: the official CLI keeps what it told the model.
    /// What it said in the system's name is about itself.
    fn take_attachment(&mut self, line: &Line<'_>) {
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
            let texts = attachment.rendered.iter();
            let blocks = texts.filter_map(|text| raw(&json!({"type": "text", "text": text.content})));
            self.push(Role::User, None, false, blocks.collect());
        }
    }

    /// Blocks of one reply, and notes that follow one another, are one message.
    fn push(&mut self, role: Role, reply: Option<String>, is_prompt: bool, blocks: Vec<Box<RawValue>>) {
        if blocks.is_empty() {
            return;
        }
        self.chars += blocks.iter().map(|block| block.get().len()).sum::<usize>();
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

    /// Models refuse a call without a result and a result without a call: gives
    /// each open call a result that says there is none, and drops lost results.
    fn match_calls_with_results(&mut self) {
        let mut open: Vec<String> = Vec::new();
        let mut matched: Vec<Arc<ContextMessage>> = Vec::with_capacity(self.messages.len() + 1);
        for mut message in self.messages.drain(..) {
            let ids: Vec<_> = message.blocks.iter().map(|block| BlockIds::of(block)).collect();
            if message.role == Role::Assistant {
                close(&mut matched, &mut open);
                open = ids.into_iter().filter_map(|ids| ids.call).collect();
            } else if ids.iter().any(|ids| ids.result.is_some()) {
                let answered: HashSet<_> = ids.iter().filter_map(|ids| ids.result.clone()).collect();
                let is_lost = |ids: &BlockIds| ids.result.as_ref().is_some_and(|id| !open.contains(id));
                if ids.iter().any(is_lost) {
                    let mut kept = ids.iter().map(|ids| !is_lost(ids));
                    Arc::make_mut(&mut message).blocks.retain(|_| kept.next().unwrap_or(true));
                }
                open.retain(|call| !answered.contains(call));
                if !open.is_empty() {
                    let missing = open.drain(..).filter_map(|call| raw(&no_result(&call)));
                    Arc::make_mut(&mut message).blocks.splice(0..0, missing);
                }
            } else {
                close(&mut matched, &mut open);
            }
            if !message.blocks.is_empty() {
                matched.push(message);
            }
        }
        close(&mut matched, &mut open);
        self.messages = matched;
    }
}

fn close(messages: &mut Vec<Arc<ContextMessage>>, open: &mut Vec<String>) {
    if !open.is_empty() {
        let blocks = open.drain(..).filter_map(|call| raw(&no_result(&call))).collect();
        messages.push(Arc::new(ContextMessage { role: Role::User, reply: None, is_prompt: false, blocks }));
    }
}

fn no_result(call: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": NO_RESULT})
}

/// A message, as far as it becomes context.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

/// The ids that tie calls and results together.
#[derive(Default)]
struct BlockIds {
    call: Option<String>,
    result: Option<String>,
}

impl BlockIds {
    fn of(block: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Block<'a> {
            #[serde(rename = "type")]
            kind: &'a str,
            id: Option<String>,
            tool_use_id: Option<String>,
        }
        match serde_json::from_str::<Block<'_>>(block.get()) {
            Ok(Block { kind: "tool_use", id, .. }) => Self { call: id, result: None },
            Ok(Block { kind: "tool_result", tool_use_id, .. }) => Self { call: None, result: tool_use_id },
            _ => Self::default(),
        }
    }
}

fn raw(block: &Value) -> Option<Box<RawValue>> {
    to_raw_value(block).ok()
}

/// A message's content, a string or a list, as a list of blocks.
fn raw_blocks(content: &RawValue) -> Vec<Box<RawValue>> {
    if content.get().starts_with('"') {
        let block = format!(r#"{{"type":"text","text":{}}}"#, content.get());
        return RawValue::from_string(block).into_iter().collect();
    }
    serde_json::from_str(content.get()).unwrap_or_default()
}

fn blocks_of(content: &Value) -> Vec<Box<RawValue>> {
    raw(content).map(|content| raw_blocks(&content)).unwrap_or_default()
}

fn prompt_in(content: &Value) -> bool {
    let message = json!({"content": content}).to_string();
    crate::session::message::Message::parse(&message)
        .is_some_and(|message| prompt::of_message(&message).is_some())
}

#[cfg(test)]
mod tests;
