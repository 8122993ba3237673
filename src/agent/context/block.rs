//! One block of a message: the JSON it was, and what ties it to others.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::media::MediaLoad;
use crate::session::prompt;

/// A block of Messages API content.
#[derive(Debug, Clone)]
pub struct ContextBlock {
    json: Box<RawValue>,
    link: BlockLink,
    media: MediaLoad,
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
    /// It is reasoning: no reply may end in it.
    Thinking,
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
            ("thinking" | "redacted_thinking", ..) => BlockLink::Thinking,
            ("image", ..) => BlockLink::Typed,
            ("text", ..) if is_typed(head.text) => BlockLink::Typed,
            _ => BlockLink::None,
        });
        let media = MediaLoad::of(json.get());
        Self { json, link: tie, media }
    }

    /// A block from a value.
    pub fn from_value(value: &Value) -> Option<Self> {
        to_raw_value(value).ok().map(Self::new)
    }

    /// Its images and documents.
    pub fn media(&self) -> MediaLoad {
        self.media
    }

    /// Its JSON, as it goes over the wire again.
    pub fn raw(&self) -> &RawValue {
        &self.json
    }

    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// It is reasoning.
    pub fn is_thinking(&self) -> bool {
        self.link == BlockLink::Thinking
    }

    /// Its text without the tags of a reminder around it.
    pub fn text_in_reminder(&self) -> String {
        let block: Value = serde_json::from_str(self.json()).unwrap_or_default();
        let text = block["text"].as_str().unwrap_or_default().trim();
        let inner =
            text.strip_prefix("<system-reminder>").and_then(|rest| rest.strip_suffix("</system-reminder>"));
        inner.unwrap_or(text).trim().to_owned()
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
