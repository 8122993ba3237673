//! Standby processes, for agents that cannot switch within one process.
//!
//! There are never more processes than the launch allows, counting the active
//! one, the standbys, and those that are ending. A start without room waits for
//! one of them to end.

use std::time::Duration;

use rustix::process::Signal;

use super::background_processes::{DrainingProcess, PendingSwitch, StandbyProcess};
use super::{ExitDetails, ProcessId, SlotEffect, SlotEventKind, SlotMachine};
use crate::agent_api::SetMode;
use crate::slot::driver::{AgentResponse, DriverOutput, JsonLine, SlotRequest, StartSession};
use crate::slot::handle::Reply;
use crate::slot::{CompletedSwitch, SlotError, Switch, SwitchSupport};

/// How long a row must stay highlighted before its standby is started, so that
/// moving the cursor over rows starts nothing.
const PREWARM_DEBOUNCE: Duration = Duration::from_millis(250);
/// Timeout of a standby's handshake.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Id of a standby's handshake request.
const HANDSHAKE_ID: &str = "hotseat-handshake";
/// Id of the request that sets the current permission mode when a standby is
/// activated. Its response also proves that the process is alive, so the
/// measured switch time is real.
const ACTIVATE_ID: &str = "hotseat-call";

impl SlotMachine {
    /// A row is highlighted: prepares a standby for it, if one is needed.
    pub(super) fn prewarm(&mut self, switch: Switch) {
        let by_standby = self.driver.capabilities().switch_support(&switch) == SwitchSupport::Standby;
        if self.background.pending_switch.is_some() {
            return;
        }
        let purpose = switch.without_title();
        let there = self.background.standbys.iter().any(|standby| standby.target == purpose);
        let switched = self.active.as_ref().is_some_and(|active| switch == Switch::Resume(active.session));
        let requested = by_standby && !there && !switched && self.open_elsewhere(&switch).is_none();
        self.background.requested = requested.then_some((switch, self.now.at + PREWARM_DEBOUNCE));
        self.background.blocked = false;
    }

    /// Switches as soon as a standby for it is ready.
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
                // The session was written to since the standby read it.
                self.kill_standby(at);
            }
            fresh
        });
        self.background.requested = None;
        let was_ready = at.is_some_and(|at| self.background.standbys[at].ready.is_some());
        let pending = PendingSwitch { switch: switch.clone(), reply, since, interrupt, was_ready };
        self.background.pending_switch = Some(pending);
        match at {
            Some(at) if was_ready => self.request_activation(at),
            Some(_) => {}
            None => {
                self.background.requested = Some((switch, since));
                self.start_wanted();
            }
        }
    }

    /// Starts the wanted standby, if there is room.
    fn start_wanted(&mut self) {
        let Some((switch, at)) = self.background.requested.take() else { return };
        let session = switch.source();
        let writes_still = self.background.draining.iter().any(|draining_process| {
            draining_process.session.is_some() && draining_process.session == session
        });
        if at > self.now.at || writes_still || !self.make_room() {
            self.background.blocked = at <= self.now.at;
            self.background.requested = Some((switch, at));
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
        match (asked, found) {
            (Some(cwd), _) => launch.cwd = cwd,
            (None, Some(found)) => launch.work_in(found),
            (None, None) => {}
        }
        let mut driver = (launch.driver)();
        let start = driver.start(&launch, &origin);
        self.last_spawned += 1;
        let process = self.last_spawned;
        let size = self.source_size(&switch);
        self.effects.push(SlotEffect::Spawn { process, launch: Box::new(launch), origin, start });
        let by = self.now.at + READY_TIMEOUT;
        let events = driver.request(HANDSHAKE_ID, SlotRequest::Handshake);
        self.background.standbys.push(StandbyProcess {
            process,
            target: switch.without_title(),
            driver,
            ready_by: by,
            transcript_size: size,
            ready: None,
        });
        self.apply_standby_events(process, events);
    }

    /// Makes room for one more process; `false` if one has to end first.
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

    /// Kills a standby. If an unused one ended gracefully, it would write to the
    /// transcript (`claude` 2.1.329).
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

    /// Kills all standbys, because their settings are outdated.
    pub(super) fn kill_standbys(&mut self) {
        while !self.background.standbys.is_empty() {
            self.kill_standby(0);
        }
    }

    /// Handles a line from a standby, of which only the handshake matters.
    pub(super) fn handle_standby_line(&mut self, process: ProcessId, line: JsonLine) {
        let Some(standby) = self.background.standbys.iter_mut().find(|standby| standby.process == process)
        else {
            return;
        };
        let (_, events) = standby.driver.handle_message(line);
        self.apply_standby_events(process, events);
    }

    fn apply_standby_events(&mut self, process: ProcessId, events: Vec<DriverOutput>) {
        for events in events {
            match events {
                DriverOutput::SendLine(line) => self.effects.push(SlotEffect::SendLine(process, line)),
                DriverOutput::Response { id, answer } if id == HANDSHAKE_ID => {
                    self.finish_standby_handshake(process, answer);
                }
                // Any response proves that it is alive.
                DriverOutput::Response { id, .. } if id == ACTIVATE_ID => {
                    let at = self.background.standbys.iter().position(|standby| standby.process == process);
                    // By now another switch may be pending.
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

    fn finish_standby_handshake(&mut self, process: ProcessId, answer: Result<AgentResponse, SlotError>) {
        let Some(at) = self.background.standbys.iter().position(|standby| standby.process == process) else {
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
                self.fail_standby(at, SlotError::InvalidReply("the agent's handshake is invalid".to_owned()));
            }
            Err(error) => self.fail_standby(at, error),
        }
    }

    /// A standby failed, and with it the switch that waits for it.
    fn fail_standby(&mut self, at: usize, error: SlotError) {
        let purpose = self.background.standbys[at].target.clone();
        self.kill_standby(at);
        self.standby_failed(&purpose, error);
    }

    fn is_pending_target(&self, purpose: &Switch) -> bool {
        self.background
            .pending_switch
            .as_ref()
            .is_some_and(|pending| pending.switch.without_title() == *purpose)
    }

    fn standby_failed(&mut self, purpose: &Switch, error: SlotError) {
        if self.is_pending_target(purpose) {
            self.fail_pending_switch(error);
        } else {
            tracing::warn!(%error, "a standby did not become ready");
        }
    }

    /// Fails the pending switch; the former session stays active.
    pub(super) fn fail_pending_switch(&mut self, error: SlotError) {
        if let Some(pending) = self.background.pending_switch.take() {
            self.background.requested = None;
            self.fail_switch(pending.reply, error);
        }
    }

    /// Asks a ready standby to take over.
    fn request_activation(&mut self, at: usize) {
        let mode = self.launch.permission_mode;
        let standby = &mut self.background.standbys[at];
        let process = standby.process;
        let events = standby.driver.request(ACTIVATE_ID, SlotRequest::call(SetMode { mode }));
        self.apply_standby_events(process, events);
    }

    /// Makes a ready standby the active process.
    fn complete_switch(&mut self, at: usize) {
        let Some(pending) = self.background.pending_switch.take() else { return };
        let standby = self.background.standbys.remove(at);
        if pending.was_ready {
            self.emit_not_prewarmed(&standby);
        }
        let Some((agent, totals)) = standby.ready else { return };
        if pending.interrupt && self.turn.is_some() {
            self.notify_agent(SlotRequest::Interrupt);
        }
        self.fail_pending("its session is no longer active");
        let left = self.active.as_ref().map(|active| active.session);
        self.effects.push(SlotEffect::CloseStdin(self.process));
        let next = Some((self.now.at + self.launch.term_grace, Signal::TERM));
        self.background.draining.push(DrainingProcess {
            process: self.process,
            session: left,
            next_signal: next,
        });
        self.process = standby.process;
        self.driver = standby.driver;
        self.activate_standby(pending, (*agent, totals));
    }

    /// A background process has ended.
    pub(super) fn background_ended(&mut self, process: ProcessId, ended: &ExitDetails) {
        self.background.draining.retain(|draining_process| draining_process.process != process);
        if let Some(at) = self.background.standbys.iter().position(|standby| standby.process == process) {
            let standby = self.background.standbys.remove(at);
            self.emit_not_prewarmed(&standby);
            let said = ended.stderr.iter().rfind(|line| !line.trim().is_empty());
            let message =
                said.map_or_else(|| ended.reason.clone(), |said| format!("{said} ({})", ended.reason));
            self.standby_failed(&standby.target, SlotError::refused(message));
        }
        self.start_wanted();
        self.finish_when_empty();
    }

    /// Handles timeouts, signals and starts that are due.
    pub(super) fn check_background(&mut self) {
        let now = self.now.at;
        if self.background.pending_switch.as_ref().is_some_and(|pending| pending.since + READY_TIMEOUT <= now)
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
        for draining_process in &mut self.background.draining {
            let Some((_, signal)) = draining_process.next_signal.filter(|(at, _)| *at <= now) else {
                continue;
            };
            draining_process.next_signal =
                (signal == Signal::TERM).then_some((now + self.launch.term_grace, Signal::KILL));
            tracing::warn!(?signal, "the former agent process did not exit");
            self.effects.push(SlotEffect::Signal(draining_process.process, signal));
        }
        if self.background.requested.is_some() && !self.background.blocked {
            self.start_wanted();
        }
    }

    /// Why a resume must not happen: another process has the session open, and two
    /// processes that append to one transcript corrupt it.
    pub(super) fn open_elsewhere(&self, switch: &Switch) -> Option<String> {
        let Switch::Resume(session) = switch else { return None };
        let (pid, who) = self.launch.finder.find(*session)?.holder?;
        // A draining process may have had it; its end is awaited.
        let ours = !self.background.draining.is_empty()
            || self.background.standbys.iter().any(|standby| standby.target == *switch)
            || self.active.as_ref().is_some_and(|active| active.pid == pid);
        (!ours).then(|| format!("this session is open in {who} (pid {pid})"))
    }

    /// Size of the transcript that a switch reads.
    fn source_size(&self, switch: &Switch) -> u64 {
        let found = switch.source().and_then(|session| self.launch.finder.find(session));
        found.map_or(0, |found| (self.probes.transcript_size)(&found.transcript))
    }
}

/// The session that a standby for this switch starts in.
fn start_session_for(switch: &Switch) -> StartSession {
    match switch {
        Switch::Clear => StartSession::New,
        Switch::Resume(session) => StartSession::Stored(*session),
        Switch::ResumeOrCreate { session, .. } => StartSession::WithId(*session),
        Switch::Fork { source, at, .. } => StartSession::Fork { source: *source, at: at.clone() },
    }
}
