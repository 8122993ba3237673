//! Sources of completions for our own agent.
//!
//! One trait. A provider turns messages into a stream of [`ReplyEvent`]s and keeps
//! nothing between requests. It must never run a tool, write to disk or know who
//! asks. Dropping the stream cancels the request. Start reading in `anthropic`.

mod anthropic;
mod error;
mod http_stream;
mod offline;
mod openai;
mod selection;
mod sse;

use std::path::PathBuf;
use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::context::ModelContext;
use crate::session::message::Usage;

pub use error::{ProviderError, ProviderErrorKind};
pub use offline::Offline;
pub use selection::{ChoiceError, ProviderChoice, select_provider};

/// A source of completions.
pub trait Provider: Send + Sync {
    /// The provider's name.
    fn name(&self) -> &'static str;

    /// A note that a person must see, such as that the model is offline.
    fn notice(&self) -> Option<&'static str>;

    /// The models it offers, the default one first.
    fn models(&self) -> Vec<ModelInfo>;

    /// The name of the variable that holds its key; never the key.
    fn key_source(&self) -> &'static str {
        "none"
    }

    /// The name that a short one stands for.
    fn full_name(&self, model: &str) -> String {
        model.to_owned()
    }

    /// Whether it offers a model of this name, as a transcript has it.
    fn offers(&self, model: &str) -> bool {
        let is_claude = self.name() == "anthropic" && model.starts_with("claude-");
        is_claude || self.models().iter().any(|offered| offered.name == model)
    }

    /// Whether a model of this name can be told how hard to try.
    fn takes_effort(&self, _model: &str) -> bool {
        true
    }

    /// Whether it costs nothing.
    fn is_free(&self) -> bool {
        false
    }

    /// The context window of a model in tokens, if only the provider knows it.
    fn context_window(&self, _model: &str) -> Option<u64> {
        None
    }

    /// Asks for one reply.
    fn complete(&self, request: CompletionRequest) -> ReplyStream;
}

/// A model on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name on the wire.
    pub name: String,
    /// Its name for a person.
    pub title: String,
    /// What it is, in a sentence.
    pub description: String,
}

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Thinking {
    /// As is usual for the model.
    #[default]
    Default,
    /// Not at all.
    Off,
    /// As much as it finds right.
    Adaptive,
    /// At most this many tokens.
    Budget(u64),
}

/// A request for one reply.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    /// The model that shall reply.
    pub model: String,
    /// Instructions of the host's.
    pub system_prompt: Option<String>,
    /// What goes ahead of the conversation: memory files and the environment.
    pub facts: Option<String>,
    /// The conversation so far.
    pub context: ModelContext,
    /// The tools it may call, in an order that stays: caches depend on it.
    pub tools: Vec<ToolDefinition>,
    /// How much it shall think.
    pub thinking: Thinking,
    /// How thinking is reported: `summarized` or `omitted`; `None` for the default.
    pub thinking_display: Option<String>,
    /// Effort: `low`, `medium`, `high`, …; `None` for the default.
    pub effort: Option<String>,
    /// The folder the session works in.
    pub cwd: PathBuf,
    /// The last message asks for a summary of all before it.
    pub is_summary: bool,
}

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// The name it is called by.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub input_schema: Value,
}

/// A reply as it is made.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<ReplyEvent, ProviderError>> + Send>>;

/// One step of a reply, in the order of the Messages API's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyEvent {
    /// The reply begins.
    MessageStart {
        /// The message's id.
        id: String,
        /// The model that writes it.
        model: String,
        /// Tokens read.
        usage: Usage,
    },
    /// A block begins; its text or input follows.
    BlockStart(BlockStart),
    /// More text of the block.
    TextDelta(String),
    /// More reasoning.
    ThinkingDelta(String),
    /// The signature of the thinking.
    Signature(String),
    /// More of a call's input, as JSON text.
    InputDelta(String),
    /// A delta of an unknown kind, as the provider sent it.
    OtherDelta(Value),
    /// The block is complete.
    BlockEnd,
    /// The reply is complete.
    MessageEnd {
        /// `end_turn`, `tool_use`, `max_tokens`, …
        stop_reason: String,
        /// All tokens of the request.
        usage: Usage,
    },
}

/// The kind of a block that begins.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockStart {
    /// Markdown.
    Text,
    /// Reasoning.
    Thinking,
    /// A call.
    ToolUse {
        /// Ties the result to the call.
        id: String,
        /// The tool.
        name: String,
    },
    /// A block as the provider sent it: complete, such as redacted thinking, or with text or input still
    /// to come.
    Raw(Value),
}

/// Whether what was asked for is the model that wrote. It may be a short name, or
/// have a date, a region or a mark of the window around it.
pub fn is_same_model(wrote: &str, asked: &str) -> bool {
    let asked = asked.split('[').next().unwrap_or_default().trim_end_matches("-latest");
    let is_alias = !asked.contains(|c: char| c.is_ascii_digit());
    is_alias || wrote.contains(asked) || asked.contains(wrote)
}

/// A reply that fails before it begins.
fn failed_reply(error: ProviderError) -> ReplyStream {
    futures_util::stream::once(std::future::ready(Err(error))).boxed()
}
