//! What a driver returns: lines to send to the agent, responses, and the events
//! that reach everybody who reads a slot.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use serde_json::Value;

use super::{AgentReply, ClientOp, PtyInput};
use crate::agent_api::{
    AgentInfo, ListedSession, ModelRetry, PermissionRequest, PromptState, SlotError, SlotTotals,
};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, TurnCost};

/// One line of an agent's stdin or stdout: a JSON object.
pub type JsonLine = Value;

/// What a driver returns: something that the slot has to do, or an event.
#[derive(Debug, Clone, PartialEq)]
pub enum DriverOutput {
    /// Send this line to the agent.
    SendLine(JsonLine),
    /// Have the program in the terminal read this.
    SendKeys(PtyInput),
    /// The response to the request with this id.
    Response {
        /// Which.
        id: String,
        answer: Result<AgentResponse, SlotError>,
    },
    /// Execute this on the agent's behalf; the result goes to
    /// `Driver::handle_client_op`.
    ClientOp {
        /// The driver's own id for it, which the result carries.
        op_id: u64,
        /// The session's folder, which the operation must not leave.
        folder: PathBuf,
        /// What.
        op: ClientOp,
    },
    /// The agent switched its session on its own, such as by a slash command.
    SessionReset {
        /// The new one.
        to: SessionId,
        /// `clear`, `resume` or `fork`.
        what: &'static str,
        /// What the agent says of it, if it does.
        details: Option<Box<ResetDetails>>,
    },
    TurnEnded {
        /// The report's own id.
        uuid: String,
        /// The cost of the turn; `None` if no model was called.
        cost: Option<TurnCost>,
        /// The session's totals, without the share of the context window.
        totals: SlotTotals,
    },
    /// No turn runs and no prompt is queued in the agent.
    Idle,
    Event(AgentEvent),
}

impl DriverOutput {
    /// Content was added to the conversation, or changed.
    pub(crate) fn changed(uuid: impl Into<String>, change: ConversationEvent) -> Self {
        Self::Event(AgentEvent::ConversationChanged { uuid: uuid.into(), change })
    }

    /// A prompt reached another state.
    pub(crate) fn prompt(uuid: impl Into<String>, state: PromptState) -> Self {
        Self::Event(AgentEvent::PromptStateChanged { uuid: uuid.into(), state })
    }
}

/// An event of the agent. The slot takes note of some of them, and passes them on
/// as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// Content was added to the conversation, or changed.
    ConversationChanged {
        /// The entry's uuid; empty for deltas.
        uuid: String,
        /// What was added or changed.
        change: ConversationEvent,
    },
    /// A prompt reached another state.
    PromptStateChanged {
        uuid: String,
        /// Where it is now.
        state: PromptState,
    },
    /// A tool call needs permission.
    PermissionRequested(PermissionRequest),
    /// The permission request with this id no longer needs an answer.
    PermissionDropped(String),
    /// The model request failed and will be repeated.
    Retrying(ModelRetry),
    /// The model changed to this one.
    ModelChanged(String),
    /// The permission mode changed to this one.
    ModeChanged(PermissionMode),
    /// MCP servers: (connected, configured).
    McpServersChanged(usize, usize),
    /// The complete list of the agent's slash commands: name without the slash,
    /// and description. Untrusted text.
    SlashCommands(Vec<(String, String)>),
    /// The history of the active session as the agent replays it, after the session
    /// was activated. It replaces whatever was known of the session.
    HistoryReplayed {
        /// When the session was last active, if the agent reports it.
        at: Option<DateTime<Utc>>,
        /// The changes in order, each with its entry's uuid, which may be empty.
        changes: Vec<(String, ConversationEvent)>,
    },
    /// The sessions that only the agent itself can read.
    SessionsListed(Vec<ListedSession>),
}

/// The session that an agent switched to on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetDetails {
    pub transcript: PathBuf,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// How long the switch took; `None` if it began with the running turn.
    pub took: Option<Duration>,
}

/// The agent's response to a [`SlotRequest`](super::SlotRequest).
#[derive(Debug, Clone, PartialEq)]
pub enum AgentResponse {
    /// Done, without further data.
    Done,
    /// The agent, and what its session has used so far.
    Handshake(Box<AgentInfo>, SlotTotals),
    /// The session that a switch activated.
    Switched(Box<SwitchResult>),
    /// The reply to a caller's request.
    Reply(AgentReply),
    /// Whether a prompt was withdrawn before its turn started.
    Cancelled(bool),
}

/// The session that is active after a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchResult {
    pub session: SessionId,
    /// The session it was copied from.
    pub forked_from: Option<SessionId>,
    /// The pid that answered; `None` if the agent does not report it.
    pub pid: Option<u32>,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    pub transcript: PathBuf,
    /// What was repaired in it.
    pub repaired: Option<String>,
    /// What it used so far.
    pub totals: SlotTotals,
}
