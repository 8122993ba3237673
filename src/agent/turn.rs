//! One prompt and all that the agent does until it reports a result.
//!
//! Owns where the turn stands. What a step means for the session is decided in
//! [`super::turn_loop`]; dropping a turn stops whatever it waits for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Sleep;

use super::compacting::Trigger;
use super::hook::{Firing, Note, Verdict};
use super::hooking::About;
use super::provider::{Event, Events, ProviderError};
use super::reply::Reply;
use super::tool::{Outcome, Running, SoFar};
use crate::session::message::{Message, Usage};
use crate::session::prompt;

/// A prompt on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Becomes the uuid of its entry.
    pub uuid: String,
    /// The uuid that the host gave it, if it did: then it is told what becomes of it.
    pub stamp: Option<String>,
    /// Messages API content: a string or blocks.
    pub content: Value,
    /// It wants a reply.
    pub wants_reply: bool,
}

impl Prompt {
    /// Its text, as a list shows it.
    pub fn text(&self) -> String {
        let message = serde_json::json!({"content": self.content}).to_string();
        Message::parse(&message).and_then(|message| prompt::of_message(&message)).unwrap_or_default()
    }
}

/// A turn that runs.
pub struct Turn {
    /// What it answers.
    pub prompt: Prompt,
    /// When it began.
    pub began: Instant,
    /// Of that, waiting for the model.
    pub waited: Duration,
    /// Requests to the model that were answered, or are on their way.
    pub requests: u64,
    /// Attempts at the present request that failed.
    pub failed: u32,
    /// Tokens of these requests.
    pub usage: Usage,
    /// The last text of the model.
    pub text: String,
    /// Why its last reply ended.
    pub stop_reason: Option<String>,
    /// A hook refused the prompt: nothing of it is written down.
    pub is_refused: bool,
    /// Calls that were refused, as a result lists them.
    pub denials: Vec<Value>,
    /// Calls that still wait, in order.
    pub calls: VecDeque<Call>,
    /// What hooks want the model to know with the next request.
    pub notes: Vec<Note>,
    /// Times in a row that hooks kept it from ending.
    pub stops: u32,
    /// Its answer in the form that the host gave.
    pub structured: Option<Value>,
    /// Times the model was told that it is still missing.
    pub reminders: u32,
    /// What it waits for.
    pub step: Step,
}

/// A tool that the model asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Ties the result to the call.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub input: Value,
    /// Why it cannot run: its arguments were no JSON object.
    pub problem: Option<String>,
    /// The uuid of the entry that holds the call.
    pub entry: String,
}

/// What a turn waits for.
pub enum Step {
    /// The model.
    Reply {
        /// Its steps.
        events: Events,
        /// What they made so far.
        reply: Reply,
        /// When it was asked.
        asked: Instant,
    },
    /// The model's summary of the conversation.
    Compacting {
        /// Its steps.
        events: Events,
        /// What they made so far.
        reply: Reply,
        /// When it was asked.
        asked: Instant,
        /// Why it was.
        trigger: Trigger,
    },
    /// The moment to ask the model again.
    BackOff(Pin<Box<Sleep>>),
    /// The host's permission.
    Permission {
        /// The request.
        request_id: String,
        /// What shall run.
        call: Call,
        /// What was suggested along with it.
        suggestions: Vec<Value>,
    },
    /// A tool.
    Tool {
        /// What runs.
        call: Call,
        /// Dropping it stops the tool.
        running: Running,
        /// What it says meanwhile.
        so_far: SoFar,
        /// When it began.
        began: Instant,
    },
    /// Hooks.
    Hooks {
        /// What they are asked about.
        about: About,
        /// Dropping it stops them.
        firing: Firing,
    },
    /// Nothing: the next step is being decided.
    Deciding,
}

/// What a turn's step came to.
pub enum Happened {
    /// The reply went on, ended early (none), or failed.
    Replied(Option<Result<Event, ProviderError>>),
    /// It is time to ask the model again.
    Waited,
    /// The tool said something, and goes on.
    Said(String),
    /// The tool ended.
    Ran(Outcome),
    /// The hooks have spoken.
    Hooked(Verdict),
}

impl Turn {
    /// A turn that has not asked anything yet.
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            began: Instant::now(),
            waited: Duration::ZERO,
            requests: 0,
            failed: 0,
            usage: Usage::default(),
            text: String::new(),
            stop_reason: None,
            is_refused: false,
            denials: Vec::new(),
            calls: VecDeque::new(),
            notes: Vec::new(),
            stops: 0,
            structured: None,
            reminders: 0,
            step: Step::Deciding,
        }
    }

    /// Waits for the step. Cancel-safe: nothing is lost by asking again.
    pub async fn next(&mut self) -> Happened {
        match &mut self.step {
            Step::Reply { events, .. } | Step::Compacting { events, .. } => {
                Happened::Replied(events.next().await)
            }
            Step::Tool { running, so_far, .. } => tokio::select! {
                outcome = running.as_mut() => Happened::Ran(outcome),
                said = so_far.next() => Happened::Said(said),
            },
            Step::BackOff(wait) => {
                wait.as_mut().await;
                Happened::Waited
            }
            Step::Hooks { firing, .. } => Happened::Hooked(firing.as_mut().await),
            Step::Permission { .. } | Step::Deciding => std::future::pending().await,
        }
    }
}
