//! The public data of the slot: how to launch an agent, the slot's states, the
//! switches between sessions, and the events it emits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::driver::Driver;
use super::terminal::AgentTerminal;
use super::{AgentEvent, AgentInfo, SessionFinder, SessionLocation, SlotTotals, Switch};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

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
    /// Time from closing stdin to SIGTERM, and from there to SIGKILL. The official
    /// SDKs wait 5 s each; with less, the last lines of a transcript can be lost.
    pub term_grace: Duration,
    /// What the agent is spoken to through.
    pub transport: Transport,
}

/// What an agent is spoken to through.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Lines on its stdin and stdout.
    Pipes,
    /// A pseudo-terminal: keys go in, and the program's hooks report.
    Pty(AgentTerminal),
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
            term_grace: Duration::from_secs(5),
            transport: Transport::Pipes,
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

/// An event of the slot, tagged with the epoch and session it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotEvent {
    /// Increases with each switch and each restart. Events of an older epoch than
    /// the newest one seen are stale and must be dropped.
    pub epoch: u64,
    /// The session it is about; `None` before the handshake.
    pub session: Option<SessionId>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
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
    /// The session's totals after a turn or a switch.
    TotalsChanged(SlotTotals),
    /// A standby process became ready for this switch; `None` when it is gone.
    Prewarmed(Option<Switch>),
    /// An event of the agent, about the active session.
    Agent(AgentEvent),
}
