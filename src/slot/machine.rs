//! The slot's state machine: inputs go in, effects come out.
//!
//! Owns the state, the active session, open requests and queued prompts. It
//! must never touch a process, a pipe or a clock: the actor executes the
//! effects, and what needs the file system or `/proc` is passed in as a
//! function. (Replies to commands are sent from here; a `oneshot` neither blocks
//! nor fails.)
//!
//! Start reading at [`SlotMachine::step`].

mod agent_events;
mod background_processes;
mod commands;
mod lifecycle;
mod pending_requests;
mod prompt_queue;
mod responses;
mod standby;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::background_processes::BackgroundProcesses;
use self::lifecycle::ProcessLifecycle;
use self::pending_requests::PendingRequests;
use self::prompt_queue::PromptQueue;

use super::driver::{
    AgentEvent, ClientOp, ClientOpEvent, Driver, DriverOutput, JsonLine, SpawnArgs, StartSession,
};
use super::handle::SlotCommand;
use super::{
    Launch, PermissionRequest, PermissionTarget, ProcessExit, PromptState, SlotEvent, SlotEventKind,
    SlotState, SlotTotals,
};
use crate::agent_api::{PtyInput, SessionGrants};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Identifies a process within its slot.
pub(super) type ProcessId = u64;

/// An input of the state machine.
#[derive(Debug)]
pub(super) enum SlotInput {
    /// The slot was created.
    Start,
    /// A command arrived.
    Command(SlotCommand),
    /// A process was started; the pid is that of its group's leader, the guard.
    ProcessStarted(ProcessId, u32),
    /// A line from a process.
    Line(ProcessId, JsonLine),
    /// The person typed keys for the program in the terminal.
    Typed(Vec<u8>),
    /// The result of a client operation.
    ClientOpEvent(ProcessId, ClientOpEvent),
    /// A process has ended, or could not be started.
    ProcessEnded(ProcessId, ExitDetails),
    /// A deadline is reached.
    Tick,
    /// The last handle was dropped.
    HandlesDropped,
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub(super) struct ExitDetails {
    /// Its exit code; `None` if a signal killed the guard itself.
    pub code: Option<i32>,
    /// The reason, for a person.
    pub reason: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}

/// An effect: what the actor must do.
#[derive(Debug)]
pub(super) enum SlotEffect {
    /// Start a process.
    Spawn {
        /// Its id from here on.
        process: ProcessId,
        /// Which agent to start, and where.
        launch: Box<Launch>,
        /// The session to start in.
        origin: StartSession,
        /// The driver's arguments.
        start: SpawnArgs,
    },
    /// Write this line to its stdin.
    SendLine(ProcessId, JsonLine),
    /// Have the program in the terminal read this.
    SendKeys(ProcessId, PtyInput),
    /// Close its stdin once all lines are written, or its terminal.
    CloseStdin(ProcessId),
    /// Signal its group.
    Signal(ProcessId, Signal),
    /// Execute a client operation within this folder.
    ClientOp {
        /// The process that asked.
        process: ProcessId,
        /// The driver's id of the operation.
        op_id: u64,
        folder: PathBuf,
        /// What.
        op: ClientOp,
    },
    Emit(Box<SlotEvent>),
    /// End the task.
    Finish,
}

/// The time at which a step happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Monotonic, for deadlines.
    pub at: Instant,
    /// Wall clock, for people.
    pub wall: DateTime<Utc>,
}

/// The active session.
#[derive(Debug, Clone)]
struct CurrentSession {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
    pid: u32,
    model: String,
}

/// The running turn.
#[derive(Debug, Clone)]
struct ActiveTurn {
    uuid: String,
    since: Instant,
}

/// What the state machine needs to know of the system: the actor passes the real
/// functions in, the tests their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemProbes {
    /// Size of a transcript in bytes. An empty one cannot be resumed.
    pub transcript_size: fn(&Path) -> u64,
    /// The agent's pid behind a group leader.
    pub find_leaf: fn(u32) -> u32,
    /// The files that a tool input names, in a session of this folder.
    pub resolve_targets: fn(&Value, &Path) -> Vec<PermissionTarget>,
}

/// The state machine of a slot.
#[derive(Debug)]
pub(super) struct SlotMachine {
    /// How processes are started; its mode is the one that a person has chosen.
    launch: Launch,
    /// What may run without asking in the active session. It differs from the
    /// launch's where the agent widened it; that ends with the session.
    session_mode: PermissionMode,
    probes: SystemProbes,
    /// The group leader of each process.
    leader_pids: BTreeMap<ProcessId, u32>,
    /// The active process.
    process: ProcessId,
    /// The id of the process started last.
    last_spawned: ProcessId,
    driver: Box<dyn Driver>,
    epoch: u64,
    state: SlotState,
    lifecycle: ProcessLifecycle,
    /// Restarts since the last stable run.
    attempts: usize,
    /// Why the session to start in could not be opened.
    resume_refusal: Option<String>,
    active: Option<CurrentSession>,
    turn: Option<ActiveTurn>,
    prompts: PromptQueue,
    pending: PendingRequests,
    permissions: Vec<PermissionRequest>,
    /// What a person has allowed for the active session.
    grants: SessionGrants,
    /// Standby and draining processes.
    background: BackgroundProcesses,
    totals: SlotTotals,
    closers: Vec<oneshot::Sender<()>>,
    now: Now,
    effects: Vec<SlotEffect>,
}

impl SlotMachine {
    pub(super) fn new(launch: Launch, probes: SystemProbes, now: Now) -> Self {
        Self {
            driver: (launch.driver)(),
            session_mode: launch.permission_mode,
            launch,
            probes,
            leader_pids: BTreeMap::new(),
            process: 0,
            last_spawned: 0,
            epoch: 0,
            state: SlotState::Starting,
            lifecycle: ProcessLifecycle::Stopped { retry: None },
            attempts: 0,
            resume_refusal: None,
            active: None,
            turn: None,
            prompts: PromptQueue::default(),
            pending: PendingRequests::default(),
            permissions: Vec::new(),
            grants: SessionGrants::default(),
            background: BackgroundProcesses::default(),
            totals: SlotTotals::default(),
            closers: Vec::new(),
            now,
            effects: Vec::new(),
        }
    }

    /// Takes one step.
    pub(super) fn step(&mut self, input: SlotInput, now: Now) -> Vec<SlotEffect> {
        self.now = now;
        if let SlotInput::ProcessEnded(process, _) = &input {
            self.leader_pids.remove(process);
        }
        match input {
            SlotInput::Start => self.start_process(),
            SlotInput::Command(command) => self.handle_command(command),
            SlotInput::ProcessStarted(process, leader) => {
                self.leader_pids.insert(process, leader);
            }
            SlotInput::Line(process, line) if process == self.process => self.handle_line(line),
            SlotInput::Line(process, line) => self.handle_standby_line(process, line),
            SlotInput::Typed(keys) => {
                let outputs = self.driver.handle_keys(keys);
                self.apply_all(outputs);
            }
            // Operations of a background process are of no use any more.
            SlotInput::ClientOpEvent(process, event) => {
                if process == self.process {
                    let events = self.driver.handle_client_op(event);
                    self.apply_all(events);
                }
            }
            SlotInput::ProcessEnded(process, ended) if process == self.process => self.process_ended(ended),
            SlotInput::ProcessEnded(process, ended) => self.background_ended(process, &ended),
            SlotInput::Tick => self.tick(),
            SlotInput::HandlesDropped => self.close(None),
        }
        std::mem::take(&mut self.effects)
    }

    /// When the next [`Tick`](SlotInput::Tick) is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = [
            self.pending.deadline(),
            self.lifecycle.deadline(),
            self.background.deadline(),
            self.driver.deadline(),
        ];
        due.into_iter().flatten().min()
    }

    fn tick(&mut self) {
        let events = self.driver.expire(self.now.at);
        self.apply_all(events);
        self.expire_requests();
        self.check_lifecycle();
        self.check_background();
    }

    fn emit(&mut self, event: SlotEventKind) {
        let session = self.active.as_ref().map(|active| active.session);
        self.effects.push(SlotEffect::Emit(Box::new(SlotEvent {
            epoch: self.epoch,
            session,
            at: self.now.wall,
            kind: event,
        })));
    }

    fn emit_prompt(&mut self, uuid: String, state: PromptState) {
        self.emit_agent(AgentEvent::PromptStateChanged { uuid, state });
    }

    fn emit_agent(&mut self, event: AgentEvent) {
        self.emit(SlotEventKind::Agent(event));
    }

    /// Applies what a driver returned.
    fn apply_all(&mut self, outputs: Vec<DriverOutput>) {
        for output in outputs {
            self.apply(output);
        }
    }

    fn set_state(&mut self, state: SlotState) {
        if self.state != state {
            self.state = state.clone();
            self.emit(SlotEventKind::StateChanged(state));
        }
    }

    /// Sets the state outside switches: busy if a turn runs, else idle.
    fn settle(&mut self) {
        let Some(active) = &self.active else { return };
        let session = active.session;
        self.set_state(match &self.turn {
            Some(turn) => SlotState::Busy { session, turn: turn.uuid.clone() },
            None => SlotState::Idle(session),
        });
    }

    fn is_warm(&self) -> bool {
        matches!(self.state, SlotState::Idle(_) | SlotState::Busy { .. })
            && matches!(self.lifecycle, ProcessLifecycle::Running { .. })
    }

    /// Sends queued prompts, if the state allows it.
    fn send_prompts(&mut self) {
        if !self.is_warm() {
            return;
        }
        let most = match (self.driver.queues_prompts(), self.turn.is_some() || self.prompts.any_sent()) {
            (true, _) => usize::MAX,
            (false, false) => 1,
            (false, true) => 0,
        };
        for (uuid, text) in self.prompts.mark_sent(most) {
            let events = self.driver.send_prompt(&uuid, &text);
            self.apply_all(events);
        }
    }

    /// Drops all open permission requests.
    fn drop_permissions(&mut self) {
        for request in std::mem::take(&mut self.permissions) {
            self.emit_agent(AgentEvent::PermissionDropped(request.id));
        }
    }
}

#[cfg(test)]
mod tests;
