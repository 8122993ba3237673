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
    /// The blocks that are complete.
    pub blocks: Vec<Made>,
    open: Option<Value>,
    /// The input of an open call, as JSON text.
    input: String,
    /// Blocks that were begun before the open one.
    index: usize,
}

/// A block that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The uuid of its entry.
    pub uuid: String,
    /// The block.
    pub block: Value,
    /// Why it cannot be what it should: a call whose input is no JSON object.
    pub problem: Option<String>,
}

impl Reply {
    /// Takes one step. Gives back the Messages API stream event for it.
    pub fn take(&mut self, event: Event) -> Value {
        if matches!(event, Event::Block(_)) {
            self.close_block();
        }
        let index = self.index;
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
                // It comes whole; should another follow, that one counts (as in the official SDKs).
                if let Some(block) = &mut self.open {
                    block["signature"] = json!(text);
                }
                delta(json!({"type": "signature_delta", "signature": text}))
            }
            Event::Input(text) => {
                self.input.push_str(&text);
                delta(json!({"type": "input_json_delta", "partial_json": text}))
            }
            Event::Delta(step) => {
                self.cite(&step);
                delta(step)
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
        let is_half_a_call = self.open.as_ref().is_some_and(|block| block.get("input").is_some());
        if is_half_a_call {
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
        self.blocks.iter().rev().find_map(|made| made.block["text"].as_str())
    }

    fn grow(&mut self, key: &str, more: &str) {
        if let Some(Value::String(text)) = self.open.as_mut().and_then(|block| block.get_mut(key)) {
            text.push_str(more);
        }
    }

    /// A source of what the text says (`citations_delta`).
    fn cite(&mut self, step: &Value) {
        let Some(block) = self.open.as_mut().filter(|_| step["type"] == "citations_delta") else { return };
        match block.get_mut("citations").and_then(Value::as_array_mut) {
            Some(citations) => citations.push(step["citation"].clone()),
            None => block["citations"] = json!([step["citation"]]),
        }
    }

    fn close_block(&mut self) {
        let Some(mut block) = self.open.take() else { return };
        self.index += 1;
        let input = std::mem::take(&mut self.input);
        let mut problem = None;
        if block.get("input").is_some() && !input.trim().is_empty() {
            match serde_json::from_str(&input) {
                Ok(Value::Object(input)) => block["input"] = Value::Object(input),
                // Told to the model; the block must be one that an API takes.
                Ok(_) => problem = Some("it is no JSON object".to_owned()),
                Err(error) => problem = Some(error.to_string()),
            }
        }
        if is_kept(&block) {
            self.blocks.push(Made { uuid: new_uuid(), block, problem });
        }
    }
}

/// A text without a word is nothing, and reasoning that nobody signed is for
/// showing only: an API refuses either when it comes back.
fn is_kept(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("text") => block["text"] != "",
        Some("thinking") => block["signature"].as_str().is_some_and(|signature| !signature.is_empty()),
        _ => true,
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

    fn call(input: &str) -> Vec<Event> {
        let call = BlockStart::ToolUse { id: "t".into(), name: "Bash".into() };
        vec![Event::Block(call), Event::Input(input.into()), Event::BlockEnd]
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
        let blocks: Vec<_> = reply.blocks.iter().map(|made| made.block.clone()).collect();
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
            Event::Block(BlockStart::Whole(novel.clone())),
            Event::Delta(json!({"type": "novel_delta", "more": 1})),
            Event::BlockEnd,
            // A stop that is missing is made up for.
            Event::Block(BlockStart::Whole(redacted.clone())),
            Event::Block(BlockStart::Whole(json!({"type": "text", "text": "", "citations": []}))),
            Event::Text("said".into()),
            Event::Delta(json!({"type": "citations_delta", "citation": {"page": 1}})),
            Event::BlockEnd,
        ]);
        let blocks: Vec<_> = reply.blocks.iter().map(|made| made.block.clone()).collect();
        assert_eq!(
            blocks,
            [novel, redacted, json!({"type": "text", "text": "said", "citations": [{"page": 1}]})]
        );
    }

    #[test]
    fn a_call_without_sense_says_so_and_is_still_a_call() {
        for (input, is_right) in [("", true), ("{}", true), (r#"{"a":"#, false), ("[1]", false)] {
            let reply = reply(call(input));
            assert_eq!(reply.blocks[0].problem.is_none(), is_right, "{input}");
            assert_eq!(reply.blocks[0].block["input"], json!({}), "{input}");
        }
    }

    #[test]
    fn what_an_api_would_refuse_is_not_kept() {
        let reply = reply(vec![
            Event::Block(BlockStart::Thinking),
            Event::Thinking("nobody signed this".into()),
            Event::BlockEnd,
            Event::Block(BlockStart::Text),
            Event::BlockEnd,
        ]);
        assert_eq!(reply.blocks, []);
    }

    #[test]
    fn of_a_reply_cut_off_the_text_stays_and_half_a_call_goes() {
        let mut text = reply(vec![Event::Block(BlockStart::Text), Event::Text("half".into())]);
        text.cut_off();
        assert_eq!(text.text(), Some("half"));

        let mut call = reply(call("{\"comm")[..2].to_vec());
        call.cut_off();
        assert!(call.blocks.is_empty());
    }
}
