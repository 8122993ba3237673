//! What our own agent asks for completions.
//!
//! One trait; a provider turns messages into a stream of [`Event`]s and keeps
//! nothing between requests. It never runs a tool, never writes to disk, and
//! never knows who asks. A request is cancelled by dropping its stream.

mod offline;

use std::path::PathBuf;
use std::pin::Pin;

use futures_util::Stream;
use serde_json::Value;

use super::context::Context;
use crate::session::message::Usage;

pub use offline::Offline;

/// A source of completions.
pub trait Provider: Send + Sync {
    /// The provider's name.
    fn name(&self) -> &'static str;

    /// Something a person must know about it.
    fn notice(&self) -> Option<&'static str>;

    /// The models it offers, the default one first.
    fn models(&self) -> Vec<Model>;

    /// Asks for one reply.
    fn complete(&self, request: Request) -> Events;
}

/// A model on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its name for a person.
    pub title: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// Tokens it can read at once.
    pub context_window: u64,
}

/// What a reply is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The model that shall reply.
    pub model: String,
    /// Instructions of the host's.
    pub instructions: Option<String>,
    /// The conversation so far.
    pub context: Context,
    /// The tools it may ask for, in an order that stays.
    pub tools: Vec<OfferedTool>,
    /// The folder the session works in.
    pub cwd: PathBuf,
}

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferedTool {
    /// The name it is called by.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub input_schema: Value,
}

/// A reply as it is made.
pub type Events = Pin<Box<dyn Stream<Item = Result<Event, ProviderError>> + Send>>;

/// One step of a reply, in the order of the Messages API's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The reply begins.
    Start {
        /// The message's id.
        id: String,
        /// The model that writes it.
        model: String,
        /// Tokens read.
        usage: Usage,
    },
    /// A block begins; its text or input follows.
    Block(BlockStart),
    /// More text of the block.
    Text(String),
    /// More reasoning.
    Thinking(String),
    /// What proves that the reasoning is the model's own.
    Signature(String),
    /// More of a call's input, as JSON text.
    Input(String),
    /// The block is complete.
    BlockEnd,
    /// The reply is complete.
    End {
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
    /// A block that comes whole, such as redacted thinking.
    Whole(Value),
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProviderError(pub String);
