//! What the slot is told and what it tells: its states, switches and news.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::driver::Driver;
use super::{Capabilities, ListedSession, SessionFinder};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::ConversationEvent;
use crate::session::message::Usage;

/// How to start an agent.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Makes the driver of one process of it.
    pub driver: fn() -> Box<dyn Driver>,
    /// The program, such as our own executable.
    pub program: PathBuf,
    /// Arguments before the ones the driver adds, such as `agent`.
    pub args: Vec<OsString>,
    /// Environment on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// The model to start with; none for the agent's default.
    pub model: Option<String>,
    /// What may run without asking.
    pub permission_mode: PermissionMode,
    /// The session to start in; none for a new one.
    pub resume: Option<SessionId>,
    /// Nothing is written to disk.
    pub ephemeral: bool,
    /// The hotseat executable, whose `guard` watches over the agent; none: the
    /// running one.
    pub guard: Option<PathBuf>,
    /// How many processes there may be at once, the one in the seat among them;
    /// less than two count as two.
    pub processes: usize,
    /// Where stored sessions are. An agent that finds them itself needs it not.
    pub finder: SessionFinder,
}

impl Launch {
    /// An agent in a new session of this folder, asking before what may do harm;
    /// everything else as it comes.
    pub fn new(
        driver: fn() -> Box<dyn Driver>,
        program: impl Into<PathBuf>,
        cwd: impl Into<PathBuf>,
    ) -> Self {
        Self {
            driver,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: cwd.into(),
            model: None,
            permission_mode: PermissionMode::Default,
            resume: None,
            ephemeral: false,
            guard: None,
            processes: 2,
            finder: SessionFinder::default(),
        }
    }
}

/// Another agent for the slot.
#[derive(Debug, Clone)]
pub struct AgentProgram {
    /// Makes the driver of one process of it.
    pub driver: fn() -> Box<dyn Driver>,
    /// Where it lies.
    pub path: PathBuf,
    /// Arguments before the ones the driver adds.
    pub args: Vec<OsString>,
}

/// What the slot is doing. A command that a state does not allow is refused
/// with an error that says so; a failed switch returns to `Idle` on the former
/// session.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    /// Spawned, not yet through the handshake.
    Starting,
    /// Warm, waiting for a prompt.
    Idle(SessionId),
    /// A turn runs.
    Busy {
        /// The active session.
        session: SessionId,
        /// The uuid of the prompt it answers.
        turn: String,
    },
    /// A switch was asked for and not yet answered.
    Switching {
        /// The session that stays active should it fail.
        from: SessionId,
        /// What was asked.
        switch: Switch,
    },
    /// The process is gone.
    Exited(ProcessExit),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessExit {
    /// `exit 1`, `killed by SIGKILL`, `could not start: …`.
    pub reason: String,
    /// It was asked to end.
    pub expected: bool,
    /// The last lines of its stderr, at most 200; hostile text.
    pub stderr: Vec<String>,
    /// It will be started again after this long; none: when asked.
    pub restart_in: Option<Duration>,
}

/// One of the ways to change the active session.
#[derive(Debug, Clone, PartialEq)]
pub enum Switch {
    /// To a new, empty session.
    Clear,
    /// To a stored session.
    Resume(SessionId),
    /// To the session of this id, a new one where none is stored: for whoever
    /// has to name a session before anything is said in it.
    ResumeOrCreate {
        /// The session.
        session: SessionId,
        /// The folder it runs in.
        cwd: PathBuf,
    },
    /// To a copy of a stored session.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to this message; none: all.
        at: Option<String>,
        /// The copy's title; none: the agent's choice.
        title: Option<String>,
        /// The folder the copy belongs to and works in; none: the source's.
        cwd: Option<PathBuf>,
    },
}

impl Switch {
    /// `clear`, `resume` or `fork`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Resume(_) | Self::ResumeOrCreate { .. } => "resume",
            Self::Fork { .. } => "fork",
        }
    }

    /// The stored session it reads.
    pub fn source(&self) -> Option<SessionId> {
        match self {
            Self::Clear => None,
            Self::Resume(session)
            | Self::ResumeOrCreate { session, .. }
            | Self::Fork { source: session, .. } => Some(*session),
        }
    }

    /// The same switch to a session without a title of its own.
    pub(super) fn without_title(&self) -> Self {
        match self.clone() {
            Self::Fork { source, at, title: _, cwd } => Self::Fork { source, at, title: None, cwd },
            other => other,
        }
    }
}

/// How a switch was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchMethod {
    /// In the running process: same pid.
    InProcess,
    /// By a second process that was kept ready.
    Standby,
    /// By a second process that was not ready yet.
    Cold,
}

/// A switch that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletedSwitch {
    /// What was done: `clear`, `resume` or `fork`.
    pub kind: &'static str,
    /// How.
    pub method: SwitchMethod,
    /// The session that was left.
    pub from: SessionId,
    /// The session that is active now.
    pub to: SessionId,
    /// The session that was copied.
    pub forked_from: Option<SessionId>,
    /// From the request to the moment when the session had the seat, as the
    /// host measured it.
    pub duration: Duration,
    /// The process it happened in.
    pub pid: u32,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// Its transcript, which may not exist yet.
    pub transcript: PathBuf,
    /// What was mended in a torn transcript.
    pub repaired: Option<String>,
}

/// The agent that came through the handshake.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentInfo {
    /// The driver's name: `hotseat`.
    pub name: String,
    /// Its version, in its own words.
    pub version: String,
    /// The process itself (not a wrapper around it); from a driver, 0 where the
    /// agent does not say.
    pub pid: u32,
    /// The model in use.
    pub model: String,
    /// Something a person must know about it, such as that it is offline.
    pub notice: Option<String>,
    /// The active session.
    pub session: SessionId,
    /// The active session's transcript, which may not exist yet.
    pub transcript: PathBuf,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// What may run without asking.
    pub permission_mode: PermissionMode,
    /// Slash commands: name without the slash, and what it does.
    pub commands: Vec<(String, String)>,
    /// Models it offers, by name.
    pub models: Vec<String>,
    /// MCP servers: connected, of how many.
    pub mcp_servers: (usize, usize),
    /// What was mended in a torn transcript.
    pub repaired: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// One piece of news from the slot.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotEvent {
    /// Goes up at each switch and each restart; news of an older epoch is stale.
    pub epoch: u64,
    /// The session it is about; none before the handshake.
    pub session: Option<SessionId>,
    /// The news.
    pub kind: SlotEventKind,
}

/// What happened in the slot.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotEventKind {
    /// The slot is in another state.
    StateChanged(SlotState),
    /// The handshake is through (at the start, and after each restart).
    Ready(AgentInfo),
    /// The session that the process was to start in cannot be opened, for this
    /// reason; a new one is active instead.
    ResumeRefused(String),
    /// The active session changed.
    Switched(CompletedSwitch),
    /// The conversation grew.
    ConversationChanged {
        /// The entry's uuid; empty for deltas.
        uuid: String,
        /// When it arrived.
        at: DateTime<Utc>,
        /// What it grew by.
        change: ConversationEvent,
    },
    /// A submitted prompt moved on.
    PromptStateChanged {
        /// Its uuid.
        uuid: String,
        /// Where it is now.
        state: PromptState,
    },
    /// A tool wants to run.
    PermissionRequested(PermissionRequest),
    /// A permission request needs no answer any more.
    PermissionDropped {
        /// Its id.
        id: String,
    },
    /// The model did not answer, and is asked again.
    Retrying(ModelRetry),
    /// The session's totals after a turn or a switch.
    TotalsChanged(SlotTotals),
    /// A second process is ready for this switch; none is any more.
    Prewarmed(Option<Switch>),
    /// The model in use, after it was changed.
    ModelChanged(String),
    /// MCP servers: connected, of how many.
    McpServersChanged(usize, usize),
    /// The agent's slash commands, all of them: name without the slash, and what
    /// it does; hostile text.
    SlashCommands(Vec<(String, String)>),
    /// What was said in the active session before it took the seat, in the place
    /// of whatever is known of it.
    HistoryReplayed {
        /// When the last of it was said.
        at: DateTime<Utc>,
        /// Each with its entry's uuid, which may be empty.
        changes: Vec<(String, ConversationEvent)>,
    },
    /// The sessions that the agent keeps where nobody else can read them.
    SessionsListed(Vec<ListedSession>),
    /// The permission mode in use, after it was changed.
    ModeChanged(PermissionMode),
}

/// Where a prompt is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// Waiting for the turns before it.
    Queued,
    /// Its turn runs.
    Started,
    /// Its turn is over.
    Completed,
    /// Taken back before it ran.
    Cancelled,
    /// Its turn was cut off by the end of the process.
    Aborted,
}

/// The model is asked again, after a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRetry {
    /// The how-manieth time, from 1.
    pub attempt: u64,
    /// The last attempt's number.
    pub max_attempts: u64,
    /// How long until then.
    pub delay: Duration,
    /// Why it is needed; hostile text.
    pub reason: String,
}

/// A tool wants to run.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionRequest {
    /// Ties the answer to the request.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// Its arguments, exactly as they would be used; hostile text.
    pub input: Value,
    /// What it does, in the agent's words.
    pub description: Option<String>,
    /// Rules that would make asking needless, handed back for "this session".
    pub suggestions: Vec<Value>,
}

/// A person's answer to a [`PermissionRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionDecision {
    /// Run it this time.
    AllowOnce,
    /// Run it, and do not ask again in this session.
    AllowSession,
    /// Do not run it; the reason is told to the model.
    Deny(String),
}

/// What the active session used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SlotTotals {
    /// US dollars; none where the price is unknown.
    pub usd: Option<f64>,
    /// Tokens.
    pub usage: Usage,
    /// Share of the context window in use, 0 to 100.
    pub context_percent: Option<f64>,
}
