//! The handle to a slot: sends commands to its task and awaits the replies.
//!
//! A handle is cheap to clone and owns nothing. The process, its state and its
//! queue belong to the task.

use tokio::sync::{mpsc, oneshot};

use super::{AgentProgram, CompletedSwitch, PermissionDecision, SlotError, Switch};
use crate::agent_api::{
    AgentCall, AgentRequest, ArchiveSession, RenameSession, ReplySender, RewindFiles, RewindResult, SetMode,
    SetModel,
};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Sends commands to a slot. When the last handle is dropped, the slot closes
/// gracefully.
#[derive(Debug, Clone)]
pub struct SlotHandle {
    commands_tx: mpsc::Sender<SlotCommand>,
}

/// Carries the answer of a command back to its caller.
pub(super) type Reply<T> = oneshot::Sender<Result<T, SlotError>>;

/// A command to the slot's task.
#[derive(Debug)]
pub(super) enum SlotCommand {
    /// Queue a prompt.
    Submit { uuid: String, text: String },
    /// Withdraw a queued prompt.
    Cancel { uuid: String, reply: Reply<bool> },
    /// Stop the running turn.
    Interrupt { reply: Reply<()> },
    /// Change the active session.
    Switch { switch: Switch, interrupt: bool, reply: Reply<CompletedSwitch> },
    /// Prepare a standby process for this switch, if it needs one.
    Prewarm(Switch),
    /// Answer a permission request.
    AnswerPermission { id: String, decision: PermissionDecision, reply: Reply<()> },
    /// Send a request to the agent.
    Call { request: AgentRequest, reply: ReplySender },
    /// Restart the agent process.
    Restart { seat: StartIn, reply: Reply<()> },
    /// Replace the agent by another program.
    ReplaceAgent { program: AgentProgram, seat: StartIn, reply: Reply<()> },
    /// End all processes, then the task.
    Close { done: oneshot::Sender<()> },
}

/// The session a new process starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartIn {
    /// The session that was active.
    Same,
    New,
    Stored(SessionId),
}

impl SlotHandle {
    pub(super) fn new(commands: mpsc::Sender<SlotCommand>) -> Self {
        Self { commands_tx: commands }
    }

    /// Queues a prompt. It runs after the turns before it; the slot keeps it until
    /// then, also across a restart of the process. A prompt submitted during a
    /// switch is for the next session; if the switch fails, the prompt is reported
    /// as cancelled.
    ///
    /// `uuid` becomes the transcript entry's uuid.
    pub async fn submit(&self, uuid: String, text: String) -> Result<(), SlotError> {
        self.commands_tx.send(SlotCommand::Submit { uuid, text }).await.map_err(|_| slot_closed())
    }

    /// Withdraws a queued prompt; `false` if its turn has already started.
    pub async fn cancel(&self, uuid: String) -> Result<bool, SlotError> {
        self.send_command(|reply| SlotCommand::Cancel { uuid, reply }).await
    }

    /// Stops the running turn; does nothing if none runs.
    pub async fn interrupt(&self) -> Result<(), SlotError> {
        self.send_command(|reply| SlotCommand::Interrupt { reply }).await
    }

    /// Clears, resumes or forks. With `interrupt` a running turn is stopped first;
    /// without it a running turn makes the switch fail with [`SlotError::Busy`]. A
    /// failed switch leaves the former session active.
    pub async fn switch(&self, switch: Switch, interrupt: bool) -> Result<CompletedSwitch, SlotError> {
        self.send_command(|reply| SlotCommand::Switch { switch, interrupt, reply }).await
    }

    /// Announces that this switch may follow soon. If it needs a process of its
    /// own and no other switch is announced within 250 ms, a standby is started.
    pub async fn prewarm(&self, switch: Switch) {
        // A closed slot needs no standby.
        let _ = self.commands_tx.send(SlotCommand::Prewarm(switch)).await;
    }

    /// Answers a permission request.
    pub async fn answer_permission(&self, id: String, decision: PermissionDecision) -> Result<(), SlotError> {
        self.send_command(|reply| SlotCommand::AnswerPermission { id, decision, reply }).await
    }

    /// Sends a request to the agent and awaits its reply. Fails if the agent does
    /// not support it, or is not ready.
    pub async fn call<C: AgentCall>(&self, call: C) -> Result<C::Reply, SlotError> {
        let (tx, reply) = oneshot::channel();
        let reply_tx = ReplySender::new(move |reply| {
            let typed = reply.and_then(|reply| {
                let wrong = || SlotError::InvalidReply("the driver answered another request".to_owned());
                C::reply(reply).ok_or_else(wrong)
            });
            // The caller may have gone away.
            tx.send(typed).ok();
        });
        let command = SlotCommand::Call { request: call.request(), reply: reply_tx };
        self.commands_tx.send(command).await.map_err(|_| slot_closed())?;
        reply.await.unwrap_or_else(|_| Err(slot_closed()))
    }

    /// Changes the model; `None` for the agent's default.
    pub async fn set_model(&self, model: Option<String>) -> Result<(), SlotError> {
        self.call(SetModel { model }).await.map(drop)
    }

    /// Changes the permission mode.
    pub async fn set_permission_mode(&self, mode: PermissionMode) -> Result<(), SlotError> {
        self.call(SetMode { mode }).await
    }

    /// Gives a session a title: the active one, or any that only this agent keeps.
    pub async fn rename(&self, session: SessionId, title: String) -> Result<(), SlotError> {
        self.call(RenameSession { session, title }).await
    }

    /// Archives a session that only the agent keeps, or restores it (`back`).
    pub async fn archive(&self, session: SessionId, back: bool) -> Result<(), SlotError> {
        self.call(ArchiveSession { session, back }).await
    }

    /// Restores files to their state when the prompt with this uuid was submitted;
    /// with `dry_run` only reports what would change.
    pub async fn rewind(&self, prompt: String, dry_run: bool) -> Result<RewindResult, SlotError> {
        self.call(RewindFiles { prompt, dry_run }).await
    }

    /// Restarts the process in the active session. A running process is closed
    /// gracefully first; queued prompts are kept. Returns at once; events report
    /// the progress.
    pub async fn restart(&self) -> Result<(), SlotError> {
        self.restart_with(StartIn::Same).await
    }

    /// As [`restart`](Self::restart), in the session that `seat` names: the way out
    /// when the former session cannot be opened.
    pub async fn restart_with(&self, seat: StartIn) -> Result<(), SlotError> {
        self.send_command(|reply| SlotCommand::Restart { seat, reply }).await
    }

    /// As [`restart_with`](Self::restart_with), with another agent and that agent's
    /// default model.
    pub async fn replace_agent(&self, program: AgentProgram, seat: StartIn) -> Result<(), SlotError> {
        self.send_command(|reply| SlotCommand::ReplaceAgent { program, seat, reply }).await
    }

    /// Ends the process: closes its stdin, after 5 s sends SIGTERM to its group,
    /// after 5 more SIGKILL. Returns when the process is gone.
    pub async fn close(&self) {
        let (done, gone) = oneshot::channel();
        if self.commands_tx.send(SlotCommand::Close { done }).await.is_ok() {
            // An error means that the task has already ended.
            let _ = gone.await;
        }
    }

    async fn send_command<T>(&self, command: impl FnOnce(Reply<T>) -> SlotCommand) -> Result<T, SlotError> {
        let (reply, answer) = oneshot::channel();
        self.commands_tx.send(command(reply)).await.map_err(|_| slot_closed())?;
        answer.await.unwrap_or_else(|_| Err(slot_closed()))
    }
}

fn slot_closed() -> SlotError {
    SlotError::Disconnected("the slot is closed".to_owned())
}
