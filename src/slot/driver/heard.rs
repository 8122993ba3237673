//! What a driver gives back: what the slot hears, and lines for the agent.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::{Line, Loan};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{Change, TurnCost};
use crate::slot::{
    Agent, ContextUsage, Listed, McpServer, PermissionRequest, PromptState, Retry, Rewind, SlotError, Totals,
};

/// Something the agent said, or is to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// This line is to be sent.
    Send(Line),
    /// The answer to what was asked under this id.
    Answer {
        /// Which.
        id: String,
        /// The answer.
        answer: Result<Answer, SlotError>,
    },
    /// From here on another session speaks.
    Reset {
        /// The new one.
        to: SessionId,
        /// How it came: `clear`, `resume` or `fork`.
        what: &'static str,
    },
    /// The conversation grew.
    Grew {
        /// The entry; empty for deltas.
        uuid: String,
        /// By what.
        change: Change,
    },
    /// A prompt moved on.
    Prompt {
        /// Which.
        uuid: String,
        /// Where to.
        state: PromptState,
    },
    /// A turn ended.
    Ended {
        /// The report's own id.
        uuid: String,
        /// What the turn took; none where no model was asked.
        cost: Option<TurnCost>,
        /// The session's totals; their share of the context window is not known here.
        totals: Totals,
    },
    /// The model did not answer, and is asked again.
    Retry(Retry),
    /// No turn runs and none waits.
    Quiet,
    /// A tool wants to run.
    Permission(PermissionRequest),
    /// A permission request was dropped, by its id.
    PermissionDropped(String),
    /// The model in use.
    Model(String),
    /// What may run without asking.
    Mode(PermissionMode),
    /// MCP servers: connected, of how many.
    Servers(usize, usize),
    /// The agent's slash commands are these now.
    Commands(Vec<(String, String)>),
    /// The agent is to have this; what comes of it comes to
    /// [`Driver::lent`](super::Driver::lent).
    Lend {
        /// Ties the outcome to it; the driver's own.
        ticket: u64,
        /// The session's folder, within which it has to stay.
        folder: PathBuf,
        /// What.
        loan: Loan,
    },
    /// What was said in the active session before; comes behind the answer that
    /// seats it.
    Replay {
        /// When the last of it was said; none where the agent does not say.
        at: Option<DateTime<Utc>>,
        /// Each with its entry's uuid, which may be empty.
        changes: Vec<(String, Change)>,
    },
    /// The sessions that the agent keeps where nobody else can read them.
    Sessions(Vec<Listed>),
}

/// What an agent answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done, and nothing more is to be said.
    Done,
    /// Who came through the handshake, and what its session used so far.
    Agent(Box<Agent>, Totals),
    /// The session that a switch made the active one.
    Seated(Box<Seated>),
    /// The model is changed; to which, where the agent says so.
    Model(Option<String>),
    /// What the context window holds.
    Context(ContextUsage),
    /// Its MCP servers.
    Servers(Vec<McpServer>),
    /// What coming back to a prompt changes in the files.
    Rewind(Rewind),
    /// Whether a prompt was taken back in time.
    Cancelled(bool),
}

/// The session that is active after a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct Seated {
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
    pub totals: Totals,
}
