//! What the agent says in a turn, put together: words to texts, updates to calls.

use std::collections::{BTreeMap, VecDeque};

use agent_client_protocol_schema::v1::{
    ContentBlock, ContentChunk, Plan, PlanEntry, ToolCall, ToolCallUpdate,
};
use serde_json::json;
use uuid::Uuid;

use super::tool_call::AcpToolCall;
use crate::session::conversation::{ConversationEvent, ToolResult};
use crate::session::message::MessageBlock;
use crate::slot::driver::AgentEvent;

/// Terminals whose words are kept, and how many bytes of each, the last ones.
const MAX_TERMINALS: usize = 64;
const TERMINAL_BYTES: usize = 64 * 1024;

/// Calls that are known at once; the oldest are forgotten.
const MAX_CALLS: usize = 512;

/// A turn's news so far.
#[derive(Debug, Default)]
pub(super) struct TurnAssembler {
    /// The text that is being written.
    text: String,
    /// The thought that is being thought.
    thought: String,
    /// Which message of the agent's they belong to.
    message: Option<String>,
    calls: BTreeMap<String, AcpToolCall>,
    /// Their ids, the oldest first.
    order: VecDeque<String>,
    /// The last of what each terminal said that was lent, the oldest first.
    terminals: VecDeque<(String, String)>,
}

impl TurnAssembler {
    /// More of a reply.
    pub fn push_reply(&mut self, chunk: ContentChunk) -> Vec<AgentEvent> {
        let mut heard = self.start_message(&chunk);
        if !self.thought.is_empty() {
            heard.extend(self.flush());
        }
        let text = content_text(chunk.content);
        self.text.push_str(&text);
        heard.push(conversation_changed(ConversationEvent::TextDelta(text)));
        heard
    }

    /// More of its reasoning.
    pub fn push_thought(&mut self, chunk: ContentChunk) -> Vec<AgentEvent> {
        let mut heard = self.start_message(&chunk);
        if !self.text.is_empty() {
            heard.extend(self.flush());
        }
        let text = content_text(chunk.content);
        self.thought.push_str(&text);
        heard.push(conversation_changed(ConversationEvent::ThinkingDelta(text)));
        heard
    }

    /// Another message begins where the agent says so.
    fn start_message(&mut self, chunk: &ContentChunk) -> Vec<AgentEvent> {
        let message = chunk.message_id.as_ref().map(|id| id.0.to_string());
        let same = message.is_none() || self.message == message;
        let heard = if same { Vec::new() } else { self.flush() };
        self.message = message.or(self.message.take());
        heard
    }

    /// What was being said is complete.
    pub fn flush(&mut self) -> Vec<AgentEvent> {
        let thought = Some(std::mem::take(&mut self.thought)).filter(|text| !text.is_empty());
        let text = Some(std::mem::take(&mut self.text)).filter(|text| !text.is_empty());
        let blocks = thought.map(MessageBlock::Thinking).into_iter().chain(text.map(MessageBlock::Text));
        blocks.map(block_event).collect()
    }

    /// A call begins.
    pub fn start_call(&mut self, told: ToolCall) -> Vec<AgentEvent> {
        let id = told.tool_call_id.0.to_string();
        self.insert_call(&id, AcpToolCall::new(told));
        self.call_events(&id)
    }

    /// A call moved on; one that was never begun begins here.
    pub fn update_call(&mut self, told: ToolCallUpdate) -> Vec<AgentEvent> {
        let id = told.tool_call_id.0.to_string();
        if !self.calls.contains_key(&id) {
            self.insert_call(&id, AcpToolCall::new(ToolCall::new(id.clone(), "tool")));
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.update(told.fields);
        }
        self.call_events(&id)
    }

    /// What a permission is asked for: the call with what the request says of it.
    /// The call itself stays as it is, for it may be asked about more than once,
    /// such as first for the folder and then for the file.
    pub fn call_for_permission(&mut self, told: ToolCallUpdate) -> (Vec<AgentEvent>, AcpToolCall) {
        let id = told.tool_call_id.0.to_string();
        let known = self.calls.get(&id).cloned();
        let mut asked = known.unwrap_or_else(|| AcpToolCall::new(ToolCall::new(id.clone(), "tool")));
        asked.update(told.fields);
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

    fn call_events(&mut self, id: &str) -> Vec<AgentEvent> {
        let mut heard = Vec::new();
        let Some(call) = self.calls.get_mut(id).filter(|call| call.is_showable()) else { return heard };
        let begun = call.start_block(id);
        let said = |terminal: &String| {
            self.terminals.iter().find(|(known, _)| known == terminal).map_or("", |(_, said)| said)
        };
        let of_new = call.unannounced_terminals().iter().map(said).collect::<String>();
        let of_all = call.terminals().map(said).collect::<String>();
        let (output, result) = (call.new_output(), call.take_result(&of_all));
        if let Some(begun) = begun {
            heard.extend(self.flush());
            heard.push(block_event(begun));
        }
        let tool_use_id = || id.to_owned();
        match result {
            Some(result) => heard
                .push(conversation_changed(ConversationEvent::Result { tool_use_id: tool_use_id(), result })),
            None => {
                let output = output.into_iter().chain(Some(of_new).filter(|text| !text.is_empty()));
                let told = |text| {
                    conversation_changed(ConversationEvent::ToolOutput { tool_use_id: tool_use_id(), text })
                };
                heard.extend(output.map(told));
            }
        }
        heard
    }

    /// A terminal that was lent said this: so did the call that runs in it.
    pub fn push_terminal_output(&mut self, terminal: &str, text: &str) -> Vec<AgentEvent> {
        if !self.terminals.iter().any(|(known, _)| known == terminal) {
            self.terminals.push_back((terminal.to_owned(), String::new()));
            let late = self.terminals.len().saturating_sub(MAX_TERMINALS);
            self.terminals.drain(..late);
        }
        if let Some((_, kept)) = self.terminals.iter_mut().find(|(known, _)| known == terminal) {
            kept.push_str(text);
            let late = kept.len().saturating_sub(TERMINAL_BYTES);
            kept.drain(..kept.ceil_char_boundary(late));
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

    /// What the agent means to do, as our own tool says it.
    pub fn push_plan(&mut self, plan: Plan) -> Vec<AgentEvent> {
        let entry = |entry: PlanEntry| json!({"content": entry.content, "activeForm": entry.content, "status": entry.status});
        let todos: Vec<_> = plan.entries.into_iter().map(entry).collect();
        let id = Uuid::new_v4().to_string();
        let call = MessageBlock::ToolUse {
            id: id.clone(),
            name: "TodoWrite".to_owned(),
            input: json!({"todos": todos}),
        };
        let result = ToolResult { text: String::new(), is_error: false, detail: None };
        let mut heard = self.flush();
        heard.extend([
            block_event(call),
            conversation_changed(ConversationEvent::Result { tool_use_id: id, result }),
        ]);
        heard
    }
}

fn block_event(block: MessageBlock) -> AgentEvent {
    let change = ConversationEvent::Block { block, model: None, usage: None };
    AgentEvent::ConversationChanged { uuid: Uuid::new_v4().to_string(), change }
}

fn conversation_changed(change: ConversationEvent) -> AgentEvent {
    AgentEvent::ConversationChanged { uuid: String::new(), change }
}

/// A block's text, or what stands for it.
pub(super) fn content_text(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::ResourceLink(link) => link.uri,
        ContentBlock::Image(_) => "[image]".to_owned(),
        _ => "[something that is no text]".to_owned(),
    }
}
