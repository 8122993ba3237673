//! The public data of the slot: how to launch an agent, the slot's states, the
//! switches between sessions, and the events it emits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::driver::Driver;
use super::{Capabilities, ListedSession, PermissionRequest, SessionFinder, SessionLocation};
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
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// The model to start with; `None` for the agent's default.
    pub model: Option<String>,
    /// Which tools may run without asking.
    pub permission_mode: PermissionMode,
    /// The session to start in; `None` for a new one.
    pub resume: Option<SessionId>,
    /// Do not write transcripts to disk.
    pub ephemeral: bool,
    /// The project's own settings count: its hooks, MCP servers and environment.
    /// Without them the agent starts with the user's settings only.
    pub project_settings: bool,
    /// The hotseat executable, whose `guard` command supervises the agent; `None`
    /// for the running one.
    pub guard: Option<PathBuf>,
    /// How many processes may exist at once, including the active one. Values
    /// below two count as two.
    pub processes: usize,
    /// Locates stored sessions, for agents that do not find them themselves.
    pub finder: SessionFinder,
}

impl Launch {
    /// An agent in a new session in `cwd`, in the default permission mode, with
    /// default settings for everything else.
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
            project_settings: true,
            guard: None,
            processes: 2,
            finder: SessionFinder::default(),
        }
    }

    /// Moves to the folder of a stored session. Another folder than the one that
    /// was opened has its own settings count only where a person trusts it.
    pub(super) fn work_in(&mut self, location: SessionLocation) {
        if location.cwd != self.cwd {
            self.project_settings = location.is_trusted;
            self.cwd = location.cwd;
        }
    }
}

/// The program of another agent that is to replace the running one.
#[derive(Debug, Clone)]
pub struct AgentProgram {
    /// Makes the driver of one process of it.
    pub driver: fn() -> Box<dyn Driver>,
    /// Path of the executable.
    pub path: PathBuf,
    /// Arguments before the ones the driver adds.
    pub args: Vec<OsString>,
}

/// What the slot is doing. A command that the state does not allow fails with
/// an error that says so. A failed switch returns to `Idle` on the former
/// session.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    /// The process is spawned; the handshake is not finished.
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
    /// A switch was requested and is not finished.
    Switching {
        /// The session that stays active if the switch fails.
        from: SessionId,
        /// The requested switch.
        switch: Switch,
    },
    /// The process has ended.
    Exited(ProcessExit),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessExit {
    /// For a person: `exit 1`, `killed by SIGKILL`, `could not start: …`.
    pub reason: String,
    /// The slot had asked it to end.
    pub expected: bool,
    /// The last lines of its stderr, at most 200. Untrusted text.
    pub stderr: Vec<String>,
    /// When it restarts automatically; `None` if only on request.
    pub restart_in: Option<Duration>,
}

/// One of the ways to change the active session.
#[derive(Debug, Clone, PartialEq)]
pub enum Switch {
    /// To a new, empty session.
    Clear,
    /// Switching to a stored session.
    Resume(SessionId),
    /// To the session with this id, which is created if it is not stored. For
    /// callers that must know a session's id before its first message.
    ResumeOrCreate {
        /// The session.
        session: SessionId,
        /// The folder the session runs in.
        cwd: PathBuf,
    },
    /// Switching to a copy of a stored session.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to and including this message; `None` copies everything.
        at: Option<String>,
        /// The copy's title; `None` leaves it to the agent.
        title: Option<String>,
        /// The folder the copy belongs to and works in; `None` for the source's.
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

    /// The stored session it reads; `None` for clear.
    pub fn source(&self) -> Option<SessionId> {
        match self {
            Self::Clear => None,
            Self::Resume(session)
            | Self::ResumeOrCreate { session, .. }
            | Self::Fork { source: session, .. } => Some(*session),
        }
    }

    /// The same switch without a title. A standby is prepared before the title is
    /// known, so titles do not take part in matching a standby to a switch.
    pub(super) fn without_title(&self) -> Self {
        match self.clone() {
            Self::Fork { source, at, title: _, cwd } => Self::Fork { source, at, title: None, cwd },
            other => other,
        }
    }
}

/// How a switch was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchMethod {
    /// In the running process, which keeps its pid.
    InProcess,
    /// By a second process that was ready before the switch was requested.
    Standby,
    /// By a second process that had to be started or waited for.
    Cold,
}

/// A finished switch.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletedSwitch {
    /// `clear`, `resume` or `fork`.
    pub kind: &'static str,
    /// How.
    pub method: SwitchMethod,
    /// The session that was left.
    pub from: SessionId,
    /// The session that is active now.
    pub to: SessionId,
    /// The session that was copied.
    pub forked_from: Option<SessionId>,
    /// From the request until the session was active, measured by the slot.
    pub duration: Duration,
    /// The process it happened in.
    pub pid: u32,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// Its transcript, which may not exist yet.
    pub transcript: PathBuf,
    /// What was repaired in a damaged transcript.
    pub repaired: Option<String>,
}

/// What an agent reports about itself in the handshake.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentInfo {
    /// The driver's name: `hotseat`.
    pub name: String,
    /// Its version, in its own words.
    pub version: String,
    /// The agent's own pid, not that of a wrapper around it. A driver sets 0 if
    /// the agent does not report it; the slot then looks it up.
    pub pid: u32,
    /// The model in use.
    pub model: String,
    /// Something a person must know, such as that it is not logged in.
    pub notice: Option<String>,
    /// The active session.
    pub session: SessionId,
    /// The active session's transcript, which may not exist yet.
    pub transcript: PathBuf,
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// Which tools may run without asking.
    pub permission_mode: PermissionMode,
    /// Slash commands: name without the slash, and description.
    pub commands: Vec<(String, String)>,
    /// Names of the models it offers.
    pub models: Vec<String>,
    /// MCP servers: (connected, configured).
    pub mcp_servers: (usize, usize),
    /// What was repaired in a damaged transcript.
    pub repaired: Option<String>,
    /// What it supports.
    pub capabilities: Capabilities,
}

/// An event of the slot, tagged with the epoch and session it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotEvent {
    /// Increases with each switch and each restart. Events of an older epoch than
    /// the newest one seen are stale and must be dropped.
    pub epoch: u64,
    /// The session it is about; `None` before the handshake.
    pub session: Option<SessionId>,
    /// An input of the state machine.
    pub kind: SlotEventKind,
}

/// The kinds of [`SlotEvent`].
#[derive(Debug, Clone, PartialEq)]
pub enum SlotEventKind {
    /// The slot entered this state.
    StateChanged(SlotState),
    /// The handshake is done; sent at the start and after each restart.
    Ready(AgentInfo),
    /// The session that the process should have started in cannot be opened, for
    /// this reason. A new session is active instead.
    ResumeRefused(String),
    /// Another session is active.
    Switched(CompletedSwitch),
    /// Content was added to the conversation, or changed.
    ConversationChanged {
        /// The entry's uuid; empty for deltas.
        uuid: String,
        /// When it arrived.
        at: DateTime<Utc>,
        /// What was added or changed.
        change: ConversationEvent,
    },
    /// A submitted prompt reached another state.
    PromptStateChanged {
        /// Its uuid.
        uuid: String,
        /// Where it is now.
        state: PromptState,
    },
    /// A tool call that needs permission.
    PermissionRequested(PermissionRequest),
    /// A permission request no longer needs an answer.
    PermissionDropped {
        /// Its id.
        id: String,
    },
    /// The model request failed and will be repeated.
    Retrying(ModelRetry),
    /// The session's totals after a turn or a switch.
    TotalsChanged(SlotTotals),
    /// A standby process became ready for this switch; `None` when it is gone.
    Prewarmed(Option<Switch>),
    /// The model changed to this one.
    ModelChanged(String),
    /// MCP servers: (connected, configured).
    McpServersChanged(usize, usize),
    /// The complete list of the agent's slash commands: name without the slash,
    /// and description. Untrusted text.
    SlashCommands(Vec<(String, String)>),
    /// The history of the active session as the agent replays it. It replaces
    /// whatever was known of the session.
    HistoryReplayed {
        /// When the session was last active.
        at: DateTime<Utc>,
        /// The changes in order, each with its entry's uuid, which may be empty.
        changes: Vec<(String, ConversationEvent)>,
    },
    /// The sessions that only the agent itself can read.
    SessionsListed(Vec<ListedSession>),
    /// The permission mode changed to this one.
    ModeChanged(PermissionMode),
}

/// The stages of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// Waiting for the turns before it.
    Queued,
    /// Its turn runs.
    Started,
    /// Its turn is over.
    Completed,
    /// Withdrawn before its turn started.
    Cancelled,
    /// The process ended during its turn.
    Aborted,
}

/// A failed model request that will be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRetry {
    /// Number of this retry, from 1.
    pub attempt: u64,
    /// After this many retries the turn fails.
    pub max_attempts: u64,
    /// Time until the retry.
    pub delay: Duration,
    /// Why the request failed. Untrusted text.
    pub reason: String,
}

/// What the active session has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SlotTotals {
    /// US dollars; `None` if the price is unknown.
    pub usd: Option<f64>,
    /// Tokens.
    pub usage: Usage,
    /// Share of the context window in use, in percent; `None` if unknown.
    pub context_percent: Option<f64>,
}
