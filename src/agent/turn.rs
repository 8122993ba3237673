//! One prompt and everything the agent does until it reports a result.
//!
//! Owns where the turn stands. What a step means for the session is decided in
//! [`super::turn_loop`]. Dropping a turn stops whatever it waits for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::select_all;
use serde_json::Value;
use tokio::time::Sleep;

use super::compaction::CompactionTrigger;
use super::hook::{AdditionalContext, HookFuture, HookOutcome};
use super::hook_dispatch::HookPoint;
use super::provider::{ProviderError, ReplyEvent, ReplyStream};
use super::reply::ReplyBuilder;
use super::session_facts::SessionFacts;
use super::tool::{HeldTarget, LiveOutput, ToolFuture, ToolOutcome};
use crate::session::message::{ApiMessage, Usage};
use crate::session::prompt;

/// A prompt of the host.
#[derive(Debug, Clone, PartialEq)]
pub struct UserPrompt {
    /// Becomes the uuid of its entry.
    pub uuid: String,
    /// The uuid that the host gave it; `command_lifecycle` frames name it. `None` if it gave none.
    pub host_uuid: Option<String>,
    /// Messages API content: a string or blocks.
    pub content: Value,
    pub wants_reply: bool,
    /// When it is taken up.
    pub priority: PromptPriority,
    /// What the host says about where it comes from; its result repeats it.
    pub origin: Option<Value>,
}

/// When a prompt that comes during a turn is taken up, by the official names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PromptPriority {
    /// It ends the turn.
    Now,
    /// It joins the turn with the next request to the model.
    #[default]
    Next,
    /// It waits for the turn's end.
    Later,
}

impl PromptPriority {
    /// By its name; `Next` if there is none, or one that is unknown.
    pub fn from_wire(name: Option<&str>) -> Self {
        match name {
            Some("now") => Self::Now,
            Some("later") => Self::Later,
            _ => Self::Next,
        }
    }
}

impl UserPrompt {
    /// The text a person typed, as lists of sessions show it.
    pub fn text(&self) -> String {
        let message = serde_json::json!({"content": self.content}).to_string();
        ApiMessage::parse(&message).and_then(|message| prompt::from_message(&message)).unwrap_or_default()
    }
}

/// A turn that runs.
pub struct RunningTurn {
    /// What it answers.
    pub prompt: UserPrompt,
    /// When it began.
    pub began: Instant,
    /// How much of that was spent waiting for the model.
    pub api_time: Duration,
    /// Requests to the model so far, the present one included.
    pub api_requests: u64,
    /// Failed attempts at the present request.
    pub failed_attempts: u32,
    /// Tokens of these requests.
    pub usage: Usage,
    /// The last text of the model.
    pub text: String,
    /// Why its last reply ended.
    pub stop_reason: Option<String>,
    /// The uuids of prompts that joined the turn, by the host.
    pub joined: Vec<String>,
    /// Whether the last reply called tools.
    pub had_calls: bool,
    /// Whether the last reply holds no block at all.
    pub is_reply_empty: bool,
    /// How often in a row a reply that hit its output limit was continued.
    pub continuations: u32,
    /// A hook refused the prompt: nothing of it is written down.
    pub is_blocked: bool,
    /// Denied calls, in the shape that `result` frames list them.
    pub denials: Vec<Value>,
    /// Calls of the last reply that have not run yet, in order.
    pub pending_calls: VecDeque<RequestedCall>,
    /// What hooks want the model to know with the next request.
    pub hook_context: Vec<AdditionalContext>,
    /// How many times in a row stop hooks kept the turn from ending.
    pub stop_blocks: u32,
    /// The structured output (`--json-schema`), once the model gave it.
    pub structured_output: Option<Value>,
    /// How often the model was reminded of the structured output.
    pub reminders: u32,
    /// What it waits for.
    pub step: TurnStep,
}

/// A tool call of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCall {
    /// The `tool_use` id, which the result repeats.
    pub id: String,
    pub tool: String,
    /// Its arguments.
    pub input: Value,
    /// Why its input is not usable: it was no JSON object. `None` if it is.
    pub input_error: Option<String>,
    /// The uuid of the entry that holds the call.
    pub entry_uuid: String,
    /// The file that it may write, once that is decided.
    pub target: Option<HeldTarget>,
}

/// What a turn waits for. Dropping it cancels that.
pub enum TurnStep {
    /// The model.
    Reply {
        events: ReplyStream,
        /// What they made so far.
        reply: ReplyBuilder,
        /// When it was asked.
        asked: Instant,
    },
    /// The model's summary of the conversation.
    Compacting {
        events: ReplyStream,
        /// What they made so far.
        reply: ReplyBuilder,
        /// When it was asked.
        asked: Instant,
        /// Why it was.
        trigger: CompactionTrigger,
    },
    /// What the model is told about the session's folder.
    Facts(Pin<Box<dyn Future<Output = SessionFacts> + Send>>),
    /// The moment to ask the model again.
    BackOff(Pin<Box<Sleep>>),
    /// The host's permission.
    Permission {
        request_id: String,
        /// What shall run.
        call: RequestedCall,
        /// What was suggested along with it.
        suggestions: Vec<Value>,
    },
    /// The answer of the tool that permits.
    PermissionTool {
        /// The call that needs permission.
        call: RequestedCall,
        /// What was suggested along with it.
        suggestions: Vec<Value>,
        /// The tool that permits.
        running: ToolFuture,
    },
    /// Tools at work: one, or several that only read.
    Tools(Vec<RunningCall>),
    Hooks {
        /// What they are asked about.
        about: HookPoint,
        /// Dropping it stops them.
        firing: HookFuture,
    },
    /// Nothing: the next step is being decided.
    Deciding,
}

/// A call whose tool is at work. Dropping it stops the tool.
pub struct RunningCall {
    pub call: RequestedCall,
    /// When it began.
    pub began: Instant,
    pub(super) running: ToolFuture,
    /// Its output meanwhile.
    pub(super) live_output: LiveOutput,
}

enum CallEvent {
    Output(String),
    Done(ToolOutcome),
}

impl RunningCall {
    /// Cancel-safe.
    async fn next_event(&mut self) -> CallEvent {
        tokio::select! {
            outcome = self.running.as_mut() => CallEvent::Done(outcome),
            output = self.live_output.next_chunk() => CallEvent::Output(output),
        }
    }
}

/// How a step went on.
pub enum StepEvent {
    /// The next event of the reply; `None` if its stream ended too early.
    Reply(Option<Result<ReplyEvent, ProviderError>>),
    Facts(Box<SessionFacts>),
    /// It is time to ask the model again.
    BackOffOver,
    /// The tool at this position of the step said something, and goes on.
    ToolOutput(usize, String),
    /// The tool at this position ended.
    ToolDone(usize, ToolOutcome),
    /// The tool that permits has answered.
    PermissionAnswered(ToolOutcome),
    /// The hooks have spoken.
    HooksDone(HookOutcome),
}

impl RunningTurn {
    /// A turn that has not asked anything yet.
    pub fn new(prompt: UserPrompt) -> Self {
        Self {
            prompt,
            began: Instant::now(),
            api_time: Duration::ZERO,
            api_requests: 0,
            failed_attempts: 0,
            usage: Usage::default(),
            text: String::new(),
            stop_reason: None,
            joined: Vec::new(),
            had_calls: false,
            is_reply_empty: false,
            continuations: 0,
            is_blocked: false,
            denials: Vec::new(),
            pending_calls: VecDeque::new(),
            hook_context: Vec::new(),
            stop_blocks: 0,
            structured_output: None,
            reminders: 0,
            step: TurnStep::Deciding,
        }
    }

    /// Waits for the step. Cancel-safe: nothing is lost by asking again.
    pub async fn next_event(&mut self) -> StepEvent {
        match &mut self.step {
            TurnStep::Reply { events, .. } | TurnStep::Compacting { events, .. } => {
                StepEvent::Reply(events.next().await)
            }
            TurnStep::Tools(calls) => {
                let events = calls.iter_mut().map(|call| Box::pin(call.next_event()));
                let (event, at, _) = select_all(events).await;
                match event {
                    CallEvent::Output(text) => StepEvent::ToolOutput(at, text),
                    CallEvent::Done(outcome) => StepEvent::ToolDone(at, outcome),
                }
            }
            TurnStep::PermissionTool { running, .. } => StepEvent::PermissionAnswered(running.as_mut().await),
            TurnStep::Facts(facts) => StepEvent::Facts(Box::new(facts.as_mut().await)),
            TurnStep::BackOff(wait) => {
                wait.as_mut().await;
                StepEvent::BackOffOver
            }
            TurnStep::Hooks { firing, .. } => StepEvent::HooksDone(firing.as_mut().await),
            TurnStep::Permission { .. } | TurnStep::Deciding => std::future::pending().await,
        }
    }
}
