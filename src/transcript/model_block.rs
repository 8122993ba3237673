//! One block of a message for the model: the JSON that it was, and what the
//! Messages API asks of it.
//!
//! A block that the API accepts stays as it is to the byte, so that signatures
//! hold and the provider's cache stays warm. One that it refuses is mended or
//! left out: a session that was refused once would be refused on every turn.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::media::{MendedImage, REFUSED, without_media};
use super::model_messages::ModelRole;
use super::prompt_text::is_user_typed;

/// Blocks of replies that go back as they came.
const KEPT_OF_REPLIES: [&str; 6] = [
    "redacted_thinking",
    "web_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "fallback",
    "search_result",
];

/// A block that the API accepts where it stands.
#[derive(Debug, Clone)]
pub struct ModelBlock {
    json: Box<RawValue>,
    kind: BlockKind,
    /// Images and documents that notes in it stand for.
    left_out: usize,
}

/// What a block is to the blocks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// Text with words in it; `typed` if a person may have typed it.
    Text { typed: bool },
    /// Text without words, which the API refuses; it is left out in the end.
    Blank,
    /// Stands for a reply of no blocks, unless there is more of the reply.
    Placeholder,
    /// Reasoning: no reply may end in it.
    Thinking,
    /// A call under this id.
    ToolUse(String),
    /// The result of the call of this id; `names_tools` for one of a tool search.
    ToolResult { call: String, names_tools: bool },
    /// A call of a tool that the provider runs, under this id.
    ServerToolUse(String),
    /// The result of such a call.
    ServerToolResult(String),
    /// An image or a document.
    Media,
    /// Anything else.
    Other,
}

/// The fields that tell what a block is.
#[derive(Deserialize)]
struct BlockHead<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_use_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    signature: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
}

impl ModelBlock {
    /// Text of our own.
    pub(super) fn text(text: &str) -> Self {
        let typed = is_user_typed(text);
        Self::made(&json!({"type": "text", "text": text}), BlockKind::Text { typed })
    }

    /// Text of a message that is only a text.
    pub(super) fn text_or_blank(text: &str) -> Self {
        let block = Self::text(text);
        if text.trim().is_empty() { Self { kind: BlockKind::Blank, ..block } } else { block }
    }

    /// A result for a call that has none.
    pub(super) fn missing_result(call: &str, text: &str) -> Self {
        let result = json!({"type": "tool_result", "tool_use_id": call, "is_error": true, "content": text});
        Self::made(&result, BlockKind::ToolResult { call: call.to_owned(), names_tools: false })
    }

    fn made(value: &Value, kind: BlockKind) -> Self {
        // A `Value` is always JSON.
        Self { json: to_raw_value(value).unwrap_or_default(), kind, left_out: 0 }
    }

    /// Text that stands for a reply of no blocks.
    pub(super) fn placeholder(text: &str) -> Self {
        Self { kind: BlockKind::Placeholder, ..Self::text(text) }
    }

    /// The blocks of what a host sends as a user's message, a text or a list of
    /// blocks, as they are when the transcript is read again.
    pub fn read_user_content(content: &Value) -> Vec<Self> {
        if let Some(text) = content.as_str() {
            return vec![Self::text_or_blank(text)];
        }
        let blocks = content.as_array().into_iter().flatten();
        let raw = blocks.filter_map(|block| to_raw_value(block).ok());
        raw.filter_map(|raw| Self::read(&raw, ModelRole::User)).collect()
    }

    /// Images and documents that it has notes for.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Text without words, which the API refuses.
    pub fn is_blank(&self) -> bool {
        self.kind == BlockKind::Blank
    }

    /// Puts notes in the place of its images and documents.
    pub(super) fn leave_out_media(&mut self) {
        if let Some((value, count)) = without_media(self.json.get(), REFUSED) {
            let kind = match &self.kind {
                BlockKind::Media => BlockKind::Text { typed: false },
                kind => kind.clone(),
            };
            *self = Self { left_out: self.left_out + count, ..Self::made(&value, kind) };
        }
    }

    /// Reads a block of a message of this role; `None` if the API would refuse it
    /// and nothing of it can be kept.
    pub(super) fn read(json: &RawValue, role: ModelRole) -> Option<Self> {
        let head: BlockHead<'_> = serde_json::from_str(json.get()).ok()?;
        if has_long_exponent(json.get()) && serde_json::from_str::<Value>(json.get()).is_err() {
            return None;
        }
        let as_it_is = |kind| Some(Self { json: json.to_owned(), kind, left_out: 0 });
        match (&*head.kind, role) {
            ("text", _) => {
                let text = string(head.text)?;
                if text.trim().is_empty() {
                    return as_it_is(BlockKind::Blank);
                }
                as_it_is(BlockKind::Text { typed: is_user_typed(&text) })
            }
            ("thinking", ModelRole::Assistant) => {
                let is_hollow = |field| string(field).is_none_or(|text| text.is_empty());
                let is_empty = is_hollow(head.thinking) && is_hollow(head.signature);
                (!is_empty).then(|| as_it_is(BlockKind::Thinking))?
            }
            ("tool_use", ModelRole::Assistant) => {
                let id = string(head.id)?;
                let valid = valid_id(&id)?;
                let has_input = head.input.is_some_and(|input| input.get().starts_with('{'));
                if valid == id && has_input {
                    return as_it_is(BlockKind::ToolUse(valid));
                }
                let mut value: Value = serde_json::from_str(json.get()).ok()?;
                value["id"] = json!(valid);
                if !has_input {
                    value["input"] = json!({});
                }
                Some(Self::made(&value, BlockKind::ToolUse(valid)))
            }
            ("tool_result", ModelRole::User) => Self::read_result(json, &head),
            ("server_tool_use", ModelRole::Assistant) => {
                as_it_is(BlockKind::ServerToolUse(string(head.id)?.into_owned()))
            }
            ("image", ModelRole::User) => match MendedImage::of(json, head.source) {
                MendedImage::Fine => as_it_is(BlockKind::Media),
                MendedImage::Mended(value) => Some(Self::made(&value, BlockKind::Media)),
                MendedImage::Refused(why) => Some(Self { left_out: 1, ..Self::text(why) }),
            },
            ("document" | "search_result", ModelRole::User) => as_it_is(BlockKind::Media),
            ("redacted_thinking", ModelRole::Assistant) => as_it_is(BlockKind::Thinking),
            (kind, ModelRole::Assistant) if KEPT_OF_REPLIES.contains(&kind) => match string(head.tool_use_id)
            {
                Some(call) => as_it_is(BlockKind::ServerToolResult(call.into_owned())),
                None => as_it_is(BlockKind::Other),
            },
            _ => None,
        }
    }

    fn read_result(json: &RawValue, head: &BlockHead<'_>) -> Option<Self> {
        let id = string(head.tool_use_id)?;
        let call = valid_id(&id)?;
        let content = head.content.map_or("", RawValue::get);
        let parts: Vec<&RawValue> = serde_json::from_str(content).unwrap_or_default();
        let mut names_tools = false;
        let mut mended = false;
        let mut left_out = 0;
        let mut kept: Vec<Value> = Vec::new();
        let value = |part: &RawValue| serde_json::from_str::<Value>(part.get()).ok();
        for part in &parts {
            let head = serde_json::from_str::<BlockHead<'_>>(part.get()).ok();
            match head.as_ref().map(|head| (&*head.kind, head)) {
                Some(("text", head)) if string(head.text).is_some_and(|text| !text.is_empty()) => {
                    kept.extend(value(part));
                }
                Some(("image", head)) => match MendedImage::of(part, head.source) {
                    MendedImage::Fine => kept.extend(value(part)),
                    MendedImage::Mended(value) => {
                        mended = true;
                        kept.push(value);
                    }
                    MendedImage::Refused(why) => {
                        mended = true;
                        left_out += 1;
                        kept.push(json!({"type": "text", "text": why}));
                    }
                },
                Some(("tool_reference", _)) => {
                    names_tools = true;
                    kept.extend(value(part));
                }
                Some(("document" | "search_result", _)) => kept.extend(value(part)),
                _ => mended = true,
            }
        }
        let is_content = content.is_empty() || content.starts_with('"') || content.starts_with('[');
        let kind = BlockKind::ToolResult { call: call.clone(), names_tools };
        if call == id && is_content && !mended {
            return Some(Self { json: json.to_owned(), kind, left_out });
        }
        let mut value: Value = serde_json::from_str(json.get()).ok()?;
        value["tool_use_id"] = json!(call);
        if !is_content {
            value["content"] = json!("");
        } else if mended {
            value["content"] = json!(kept);
        }
        Some(Self { left_out, ..Self::made(&value, kind) })
    }

    /// Its JSON.
    pub fn raw(&self) -> &RawValue {
        &self.json
    }

    /// The text of a block of text.
    pub(super) fn words(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Words {
            text: String,
        }
        let is_text = matches!(self.kind, BlockKind::Text { .. });
        is_text.then(|| serde_json::from_str::<Words>(self.json.get()).ok()).flatten().map(|words| words.text)
    }

    pub(super) fn kind(&self) -> &BlockKind {
        &self.kind
    }

    pub(super) fn is_typed(&self) -> bool {
        matches!(self.kind, BlockKind::Text { typed: true } | BlockKind::Media)
    }
}

/// The JSON string in a field; `None` if it is missing or something else.
fn string(field: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Cow<'_, str>>(field?.get()).ok()
}

/// An id that the API takes; `None` if nothing is left of it.
fn valid_id(id: &str) -> Option<String> {
    let valid: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    (!valid.is_empty()).then_some(valid)
}

/// Whether a number may be out of range, as `-1e999`: JSON by its grammar, which
/// most parsers refuse.
fn has_long_exponent(json: &str) -> bool {
    let bytes = json.as_bytes();
    memchr::memchr2_iter(b'e', b'E', bytes).any(|at| {
        let is_number = at > 0 && bytes[at - 1].is_ascii_digit();
        let behind = bytes[at + 1..].strip_prefix(b"+").unwrap_or(&bytes[at + 1..]);
        is_number && behind.iter().take_while(|byte| byte.is_ascii_digit()).count() >= 3
    })
}
