//! Builds a reply: the provider's events become stream frames and complete blocks.
//!
//! Owns the block that is being built. Must never send or record anything.

use serde_json::{Value, json};
use uuid::Uuid;

use super::provider::{BlockStart, ReplyEvent};
use super::transcript_entry::new_uuid;
use crate::session::message::Usage;

#[derive(Debug, Default)]
pub struct ReplyBuilder {
    /// The message's id.
    pub id: String,
    /// The model that writes it.
    pub model: String,
    /// The tokens so far.
    pub usage: Usage,
    /// Why it ended; `None` before that.
    pub stop_reason: Option<String>,
    /// The blocks that are complete.
    pub blocks: Vec<FinishedBlock>,
    open_block: Option<Value>,
    /// The JSON text of an open call's input.
    input_json: String,
    /// The index of the open block.
    index: usize,
}

/// A block that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedBlock {
    /// The uuid of its entry.
    pub uuid: String,
    pub block: Value,
    /// Why a call cannot run: its input is no JSON object. `None` if it can.
    pub input_error: Option<String>,
}

impl ReplyBuilder {
    /// Adds an event. Returns the Messages API stream event for it. A call whose id is empty, malformed or
    /// used before (`is_used`) gets a new one: APIs refuse the whole conversation otherwise, for ever.
    pub fn push_event(&mut self, event: ReplyEvent, is_used: impl Fn(&str) -> bool) -> Value {
        if matches!(event, ReplyEvent::BlockStart(_)) {
            self.close_block();
        }
        let index = self.index;
        let delta = |delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        match event {
            ReplyEvent::MessageStart { id, model, usage } => {
                (self.id, self.model, self.usage) = (id, model, usage);
                json!({"type": "message_start", "message": self.message(&json!([]))})
            }
            ReplyEvent::BlockStart(start) => {
                let block = match start {
                    BlockStart::Text => json!({"type": "text", "text": ""}),
                    BlockStart::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
                    BlockStart::ToolUse { id, name } => {
                        json!({"type": "tool_use", "id": id, "name": name, "input": {}})
                    }
                    BlockStart::Raw(block) => block,
                };
                let block = self.with_valid_id(block, is_used);
                let event = json!({"type": "content_block_start", "index": index, "content_block": block});
                self.open_block = Some(block);
                event
            }
            ReplyEvent::TextDelta(text) => {
                self.append_delta("text", &text);
                delta(json!({"type": "text_delta", "text": text}))
            }
            ReplyEvent::ThinkingDelta(text) => {
                self.append_delta("thinking", &text);
                delta(json!({"type": "thinking_delta", "thinking": text}))
            }
            ReplyEvent::Signature(text) => {
                // Signatures come whole. If another follows, that one counts, as in the official SDKs.
                if let Some(block) = &mut self.open_block {
                    block["signature"] = json!(text);
                }
                delta(json!({"type": "signature_delta", "signature": text}))
            }
            ReplyEvent::InputDelta(text) => {
                self.input_json.push_str(&text);
                delta(json!({"type": "input_json_delta", "partial_json": text}))
            }
            ReplyEvent::OtherDelta(step) => {
                self.add_citation(&step);
                delta(step)
            }
            ReplyEvent::BlockEnd => {
                self.close_block();
                json!({"type": "content_block_stop", "index": index})
            }
            ReplyEvent::MessageEnd { stop_reason, usage } => {
                self.usage = usage;
                let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
                self.stop_reason = Some(stop_reason);
                json!({"type": "message_delta", "delta": delta, "usage": self.usage})
            }
        }
    }

    /// Closes the open block of a reply that broke off: text and thinking stay as far as they came, half
    /// a call is dropped.
    pub fn truncate(&mut self) {
        let is_half_a_call = self.open_block.as_ref().is_some_and(|block| block.get("input").is_some());
        if is_half_a_call {
            self.open_block = None;
        }
        self.close_block();
    }

    /// The Messages API message around these blocks, as known so far.
    pub fn message(&self, content: &Value) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": self.stop_reason, "stop_sequence": null, "usage": self.usage,
        })
    }

    /// The last text of the reply.
    pub fn text(&self) -> Option<&str> {
        self.blocks.iter().rev().find_map(|finished| finished.block["text"].as_str())
    }

    fn with_valid_id(&self, mut block: Value, is_used: impl Fn(&str) -> bool) -> Value {
        if block["type"] == "tool_use" {
            let id = block["id"].as_str().unwrap_or_default();
            let is_malformed =
                id.is_empty() || !id.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
            let is_repeated = self.blocks.iter().any(|finished| finished.block["id"] == id);
            if is_malformed || is_repeated || is_used(id) {
                block["id"] = json!(format!("toolu_{}", Uuid::new_v4().simple()));
            }
        }
        block
    }

    fn append_delta(&mut self, key: &str, more: &str) {
        if let Some(Value::String(text)) = self.open_block.as_mut().and_then(|block| block.get_mut(key)) {
            text.push_str(more);
        }
    }

    /// Adds a citation (`citations_delta`).
    fn add_citation(&mut self, step: &Value) {
        let Some(block) = self.open_block.as_mut().filter(|_| step["type"] == "citations_delta") else {
            return;
        };
        match block.get_mut("citations").and_then(Value::as_array_mut) {
            Some(citations) => citations.push(step["citation"].clone()),
            None => block["citations"] = json!([step["citation"]]),
        }
    }

    fn close_block(&mut self) {
        let Some(mut block) = self.open_block.take() else { return };
        self.index += 1;
        let input = std::mem::take(&mut self.input_json);
        let mut problem = None;
        if block.get("input").is_some() && !input.trim().is_empty() {
            match serde_json::from_str(&input) {
                Ok(Value::Object(input)) => block["input"] = Value::Object(input),
                // The model is told; the block itself must be one that an API accepts.
                Ok(_) => problem = Some("it is no JSON object".to_owned()),
                Err(error) => problem = Some(error.to_string()),
            }
        }
        if is_resendable(&block) {
            self.blocks.push(FinishedBlock { uuid: new_uuid(), block, input_error: problem });
        }
    }
}

/// Whether an API accepts the block when it is sent back: it refuses empty text and unsigned thinking.
fn is_resendable(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("text") => block["text"] != "",
        Some("thinking") => block["signature"].as_str().is_some_and(|signature| !signature.is_empty()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(events: Vec<ReplyEvent>) -> ReplyBuilder {
        let mut reply = ReplyBuilder::default();
        for event in events {
            reply.push_event(event, |_| false);
        }
        reply
    }

    fn call(input: &str) -> Vec<ReplyEvent> {
        let call = BlockStart::ToolUse { id: "t".into(), name: "Bash".into() };
        vec![ReplyEvent::BlockStart(call), ReplyEvent::InputDelta(input.into()), ReplyEvent::BlockEnd]
    }

    #[test]
    fn steps_become_blocks() {
        let call = BlockStart::ToolUse { id: "t".into(), name: "Bash".into() };
        let reply = reply(vec![
            ReplyEvent::MessageStart { id: "m".into(), model: "x".into(), usage: Usage::default() },
            ReplyEvent::BlockStart(BlockStart::Text),
            ReplyEvent::TextDelta("a ".into()),
            ReplyEvent::TextDelta("b".into()),
            ReplyEvent::BlockEnd,
            ReplyEvent::BlockStart(call),
            ReplyEvent::InputDelta(r#"{"command""#.into()),
            ReplyEvent::InputDelta(r#":"ls"}"#.into()),
            ReplyEvent::BlockEnd,
        ]);
        let blocks: Vec<_> = reply.blocks.iter().map(|finished| finished.block.clone()).collect();
        let expected = json!([
            {"type": "text", "text": "a b"},
            {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}},
        ]);
        assert_eq!(Value::from(blocks), expected);
        assert_eq!(reply.text(), Some("a b"));
    }

    #[test]
    fn a_block_of_an_unknown_kind_stays_as_it_came() {
        let novel = json!({"type": "novel", "data": [1, {"b": 2, "a": 1}]});
        let redacted = json!({"type": "redacted_thinking", "data": "xyz"});
        let reply = reply(vec![
            ReplyEvent::BlockStart(BlockStart::Raw(novel.clone())),
            ReplyEvent::OtherDelta(json!({"type": "novel_delta", "more": 1})),
            ReplyEvent::BlockEnd,
            // A missing stop is made up for.
            ReplyEvent::BlockStart(BlockStart::Raw(redacted.clone())),
            ReplyEvent::BlockStart(BlockStart::Raw(json!({"type": "text", "text": "", "citations": []}))),
            ReplyEvent::TextDelta("said".into()),
            ReplyEvent::OtherDelta(json!({"type": "citations_delta", "citation": {"page": 1}})),
            ReplyEvent::BlockEnd,
        ]);
        let blocks: Vec<_> = reply.blocks.iter().map(|finished| finished.block.clone()).collect();
        assert_eq!(
            blocks,
            [novel, redacted, json!({"type": "text", "text": "said", "citations": [{"page": 1}]})]
        );
    }

    #[test]
    fn a_call_without_sense_says_so_and_is_still_a_call() {
        for (input, is_right) in [("", true), ("{}", true), (r#"{"a":"#, false), ("[1]", false)] {
            let reply = reply(call(input));
            assert_eq!(reply.blocks[0].input_error.is_none(), is_right, "{input}");
            assert_eq!(reply.blocks[0].block["input"], json!({}), "{input}");
        }
    }

    #[test]
    fn what_an_api_would_refuse_is_not_kept() {
        let reply = reply(vec![
            ReplyEvent::BlockStart(BlockStart::Thinking),
            ReplyEvent::ThinkingDelta("nobody signed this".into()),
            ReplyEvent::BlockEnd,
            ReplyEvent::BlockStart(BlockStart::Text),
            ReplyEvent::BlockEnd,
        ]);
        assert_eq!(reply.blocks, []);
    }

    #[test]
    fn a_call_gets_an_id_that_no_other_has() {
        let ids = |ids: &[&str]| {
            let mut reply = ReplyBuilder::default();
            for id in ids {
                let call = BlockStart::ToolUse { id: (*id).to_owned(), name: "Bash".into() };
                reply.push_event(ReplyEvent::BlockStart(call), |id| id == "before");
                reply.push_event(ReplyEvent::BlockEnd, |_| false);
            }
            reply
                .blocks
                .iter()
                .map(|block| block.block["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&["a", "b"]), ["a", "b"]);
        for (given, kept) in [(["a", "a"], Some("a")), (["", "x y"], None), (["before", "b"], None)] {
            let ids = ids(&given);
            assert_ne!(ids[0], ids[1], "{given:?}");
            assert!(ids.iter().all(|id| id.starts_with("toolu_") || given.contains(&id.as_str())), "{ids:?}");
            assert_eq!(kept.unwrap_or(&ids[0]), ids[0], "{given:?}");
            assert!(!ids.iter().any(|id| id == "before" || id == "x y"), "{ids:?}");
        }
    }

    #[test]
    fn of_a_reply_cut_off_the_text_stays_and_half_a_call_goes() {
        let mut text =
            reply(vec![ReplyEvent::BlockStart(BlockStart::Text), ReplyEvent::TextDelta("half".into())]);
        text.truncate();
        assert_eq!(text.text(), Some("half"));

        let mut call = reply(call("{\"comm")[..2].to_vec());
        call.truncate();
        assert!(call.blocks.is_empty());
    }
}
