//! One block of a message: the JSON it was, and what ties it to others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::session::prompt;

/// A block of Messages API content.
#[derive(Debug, Clone)]
pub struct ContextBlock {
    json: Box<RawValue>,
    link: BlockLink,
}

/// What a block is to other blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BlockLink {
    /// A person may have typed it, or put the picture there.
    Typed,
    /// It calls a tool, under this id.
    Call(String),
    /// It answers the call with this id.
    Result(String),
    /// Nothing.
    None,
}

impl ContextBlock {
    /// A block from its JSON. A block's bytes are gone through once.
    pub fn new(json: Box<RawValue>) -> Self {
        #[derive(serde::Deserialize)]
        struct BlockFields<'a> {
            #[serde(rename = "type", borrow)]
            kind: Cow<'a, str>,
            #[serde(default)]
            id: Option<String>,
            #[serde(default)]
            tool_use_id: Option<String>,
            #[serde(borrow, default)]
            text: Option<&'a RawValue>,
        }
        let is_typed = |text: Option<&RawValue>| {
            let text = text.and_then(|text| serde_json::from_str::<Cow<'_, str>>(text.get()).ok());
            text.is_some_and(|text| prompt::is_user_typed(&text))
        };
        let head = serde_json::from_str::<BlockFields<'_>>(json.get()).ok();
        let tie = head.map_or(BlockLink::None, |head| match (&*head.kind, head.id, head.tool_use_id) {
            ("tool_use", Some(id), _) => BlockLink::Call(id),
            ("tool_result", _, Some(id)) => BlockLink::Result(id),
            ("image", ..) => BlockLink::Typed,
            ("text", ..) if is_typed(head.text) => BlockLink::Typed,
            _ => BlockLink::None,
        });
        Self { json, link: tie }
    }

    /// A block from a value.
    pub fn from_value(value: &Value) -> Option<Self> {
        to_raw_value(value).ok().map(Self::new)
    }

    /// A block of text.
    pub fn text(text: &str) -> Option<Self> {
        Self::from_value(&json!({"type": "text", "text": text}))
    }

    /// Its JSON, as it goes over the wire again.
    pub fn raw(&self) -> &RawValue {
        &self.json
    }

    /// Its JSON.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// A person may have typed it.
    pub fn is_typed(&self) -> bool {
        self.link == BlockLink::Typed
    }

    /// The id of the call it makes.
    pub fn call(&self) -> Option<&str> {
        match &self.link {
            BlockLink::Call(id) => Some(id),
            _ => None,
        }
    }

    /// The id of the call it answers.
    pub fn result(&self) -> Option<&str> {
        match &self.link {
            BlockLink::Result(id) => Some(id),
            _ => None,
        }
    }
}

/// A message's content, a string or a list, as a list of blocks.
#[derive(Debug, Default)]
pub struct Content(pub Vec<ContextBlock>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Blocks;

        impl<'de> Visitor<'de> for Blocks {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of blocks")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content(ContextBlock::text(text).into_iter().collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
                let mut blocks = Vec::new();
                while let Some(json) = list.next_element::<Box<RawValue>>()? {
                    blocks.push(ContextBlock::new(json));
                }
                Ok(Content(blocks))
            }
        }

        deserializer.deserialize_any(Blocks)
    }
}
