//! The slot's state machine: what happened goes in, what is to be done comes out.
//!
//! Owns the state, the active session, what was asked of the agent and the
//! prompts that wait. Never touches a process, a pipe or a clock: the actor
//! does what the effects say. (Answers to commands are sent from here; a
//! `oneshot` neither blocks nor fails.)

mod answer;
mod asked;
mod hear;
mod life;
mod obey;
mod others;
mod prompts;
mod standby;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::asked::Asked;
use self::life::Life;
use self::others::Others;
use self::prompts::Prompts;

use super::driver::{Driver, Heard, Line, Loan, LoanNews, Origin, Start};
use super::handle::Command;
use super::{Exit, Launch, News, PermissionRequest, PromptState, SlotEvent, SlotState, Totals};
use crate::session::SessionId;

/// Tells one process of the slot's from another.
pub(super) type Which = u64;

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The slot was made.
    Begin,
    /// Somebody wants something.
    Command(Command),
    /// A process runs, behind the leader of this pid.
    Started(Which, u32),
    /// A process said something.
    Line(Which, Line),
    /// What comes of what was lent to a process.
    Lent(Which, LoanNews),
    /// A process is gone, or never was.
    Ended(Which, Ended),
    /// A deadline is reached.
    Tick,
    /// Nobody holds a handle any more.
    Abandoned,
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended {
    /// Its exit code; none where a signal killed the guard itself.
    pub code: Option<i32>,
    /// For a person.
    pub reason: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect {
    /// Start a process.
    Spawn {
        /// What it is called from here on.
        which: Which,
        /// Which agent, where.
        launch: Box<Launch>,
        /// In which session.
        origin: Origin,
        /// As its driver wants it.
        start: Start,
    },
    /// Send it this.
    Send(Which, Line),
    /// End its stdin, once all is sent.
    EndInput(Which),
    /// Signal its group.
    Signal(Which, Signal),
    /// Lend it this, within this folder.
    Lend {
        /// To which.
        which: Which,
        /// What its driver calls the loan.
        ticket: u64,
        /// The folder.
        folder: PathBuf,
        /// What.
        loan: Loan,
    },
    /// Tell the news.
    Tell(Box<SlotEvent>),
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
struct Active {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
    pid: u32,
    model: String,
}

/// The turn that runs.
#[derive(Debug, Clone)]
struct Turn {
    uuid: String,
    since: Instant,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Machine {
    launch: Launch,
    /// How many bytes a transcript holds; one without any cannot be resumed.
    size: fn(&Path) -> u64,
    /// Which process speaks behind a leader.
    speaker: fn(u32) -> u32,
    /// The leader of each process.
    leaders: BTreeMap<Which, u32>,
    /// The process in the seat.
    process: Which,
    /// The last one that was started.
    spawned: Which,
    driver: Box<dyn Driver>,
    epoch: u64,
    state: SlotState,
    life: Life,
    /// Restarts since the last run that lasted.
    attempts: usize,
    /// Why the session that a process was to start in could not be opened.
    refused: Option<String>,
    active: Option<Active>,
    turn: Option<Turn>,
    prompts: Prompts,
    asked: Asked,
    permissions: Vec<PermissionRequest>,
    /// The other processes.
    others: Others,
    totals: Totals,
    closers: Vec<oneshot::Sender<()>>,
    now: Now,
    effects: Vec<Effect>,
}

impl Machine {
    pub(super) fn new(launch: Launch, size: fn(&Path) -> u64, speaker: fn(u32) -> u32, now: Now) -> Self {
        Self {
            driver: (launch.driver)(),
            launch,
            size,
            speaker,
            leaders: BTreeMap::new(),
            process: 0,
            spawned: 0,
            epoch: 0,
            state: SlotState::Starting,
            life: Life::Gone { retry: None },
            attempts: 0,
            refused: None,
            active: None,
            turn: None,
            prompts: Prompts::default(),
            asked: Asked::default(),
            permissions: Vec::new(),
            others: Others::default(),
            totals: Totals::default(),
            closers: Vec::new(),
            now,
            effects: Vec::new(),
        }
    }

    /// Takes one step.
    pub(super) fn step(&mut self, input: Input, now: Now) -> Vec<Effect> {
        self.now = now;
        if let Input::Ended(which, _) = &input {
            self.leaders.remove(which);
        }
        match input {
            Input::Begin => self.start(),
            Input::Command(command) => self.obey(command),
            Input::Started(which, leader) => {
                self.leaders.insert(which, leader);
            }
            Input::Line(which, line) if which == self.process => self.hear(line),
            Input::Line(which, line) => self.hear_standby(which, line),
            // What was lent to another goes with it.
            Input::Lent(which, news) => {
                if which == self.process {
                    let heard = self.driver.lent(news);
                    self.take_all(heard);
                }
            }
            Input::Ended(which, ended) if which == self.process => self.ended(ended),
            Input::Ended(which, ended) => self.other_ended(which, &ended),
            Input::Tick => self.tick(),
            Input::Abandoned => self.close(None),
        }
        std::mem::take(&mut self.effects)
    }

    /// When to take the next step should nothing happen before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let due = [self.asked.deadline(), self.life.deadline(), self.others.deadline()];
        due.into_iter().flatten().min()
    }

    fn tick(&mut self) {
        self.expire();
        self.age();
        self.age_others();
    }

    fn tell(&mut self, news: News) {
        let session = self.active.as_ref().map(|active| active.session);
        self.effects.push(Effect::Tell(Box::new(SlotEvent { epoch: self.epoch, session, news })));
    }

    fn tell_prompt(&mut self, uuid: String, state: PromptState) {
        self.tell(News::Prompt { uuid, state });
    }

    /// Takes what the driver made of something.
    fn take_all(&mut self, heard: Vec<Heard>) {
        for heard in heard {
            self.take(heard);
        }
    }

    fn enter(&mut self, state: SlotState) {
        if self.state != state {
            self.state = state.clone();
            self.tell(News::State(state));
        }
    }

    /// The state between switches: busy where a turn runs, else idle.
    fn settle(&mut self) {
        let Some(active) = &self.active else { return };
        let session = active.session;
        self.enter(match &self.turn {
            Some(turn) => SlotState::Busy { session, turn: turn.uuid.clone() },
            None => SlotState::Idle(session),
        });
    }

    fn is_warm(&self) -> bool {
        matches!(self.state, SlotState::Idle(_) | SlotState::Busy { .. })
            && matches!(self.life, Life::Up { .. })
    }

    /// Sends the prompts that wait, where the state allows it.
    fn send_prompts(&mut self) {
        if !self.is_warm() {
            return;
        }
        let most = match (self.driver.queues(), self.turn.is_some() || self.prompts.any_sent()) {
            (true, _) => usize::MAX,
            (false, false) => 1,
            (false, true) => 0,
        };
        for (uuid, text) in self.prompts.send(most) {
            let heard = self.driver.prompt(&uuid, &text);
            self.take_all(heard);
        }
    }

    /// Nobody needs to answer these any more.
    fn drop_permissions(&mut self) {
        for request in std::mem::take(&mut self.permissions) {
            self.tell(News::PermissionDropped { id: request.id });
        }
    }
}

#[cfg(test)]
mod tests;
