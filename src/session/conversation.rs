//! What a person is shown of a session: prompts, replies, tool calls, notices.
//!
//! One model for both sources: a transcript read from disk and the frames of a
//! running agent become the same [`ConversationEvent`]s, so a conversation looks the same
//! live and after a resume. Must not read files or talk to processes. Start with
//! [`Conversation::from_transcript`].

mod entry_events;
mod settled;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use entry_events::{events_from_assistant, events_from_entry, events_from_user};

use super::message::{MessageBlock, Usage};
use crate::text::diff::Hunk;
use crate::text::output_tail::push_to_tail;
use crate::transcript::raw_entry::RawEntry;
use crate::transcript::{PathScope, Transcript};

/// Marks a place where an entry is missing in the transcript.
const GAP_TEXT: &str = "An entry is missing here. The conversation continues from the message before it.";

/// Bytes that are kept of what a running tool says.
const MAX_PARTIAL_OUTPUT: usize = 16 * 1024;

/// A conversation, first item first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    items: Vec<Item>,
    /// Where each tool call stands, by its id.
    call_positions: HashMap<String, usize>,
    /// The call that each entry with a result answers, by the entry's uuid.
    call_of_result: HashMap<String, String>,
}

/// One thing on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The uuid of the entry it came from; empty while it streams.
    pub uuid: String,
    /// When that entry was written.
    pub at: Option<DateTime<Utc>>,
    /// What it is.
    pub kind: ItemKind,
    /// Text is still arriving.
    pub live: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// Typed by the person.
    Prompt(String),
    /// Written by the model, in markdown.
    Reply {
        /// The markdown.
        text: String,
        /// The model that wrote it.
        model: Option<String>,
        /// The tokens of the request behind it.
        usage: Option<Usage>,
    },
    /// The model's reasoning.
    Thinking(String),
    /// A tool the model used.
    Tool(ToolCall),
    /// Something that happened to the conversation.
    Notice(Notice, String),
    /// The end of a turn of this run, with its cost. Transcripts do not record it.
    TurnEnd(TurnCost),
}

/// A tool call with its result, once there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Ties the result to the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    pub input: Value,
    /// The last output of a running tool; empty for a finished one.
    pub partial_output: String,
    /// Its result; `None` while it runs, or if the transcript has none.
    pub result: Option<ToolResult>,
}

impl ToolCall {
    /// It said this, and still runs.
    pub fn append_output(&mut self, text: &str) {
        push_to_tail(&mut self.partial_output, text, MAX_PARTIAL_OUTPUT);
    }
}

/// What a tool gave back.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The text the model saw.
    pub text: String,
    /// It failed or was refused.
    pub is_error: bool,
    /// The structured result (`toolUseResult`), for diffs and counts.
    pub detail: Option<Value>,
}

impl ToolResult {
    /// The change of a file that the structured result holds, if it does.
    pub fn hunks(&self) -> Option<Vec<Hunk>> {
        let patch = self.detail.as_ref()?.get("structuredPatch")?.as_array()?;
        (!patch.is_empty()).then(|| patch.iter().map(Hunk::from_structured_patch).collect())
    }
}

/// Why a notice stands in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The person stopped the turn.
    Interrupted,
    /// What came before was compacted; the text is the summary.
    Compacted,
    /// An error of the agent or the API.
    Error,
    /// Anything else the agent says outside a reply.
    Info,
}

/// The cost of one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TurnCost {
    /// US dollars; `None` if the price is unknown.
    pub usd: Option<f64>,
    /// Tokens of the turn.
    pub usage: Usage,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
}

/// One step in the growth of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum ConversationEvent {
    /// A prompt was taken up.
    Prompt(String),
    /// More of a reply.
    TextDelta(String),
    /// More of the model's reasoning.
    ThinkingDelta(String),
    /// A block of a reply is complete; it replaces what was streamed of it.
    Block {
        /// The complete block.
        block: MessageBlock,
        /// The model that wrote it.
        model: Option<String>,
        /// The tokens of its request.
        usage: Option<Usage>,
    },
    /// Output of a tool that still runs.
    ToolOutput {
        /// The call.
        tool_use_id: String,
        /// The output since the last such event.
        text: String,
    },
    /// A tool gave its result.
    Result {
        /// The call it answers.
        tool_use_id: String,
        /// Its outcome.
        result: ToolResult,
    },
    /// A reply failed and is requested again: its streamed text and the blocks with
    /// these uuids leave the conversation.
    Retracted(Vec<String>),
    /// Something happened.
    Notice(Notice, String),
    /// The turn is over.
    TurnEnd(TurnCost),
}

impl Conversation {
    /// The conversation on a transcript's main path.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Self {
        let mut conversation = Self::default();
        let path = transcript.conversation(transcript.leaf(), PathScope::Display);
        let gaps: HashSet<usize> = path.gaps.iter().map(|gap| gap.child).collect();
        for at in path.entries {
            conversation.apply_entry(&transcript.entries[at], gaps.contains(&at));
        }
        conversation
    }

    /// Prompts, replies and calls as plain text; hostile, as all text of a transcript.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        for item in &self.items {
            match &item.kind {
                ItemKind::Prompt(prompt) => text += &format!("\n❯ {prompt}\n"),
                ItemKind::Reply { text: reply, .. } => text += &format!("\n{}\n", reply.trim()),
                ItemKind::Tool(call) => text += &format!("\n▸ {} {}\n", call.name, call.input),
                ItemKind::Notice(_, words) if !words.is_empty() => text += &format!("\n- {words}\n"),
                ItemKind::Notice(..) | ItemKind::Thinking(_) | ItemKind::TurnEnd(_) => {}
            }
        }
        text
    }

    /// Adds what a line of a transcript says.
    pub fn apply_entry(&mut self, line: &RawEntry<'_>, is_behind_gap: bool) {
        if is_behind_gap {
            let event = ConversationEvent::Notice(Notice::Info, GAP_TEXT.to_owned());
            self.apply(event, "", line.timestamp());
        }
        let uuid = line.uuid().unwrap_or_default();
        for change in events_from_entry(line) {
            self.apply(change, &uuid, line.timestamp());
        }
    }

    /// All items, oldest first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item that an entry became, or the call that it answers.
    pub fn position(&self, uuid: &str) -> Option<usize> {
        let said = self.items.iter().position(|item| item.uuid == uuid);
        said.or_else(|| self.call_positions.get(self.call_of_result.get(uuid)?).copied())
    }

    /// Whether there are no items yet.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Prompts so far.
    pub fn turns(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.kind, ItemKind::Prompt(_))).count()
    }

    /// Applies one event; `uuid` is the entry's (empty for deltas).
    pub fn apply(&mut self, change: ConversationEvent, uuid: &str, at: Option<DateTime<Utc>>) {
        match change {
            ConversationEvent::Prompt(text) => self.push(uuid, at, ItemKind::Prompt(text)),
            ConversationEvent::TextDelta(delta) => match self.live_item() {
                Some(ItemKind::Reply { text, .. }) => text.push_str(&delta),
                _ => self.push_live(at, ItemKind::Reply { text: delta, model: None, usage: None }),
            },
            ConversationEvent::ThinkingDelta(delta) => match self.live_item() {
                Some(ItemKind::Thinking(text)) => text.push_str(&delta),
                _ => self.push_live(at, ItemKind::Thinking(delta)),
            },
            ConversationEvent::Block { block, model, usage } => {
                let body = match block {
                    MessageBlock::Text(text) => ItemKind::Reply { text, model, usage },
                    MessageBlock::Thinking(text) => ItemKind::Thinking(text),
                    MessageBlock::ToolUse { id, name, input } => {
                        self.end_stream();
                        self.call_positions.insert(id.clone(), self.items.len());
                        ItemKind::Tool(ToolCall {
                            id,
                            name,
                            input,
                            partial_output: String::new(),
                            result: None,
                        })
                    }
                    MessageBlock::Image => ItemKind::Notice(Notice::Info, "[image]".to_owned()),
                    MessageBlock::Other(kind) => ItemKind::Notice(Notice::Info, format!("[{kind}]")),
                    MessageBlock::ToolResult { .. } => return,
                };
                let same_kind = self.live_item().is_some_and(|live| {
                    matches!(
                        (live, &body),
                        (ItemKind::Reply { .. }, ItemKind::Reply { .. })
                            | (ItemKind::Thinking(_), ItemKind::Thinking(_))
                    )
                });
                if same_kind {
                    self.items.pop();
                }
                self.push(uuid, at, body);
            }
            ConversationEvent::Result { tool_use_id, result } => {
                let call = self.call_positions.get(&tool_use_id).and_then(|&at| self.items.get_mut(at));
                if let Some(Item { kind: ItemKind::Tool(call), .. }) = call {
                    call.result = Some(result);
                    call.partial_output = String::new();
                    self.call_of_result.insert(uuid.to_owned(), tool_use_id);
                }
            }
            ConversationEvent::ToolOutput { tool_use_id, text } => {
                let call = self.call_positions.get(&tool_use_id).and_then(|&at| self.items.get_mut(at));
                if let Some(Item { kind: ItemKind::Tool(call), .. }) = call {
                    call.append_output(&text);
                }
            }
            ConversationEvent::Retracted(uuids) => {
                let of_the_reply = |item: &Item| item.live || uuids.contains(&item.uuid);
                while self.items.pop_if(|item| of_the_reply(item)).is_some() {}
                self.call_positions.retain(|_, at| *at < self.items.len());
            }
            ConversationEvent::Notice(notice, text) => self.push(uuid, at, ItemKind::Notice(notice, text)),
            ConversationEvent::TurnEnd(cost) => self.push(uuid, at, ItemKind::TurnEnd(cost)),
        }
    }

    /// Prepends the items that `older`, a reading of more of the same transcript,
    /// has before the first item of this one. Returns how many those are.
    pub fn prepend_older(&mut self, older: Self) -> usize {
        let Some(first) = self.items.first().map(|item| item.uuid.clone()) else {
            *self = older;
            return self.items.len();
        };
        let Some(added) = older.items.iter().position(|item| item.uuid == first) else { return 0 };
        self.items.splice(0..0, older.items.into_iter().take(added));
        for at in self.call_positions.values_mut() {
            *at += added;
        }
        self.call_positions.extend(older.call_positions.into_iter().filter(|(_, at)| *at < added));
        self.call_of_result.extend(older.call_of_result);
        added
    }

    /// Ends streaming: the last item stays as it is.
    pub fn end_stream(&mut self) {
        if let Some(last) = self.items.last_mut() {
            last.live = false;
        }
    }

    fn live_item(&mut self) -> Option<&mut ItemKind> {
        self.items.last_mut().filter(|item| item.live).map(|item| &mut item.kind)
    }

    fn push_live(&mut self, at: Option<DateTime<Utc>>, body: ItemKind) {
        self.end_stream();
        self.items.push(Item { uuid: String::new(), at, kind: body, live: true });
    }

    fn push(&mut self, uuid: &str, at: Option<DateTime<Utc>>, body: ItemKind) {
        self.end_stream();
        self.items.push(Item { uuid: uuid.to_owned(), at, kind: body, live: false });
    }
}

#[cfg(test)]
mod tests;
