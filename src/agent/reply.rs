//! A reply on its way: the provider's steps become stream frames and whole blocks.
//!
//! Owns the block that is being made. Never sends and never records.

use serde_json::{Value, json};

use super::provider::{BlockStart, Event};
use super::record::new_uuid;
use crate::session::message::Usage;

/// One reply, as far as it has come.
#[derive(Debug, Default)]
pub struct Reply {
    /// The message's id.
    pub id: String,
    /// The model that writes it.
    pub model: String,
    /// The tokens so far.
    pub usage: Usage,
    /// Why it ended; none before that.
    pub stop_reason: Option<String>,
    /// The blocks that are complete, each with the uuid of its entry.
    pub blocks: Vec<(String, Value)>,
    open: Option<Value>,
    /// The input of an open call, as JSON text.
    input: String,
}

impl Reply {
    /// Takes one step. Gives back the Messages API stream event for it.
    pub fn take(&mut self, event: Event) -> Value {
        let index = self.blocks.len();
        let delta = |delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        match event {
            Event::Start { id, model, usage } => {
                (self.id, self.model, self.usage) = (id, model, usage);
                json!({"type": "message_start", "message": self.message(&json!([]))})
            }
            Event::Block(start) => {
                let block = match start {
                    BlockStart::Text => json!({"type": "text", "text": ""}),
                    BlockStart::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
                    BlockStart::ToolUse { id, name } => {
                        json!({"type": "tool_use", "id": id, "name": name, "input": {}})
                    }
                    BlockStart::Whole(block) => block,
                };
                let event = json!({"type": "content_block_start", "index": index, "content_block": block});
                self.open = Some(block);
                self.input.clear();
                event
            }
            Event::Text(text) => {
                self.grow("text", &text);
                delta(json!({"type": "text_delta", "text": text}))
            }
            Event::Thinking(text) => {
                self.grow("thinking", &text);
                delta(json!({"type": "thinking_delta", "thinking": text}))
            }
            Event::Signature(text) => {
                self.grow("signature", &text);
                delta(json!({"type": "signature_delta", "signature": text}))
            }
            Event::Input(text) => {
                self.input.push_str(&text);
                delta(json!({"type": "input_json_delta", "partial_json": text}))
            }
            Event::BlockEnd => {
                self.close_block();
                json!({"type": "content_block_stop", "index": index})
            }
            Event::End { stop_reason, usage } => {
                self.usage = usage;
                let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
                self.stop_reason = Some(stop_reason);
                json!({"type": "message_delta", "delta": delta, "usage": self.usage})
            }
        }
    }

    /// Makes whole what has come of the open block: text and reasoning count as
    /// far as they came, half a call is none.
    pub fn cut_off(&mut self) {
        let is_half_a_call = self.open.as_ref().is_some_and(|block| block["type"] == "tool_use");
        let is_empty =
            self.open.as_ref().is_some_and(|block| block["text"] == "" || block["signature"] == "");
        if is_half_a_call || is_empty {
            self.open = None;
        }
        self.close_block();
    }

    /// The message around these blocks, as it is known by now.
    pub fn message(&self, content: &Value) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": self.stop_reason, "stop_sequence": null, "usage": self.usage,
        })
    }

    /// The last text of the reply.
    pub fn text(&self) -> Option<&str> {
        self.blocks.iter().rev().find_map(|(_, block)| block["text"].as_str())
    }

    fn grow(&mut self, key: &str, more: &str) {
        if let Some(Value::String(text)) = self.open.as_mut().and_then(|block| block.get_mut(key)) {
            text.push_str(more);
        }
    }

    fn close_block(&mut self) {
        let Some(mut block) = self.open.take() else { return };
        if block["type"] == "tool_use" && !self.input.is_empty() {
            block["input"] = serde_json::from_str(&self.input).unwrap_or_else(|_| json!({}));
        }
        self.blocks.push((new_uuid(), block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(events: Vec<Event>) -> Reply {
        let mut reply = Reply::default();
        for event in events {
            reply.take(event);
        }
        reply
    }

    #[test]
    fn steps_become_blocks() {
        let call = BlockStart::ToolUse { id: "t".into(), name: "Bash".into() };
        let reply = reply(vec![
            Event::Start { id: "m".into(), model: "x".into(), usage: Usage::default() },
            Event::Block(BlockStart::Text),
            Event::Text("a ".into()),
            Event::Text("b".into()),
            Event::BlockEnd,
            Event::Block(call),
            Event::Input(r#"{"command""#.into()),
            Event::Input(r#":"ls"}"#.into()),
            Event::BlockEnd,
        ]);
        let blocks: Vec<_> = reply.blocks.iter().map(|(_, block)| block.clone()).collect();
        let expected = json!([
            {"type": "text", "text": "a b"},
            {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}},
        ]);
        assert_eq!(Value::from(blocks), expected);
        assert_eq!(reply.text(), Some("a b"));
    }

    #[test]
    fn of_a_reply_cut_off_the_text_stays_and_half_a_call_goes() {
        let mut text = reply(vec![Event::Block(BlockStart::Text), Event::Text("half".into())]);
        text.cut_off();
        assert_eq!(text.text(), Some("half"));

        let call = BlockStart::ToolUse { id: "t".into(), name: "Bash".into() };
        let mut call = reply(vec![Event::Block(call), Event::Input("{\"comm".into())]);
        call.cut_off();
        assert!(call.blocks.is_empty());
    }
}
