//! What everybody else holds of the slot: commands in, answers out.
//!
//! A handle is cheap to clone and owns nothing: the process, its state and its
//! queue belong to the one task behind it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::{AgentProgram, CompletedSwitch, PermissionDecision, SlotError, Switch};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Sends commands to a slot. When the last one is dropped, the slot closes
/// gracefully by itself.
#[derive(Debug, Clone)]
pub struct SlotHandle {
    commands_tx: mpsc::Sender<SlotCommand>,
}

/// What the context window holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContextUsage {
    /// Tokens in use.
    pub tokens: u64,
    /// Tokens it has room for.
    pub max: u64,
    /// Share in use, 0 to 100.
    pub percent: f64,
    /// What the tokens are, by name; hostile text.
    pub categories: Vec<(String, u64)>,
}

/// An MCP server of the agent's; all of it hostile text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct McpServerStatus {
    /// Its name.
    pub name: String,
    /// `connected`, `pending`, `failed`, `needs-auth` or `disabled`.
    pub status: String,
    /// Who named it: `user`, `project`, `local`, `dynamic`.
    pub scope: Option<String>,
    /// How many tools it offers, where that is known.
    pub tools: Option<usize>,
    /// Why it is not there.
    pub error: Option<String>,
}

/// A session that an agent keeps, as it tells of it; hostile text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// Its id.
    pub session: SessionId,
    /// What the agent itself calls it.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// When something was said in it last.
    pub last_active: Option<DateTime<Utc>>,
    /// It never got a name: nothing was said in it, or its first turn did not end.
    pub unnamed: bool,
}

/// What coming back to a prompt changes, or changed, in the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RewindResult {
    /// The files that are another then.
    pub files: Vec<FileChange>,
    /// Lines that come back.
    pub insertions: u64,
    /// Lines that go.
    pub deletions: u64,
}

/// A file that is another after a rewind; all of it hostile text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// Hunks in the official `structuredPatch` shape; none where the agent does
    /// not say.
    pub patch: Vec<serde_json::Value>,
}

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, SlotError>>;

/// A command on its way to the slot's task.
#[derive(Debug)]
pub(super) enum SlotCommand {
    /// Run this prompt when its time comes.
    Submit { uuid: String, text: String },
    /// Take a prompt back.
    Cancel { uuid: String, reply: Reply<bool> },
    /// Stop the running turn.
    Interrupt { reply: Reply<()> },
    /// Change the active session.
    Switch { switch: Switch, interrupt: bool, reply: Reply<CompletedSwitch> },
    /// Be ready for this switch, where that takes a process of its own.
    Prewarm(Switch),
    /// Answer a permission request.
    AnswerPermission { id: String, verdict: PermissionDecision, reply: Reply<()> },
    /// Change the model.
    SetModel { model: Option<String>, reply: Reply<()> },
    /// Change what may run without asking.
    SetPermissionMode { mode: PermissionMode, reply: Reply<()> },
    /// Give a session a title.
    Rename { session: SessionId, title: String, reply: Reply<()> },
    /// Put a session aside, or bring it back.
    Archive { session: SessionId, back: bool, reply: Reply<()> },
    /// Measure the context window.
    ContextUsage { reply: Reply<ContextUsage> },
    /// Say which MCP servers there are.
    McpServers { reply: Reply<Vec<McpServerStatus>> },
    /// Bring files back, or say what that would change.
    Rewind { prompt: String, dry_run: bool, reply: Reply<RewindResult> },
    /// Start a new process.
    Restart { seat: StartIn, reply: Reply<()> },
    /// Start a process of another agent instead.
    ReplaceAgent { program: AgentProgram, seat: StartIn, reply: Reply<()> },
    /// End the process, and this task with it.
    Close { done: oneshot::Sender<()> },
}

/// The session a new process starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartIn {
    /// The one that was active.
    Same,
    /// A new one.
    New,
    /// This stored one.
    Stored(SessionId),
}

impl SlotHandle {
    pub(super) fn new(commands: mpsc::Sender<SlotCommand>) -> Self {
        Self { commands_tx: commands }
    }

    /// Takes a prompt. It runs after the turns before it; until then, and
    /// through a restart of the process, the slot keeps it. During a switch it
    /// is meant for the session to come: should the switch fail, it is
    /// reported as cancelled.
    ///
    /// `uuid` becomes the transcript entry's.
    pub async fn submit(&self, uuid: String, text: String) -> Result<(), SlotError> {
        self.commands_tx.send(SlotCommand::Submit { uuid, text }).await.map_err(|_| slot_closed())
    }

    /// Takes a waiting prompt back; `false` when it was too late for that.
    pub async fn cancel(&self, uuid: String) -> Result<bool, SlotError> {
        self.call(|reply| SlotCommand::Cancel { uuid, reply }).await
    }

    /// Stops the running turn; does nothing where none runs.
    pub async fn interrupt(&self) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::Interrupt { reply }).await
    }

    /// Clears, resumes or forks. With `interrupt` a running turn is stopped
    /// first, else it makes this fail with [`SlotError::Busy`]. Either way a
    /// failed switch leaves the former session active.
    pub async fn switch(&self, switch: Switch, interrupt: bool) -> Result<CompletedSwitch, SlotError> {
        self.call(|reply| SlotCommand::Switch { switch, interrupt, reply }).await
    }

    /// Says that this switch may be asked for soon. Where it needs a process of
    /// its own, and nothing else is prepared within a quarter of a second, that
    /// is started. Does nothing else.
    pub async fn prewarm(&self, switch: Switch) {
        // A closed slot has nothing to be ready for.
        let _ = self.commands_tx.send(SlotCommand::Prewarm(switch)).await;
    }

    /// Answers a permission request.
    pub async fn answer_permission(&self, id: String, verdict: PermissionDecision) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::AnswerPermission { id, verdict, reply }).await
    }

    /// Changes the model; none for the agent's default.
    pub async fn set_model(&self, model: Option<String>) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::SetModel { model, reply }).await
    }

    /// Changes what may run without asking.
    pub async fn set_permission_mode(&self, mode: PermissionMode) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::SetPermissionMode { mode, reply }).await
    }

    /// Gives a session a title: the active one, or any that only this agent keeps.
    pub async fn rename(&self, session: SessionId, title: String) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::Rename { session, title, reply }).await
    }

    /// Has the agent put a session aside that only it keeps, or bring it `back`.
    pub async fn archive(&self, session: SessionId, back: bool) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::Archive { session, back, reply }).await
    }

    /// Measures the context window.
    pub async fn context_usage(&self) -> Result<ContextUsage, SlotError> {
        self.call(|reply| SlotCommand::ContextUsage { reply }).await
    }

    /// The agent's MCP servers.
    pub async fn mcp_servers(&self) -> Result<Vec<McpServerStatus>, SlotError> {
        self.call(|reply| SlotCommand::McpServers { reply }).await
    }

    /// Brings files back to what they were when a prompt came, its uuid; with
    /// `dry_run` only says what that would change.
    pub async fn rewind(&self, prompt: String, dry_run: bool) -> Result<RewindResult, SlotError> {
        self.call(|reply| SlotCommand::Rewind { prompt, dry_run, reply }).await
    }

    /// Starts the process anew on the session that was active. One that still
    /// runs is closed gracefully first; waiting prompts are kept. Answered at
    /// once, the news tell the rest.
    pub async fn restart(&self) -> Result<(), SlotError> {
        self.restart_with(StartIn::Same).await
    }

    /// As [`restart`](Self::restart), in the session that `seat` names: the way
    /// out when the former one cannot be started.
    pub async fn restart_with(&self, seat: StartIn) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::Restart { seat, reply }).await
    }

    /// As [`restart_in`](Self::restart_in), with another agent, on its own choice
    /// of a model.
    pub async fn replace_agent(&self, program: AgentProgram, seat: StartIn) -> Result<(), SlotError> {
        self.call(|reply| SlotCommand::ReplaceAgent { program, seat, reply }).await
    }

    /// Ends the process gracefully: its stdin ends, after 5 s its group gets
    /// SIGTERM, after 5 more SIGKILL. Returns when it is gone.
    pub async fn close(&self) {
        let (done, gone) = oneshot::channel();
        if self.commands_tx.send(SlotCommand::Close { done }).await.is_ok() {
            // An error means that the task ended otherwise: gone as well.
            let _ = gone.await;
        }
    }

    async fn call<T>(&self, command: impl FnOnce(Reply<T>) -> SlotCommand) -> Result<T, SlotError> {
        let (reply, answer) = oneshot::channel();
        self.commands_tx.send(command(reply)).await.map_err(|_| slot_closed())?;
        answer.await.unwrap_or_else(|_| Err(slot_closed()))
    }
}

fn slot_closed() -> SlotError {
    SlotError::Disconnected("the slot is closed".to_owned())
}
