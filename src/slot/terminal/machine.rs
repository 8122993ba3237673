//! The state machine of a slot whose program runs in a terminal: commands,
//! reports and time go in; keys, events and signals come out.
//!
//! Owns the state, the active session and the one pending switch. A switch is
//! typed as the program's own command and counts as done only when a hook
//! reports it. It must never touch a process or a clock.

mod commands;
mod hook_reports;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::hooks::HookReport;
use super::pty::PtyInput;
use crate::session::SessionId;
use crate::slot::handle::{Reply, SlotCommand};
use crate::slot::machine::Now;
use crate::slot::{
    AgentEvent, CompletedSwitch, Launch, ProcessExit, PromptState, SlotError, SlotEvent, SlotEventKind,
    SlotState, Switch,
};

/// How long to wait for a hook to confirm a typed command.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(8);
/// The agent's name.
const AGENT_NAME: &str = "claude";

/// An input of the state machine.
#[derive(Debug)]
pub(super) enum TerminalSlotInput {
    /// Start.
    Start,
    /// A command arrived.
    Command(SlotCommand),
    /// Keys that the person typed, for the program.
    Typed(Vec<u8>),
    /// A hook report.
    Report(HookReport),
    /// The program was started, with this pid.
    Started(u32),
    /// The program's version.
    Version(String),
    /// The program has ended or could not be started: the reason, and the last
    /// lines of its screen.
    Ended(String, Vec<String>),
    /// A deadline is reached.
    Tick,
    /// The last handle was dropped.
    HandlesDropped,
}

/// An effect: what the actor must do.
#[derive(Debug, PartialEq)]
pub(super) enum TerminalEffect {
    /// Start the program, in this session.
    Spawn(Option<SessionId>),
    /// Send it these keys.
    SendKeys(PtyInput),
    /// Signal it.
    Signal(Signal),
    /// Emit an event.
    Emit(Box<SlotEvent>),
    /// End the task.
    Finish,
}

/// The active session.
#[derive(Debug, Clone)]
struct TerminalSession {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
}

/// A switch that was typed and is not confirmed.
#[derive(Debug)]
struct TypedSwitch {
    switch: Switch,
    reply: Reply<CompletedSwitch>,
    from: SessionId,
    since: Instant,
    /// For a fork of another session, which must be resumed first.
    resuming: bool,
}

/// What follows the program's exit.
#[derive(Debug, Clone, Copy)]
enum AfterExit {
    /// Nothing.
    Finish,
    /// Restart it in this session.
    Start(Option<SessionId>),
}

/// The state machine of a slot.
#[derive(Debug)]
pub(super) struct TerminalMachine {
    launch: Launch,
    /// Whether a transcript has entries (injected).
    is_stored: fn(&Path) -> bool,
    version: String,
    /// The model reported last: a resumed session does not always report it.
    model: String,
    state: SlotState,
    epoch: u64,
    pid: u32,
    active: Option<TerminalSession>,
    typed_switch: Option<TypedSwitch>,
    /// When the program left a session on its own.
    left_at: Option<Instant>,
    /// The program's input line may contain unsent text.
    input_dirty: bool,
    /// Our last prompt, and whether its turn runs.
    submitted: Option<(String, bool)>,
    stopping: Option<(AfterExit, Instant, Signal)>,
    closers: Vec<oneshot::Sender<()>>,
    now: Instant,
    wall: DateTime<Utc>,
    effects: Vec<TerminalEffect>,
}

impl TerminalMachine {
    pub(super) fn new(launch: Launch, is_stored: fn(&Path) -> bool, now: Now) -> Self {
        Self {
            launch,
            is_stored,
            version: String::new(),
            model: String::new(),
            state: SlotState::Starting,
            epoch: 0,
            pid: 0,
            active: None,
            typed_switch: None,
            left_at: None,
            input_dirty: false,
            submitted: None,
            stopping: None,
            closers: Vec::new(),
            now: now.at,
            wall: now.wall,
            effects: Vec::new(),
        }
    }

    /// Takes one step.
    pub(super) fn step(&mut self, input: TerminalSlotInput, now: Now) -> Vec<TerminalEffect> {
        (self.now, self.wall) = (now.at, now.wall);
        match input {
            TerminalSlotInput::Start => self.start(self.launch.resume),
            TerminalSlotInput::Command(command) => self.handle_command(command),
            TerminalSlotInput::Typed(keys) => {
                self.input_dirty = true;
                self.send_bytes(keys);
            }
            TerminalSlotInput::Report(report) => self.handle_report(report),
            TerminalSlotInput::Started(pid) => self.pid = pid,
            TerminalSlotInput::Version(version) => self.version = version,
            TerminalSlotInput::Ended(reason, screen) => self.program_ended(reason, screen),
            TerminalSlotInput::Tick => self.tick(),
            TerminalSlotInput::HandlesDropped => self.stop_program(AfterExit::Finish),
        }
        std::mem::take(&mut self.effects)
    }

    /// When the next [`Tick`](SlotInput::Tick) is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let asked = self.typed_switch.as_ref().map(|asked| asked.since + CONFIRM_TIMEOUT);
        let ending = self.stopping.as_ref().map(|(_, at, _)| *at);
        asked.into_iter().chain(ending).min()
    }

    fn start(&mut self, session: Option<SessionId>) {
        self.set_state(SlotState::Starting);
        self.effects.push(TerminalEffect::Spawn(session));
    }

    fn tick(&mut self) {
        if self.typed_switch.as_ref().is_some_and(|asked| asked.since + CONFIRM_TIMEOUT <= self.now) {
            let message = "the switch was not confirmed; look at its terminal for the reason";
            self.fail_switch(&refusal(message));
        }
        if let Some((_, at, signal)) = &mut self.stopping
            && *at <= self.now
        {
            let due = *signal;
            (*at, *signal) = (self.now + self.launch.term_grace, Signal::KILL);
            self.effects.push(TerminalEffect::Signal(due));
        }
    }

    /// Fails the pending switch.
    fn fail_switch(&mut self, error: &SlotError) {
        let Some(asked) = self.typed_switch.take() else { return };
        if let Some(active) = &self.active {
            let session = active.session;
            self.set_state(SlotState::Idle(session));
        }
        let _ = asked.reply.send(Err(error.clone()));
    }

    /// Stops the program, if it runs.
    fn stop_program(&mut self, then: AfterExit) {
        if matches!(self.state, SlotState::Exited(_)) {
            return self.after_exit(then);
        }
        let signal = self.stopping.take().map_or(Signal::TERM, |(_, _, signal)| signal);
        self.effects.push(TerminalEffect::Signal(signal));
        self.stopping = Some((then, self.now + self.launch.term_grace, Signal::KILL));
    }

    fn program_ended(&mut self, reason: String, screen: Vec<String>) {
        self.fail_switch(&SlotError::Disconnected(format!("the agent has ended: {reason}")));
        if let Some((uuid, runs)) = self.submitted.take() {
            let state = if runs { PromptState::Aborted } else { PromptState::Cancelled };
            self.emit(SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state }));
        }
        let ending = self.stopping.take().map(|(then, _, _)| then);
        let expected = ending.is_some();
        let restart_in = matches!(ending, Some(AfterExit::Start(_))).then_some(Duration::ZERO);
        self.set_state(SlotState::Exited(ProcessExit { reason, expected, stderr: screen, restart_in }));
        if let Some(then) = ending {
            self.after_exit(then);
        }
    }

    fn after_exit(&mut self, then: AfterExit) {
        match then {
            AfterExit::Start(session) => self.start(session),
            AfterExit::Finish => {
                for closer in self.closers.drain(..) {
                    let _ = closer.send(());
                }
                self.effects.push(TerminalEffect::Finish);
            }
        }
    }

    fn set_state(&mut self, state: SlotState) {
        if self.state != state || state == SlotState::Starting {
            self.state = state.clone();
            self.emit(SlotEventKind::StateChanged(state));
        }
    }

    fn emit(&mut self, event: SlotEventKind) {
        let session = self.active.as_ref().map(|active| active.session);
        self.effects.push(TerminalEffect::Emit(Box::new(SlotEvent {
            epoch: self.epoch,
            session,
            at: self.wall,
            kind: event,
        })));
    }

    fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.effects.push(TerminalEffect::SendKeys(PtyInput::Bytes(bytes)));
    }
}

fn refusal(message: &str) -> SlotError {
    SlotError::refused(format!("{AGENT_NAME} in a terminal: {message}"))
}

#[cfg(test)]
mod tests;
