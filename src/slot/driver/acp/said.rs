//! What the agent says in a turn, put together: words to texts, updates to calls.

use std::collections::{BTreeMap, VecDeque};

use agent_client_protocol_schema::v1::{
    ContentBlock, ContentChunk, Plan, PlanEntry, ToolCall, ToolCallUpdate,
};
use serde_json::json;
use uuid::Uuid;

use super::call::Call;
use crate::session::conversation::{Change, ToolResult};
use crate::session::message::Block;
use crate::slot::driver::Heard;

/// Terminals whose words are kept, and how many bytes of each, the last ones.
const TERMINALS: usize = 64;
const OF_TERMINAL: usize = 64 * 1024;

/// Calls that are known at once; the oldest are forgotten.
const CALLS: usize = 512;

/// A turn's news so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The text that is being written.
    text: String,
    /// The thought that is being thought.
    thought: String,
    /// Which message of the agent's they belong to.
    message: Option<String>,
    calls: BTreeMap<String, Call>,
    /// Their ids, the oldest first.
    order: VecDeque<String>,
    /// The last of what each terminal said that was lent, the oldest first.
    terminals: VecDeque<(String, String)>,
}

impl Said {
    /// More of a reply.
    pub fn reply(&mut self, chunk: ContentChunk) -> Vec<Heard> {
        let mut heard = self.turn_to(&chunk);
        if !self.thought.is_empty() {
            heard.extend(self.complete());
        }
        let text = text_of(chunk.content);
        self.text.push_str(&text);
        heard.push(grew(Change::TextDelta(text)));
        heard
    }

    /// More of its reasoning.
    pub fn think(&mut self, chunk: ContentChunk) -> Vec<Heard> {
        let mut heard = self.turn_to(&chunk);
        if !self.text.is_empty() {
            heard.extend(self.complete());
        }
        let text = text_of(chunk.content);
        self.thought.push_str(&text);
        heard.push(grew(Change::ThinkingDelta(text)));
        heard
    }

    /// Another message begins where the agent says so.
    fn turn_to(&mut self, chunk: &ContentChunk) -> Vec<Heard> {
        let message = chunk.message_id.as_ref().map(|id| id.0.to_string());
        let same = message.is_none() || self.message == message;
        let heard = if same { Vec::new() } else { self.complete() };
        self.message = message.or(self.message.take());
        heard
    }

    /// What was being said is complete.
    pub fn complete(&mut self) -> Vec<Heard> {
        let thought = Some(std::mem::take(&mut self.thought)).filter(|text| !text.is_empty());
        let text = Some(std::mem::take(&mut self.text)).filter(|text| !text.is_empty());
        let blocks = thought.map(Block::Thinking).into_iter().chain(text.map(Block::Text));
        blocks.map(block).collect()
    }

    /// A call begins.
    pub fn call(&mut self, told: ToolCall) -> Vec<Heard> {
        let id = told.tool_call_id.0.to_string();
        self.know(&id, Call::new(told));
        self.tell_call(&id)
    }

    /// A call moved on; one that was never begun begins here.
    pub fn call_moved(&mut self, told: ToolCallUpdate) -> Vec<Heard> {
        let id = told.tool_call_id.0.to_string();
        if !self.calls.contains_key(&id) {
            self.know(&id, Call::new(ToolCall::new(id.clone(), "tool")));
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.take(told.fields);
        }
        self.tell_call(&id)
    }

    /// What a permission is asked for: the call with what the request says of it.
    /// The call itself stays as it is, for it may be asked about more than once,
    /// such as first for the folder and then for the file.
    pub fn asked(&mut self, told: ToolCallUpdate) -> (Vec<Heard>, Call) {
        let id = told.tool_call_id.0.to_string();
        let known = self.calls.get(&id).cloned();
        let mut asked = known.unwrap_or_else(|| Call::new(ToolCall::new(id.clone(), "tool")));
        asked.take(told.fields);
        if !self.calls.contains_key(&id) {
            self.know(&id, asked.clone());
        }
        (self.complete(), asked)
    }

    fn know(&mut self, id: &str, call: Call) {
        if self.calls.insert(id.to_owned(), call).is_none() {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > CALLS
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }

    fn tell_call(&mut self, id: &str) -> Vec<Heard> {
        let mut heard = Vec::new();
        let Some(call) = self.calls.get_mut(id).filter(|call| call.is_told()) else { return heard };
        let begun = call.begin(id);
        let said = |terminal: &String| {
            self.terminals.iter().find(|(known, _)| known == terminal).map_or("", |(_, said)| said)
        };
        let of_new = call.new_terminals().iter().map(said).collect::<String>();
        let of_all = call.terminals().map(said).collect::<String>();
        let (output, result) = (call.output(), call.result(&of_all));
        if let Some(begun) = begun {
            heard.extend(self.complete());
            heard.push(block(begun));
        }
        let tool_use_id = || id.to_owned();
        match result {
            Some(result) => heard.push(grew(Change::Result { tool_use_id: tool_use_id(), result })),
            None => {
                let output = output.into_iter().chain(Some(of_new).filter(|text| !text.is_empty()));
                let told = |text| grew(Change::ToolOutput { tool_use_id: tool_use_id(), text });
                heard.extend(output.map(told));
            }
        }
        heard
    }

    /// A terminal that was lent said this: so did the call that runs in it.
    pub fn heard_of(&mut self, terminal: &str, text: &str) -> Vec<Heard> {
        if !self.terminals.iter().any(|(known, _)| known == terminal) {
            self.terminals.push_back((terminal.to_owned(), String::new()));
            let late = self.terminals.len().saturating_sub(TERMINALS);
            self.terminals.drain(..late);
        }
        if let Some((_, kept)) = self.terminals.iter_mut().find(|(known, _)| known == terminal) {
            kept.push_str(text);
            let late = kept.len().saturating_sub(OF_TERMINAL);
            kept.drain(..kept.ceil_char_boundary(late));
        }
        let shows = self.calls.iter().filter(|(_, call)| call.shows(terminal));
        shows
            .map(|(id, _)| grew(Change::ToolOutput { tool_use_id: id.clone(), text: text.to_owned() }))
            .collect()
    }

    /// What the agent means to do, as our own tool says it.
    pub fn plan(&mut self, plan: Plan) -> Vec<Heard> {
        let entry = |entry: PlanEntry| json!({"content": entry.content, "activeForm": entry.content, "status": entry.status});
        let todos: Vec<_> = plan.entries.into_iter().map(entry).collect();
        let id = Uuid::new_v4().to_string();
        let call =
            Block::ToolUse { id: id.clone(), name: "TodoWrite".to_owned(), input: json!({"todos": todos}) };
        let result = ToolResult { text: String::new(), is_error: false, detail: None };
        let mut heard = self.complete();
        heard.extend([block(call), grew(Change::Result { tool_use_id: id, result })]);
        heard
    }
}

fn block(block: Block) -> Heard {
    let change = Change::Block { block, model: None, usage: None };
    Heard::Grew { uuid: Uuid::new_v4().to_string(), change }
}

fn grew(change: Change) -> Heard {
    Heard::Grew { uuid: String::new(), change }
}

/// A block's text, or what stands for it.
pub(super) fn text_of(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::ResourceLink(link) => link.uri,
        ContentBlock::Image(_) => "[image]".to_owned(),
        _ => "[something that is no text]".to_owned(),
    }
}
