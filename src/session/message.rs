//! The Messages API message inside an entry or a frame, and its tokens.
//!
//! Only the parts hotseat shows are typed; the rest is left alone. A block of
//! an unknown kind is [`MessageBlock::Other`], never an error.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use crate::transcript::SYNTHETIC_MODEL;

/// Tokens of one request, as the Messages API counts them. A count that is
/// missing or `null` is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read that no cache had.
    #[serde(deserialize_with = "null_as_default")]
    pub input_tokens: u64,
    /// Tokens written by the model.
    #[serde(deserialize_with = "null_as_default")]
    pub output_tokens: u64,
    /// Tokens put into the prompt cache.
    #[serde(deserialize_with = "null_as_default")]
    pub cache_creation_input_tokens: u64,
    /// Tokens that came from the prompt cache.
    #[serde(deserialize_with = "null_as_default")]
    pub cache_read_input_tokens: u64,
    /// How long those that were put into the cache stay there.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "CacheCreation::is_none")]
    pub cache_creation: CacheCreation,
}

/// The tokens put into the prompt cache, by how long they stay; a part of
/// `cache_creation_input_tokens`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCreation {
    /// For five minutes after each use.
    #[serde(deserialize_with = "null_as_default")]
    pub ephemeral_5m_input_tokens: u64,
    /// For an hour after each use.
    #[serde(deserialize_with = "null_as_default")]
    pub ephemeral_1h_input_tokens: u64,
}

impl CacheCreation {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Usage {
    /// All tokens, read and written.
    pub fn total(&self) -> u64 {
        self.context() + self.output_tokens
    }

    /// The tokens the model read: what the context window holds.
    pub fn context(&self) -> u64 {
        self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_creation_input_tokens += other.cache_creation_input_tokens;
        self.cache_read_input_tokens += other.cache_read_input_tokens;
        self.cache_creation.ephemeral_5m_input_tokens += other.cache_creation.ephemeral_5m_input_tokens;
        self.cache_creation.ephemeral_1h_input_tokens += other.cache_creation.ephemeral_1h_input_tokens;
    }
}

impl std::ops::SubAssign for Usage {
    /// Never below zero.
    fn sub_assign(&mut self, other: Self) {
        let sub = |from: &mut u64, tokens: u64| *from = from.saturating_sub(tokens);
        sub(&mut self.input_tokens, other.input_tokens);
        sub(&mut self.output_tokens, other.output_tokens);
        sub(&mut self.cache_creation_input_tokens, other.cache_creation_input_tokens);
        sub(&mut self.cache_read_input_tokens, other.cache_read_input_tokens);
        let (own, theirs) = (&mut self.cache_creation, other.cache_creation);
        sub(&mut own.ephemeral_5m_input_tokens, theirs.ephemeral_5m_input_tokens);
        sub(&mut own.ephemeral_1h_input_tokens, theirs.ephemeral_1h_input_tokens);
    }
}

/// A message of either role.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiMessage {
    /// The API's id: several entries of one id are blocks of one message.
    pub id: Option<String>,
    /// The model that wrote it; `None` for prompts.
    pub model: Option<String>,
    /// Its content, in order.
    pub blocks: Vec<MessageBlock>,
    /// The tokens of the request that made it; repeated on every entry of one id.
    pub usage: Option<Usage>,
}

/// One piece of a message's content.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageBlock {
    /// Markdown.
    Text(String),
    /// The model's reasoning.
    Thinking(String),
    /// A tool the model asks for.
    ToolUse {
        /// Ties the result to the call.
        id: String,
        /// The tool's name, such as `Bash`.
        name: String,
        /// Its arguments, an object.
        input: Value,
    },
    /// What the tool gave back.
    ToolResult {
        /// The call it answers.
        tool_use_id: String,
        /// Its text; pictures appear as `[image]`.
        text: String,
        /// The tool failed or was refused.
        is_error: bool,
    },
    /// A picture.
    Image,
    /// A kind hotseat does not know, by name.
    Other(String),
}

/// A message as it is written.
#[derive(Deserialize)]
struct MessageFields {
    id: Option<String>,
    model: Option<String>,
    content: Option<Value>,
    usage: Option<Value>,
}

impl ApiMessage {
    /// Reads a message's JSON; anything missing or odd is left out.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self::from_wire)
    }

    /// As [`parse`](Self::parse), from JSON that a frame held.
    pub fn from_value(json: Value) -> Option<Self> {
        serde_json::from_value(json).ok().map(Self::from_wire)
    }

    fn from_wire(wire: MessageFields) -> Self {
        Self {
            id: wire.id,
            model: wire.model,
            blocks: wire.content.map(parse_blocks).unwrap_or_default(),
            usage: wire.usage.and_then(|usage| serde_json::from_value(usage).ok()),
        }
    }

    /// The text blocks, joined by blank lines.
    pub fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| match block {
            MessageBlock::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

fn parse_blocks(content: Value) -> Vec<MessageBlock> {
    match content {
        Value::String(text) => vec![MessageBlock::Text(text)],
        Value::Array(items) => items.into_iter().map(parse_block).collect(),
        _ => Vec::new(),
    }
}

fn parse_block(mut value: Value) -> MessageBlock {
    let mut take = |key: &str| match value.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    match take("type").as_str() {
        "text" => MessageBlock::Text(take("text")),
        "thinking" => MessageBlock::Thinking(take("thinking")),
        "tool_use" | "server_tool_use" => {
            let (id, name) = (take("id"), take("name"));
            MessageBlock::ToolUse {
                id,
                name,
                input: value.get_mut("input").map(Value::take).unwrap_or_default(),
            }
        }
        "tool_result" => {
            let tool_use_id = take("tool_use_id");
            let is_error = value.get("is_error").and_then(Value::as_bool).unwrap_or(false);
            let content = value.get_mut("content").map(Value::take).unwrap_or_default();
            MessageBlock::ToolResult { tool_use_id, text: tool_result_text(content), is_error }
        }
        "image" => MessageBlock::Image,
        other => MessageBlock::Other(other.to_owned()),
    }
}

fn tool_result_text(content: Value) -> String {
    let lines = parse_blocks(content).into_iter().map(|block| match block {
        MessageBlock::Text(text) => text,
        MessageBlock::Image => "[image]".to_owned(),
        other => format!("[{}]", other.kind()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl MessageBlock {
    /// The block's kind, as the API names it.
    pub fn kind(&self) -> &str {
        match self {
            MessageBlock::Text(_) => "text",
            MessageBlock::Thinking(_) => "thinking",
            MessageBlock::ToolUse { .. } => "tool_use",
            MessageBlock::ToolResult { .. } => "tool_result",
            MessageBlock::Image => "image",
            MessageBlock::Other(kind) => kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_and_a_list_of_blocks_read_alike() {
        let plain = ApiMessage::parse(r#"{"role":"user","content":"hi"}"#).unwrap();
        let listed = ApiMessage::parse(r#"{"role":"user","content":[{"type":"text","text":"hi"}]}"#).unwrap();
        assert_eq!(plain, listed);
    }

    #[test]
    fn counts_that_are_missing_or_null_are_none() {
        let usage = r#"{"usage":{"input_tokens":3,"output_tokens":null,"server_tool_use":null,
            "cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":7}}}"#;
        let usage = ApiMessage::parse(usage).unwrap().usage.unwrap();
        assert_eq!((usage.total(), usage.cache_creation.ephemeral_1h_input_tokens), (12, 7));
        let null = ApiMessage::parse(r#"{"usage":{"input_tokens":3,"cache_creation":null}}"#).unwrap();
        assert_eq!(null.usage, Some(Usage { input_tokens: 3, ..Usage::default() }));
    }

    #[test]
    fn results_come_as_text_and_unknown_blocks_stay_named() {
        let message = ApiMessage::parse(
            r#"{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,
                "content":[{"type":"text","text":"a"},{"type":"image"}]},{"type":"novel"}],"usage":{"input_tokens":3}}"#,
        )
        .unwrap();
        let result =
            MessageBlock::ToolResult { tool_use_id: "t".into(), text: "a\n[image]".into(), is_error: true };
        assert_eq!(message.blocks, [result, MessageBlock::Other("novel".into())]);
        assert_eq!(message.usage.unwrap().total(), 3);
    }
}
