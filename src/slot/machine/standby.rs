//! Processes that are kept ready to take the seat, for agents that cannot
//! switch in the process they run in.
//!
//! There are never more processes than the launch allows: the one in the seat,
//! those that are ready, and those that still write their last lines. What has
//! no room waits for one of them to end.

use std::time::Duration;

use rustix::process::Signal;

use super::life::PATIENCE;
use super::others::{Leaving, Promise, Standby};
use super::{Effect, Ended, Machine, News, Which};
use crate::slot::driver::{Answer, Ask, Heard, Line, Origin};
use crate::slot::handle::Reply;
use crate::slot::{Ability, SlotError, Switch, Switched};

/// How long a row must stay highlighted: nobody wants a process for each row
/// that the cursor runs over.
const STAYS: Duration = Duration::from_millis(250);
/// How long a process may take to become ready.
pub(super) const READY: Duration = Duration::from_secs(30);
/// What a standby is asked first.
const HANDSHAKE: &str = "hotseat-handshake";
/// What it is asked when it is to take the seat: whether it is there, and in the
/// permission mode of the moment. Without its answer nobody would know how long
/// the switch took.
const CALL: &str = "hotseat-call";

impl Machine {
    /// A row is highlighted: should its session take the seat, be ready.
    pub(super) fn prepare(&mut self, switch: Switch) {
        let by_standby = self.driver.abilities().of(&switch) == Ability::Standby;
        if self.others.promise.is_some() {
            return;
        }
        let purpose = switch.untitled();
        let there = self.others.ready.iter().any(|standby| standby.purpose == purpose);
        let seated = self.active.as_ref().is_some_and(|active| switch == Switch::Resume(active.session));
        let wanted = by_standby && !there && !seated && self.held_elsewhere(&switch).is_none();
        self.others.wanted = wanted.then_some((switch, self.now.at + STAYS));
        self.others.waits = false;
    }

    /// The switch is done as soon as a process is ready that has it.
    pub(super) fn switch_over(&mut self, switch: Switch, interrupt: bool, reply: Reply<Switched>) {
        let since = self.now.at;
        let purpose = switch.untitled();
        let at = self.others.ready.iter().position(|standby| standby.purpose == purpose);
        let at = at.filter(|&at| {
            let fresh = self.others.ready[at].size == self.size_of(&switch);
            if !fresh {
                // Somebody wrote to the session since it was read.
                self.discard(at);
            }
            fresh
        });
        self.others.wanted = None;
        let was_ready = at.is_some_and(|at| self.others.ready[at].ready.is_some());
        let promise = Promise { switch: switch.clone(), reply, since, interrupt, was_ready };
        self.others.promise = Some(promise);
        match at {
            Some(at) if was_ready => self.call(at),
            Some(_) => {}
            None => {
                self.others.wanted = Some((switch, since));
                self.start_wanted();
            }
        }
    }

    /// Starts what is wanted, where there is room for it.
    fn start_wanted(&mut self) {
        let Some((switch, at)) = self.others.wanted.take() else { return };
        let session = switch.source();
        let writes_still =
            self.others.leaving.iter().any(|leaving| leaving.session.is_some() && leaving.session == session);
        if at > self.now.at || writes_still || !self.has_room() {
            self.others.waits = at <= self.now.at;
            self.others.wanted = Some((switch, at));
            return;
        }
        let origin = origin(&switch);
        let mut launch = self.launch.clone();
        let found = session.and_then(|session| self.launch.finder.find(session));
        let asked = match &switch {
            Switch::Fork { cwd, .. } => cwd.clone(),
            Switch::Begin { cwd, .. } => Some(cwd.clone()),
            Switch::Clear | Switch::Resume(_) => None,
        };
        if let Some(cwd) = asked.or(found.map(|found| found.cwd)) {
            launch.cwd = cwd;
        }
        let mut driver = (launch.driver)();
        let start = driver.start(&launch, &origin);
        self.spawned += 1;
        let which = self.spawned;
        let size = self.size_of(&switch);
        self.effects.push(Effect::Spawn { which, launch: Box::new(launch), origin, start });
        let by = self.now.at + READY;
        let heard = driver.ask(HANDSHAKE, Ask::Handshake);
        self.others.ready.push(Standby { which, purpose: switch.untitled(), driver, by, size, ready: None });
        self.take_of_standby(which, heard);
    }

    /// Makes room for one more process; `false` when its end has to be waited for.
    fn has_room(&mut self) -> bool {
        let count = 1 + self.others.ready.len() + self.others.leaving.len();
        if count < self.launch.processes.max(2) {
            return true;
        }
        if !self.others.ready.is_empty() {
            self.discard(0);
        }
        false
    }

    /// Kills a standby: one that was never used would write to its transcript
    /// when it ends gracefully (`claude` 2.1.329).
    fn discard(&mut self, at: usize) {
        let standby = self.others.ready.remove(at);
        self.unprepare(&standby);
        self.effects.push(Effect::Signal(standby.which, Signal::KILL));
        self.others.leaving.push(Leaving { which: standby.which, session: None, next: None });
    }

    fn unprepare(&mut self, standby: &Standby) {
        if standby.ready.is_some() {
            self.tell(News::Prepared(None));
        }
    }

    /// Kills those that are not what a process started now would be.
    pub(super) fn discard_all(&mut self) {
        while !self.others.ready.is_empty() {
            self.discard(0);
        }
    }

    /// What a standby said. Before it has the seat only its handshake counts.
    pub(super) fn hear_standby(&mut self, which: Which, line: Line) {
        let Some(standby) = self.others.ready.iter_mut().find(|standby| standby.which == which) else {
            return;
        };
        let (_, heard) = standby.driver.hear(line);
        self.take_of_standby(which, heard);
    }

    fn take_of_standby(&mut self, which: Which, heard: Vec<Heard>) {
        for heard in heard {
            match heard {
                Heard::Send(line) => self.effects.push(Effect::Send(which, line)),
                Heard::Answer { id, answer } if id == HANDSHAKE => self.greet_standby(which, answer),
                // Whatever it says: it is there.
                Heard::Answer { id, .. } if id == CALL => {
                    let at = self.others.ready.iter().position(|standby| standby.which == which);
                    // It may come so late that another is wanted by now.
                    if let Some(at) = at.filter(|at| self.is_promised(&self.others.ready[*at].purpose)) {
                        self.swap(at);
                    }
                }
                _ => {}
            }
        }
    }

    fn greet_standby(&mut self, which: Which, answer: Result<Answer, SlotError>) {
        let Some(at) = self.others.ready.iter().position(|standby| standby.which == which) else { return };
        match answer {
            Ok(Answer::Agent(agent, totals)) => {
                self.others.ready[at].ready = Some((agent, totals));
                if self.is_promised(&self.others.ready[at].purpose) {
                    self.swap(at);
                } else {
                    let purpose = self.others.ready[at].purpose.clone();
                    self.tell(News::Prepared(Some(purpose)));
                }
            }
            Ok(_) => self.give_up(at, SlotError::Nonsense("its handshake makes no sense".to_owned())),
            Err(error) => self.give_up(at, error),
        }
    }

    /// A standby is no use. The switch that waits for it has failed.
    fn give_up(&mut self, at: usize, error: SlotError) {
        let purpose = self.others.ready[at].purpose.clone();
        self.discard(at);
        self.lost(&purpose, error);
    }

    fn is_promised(&self, purpose: &Switch) -> bool {
        self.others.promise.as_ref().is_some_and(|promise| promise.switch.untitled() == *purpose)
    }

    fn lost(&mut self, purpose: &Switch, error: SlotError) {
        if self.is_promised(purpose) {
            self.break_promise(error);
        } else {
            tracing::warn!(%error, "a standby did not become ready");
        }
    }

    /// The switch that waits has failed; the former session stays.
    pub(super) fn break_promise(&mut self, error: SlotError) {
        if let Some(promise) = self.others.promise.take() {
            self.others.wanted = None;
            self.refuse_switch(promise.reply, error);
        }
    }

    /// Calls a ready standby to the seat.
    fn call(&mut self, at: usize) {
        let mode = self.launch.permission_mode;
        let standby = &mut self.others.ready[at];
        let which = standby.which;
        let heard = standby.driver.ask(CALL, Ask::Mode(mode));
        self.take_of_standby(which, heard);
    }

    /// Puts a ready standby into the seat.
    fn swap(&mut self, at: usize) {
        let Some(promise) = self.others.promise.take() else { return };
        let standby = self.others.ready.remove(at);
        if promise.was_ready {
            self.unprepare(&standby);
        }
        let Some((agent, totals)) = standby.ready else { return };
        if promise.interrupt && self.turn.is_some() {
            self.tell_agent(Ask::Interrupt);
        }
        self.fail_all("its session left the seat");
        let left = self.active.as_ref().map(|active| active.session);
        self.effects.push(Effect::EndInput(self.process));
        let next = Some((self.now.at + PATIENCE, Signal::TERM));
        self.others.leaving.push(Leaving { which: self.process, session: left, next });
        self.process = standby.which;
        self.driver = standby.driver;
        self.take_seat(promise, (*agent, totals));
    }

    /// Whether a process that is not in the seat has ended.
    pub(super) fn other_ended(&mut self, which: Which, ended: &Ended) {
        self.others.leaving.retain(|leaving| leaving.which != which);
        if let Some(at) = self.others.ready.iter().position(|standby| standby.which == which) {
            let standby = self.others.ready.remove(at);
            self.unprepare(&standby);
            let said = ended.stderr.iter().rfind(|line| !line.trim().is_empty());
            let message =
                said.map_or_else(|| ended.reason.clone(), |said| format!("{said} ({})", ended.reason));
            self.lost(&standby.purpose, SlotError::Refused { code: String::new(), message });
        }
        self.start_wanted();
        self.finish_when_empty();
    }

    /// Does what is due.
    pub(super) fn age_others(&mut self) {
        let now = self.now.at;
        if self.others.promise.as_ref().is_some_and(|promise| promise.since + READY <= now) {
            self.break_promise(SlotError::Timeout { what: "handshake", after: READY });
        }
        while let Some(at) =
            self.others.ready.iter().position(|standby| standby.ready.is_none() && standby.by <= now)
        {
            self.give_up(at, SlotError::Timeout { what: "handshake", after: READY });
        }
        for leaving in &mut self.others.leaving {
            let Some((_, signal)) = leaving.next.filter(|(at, _)| *at <= now) else { continue };
            leaving.next = (signal == Signal::TERM).then_some((now + PATIENCE, Signal::KILL));
            tracing::warn!(?signal, "the agent that was left does not end by itself");
            self.effects.push(Effect::Signal(leaving.which, signal));
        }
        if self.others.wanted.is_some() && !self.others.waits {
            self.start_wanted();
        }
    }

    /// Who else has the session open that a switch would write to: two processes
    /// that append to one transcript tear it.
    pub(super) fn held_elsewhere(&self, switch: &Switch) -> Option<String> {
        let Switch::Resume(session) = switch else { return None };
        let (pid, who) = self.launch.finder.find(*session)?.holder?;
        // What is leaving may have had it, and is waited for.
        let ours = !self.others.leaving.is_empty()
            || self.others.ready.iter().any(|standby| standby.purpose == *switch)
            || self.active.as_ref().is_some_and(|active| active.pid == pid);
        (!ours).then(|| format!("this session is open in {who} (pid {pid})"))
    }

    /// How large the transcript is that a switch would read.
    fn size_of(&self, switch: &Switch) -> u64 {
        let found = switch.source().and_then(|session| self.launch.finder.find(session));
        found.map_or(0, |found| (self.size)(&found.transcript))
    }
}

/// The session that a standby for a switch is started in.
fn origin(switch: &Switch) -> Origin {
    match switch {
        Switch::Clear => Origin::New,
        Switch::Resume(session) => Origin::Stored(*session),
        Switch::Begin { session, .. } => Origin::Named(*session),
        Switch::Fork { source, at, .. } => Origin::Copy { source: *source, at: at.clone() },
    }
}
