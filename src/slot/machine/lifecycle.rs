//! The life of the process: started, ended gracefully, started again.

use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pending_requests::Continuation;
use super::{ExitDetails, ProcessExit, PromptState, SlotEffect, SlotMachine, SlotState};
use crate::slot::driver::{SlotRequest, StartSession};
use crate::slot::{SlotError, SwitchSupport};

/// From the end of stdin to SIGTERM, and from there to SIGKILL: as the official
/// SDKs wait. Less loses the last lines of a transcript.
pub(super) const TERM_GRACE: Duration = Duration::from_secs(5);
/// Before the first restart, the second, the third. There is no fourth.
const BACK_OFF: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];
/// A run of this long was no failure to start: the back-off begins anew.
const STABLE_RUN: Duration = Duration::from_mins(1);

/// Where the process stands.
#[derive(Debug)]
pub(super) enum ProcessLifecycle {
    /// There is none, and never will be again.
    Closed,
    /// There is none; it will be started then, or when asked.
    Stopped { retry: Option<Instant> },
    /// It runs, and is through the handshake since then.
    Running { warm: Option<Instant> },
    /// It was told to end.
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

/// What follows when the process has ended as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OnExit {
    /// The slot ends.
    Finish,
    /// It is started again at once.
    Restart,
    /// It is started again as after a crash, for this reason.
    Retry(String),
}

impl SlotMachine {
    /// Starts a process on the session that was active.
    pub(super) fn start_process(&mut self) {
        self.epoch += 1;
        let mut launch = self.launch.clone();
        let origin = match &self.active {
            Some(active) => {
                launch.cwd.clone_from(&active.cwd);
                if (self.transcript_size)(&active.transcript) > 0
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
            // It can run a session only in that session's folder.
            let found = self.launch.finder.find(*session);
            launch.cwd = found.map_or(launch.cwd, |found| found.cwd);
            self.kill_standbys();
        }
        self.lifecycle = ProcessLifecycle::Running { warm: None };
        // The first start is told as well, though the state is no other.
        self.state = SlotState::Starting;
        self.emit(super::SlotEventKind::StateChanged(SlotState::Starting));
        let start = self.driver.start(&launch, &origin);
        self.last_spawned += 1;
        self.process = self.last_spawned;
        self.effects.push(SlotEffect::Spawn { which: self.process, launch: Box::new(launch), origin, start });
        self.request(SlotRequest::Handshake, Continuation::Handshake);
    }

    /// Ends the process gracefully, or changes what follows its end.
    pub(super) fn stop_process(&mut self, then: OnExit) {
        match &mut self.lifecycle {
            ProcessLifecycle::Stopped { .. } | ProcessLifecycle::Closed => {}
            ProcessLifecycle::Stopping { after, .. } => {
                if *after != OnExit::Finish {
                    *after = then;
                }
            }
            ProcessLifecycle::Running { warm } => {
                let next = Some((self.now.at + TERM_GRACE, Signal::TERM));
                self.lifecycle = ProcessLifecycle::Stopping { warm: *warm, next, after: then };
                // At the end of its stdin alone it would first finish its turn.
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

    /// Does what is due in the life of the process.
    pub(super) fn check_lifecycle(&mut self) {
        let now = self.now.at;
        match &mut self.lifecycle {
            ProcessLifecycle::Stopped { retry: Some(at) } if *at <= now => self.start_process(),
            ProcessLifecycle::Stopping { next, .. } => {
                let Some((_, signal)) = next.filter(|(at, _)| *at <= now) else { return };
                *next = (signal == Signal::TERM).then_some((now + TERM_GRACE, Signal::KILL));
                tracing::warn!(?signal, "the agent does not end by itself");
                self.effects.push(SlotEffect::Signal(self.process, signal));
            }
            ProcessLifecycle::Stopped { .. }
            | ProcessLifecycle::Running { .. }
            | ProcessLifecycle::Closed => {}
        }
    }

    /// The process is gone.
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
            // As the shell and our guard say: not found, not executable.
            ProcessLifecycle::Running { .. } if starting && matches!(code, Some(126 | 127)) => {
                let reason = stderr.last().cloned().unwrap_or(reason);
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

    /// How long to wait before the next start, if there is to be one.
    fn back_off(&mut self, warm: Option<Instant>) -> Option<Duration> {
        if warm.is_some_and(|warm| self.now.at - warm >= STABLE_RUN) {
            self.attempts = 0;
        }
        let wait = BACK_OFF.get(self.attempts).copied();
        self.attempts += 1;
        self.lifecycle = ProcessLifecycle::Stopped { retry: wait.map(|wait| self.now.at + wait) };
        wait
    }

    /// The slot ends with the last of its processes.
    pub(super) fn finish_when_empty(&mut self) {
        if !matches!(self.lifecycle, ProcessLifecycle::Closed) || !self.background.is_empty() {
            return;
        }
        self.cancel_prompts(|_| true);
        self.effects.push(SlotEffect::Finish);
        for closer in self.closers.drain(..) {
            // Nobody may wait any more, which is as well.
            let _heard = closer.send(());
        }
    }
}
