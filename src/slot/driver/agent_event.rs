//! What a driver gives back: what the slot hears, and lines for the agent.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::{ClientOp, JsonLine};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, TurnCost};
use crate::slot::{
    AgentInfo, ContextUsage, ListedSession, McpServerStatus, ModelRetry, PermissionRequest, PromptState,
    RewindResult, SlotError, SlotTotals,
};

/// Something the agent said, or is to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// This line is to be sent.
    SendLine(JsonLine),
    /// The answer to what was asked under this id.
    Response {
        /// Which.
        id: String,
        /// The answer.
        answer: Result<AgentResponse, SlotError>,
    },
    /// From here on another session speaks.
    SessionReset {
        /// The new one.
        to: SessionId,
        /// How it came: `clear`, `resume` or `fork`.
        what: &'static str,
    },
    /// The conversation grew.
    ConversationChanged {
        /// The entry; empty for deltas.
        uuid: String,
        /// By what.
        change: ConversationEvent,
    },
    /// A prompt moved on.
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
        /// What the turn took; none where no model was asked.
        cost: Option<TurnCost>,
        /// The session's totals; their share of the context window is not known here.
        totals: SlotTotals,
    },
    /// The model did not answer, and is asked again.
    Retrying(ModelRetry),
    /// No turn runs and none waits.
    Idle,
    /// A tool wants to run.
    PermissionRequested(PermissionRequest),
    /// A permission request was dropped, by its id.
    PermissionDropped(String),
    /// The model in use.
    ModelChanged(String),
    /// What may run without asking.
    ModeChanged(PermissionMode),
    /// MCP servers: connected, of how many.
    McpServersChanged(usize, usize),
    /// The agent's slash commands are these now.
    SlashCommands(Vec<(String, String)>),
    /// The agent is to have this; what comes of it comes to
    /// [`Driver::handle_client_op`](super::Driver::lent).
    ClientOp {
        /// Ties the outcome to it; the driver's own.
        ticket: u64,
        /// The session's folder, within which it has to stay.
        folder: PathBuf,
        /// What.
        loan: ClientOp,
    },
    /// What was said in the active session before; comes behind the answer that
    /// seats it.
    HistoryReplayed {
        /// When the last of it was said; none where the agent does not say.
        at: Option<DateTime<Utc>>,
        /// Each with its entry's uuid, which may be empty.
        changes: Vec<(String, ConversationEvent)>,
    },
    /// The sessions that the agent keeps where nobody else can read them.
    SessionsListed(Vec<ListedSession>),
}

/// What an agent answered.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentResponse {
    /// It is done, and nothing more is to be said.
    Done,
    /// Who came through the handshake, and what its session used so far.
    Handshake(Box<AgentInfo>, SlotTotals),
    /// The session that a switch made the active one.
    Switched(Box<SwitchResult>),
    /// The model is changed; to which, where the agent says so.
    Model(Option<String>),
    /// What the context window holds.
    ContextUsage(ContextUsage),
    /// Its MCP servers.
    McpServers(Vec<McpServerStatus>),
    /// What coming back to a prompt changes in the files.
    Rewind(RewindResult),
    /// Whether a prompt was taken back in time.
    Cancelled(bool),
}

/// The session that is active after a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchResult {
    /// Its id.
    pub session: SessionId,
    /// The session it was copied from.
    pub forked_from: Option<SessionId>,
    /// The process that answered; none where it did not say.
    pub pid: Option<u32>,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Its transcript.
    pub transcript: PathBuf,
    /// What was mended in it.
    pub repaired: Option<String>,
    /// What it used so far.
    pub totals: SlotTotals,
}
