//! What a driver returns: events for the slot, and lines to send to the agent.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use serde_json::Value;

use super::ClientOp;
use crate::agent_api::{
    AgentInfo, ContextUsage, ListedSession, McpServerStatus, ModelRetry, PermissionRequest, PromptState,
    RewindResult, SlotError, SlotTotals,
};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, TurnCost};

/// One line of an agent's stdin or stdout: a JSON object.
pub type JsonLine = Value;

/// An event from an agent, or a line that is to be sent to it.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// Send this line to the agent.
    SendLine(JsonLine),
    /// The response to the request with this id.
    Response {
        /// Which.
        id: String,
        /// The answer.
        answer: Result<AgentResponse, SlotError>,
    },
    /// The agent switched its session on its own, such as by a slash command.
    SessionReset {
        /// The new one.
        to: SessionId,
        /// `clear`, `resume` or `fork`.
        what: &'static str,
    },
    /// Content was added to the conversation, or changed.
    ConversationChanged {
        /// The entry; empty for deltas.
        uuid: String,
        /// By what.
        change: ConversationEvent,
    },
    /// A prompt reached another state.
    PromptStateChanged {
        /// Which.
        uuid: String,
        /// Where to.
        state: PromptState,
    },
    /// A turn ended.
    TurnEnded {
        /// The report's own id.
        uuid: String,
        /// The cost of the turn; `None` if no model was called.
        cost: Option<TurnCost>,
        /// The session's totals, without the share of the context window.
        totals: SlotTotals,
    },
    /// The model request failed and will be repeated.
    Retrying(ModelRetry),
    /// No turn runs and no prompt is queued in the agent.
    Idle,
    /// A tool call that needs permission.
    PermissionRequested(PermissionRequest),
    /// A permission request was dropped, by its id.
    PermissionDropped(String),
    /// The model in use.
    ModelChanged(String),
    /// Which tools may run without asking.
    ModeChanged(PermissionMode),
    /// MCP servers: (connected, configured).
    McpServersChanged(usize, usize),
    /// The complete list of the agent's slash commands: name and description.
    SlashCommands(Vec<(String, String)>),
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
    /// The history of the active session. It follows the response that activates
    /// the session.
    HistoryReplayed {
        /// When the session was last active, if the agent reports it.
        at: Option<DateTime<Utc>>,
        /// The changes in order, each with its entry's uuid, which may be empty.
        changes: Vec<(String, ConversationEvent)>,
    },
    /// The sessions that only the agent itself can read.
    SessionsListed(Vec<ListedSession>),
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
    /// The model was changed; to which, if the agent reports it.
    Model(Option<String>),
    /// Contents of the context window.
    ContextUsage(ContextUsage),
    /// Its MCP servers.
    McpServers(Vec<McpServerStatus>),
    /// The file changes of a rewind.
    Rewind(RewindResult),
    /// Whether a prompt was withdrawn before its turn started.
    Cancelled(bool),
}

/// The session that is active after a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchResult {
    /// Its id.
    pub session: SessionId,
    /// The session it was copied from.
    pub forked_from: Option<SessionId>,
    /// The pid that answered; `None` if the agent does not report it.
    pub pid: Option<u32>,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// Its transcript.
    pub transcript: PathBuf,
    /// What was repaired in it.
    pub repaired: Option<String>,
    /// What it used so far.
    pub totals: SlotTotals,
}
