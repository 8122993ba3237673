//! Assembles a turn: chunks into texts, updates into tool calls.

use std::collections::{BTreeMap, VecDeque};

use agent_client_protocol_schema::v1::{
    ContentBlock, ContentChunk, Plan, PlanEntry, ToolCall, ToolCallUpdate,
};
use serde_json::json;
use uuid::Uuid;

use super::tool_call::AcpToolCall;
use crate::session::conversation::{ConversationEvent, ToolResult};
use crate::session::message::MessageBlock;
use crate::slot::driver::DriverOutput;
use crate::text::output_tail::push_to_tail;

/// How many terminals are remembered, and how many of the last bytes of each.
const MAX_TERMINALS: usize = 64;
const TERMINAL_BYTES: usize = 64 * 1024;

/// How many calls are remembered; the oldest are dropped.
const MAX_CALLS: usize = 512;

/// The state of the turn so far.
#[derive(Debug, Default)]
pub(super) struct TurnAssembler {
    /// The reply text so far.
    text: String,
    /// The reasoning so far.
    thought: String,
    /// The agent's message id they belong to.
    message: Option<String>,
    calls: BTreeMap<String, AcpToolCall>,
    /// Their ids, the oldest first.
    order: VecDeque<String>,
    /// The last output of each client terminal, the oldest terminal first.
    terminals: VecDeque<(String, String)>,
}

impl TurnAssembler {
    /// Appends to the reply.
    pub fn push_reply(&mut self, chunk: ContentChunk) -> Vec<DriverOutput> {
        let mut events = self.start_message(&chunk);
        if !self.thought.is_empty() {
            events.extend(self.flush());
        }
        let text = content_text(chunk.content);
        self.text.push_str(&text);
        events.push(conversation_changed(ConversationEvent::TextDelta(text)));
        events
    }

    /// Appends to the reasoning.
    pub fn push_thought(&mut self, chunk: ContentChunk) -> Vec<DriverOutput> {
        let mut events = self.start_message(&chunk);
        if !self.text.is_empty() {
            events.extend(self.flush());
        }
        let text = content_text(chunk.content);
        self.thought.push_str(&text);
        events.push(conversation_changed(ConversationEvent::ThinkingDelta(text)));
        events
    }

    /// Starts another message if the chunk names one.
    fn start_message(&mut self, chunk: &ContentChunk) -> Vec<DriverOutput> {
        let message = chunk.message_id.as_ref().map(|id| id.0.to_string());
        let same = message.is_none() || self.message == message;
        let events = if same { Vec::new() } else { self.flush() };
        self.message = message.or(self.message.take());
        events
    }

    /// Completes the reply and the reasoning.
    pub fn flush(&mut self) -> Vec<DriverOutput> {
        let thought = Some(std::mem::take(&mut self.thought)).filter(|text| !text.is_empty());
        let text = Some(std::mem::take(&mut self.text)).filter(|text| !text.is_empty());
        let blocks = thought.map(MessageBlock::Thinking).into_iter().chain(text.map(MessageBlock::Text));
        blocks.map(block_event).collect()
    }

    pub fn start_call(&mut self, reported: ToolCall) -> Vec<DriverOutput> {
        let id = reported.tool_call_id.0.to_string();
        self.insert_call(&id, AcpToolCall::new(reported));
        self.call_events(&id)
    }

    /// Updates a tool call; one that was never announced starts here.
    pub fn update_call(&mut self, reported: ToolCallUpdate) -> Vec<DriverOutput> {
        let id = reported.tool_call_id.0.to_string();
        if !self.calls.contains_key(&id) {
            self.insert_call(&id, AcpToolCall::new(ToolCall::new(id.clone(), "tool")));
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.update(reported.fields);
        }
        self.call_events(&id)
    }

    /// The tool call a permission request is about, merged with the request's own
    /// fields. The stored call stays unchanged, because an agent may ask about it
    /// more than once, such as first for the folder and then for the file.
    pub fn call_for_permission(&mut self, reported: ToolCallUpdate) -> (Vec<DriverOutput>, AcpToolCall) {
        let id = reported.tool_call_id.0.to_string();
        let known = self.calls.get(&id).cloned();
        let mut asked = known.unwrap_or_else(|| AcpToolCall::new(ToolCall::new(id.clone(), "tool")));
        asked.update(reported.fields);
        if !self.calls.contains_key(&id) {
            self.insert_call(&id, asked.clone());
        }
        (self.flush(), asked)
    }

    fn insert_call(&mut self, id: &str, call: AcpToolCall) {
        if self.calls.insert(id.to_owned(), call).is_none() {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > MAX_CALLS
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }

    fn call_events(&mut self, id: &str) -> Vec<DriverOutput> {
        let mut events = Vec::new();
        let Some(call) = self.calls.get_mut(id).filter(|call| call.is_showable()) else { return events };
        let begun = call.start_block(id);
        let said = |terminal: &String| {
            self.terminals.iter().find(|(known, _)| known == terminal).map_or("", |(_, said)| said)
        };
        let of_new = call.unannounced_terminals().iter().map(said).collect::<String>();
        let of_all = call.terminals().map(said).collect::<String>();
        let (output, result) = (call.new_output(), call.take_result(&of_all));
        if let Some(begun) = begun {
            events.extend(self.flush());
            events.push(block_event(begun));
        }
        let tool_use_id = || id.to_owned();
        match result {
            Some(result) => events
                .push(conversation_changed(ConversationEvent::Result { tool_use_id: tool_use_id(), result })),
            None => {
                let output = output.into_iter().chain(Some(of_new).filter(|text| !text.is_empty()));
                let reported = |text| {
                    conversation_changed(ConversationEvent::ToolOutput { tool_use_id: tool_use_id(), text })
                };
                events.extend(output.map(reported));
            }
        }
        events
    }

    /// Output of a client terminal, which also belongs to the call that runs in it.
    pub fn push_terminal_output(&mut self, terminal: &str, text: &str) -> Vec<DriverOutput> {
        if !self.terminals.iter().any(|(known, _)| known == terminal) {
            self.terminals.push_back((terminal.to_owned(), String::new()));
            let late = self.terminals.len().saturating_sub(MAX_TERMINALS);
            self.terminals.drain(..late);
        }
        if let Some((_, kept)) = self.terminals.iter_mut().find(|(known, _)| known == terminal) {
            push_to_tail(kept, text, TERMINAL_BYTES);
        }
        let shows = self.calls.iter().filter(|(_, call)| call.shows_terminal(terminal));
        shows
            .map(|(id, _)| {
                conversation_changed(ConversationEvent::ToolOutput {
                    tool_use_id: id.clone(),
                    text: text.to_owned(),
                })
            })
            .collect()
    }

    /// A plan, shown as a `TodoWrite` call.
    pub fn push_plan(&mut self, plan: Plan) -> Vec<DriverOutput> {
        let entry = |entry: PlanEntry| json!({"content": entry.content, "activeForm": entry.content, "status": entry.status});
        let todos: Vec<_> = plan.entries.into_iter().map(entry).collect();
        let id = Uuid::new_v4().to_string();
        let call = MessageBlock::ToolUse {
            id: id.clone(),
            name: "TodoWrite".to_owned(),
            input: json!({"todos": todos}),
        };
        let result = ToolResult { text: String::new(), is_error: false, detail: None };
        let mut events = self.flush();
        events.extend([
            block_event(call),
            conversation_changed(ConversationEvent::Result { tool_use_id: id, result }),
        ]);
        events
    }
}

fn block_event(block: MessageBlock) -> DriverOutput {
    let change = ConversationEvent::Block { block, model: None, usage: None };
    DriverOutput::changed(Uuid::new_v4().to_string(), change)
}

fn conversation_changed(change: ConversationEvent) -> DriverOutput {
    DriverOutput::changed("", change)
}

/// A content block as text, or a placeholder.
pub(super) fn content_text(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::ResourceLink(link) => link.uri,
        ContentBlock::Image(_) => "[image]".to_owned(),
        _ => "[not text]".to_owned(),
    }
}
