//! The life of the process: started, ended gracefully, started again.

use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::asked::Then;
use super::{Effect, Ended, Exit, Machine, PromptState, SlotState};
use crate::slot::driver::{Ask, Origin};
use crate::slot::{Ability, SlotError};

/// From the end of stdin to SIGTERM, and from there to SIGKILL: as the official
/// SDKs wait. Less loses the last lines of a transcript.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Before the first restart, the second, the third. There is no fourth.
const BACK_OFF: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];
/// A run of this long was no failure to start: the back-off begins anew.
const LASTED: Duration = Duration::from_mins(1);

/// Where the process stands.
#[derive(Debug)]
pub(super) enum Life {
    /// There is none, and never will be again.
    Over,
    /// There is none; it will be started then, or when asked.
    Gone { retry: Option<Instant> },
    /// It runs, and is through the handshake since then.
    Up { warm: Option<Instant> },
    /// It was told to end.
    Ending { warm: Option<Instant>, next: Option<(Instant, Signal)>, after: After },
}

impl Life {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Gone { retry } => *retry,
            Self::Up { .. } | Self::Over => None,
            Self::Ending { next, .. } => next.map(|(at, _)| at),
        }
    }
}

/// What follows when the process has ended as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// The slot ends.
    Finish,
    /// It is started again at once.
    Start,
    /// It is started again as after a crash, for this reason.
    Retry(String),
}

impl Machine {
    /// Starts a process on the session that was active.
    pub(super) fn start(&mut self) {
        self.epoch += 1;
        let mut launch = self.launch.clone();
        let origin = match &self.active {
            Some(active) => {
                launch.cwd.clone_from(&active.cwd);
                if (self.size)(&active.transcript) > 0 || self.launch.finder.find(active.session).is_some() {
                    Origin::Stored(active.session)
                } else {
                    Origin::Named(active.session)
                }
            }
            None => launch.resume.map_or(Origin::New, Origin::Stored),
        };
        self.driver = (launch.driver)();
        if let (Origin::Stored(session), Ability::Standby) = (&origin, self.driver.abilities().resume) {
            // It can run a session only in that session's folder.
            let found = self.launch.finder.find(*session);
            launch.cwd = found.map_or(launch.cwd, |found| found.cwd);
            self.discard_all();
        }
        self.life = Life::Up { warm: None };
        // The first start is told as well, though the state is no other.
        self.state = SlotState::Starting;
        self.tell(super::News::State(SlotState::Starting));
        let start = self.driver.start(&launch, &origin);
        self.spawned += 1;
        self.process = self.spawned;
        self.effects.push(Effect::Spawn { which: self.process, launch: Box::new(launch), origin, start });
        self.ask(Ask::Handshake, Then::Greet);
    }

    /// Ends the process gracefully, or changes what follows its end.
    pub(super) fn end(&mut self, then: After) {
        match &mut self.life {
            Life::Gone { .. } | Life::Over => {}
            Life::Ending { after, .. } => {
                if *after != After::Finish {
                    *after = then;
                }
            }
            Life::Up { warm } => {
                let next = Some((self.now.at + PATIENCE, Signal::TERM));
                self.life = Life::Ending { warm: *warm, next, after: then };
                // At the end of its stdin alone it would first finish its turn.
                if self.turn.is_some() {
                    self.tell_agent(Ask::End);
                }
                self.effects.push(Effect::EndInput(self.process));
            }
        }
    }

    /// Ends the slot.
    pub(super) fn close(&mut self, done: Option<oneshot::Sender<()>>) {
        self.closers.extend(done);
        self.break_promise(SlotError::NotReady("closing"));
        self.discard_all();
        if matches!(self.life, Life::Gone { .. }) {
            self.life = Life::Over;
            self.finish_when_empty();
        } else {
            self.end(After::Finish);
        }
    }

    /// Does what is due in the life of the process.
    pub(super) fn age(&mut self) {
        let now = self.now.at;
        match &mut self.life {
            Life::Gone { retry: Some(at) } if *at <= now => self.start(),
            Life::Ending { next, .. } => {
                let Some((_, signal)) = next.filter(|(at, _)| *at <= now) else { return };
                *next = (signal == Signal::TERM).then_some((now + PATIENCE, Signal::KILL));
                tracing::warn!(?signal, "the agent does not end by itself");
                self.effects.push(Effect::Signal(self.process, signal));
            }
            Life::Gone { .. } | Life::Up { .. } | Life::Over => {}
        }
    }

    /// The process is gone.
    pub(super) fn ended(&mut self, ended: Ended) {
        let starting = self.state == SlotState::Starting;
        self.break_promise(SlotError::Gone(format!("the agent ended ({})", ended.reason)));
        self.fail_all(&ended.reason);
        self.drop_permissions();
        if let Some(turn) = self.turn.take() {
            self.tell_prompt(turn.uuid, PromptState::CutOff);
        }
        self.cancel_prompts_for_next();
        self.prompts.unsend();
        let Ended { code, reason, stderr } = ended;
        let life = std::mem::replace(&mut self.life, Life::Gone { retry: None });
        let exited = |reason, expected, restart_in| {
            SlotState::Exited(Exit { reason, expected, stderr: stderr.clone(), restart_in })
        };
        match life {
            Life::Ending { after: After::Finish, .. } => {
                self.life = Life::Over;
                self.enter(exited(reason, true, None));
                self.finish_when_empty();
            }
            Life::Ending { after: After::Start, .. } => {
                self.enter(exited(reason, true, Some(Duration::ZERO)));
                self.start();
            }
            // As the shell and our guard say: not found, not executable.
            Life::Up { .. } if starting && matches!(code, Some(126 | 127)) => {
                let reason = stderr.last().cloned().unwrap_or(reason);
                self.enter(exited(reason, false, None));
            }
            Life::Ending { warm, after: After::Retry(why), .. } => {
                let restart_in = self.back_off(warm);
                self.enter(exited(why, false, restart_in));
            }
            Life::Up { warm } => {
                let restart_in = self.back_off(warm);
                self.enter(exited(reason, false, restart_in));
            }
            Life::Gone { .. } | Life::Over => {}
        }
    }

    /// How long to wait before the next start, if there is to be one.
    fn back_off(&mut self, warm: Option<Instant>) -> Option<Duration> {
        if warm.is_some_and(|warm| self.now.at - warm >= LASTED) {
            self.attempts = 0;
        }
        let wait = BACK_OFF.get(self.attempts).copied();
        self.attempts += 1;
        self.life = Life::Gone { retry: wait.map(|wait| self.now.at + wait) };
        wait
    }

    /// The slot ends with the last of its processes.
    pub(super) fn finish_when_empty(&mut self) {
        if !matches!(self.life, Life::Over) || !self.others.is_empty() {
            return;
        }
        self.cancel_prompts(|_| true);
        self.effects.push(Effect::Finish);
        for closer in self.closers.drain(..) {
            // Nobody may wait any more, which is as well.
            let _heard = closer.send(());
        }
    }
}
