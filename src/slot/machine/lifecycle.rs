//! Starting, stopping and restarting the process.

use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pending_requests::Continuation;
use super::{ExitDetails, ProcessExit, PromptState, SlotEffect, SlotMachine, SlotState};
use crate::slot::driver::{SlotRequest, StartSession};
use crate::slot::{SlotError, SwitchSupport};

/// Delays before the first, second and third restart. There is no fourth.
const BACK_OFF: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];
/// After a run of at least this long the back-off starts over.
const STABLE_RUN: Duration = Duration::from_mins(1);

/// The stages of the active process.
#[derive(Debug)]
pub(super) enum ProcessLifecycle {
    /// There is none, and there will be no other.
    Closed,
    /// There is none; it is started at `retry`, or on request.
    Stopped { retry: Option<Instant> },
    /// It runs; `warm` is when its handshake was done.
    Running { warm: Option<Instant> },
    /// It was asked to exit.
    Stopping { warm: Option<Instant>, next: Option<(Instant, Signal)>, after: OnExit },
}

impl ProcessLifecycle {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Stopped { retry } => *retry,
            Self::Running { .. } | Self::Closed => None,
            Self::Stopping { next, .. } => next.map(|(at, _)| at),
        }
    }
}

/// What follows a requested exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OnExit {
    /// The slot ends.
    Finish,
    /// It is restarted at once.
    Restart,
    /// It is restarted with the back-off of a crash, for this reason.
    Retry(String),
}

impl SlotMachine {
    /// Starts a process in the session that was active.
    pub(super) fn start_process(&mut self) {
        self.epoch += 1;
        let mut launch = self.launch.clone();
        let origin = match &self.active {
            Some(active) => {
                launch.cwd.clone_from(&active.cwd);
                if (self.probes.transcript_size)(&active.transcript) > 0
                    || self.launch.finder.find(active.session).is_some()
                {
                    StartSession::Stored(active.session)
                } else {
                    StartSession::WithId(active.session)
                }
            }
            None => launch.resume.map_or(StartSession::New, StartSession::Stored),
        };
        self.driver = (launch.driver)();
        if let (StartSession::Stored(session), SwitchSupport::Standby) =
            (&origin, self.driver.capabilities().resume)
        {
            // Such an agent opens a session only in the session's own folder.
            if let Some(found) = self.launch.finder.find(*session) {
                launch.work_in(found);
            }
            self.kill_standbys();
        }
        self.lifecycle = ProcessLifecycle::Running { warm: None };
        // Emitted even if the state was already `Starting`.
        self.state = SlotState::Starting;
        self.emit(super::SlotEventKind::StateChanged(SlotState::Starting));
        let start = self.driver.start(&launch, &origin);
        self.last_spawned += 1;
        self.process = self.last_spawned;
        self.effects.push(SlotEffect::Spawn {
            process: self.process,
            launch: Box::new(launch),
            origin,
            start,
        });
        self.request(SlotRequest::Handshake, Continuation::Handshake);
    }

    /// Stops the process gracefully, or changes what follows its exit.
    pub(super) fn stop_process(&mut self, then: OnExit) {
        match &mut self.lifecycle {
            ProcessLifecycle::Stopped { .. } | ProcessLifecycle::Closed => {}
            ProcessLifecycle::Stopping { after, .. } => {
                if *after != OnExit::Finish {
                    *after = then;
                }
            }
            ProcessLifecycle::Running { warm } => {
                let next = Some((self.now.at + self.launch.term_grace, Signal::TERM));
                self.lifecycle = ProcessLifecycle::Stopping { warm: *warm, next, after: then };
                // With only its stdin closed it would first finish its turn.
                if self.turn.is_some() {
                    self.notify_agent(SlotRequest::EndSession);
                }
                self.effects.push(SlotEffect::CloseStdin(self.process));
            }
        }
    }

    /// Ends the slot.
    pub(super) fn close(&mut self, done: Option<oneshot::Sender<()>>) {
        self.closers.extend(done);
        self.fail_pending_switch(SlotError::NotReady("closing"));
        self.kill_standbys();
        if matches!(self.lifecycle, ProcessLifecycle::Stopped { .. }) {
            self.lifecycle = ProcessLifecycle::Closed;
            self.finish_when_empty();
        } else {
            self.stop_process(OnExit::Finish);
        }
    }

    /// Restarts the process or sends the next signal, if it is due.
    pub(super) fn check_lifecycle(&mut self) {
        let now = self.now.at;
        match &mut self.lifecycle {
            ProcessLifecycle::Stopped { retry: Some(at) } if *at <= now => self.start_process(),
            ProcessLifecycle::Stopping { next, .. } => {
                let Some((_, signal)) = next.filter(|(at, _)| *at <= now) else { return };
                *next = (signal == Signal::TERM).then_some((now + self.launch.term_grace, Signal::KILL));
                tracing::warn!(?signal, "the agent did not exit");
                self.effects.push(SlotEffect::Signal(self.process, signal));
            }
            ProcessLifecycle::Stopped { .. }
            | ProcessLifecycle::Running { .. }
            | ProcessLifecycle::Closed => {}
        }
    }

    pub(super) fn process_ended(&mut self, ended: ExitDetails) {
        let starting = self.state == SlotState::Starting;
        self.fail_pending_switch(SlotError::Disconnected(format!("the agent ended ({})", ended.reason)));
        self.fail_pending(&ended.reason);
        self.drop_permissions();
        if let Some(turn) = self.turn.take() {
            self.emit_prompt(turn.uuid, PromptState::Aborted);
        }
        self.cancel_prompts_for_next();
        self.prompts.unsend();
        let ExitDetails { code, reason, stderr } = ended;
        let life = std::mem::replace(&mut self.lifecycle, ProcessLifecycle::Stopped { retry: None });
        let exited = |reason, expected, restart_in| {
            SlotState::Exited(ProcessExit { reason, expected, stderr: stderr.clone(), restart_in })
        };
        match life {
            ProcessLifecycle::Stopping { after: OnExit::Finish, .. } => {
                self.lifecycle = ProcessLifecycle::Closed;
                self.set_state(exited(reason, true, None));
                self.finish_when_empty();
            }
            ProcessLifecycle::Stopping { after: OnExit::Restart, .. } => {
                self.set_state(exited(reason, true, Some(Duration::ZERO)));
                self.start_process();
            }
            // The guard's exit codes for: not executable, not found.
            ProcessLifecycle::Running { .. } if starting && matches!(code, Some(126 | 127)) => {
                let reason = stderr.last().cloned().unwrap_or(reason);
                self.set_state(exited(reason, false, None));
            }
            ProcessLifecycle::Running { .. } if !self.driver.restarts() => {
                self.set_state(exited(reason, false, None));
            }
            ProcessLifecycle::Stopping { warm, after: OnExit::Retry(why), .. } => {
                let restart_in = self.back_off(warm);
                self.set_state(exited(why, false, restart_in));
            }
            ProcessLifecycle::Running { warm } => {
                let restart_in = self.back_off(warm);
                self.set_state(exited(reason, false, restart_in));
            }
            ProcessLifecycle::Stopped { .. } | ProcessLifecycle::Closed => {}
        }
    }

    /// The delay before the next restart; `None` if there is none.
    fn back_off(&mut self, warm: Option<Instant>) -> Option<Duration> {
        if warm.is_some_and(|warm| self.now.at - warm >= STABLE_RUN) {
            self.attempts = 0;
        }
        let wait = BACK_OFF.get(self.attempts).copied();
        self.attempts += 1;
        self.lifecycle = ProcessLifecycle::Stopped { retry: wait.map(|wait| self.now.at + wait) };
        wait
    }

    /// Finishes the slot once its last process has ended.
    pub(super) fn finish_when_empty(&mut self) {
        if !matches!(self.lifecycle, ProcessLifecycle::Closed) || !self.background.is_empty() {
            return;
        }
        self.cancel_prompts(|_| true);
        self.effects.push(SlotEffect::Finish);
        for closer in self.closers.drain(..) {
            // The caller may have gone away.
            closer.send(()).ok();
        }
    }
}
