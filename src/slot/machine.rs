//! The slot's state machine: what happened goes in, what is to be done comes out.
//!
//! Owns the state, the active session, what was asked of the agent and the
//! prompts that wait. Never touches a process, a pipe or a clock: the actor
//! does what the effects say. (Answers to commands are sent from here; a
//! `oneshot` neither blocks nor fails.)

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
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::background_processes::BackgroundProcesses;
use self::lifecycle::ProcessLifecycle;
use self::pending_requests::PendingRequests;
use self::prompt_queue::PromptQueue;

use super::driver::{AgentEvent, ClientOp, ClientOpEvent, Driver, JsonLine, SpawnArgs, StartSession};
use super::handle::SlotCommand;
use super::{
    Launch, PermissionRequest, ProcessExit, PromptState, SlotEvent, SlotEventKind, SlotState, SlotTotals,
};
use crate::session::SessionId;

/// Tells one process of the slot's from another.
pub(super) type ProcessId = u64;

/// What happened.
#[derive(Debug)]
pub(super) enum SlotInput {
    /// The slot was made.
    Start,
    /// Somebody wants something.
    Command(SlotCommand),
    /// A process runs, behind the leader of this pid.
    ProcessStarted(ProcessId, u32),
    /// A process said something.
    Line(ProcessId, JsonLine),
    /// What comes of what was lent to a process.
    ClientOpEvent(ProcessId, ClientOpEvent),
    /// A process is gone, or never was.
    ProcessEnded(ProcessId, ExitDetails),
    /// A deadline is reached.
    Tick,
    /// Nobody holds a handle any more.
    HandlesDropped,
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub(super) struct ExitDetails {
    /// Its exit code; none where a signal killed the guard itself.
    pub code: Option<i32>,
    /// For a person.
    pub reason: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum SlotEffect {
    /// Start a process.
    Spawn {
        /// What it is called from here on.
        which: ProcessId,
        /// Which agent, where.
        launch: Box<Launch>,
        /// In which session.
        origin: StartSession,
        /// As its driver wants it.
        start: SpawnArgs,
    },
    /// Send it this.
    SendLine(ProcessId, JsonLine),
    /// End its stdin, once all is sent.
    CloseStdin(ProcessId),
    /// Signal its group.
    Signal(ProcessId, Signal),
    /// Lend it this, within this folder.
    ClientOp {
        /// To which.
        which: ProcessId,
        /// What its driver calls the loan.
        ticket: u64,
        /// The folder.
        folder: PathBuf,
        /// What.
        loan: ClientOp,
    },
    /// Tell the news.
    Emit(Box<SlotEvent>),
    /// Nothing comes after this.
    Finish,
}

/// The time of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// For deadlines.
    pub at: Instant,
    /// For people.
    pub wall: DateTime<Utc>,
}

/// The active session and where it lives.
#[derive(Debug, Clone)]
struct CurrentSession {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
    pid: u32,
    model: String,
}

/// The turn that runs.
#[derive(Debug, Clone)]
struct ActiveTurn {
    uuid: String,
    since: Instant,
}

/// The machine.
#[derive(Debug)]
pub(super) struct SlotMachine {
    launch: Launch,
    /// How many bytes a transcript holds; one without any cannot be resumed.
    transcript_size: fn(&Path) -> u64,
    /// Which process speaks behind a leader.
    find_leaf: fn(u32) -> u32,
    /// The leader of each process.
    leader_pids: BTreeMap<ProcessId, u32>,
    /// The process in the seat.
    process: ProcessId,
    /// The last one that was started.
    last_spawned: ProcessId,
    driver: Box<dyn Driver>,
    epoch: u64,
    state: SlotState,
    lifecycle: ProcessLifecycle,
    /// Restarts since the last run that lasted.
    attempts: usize,
    /// Why the session that a process was to start in could not be opened.
    resume_refusal: Option<String>,
    active: Option<CurrentSession>,
    turn: Option<ActiveTurn>,
    prompts: PromptQueue,
    pending: PendingRequests,
    permissions: Vec<PermissionRequest>,
    /// The other processes.
    background: BackgroundProcesses,
    totals: SlotTotals,
    closers: Vec<oneshot::Sender<()>>,
    now: Now,
    effects: Vec<SlotEffect>,
}

impl SlotMachine {
    pub(super) fn new(launch: Launch, size: fn(&Path) -> u64, speaker: fn(u32) -> u32, now: Now) -> Self {
        Self {
            driver: (launch.driver)(),
            launch,
            transcript_size: size,
            find_leaf: speaker,
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
        if let SlotInput::ProcessEnded(which, _) = &input {
            self.leader_pids.remove(which);
        }
        match input {
            SlotInput::Start => self.start_process(),
            SlotInput::Command(command) => self.handle_command(command),
            SlotInput::ProcessStarted(which, leader) => {
                self.leader_pids.insert(which, leader);
            }
            SlotInput::Line(which, line) if which == self.process => self.handle_line(line),
            SlotInput::Line(which, line) => self.handle_standby_line(which, line),
            // What was lent to another goes with it.
            SlotInput::ClientOpEvent(which, news) => {
                if which == self.process {
                    let heard = self.driver.handle_client_op(news);
                    self.apply_all(heard);
                }
            }
            SlotInput::ProcessEnded(which, ended) if which == self.process => self.process_ended(ended),
            SlotInput::ProcessEnded(which, ended) => self.background_ended(which, &ended),
            SlotInput::Tick => self.tick(),
            SlotInput::HandlesDropped => self.close(None),
        }
        std::mem::take(&mut self.effects)
    }

    /// When to take the next step should nothing happen before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = [self.pending.deadline(), self.lifecycle.deadline(), self.background.deadline()];
        due.into_iter().flatten().min()
    }

    fn tick(&mut self) {
        self.expire_requests();
        self.check_lifecycle();
        self.check_background();
    }

    fn emit(&mut self, news: SlotEventKind) {
        let session = self.active.as_ref().map(|active| active.session);
        self.effects.push(SlotEffect::Emit(Box::new(SlotEvent { epoch: self.epoch, session, kind: news })));
    }

    fn emit_prompt(&mut self, uuid: String, state: PromptState) {
        self.emit(SlotEventKind::PromptStateChanged { uuid, state });
    }

    /// Takes what the driver made of something.
    fn apply_all(&mut self, heard: Vec<AgentEvent>) {
        for heard in heard {
            self.apply(heard);
        }
    }

    fn set_state(&mut self, state: SlotState) {
        if self.state != state {
            self.state = state.clone();
            self.emit(SlotEventKind::StateChanged(state));
        }
    }

    /// The state between switches: busy where a turn runs, else idle.
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

    /// Sends the prompts that wait, where the state allows it.
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
            let heard = self.driver.send_prompt(&uuid, &text);
            self.apply_all(heard);
        }
    }

    /// Nobody needs to answer these any more.
    fn drop_permissions(&mut self) {
        for request in std::mem::take(&mut self.permissions) {
            self.emit(SlotEventKind::PermissionDropped { id: request.id });
        }
    }
}

#[cfg(test)]
mod tests;
