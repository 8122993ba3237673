//! Processes that are kept ready to take the seat, for agents that cannot
//! switch in the process they run in.
//!
//! There are never more processes than the launch allows: the one in the seat,
//! those that are ready, and those that still write their last lines. What has
//! no room waits for one of them to end.

use std::time::Duration;

use rustix::process::Signal;

use super::background_processes::{DrainingProcess, PendingSwitch, StandbyProcess};
use super::lifecycle::TERM_GRACE;
use super::{ExitDetails, ProcessId, SlotEffect, SlotEventKind, SlotMachine};
use crate::slot::driver::{AgentEvent, AgentResponse, JsonLine, SlotRequest, StartSession};
use crate::slot::handle::Reply;
use crate::slot::{CompletedSwitch, SlotError, Switch, SwitchSupport};

/// How long a row must stay highlighted: nobody wants a process for each row
/// that the cursor runs over.
const PREWARM_DEBOUNCE: Duration = Duration::from_millis(250);
/// How long a process may take to become ready.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// What a standby is asked first.
const HANDSHAKE_ID: &str = "hotseat-handshake";
/// What it is asked when it is to take the seat: whether it is there, and in the
/// permission mode of the moment. Without its answer nobody would know how long
/// the switch took.
const ACTIVATE_ID: &str = "hotseat-call";

impl SlotMachine {
    /// A row is highlighted: should its session take the seat, be ready.
    pub(super) fn prewarm(&mut self, switch: Switch) {
        let by_standby = self.driver.capabilities().switch_support(&switch) == SwitchSupport::Standby;
        if self.background.pending_switch.is_some() {
            return;
        }
        let purpose = switch.without_title();
        let there = self.background.standbys.iter().any(|standby| standby.target == purpose);
        let seated = self.active.as_ref().is_some_and(|active| switch == Switch::Resume(active.session));
        let wanted = by_standby && !there && !seated && self.open_elsewhere(&switch).is_none();
        self.background.wanted = wanted.then_some((switch, self.now.at + PREWARM_DEBOUNCE));
        self.background.blocked = false;
    }

    /// The switch is done as soon as a process is ready that has it.
    pub(super) fn switch_to_standby(
        &mut self,
        switch: Switch,
        interrupt: bool,
        reply: Reply<CompletedSwitch>,
    ) {
        let since = self.now.at;
        let purpose = switch.without_title();
        let at = self.background.standbys.iter().position(|standby| standby.target == purpose);
        let at = at.filter(|&at| {
            let fresh = self.background.standbys[at].transcript_size == self.source_size(&switch);
            if !fresh {
                // Somebody wrote to the session since it was read.
                self.kill_standby(at);
            }
            fresh
        });
        self.background.wanted = None;
        let was_ready = at.is_some_and(|at| self.background.standbys[at].ready.is_some());
        let promise = PendingSwitch { switch: switch.clone(), reply, since, interrupt, was_ready };
        self.background.pending_switch = Some(promise);
        match at {
            Some(at) if was_ready => self.request_activation(at),
            Some(_) => {}
            None => {
                self.background.wanted = Some((switch, since));
                self.start_wanted();
            }
        }
    }

    /// Starts what is wanted, where there is room for it.
    fn start_wanted(&mut self) {
        let Some((switch, at)) = self.background.wanted.take() else { return };
        let session = switch.source();
        let writes_still = self
            .background
            .draining
            .iter()
            .any(|leaving| leaving.session.is_some() && leaving.session == session);
        if at > self.now.at || writes_still || !self.make_room() {
            self.background.blocked = at <= self.now.at;
            self.background.wanted = Some((switch, at));
            return;
        }
        let origin = start_session_for(&switch);
        let mut launch = self.launch.clone();
        let found = session.and_then(|session| self.launch.finder.find(session));
        let asked = match &switch {
            Switch::Fork { cwd, .. } => cwd.clone(),
            Switch::ResumeOrCreate { cwd, .. } => Some(cwd.clone()),
            Switch::Clear | Switch::Resume(_) => None,
        };
        if let Some(cwd) = asked.or(found.map(|found| found.cwd)) {
            launch.cwd = cwd;
        }
        let mut driver = (launch.driver)();
        let start = driver.start(&launch, &origin);
        self.last_spawned += 1;
        let which = self.last_spawned;
        let size = self.source_size(&switch);
        self.effects.push(SlotEffect::Spawn { which, launch: Box::new(launch), origin, start });
        let by = self.now.at + READY_TIMEOUT;
        let heard = driver.request(HANDSHAKE_ID, SlotRequest::Handshake);
        self.background.standbys.push(StandbyProcess {
            process: which,
            target: switch.without_title(),
            driver,
            ready_by: by,
            transcript_size: size,
            ready: None,
        });
        self.apply_standby_events(which, heard);
    }

    /// Makes room for one more process; `false` when its end has to be waited for.
    fn make_room(&mut self) -> bool {
        let count = 1 + self.background.standbys.len() + self.background.draining.len();
        if count < self.launch.processes.max(2) {
            return true;
        }
        if !self.background.standbys.is_empty() {
            self.kill_standby(0);
        }
        false
    }

    /// Kills a standby: one that was never used would write to its transcript
    /// when it ends gracefully (`claude` 2.1.329).
    fn kill_standby(&mut self, at: usize) {
        let standby = self.background.standbys.remove(at);
        self.emit_not_prewarmed(&standby);
        self.effects.push(SlotEffect::Signal(standby.process, Signal::KILL));
        self.background.draining.push(DrainingProcess {
            process: standby.process,
            session: None,
            next_signal: None,
        });
    }

    fn emit_not_prewarmed(&mut self, standby: &StandbyProcess) {
        if standby.ready.is_some() {
            self.emit(SlotEventKind::Prewarmed(None));
        }
    }

    /// Kills those that are not what a process started now would be.
    pub(super) fn kill_standbys(&mut self) {
        while !self.background.standbys.is_empty() {
            self.kill_standby(0);
        }
    }

    /// What a standby said. Before it has the seat only its handshake counts.
    pub(super) fn handle_standby_line(&mut self, which: ProcessId, line: JsonLine) {
        let Some(standby) = self.background.standbys.iter_mut().find(|standby| standby.process == which)
        else {
            return;
        };
        let (_, heard) = standby.driver.handle_message(line);
        self.apply_standby_events(which, heard);
    }

    fn apply_standby_events(&mut self, which: ProcessId, heard: Vec<AgentEvent>) {
        for heard in heard {
            match heard {
                AgentEvent::SendLine(line) => self.effects.push(SlotEffect::SendLine(which, line)),
                AgentEvent::Response { id, answer } if id == HANDSHAKE_ID => {
                    self.finish_standby_handshake(which, answer)
                }
                // Whatever it says: it is there.
                AgentEvent::Response { id, .. } if id == ACTIVATE_ID => {
                    let at = self.background.standbys.iter().position(|standby| standby.process == which);
                    // It may come so late that another is wanted by now.
                    if let Some(at) =
                        at.filter(|at| self.is_pending_target(&self.background.standbys[*at].target))
                    {
                        self.complete_switch(at);
                    }
                }
                _ => {}
            }
        }
    }

    fn finish_standby_handshake(&mut self, which: ProcessId, answer: Result<AgentResponse, SlotError>) {
        let Some(at) = self.background.standbys.iter().position(|standby| standby.process == which) else {
            return;
        };
        match answer {
            Ok(AgentResponse::Handshake(agent, totals)) => {
                self.background.standbys[at].ready = Some((agent, totals));
                if self.is_pending_target(&self.background.standbys[at].target) {
                    self.complete_switch(at);
                } else {
                    let purpose = self.background.standbys[at].target.clone();
                    self.emit(SlotEventKind::Prewarmed(Some(purpose)));
                }
            }
            Ok(_) => {
                self.fail_standby(at, SlotError::InvalidReply("its handshake makes no sense".to_owned()))
            }
            Err(error) => self.fail_standby(at, error),
        }
    }

    /// A standby is no use. The switch that waits for it has failed.
    fn fail_standby(&mut self, at: usize, error: SlotError) {
        let purpose = self.background.standbys[at].target.clone();
        self.kill_standby(at);
        self.standby_failed(&purpose, error);
    }

    fn is_pending_target(&self, purpose: &Switch) -> bool {
        self.background
            .pending_switch
            .as_ref()
            .is_some_and(|promise| promise.switch.without_title() == *purpose)
    }

    fn standby_failed(&mut self, purpose: &Switch, error: SlotError) {
        if self.is_pending_target(purpose) {
            self.fail_pending_switch(error);
        } else {
            tracing::warn!(%error, "a standby did not become ready");
        }
    }

    /// The switch that waits has failed; the former session stays.
    pub(super) fn fail_pending_switch(&mut self, error: SlotError) {
        if let Some(promise) = self.background.pending_switch.take() {
            self.background.wanted = None;
            self.fail_switch(promise.reply, error);
        }
    }

    /// Calls a ready standby to the seat.
    fn request_activation(&mut self, at: usize) {
        let mode = self.launch.permission_mode;
        let standby = &mut self.background.standbys[at];
        let which = standby.process;
        let heard = standby.driver.request(ACTIVATE_ID, SlotRequest::SetMode(mode));
        self.apply_standby_events(which, heard);
    }

    /// Puts a ready standby into the seat.
    fn complete_switch(&mut self, at: usize) {
        let Some(promise) = self.background.pending_switch.take() else { return };
        let standby = self.background.standbys.remove(at);
        if promise.was_ready {
            self.emit_not_prewarmed(&standby);
        }
        let Some((agent, totals)) = standby.ready else { return };
        if promise.interrupt && self.turn.is_some() {
            self.notify_agent(SlotRequest::Interrupt);
        }
        self.fail_pending("its session left the seat");
        let left = self.active.as_ref().map(|active| active.session);
        self.effects.push(SlotEffect::CloseStdin(self.process));
        let next = Some((self.now.at + TERM_GRACE, Signal::TERM));
        self.background.draining.push(DrainingProcess {
            process: self.process,
            session: left,
            next_signal: next,
        });
        self.process = standby.process;
        self.driver = standby.driver;
        self.activate_standby(promise, (*agent, totals));
    }

    /// Whether a process that is not in the seat has ended.
    pub(super) fn background_ended(&mut self, which: ProcessId, ended: &ExitDetails) {
        self.background.draining.retain(|leaving| leaving.process != which);
        if let Some(at) = self.background.standbys.iter().position(|standby| standby.process == which) {
            let standby = self.background.standbys.remove(at);
            self.emit_not_prewarmed(&standby);
            let said = ended.stderr.iter().rfind(|line| !line.trim().is_empty());
            let message =
                said.map_or_else(|| ended.reason.clone(), |said| format!("{said} ({})", ended.reason));
            self.standby_failed(&standby.target, SlotError::Refused { code: String::new(), message });
        }
        self.start_wanted();
        self.finish_when_empty();
    }

    /// Does what is due.
    pub(super) fn check_background(&mut self) {
        let now = self.now.at;
        if self.background.pending_switch.as_ref().is_some_and(|promise| promise.since + READY_TIMEOUT <= now)
        {
            self.fail_pending_switch(SlotError::Timeout { what: "handshake", after: READY_TIMEOUT });
        }
        while let Some(at) = self
            .background
            .standbys
            .iter()
            .position(|standby| standby.ready.is_none() && standby.ready_by <= now)
        {
            self.fail_standby(at, SlotError::Timeout { what: "handshake", after: READY_TIMEOUT });
        }
        for leaving in &mut self.background.draining {
            let Some((_, signal)) = leaving.next_signal.filter(|(at, _)| *at <= now) else { continue };
            leaving.next_signal = (signal == Signal::TERM).then_some((now + TERM_GRACE, Signal::KILL));
            tracing::warn!(?signal, "the agent that was left does not end by itself");
            self.effects.push(SlotEffect::Signal(leaving.process, signal));
        }
        if self.background.wanted.is_some() && !self.background.blocked {
            self.start_wanted();
        }
    }

    /// Who else has the session open that a switch would write to: two processes
    /// that append to one transcript tear it.
    pub(super) fn open_elsewhere(&self, switch: &Switch) -> Option<String> {
        let Switch::Resume(session) = switch else { return None };
        let (pid, who) = self.launch.finder.find(*session)?.holder?;
        // What is leaving may have had it, and is waited for.
        let ours = !self.background.draining.is_empty()
            || self.background.standbys.iter().any(|standby| standby.target == *switch)
            || self.active.as_ref().is_some_and(|active| active.pid == pid);
        (!ours).then(|| format!("this session is open in {who} (pid {pid})"))
    }

    /// How large the transcript is that a switch would read.
    fn source_size(&self, switch: &Switch) -> u64 {
        let found = switch.source().and_then(|session| self.launch.finder.find(session));
        found.map_or(0, |found| (self.transcript_size)(&found.transcript))
    }
}

/// The session that a standby for a switch is started in.
fn start_session_for(switch: &Switch) -> StartSession {
    match switch {
        Switch::Clear => StartSession::New,
        Switch::Resume(session) => StartSession::Stored(*session),
        Switch::ResumeOrCreate { session, .. } => StartSession::WithId(*session),
        Switch::Fork { source, at, .. } => StartSession::Fork { source: *source, at: at.clone() },
    }
}
