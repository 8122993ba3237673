//! The state of a slot whose program runs in a terminal: commands, reports and
//! the clock go in; keys, news and signals come out.
//!
//! Owns the state, the active session and the one switch that was asked for. A
//! switch is typed as the program's own command and has happened when a report
//! says so, never before. Never touches a process or a clock.

mod hear;
mod obey;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::hooks::Report;
use super::pty::Keys;
use crate::session::SessionId;
use crate::slot::handle::{Command, Reply};
use crate::slot::{Exit, Launch, News, PromptState, SlotError, SlotEvent, SlotState, Switch, Switched};

/// How long a typed command may go unconfirmed.
const PATIENCE: Duration = Duration::from_secs(8);
/// From one signal to the next, harder one.
const GRACE: Duration = Duration::from_secs(5);
/// The program's name for people.
const NAME: &str = "claude";

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// Start.
    Begin,
    /// Somebody wants something.
    Command(Command),
    /// The person's keys went to the program.
    Typed(Vec<u8>),
    /// The program reported.
    Report(Report),
    /// The program is up, as this process.
    Started(u32),
    /// What it says its version is.
    Version(String),
    /// The program is gone, or never was: why, and the last lines of its screen.
    Ended(String, Vec<String>),
    /// A deadline is reached.
    Tick,
    /// Nobody holds a handle any more.
    Abandoned,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Start the program, in this session.
    Spawn(Option<SessionId>),
    /// Give it these to read.
    Send(Keys),
    /// Signal it.
    Signal(Signal),
    /// Tell the news.
    Tell(Box<SlotEvent>),
    /// Nothing comes after this.
    Finish,
}

/// The active session.
#[derive(Debug, Clone)]
struct Active {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
}

/// A switch that was typed.
#[derive(Debug)]
struct Asked {
    switch: Switch,
    reply: Reply<Switched>,
    from: SessionId,
    since: Instant,
    /// A fork of another session: that one has to be resumed first.
    resuming: bool,
}

/// What comes after the program's end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// Nothing.
    Finish,
    /// The program again, in this session.
    Start(Option<SessionId>),
}

/// The machine.
#[derive(Debug)]
pub(super) struct Machine {
    launch: Launch,
    /// Whether a transcript holds anything.
    is_stored: fn(&Path) -> bool,
    version: String,
    /// As it said last: a resumed session does not always say.
    model: String,
    state: SlotState,
    epoch: u64,
    pid: u32,
    active: Option<Active>,
    asked: Option<Asked>,
    /// When the program left a session by itself.
    left: Option<Instant>,
    /// Something may stand in the program's input that was not sent.
    typed: bool,
    /// The prompt of ours that was typed, and whether its turn runs.
    prompt: Option<(String, bool)>,
    ending: Option<(Ending, Instant, Signal)>,
    closers: Vec<oneshot::Sender<()>>,
    now: Instant,
    effects: Vec<Effect>,
}

impl Machine {
    pub(super) fn new(launch: Launch, is_stored: fn(&Path) -> bool, now: Instant) -> Self {
        Self {
            launch,
            is_stored,
            version: String::new(),
            model: String::new(),
            state: SlotState::Starting,
            epoch: 0,
            pid: 0,
            active: None,
            asked: None,
            left: None,
            typed: false,
            prompt: None,
            ending: None,
            closers: Vec::new(),
            now,
            effects: Vec::new(),
        }
    }

    /// Takes one step.
    pub(super) fn step(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        self.now = now;
        match input {
            Input::Begin => self.start(self.launch.resume),
            Input::Command(command) => self.obey(command),
            Input::Typed(keys) => {
                self.typed = true;
                self.send(keys);
            }
            Input::Report(report) => self.hear(report),
            Input::Started(pid) => self.pid = pid,
            Input::Version(version) => self.version = version,
            Input::Ended(reason, screen) => self.ended(reason, screen),
            Input::Tick => self.tick(),
            Input::Abandoned => self.end(Ending::Finish),
        }
        std::mem::take(&mut self.effects)
    }

    /// When to take the next step should nothing happen before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let asked = self.asked.as_ref().map(|asked| asked.since + PATIENCE);
        let ending = self.ending.as_ref().map(|(_, at, _)| *at);
        asked.into_iter().chain(ending).min()
    }

    fn start(&mut self, session: Option<SessionId>) {
        self.enter(SlotState::Starting);
        self.effects.push(Effect::Spawn(session));
    }

    fn tick(&mut self) {
        if self.asked.as_ref().is_some_and(|asked| asked.since + PATIENCE <= self.now) {
            let message = "it did not say that it did it; its terminal shows what it said instead";
            self.fail(&refused("unconfirmed", message));
        }
        if let Some((_, at, signal)) = &mut self.ending
            && *at <= self.now
        {
            let due = *signal;
            (*at, *signal) = (self.now + GRACE, Signal::KILL);
            self.effects.push(Effect::Signal(due));
        }
    }

    /// The switch that was asked for did not happen.
    fn fail(&mut self, error: &SlotError) {
        let Some(asked) = self.asked.take() else { return };
        if let Some(active) = &self.active {
            let session = active.session;
            self.enter(SlotState::Idle(session));
        }
        let _ = asked.reply.send(Err(error.clone()));
    }

    /// Ends the program, if it runs.
    fn end(&mut self, then: Ending) {
        if matches!(self.state, SlotState::Exited(_)) {
            return self.after(then);
        }
        let signal = self.ending.take().map_or(Signal::TERM, |(_, _, signal)| signal);
        self.effects.push(Effect::Signal(signal));
        self.ending = Some((then, self.now + GRACE, Signal::KILL));
    }

    fn ended(&mut self, reason: String, screen: Vec<String>) {
        self.fail(&SlotError::Gone(format!("the agent is gone: {reason}")));
        if let Some((uuid, runs)) = self.prompt.take() {
            let state = if runs { PromptState::CutOff } else { PromptState::Cancelled };
            self.tell(News::Prompt { uuid, state });
        }
        let ending = self.ending.take().map(|(then, _, _)| then);
        let expected = ending.is_some();
        let restart_in = matches!(ending, Some(Ending::Start(_))).then_some(Duration::ZERO);
        self.enter(SlotState::Exited(Exit { reason, expected, stderr: screen, restart_in }));
        if let Some(then) = ending {
            self.after(then);
        }
    }

    fn after(&mut self, then: Ending) {
        match then {
            Ending::Start(session) => self.start(session),
            Ending::Finish => {
                for closer in self.closers.drain(..) {
                    let _ = closer.send(());
                }
                self.effects.push(Effect::Finish);
            }
        }
    }

    fn enter(&mut self, state: SlotState) {
        if self.state != state || state == SlotState::Starting {
            self.state = state.clone();
            self.tell(News::State(state));
        }
    }

    fn tell(&mut self, news: News) {
        let session = self.active.as_ref().map(|active| active.session);
        self.effects.push(Effect::Tell(Box::new(SlotEvent { epoch: self.epoch, session, news })));
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.effects.push(Effect::Send(Keys::Bytes(bytes)));
    }
}

fn refused(code: &str, message: &str) -> SlotError {
    SlotError::Refused { code: code.to_owned(), message: format!("{NAME} in a terminal: {message}") }
}

#[cfg(test)]
mod tests;
