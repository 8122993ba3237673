//! The processes of a slot that are not active: standbys, and those that are
//! ending.

use rustix::process::Signal;
use tokio::time::Instant;

use super::ProcessId;
use super::standby::READY_TIMEOUT;
use crate::session::SessionId;
use crate::slot::driver::Driver;
use crate::slot::handle::Reply;
use crate::slot::{AgentInfo, CompletedSwitch, SlotTotals, Switch};

/// A process that is ready for a switch, or getting ready.
#[derive(Debug)]
pub(super) struct StandbyProcess {
    pub process: ProcessId,
    /// The switch it is for, without a title.
    pub target: Switch,
    pub driver: Box<dyn Driver>,
    /// The deadline of its handshake.
    pub ready_by: Instant,
    /// Size of the transcript when it was read; if it has grown since, the standby
    /// is stale.
    pub transcript_size: u64,
    pub ready: Option<(Box<AgentInfo>, SlotTotals)>,
}

/// A process that was replaced or discarded and has not ended yet.
#[derive(Debug)]
pub(super) struct DrainingProcess {
    pub process: ProcessId,
    /// The session it may still write to.
    pub session: Option<SessionId>,
    /// The next signal, if it does not exit before.
    pub next_signal: Option<(Instant, Signal)>,
}

/// A switch that waits for a standby.
#[derive(Debug)]
pub(super) struct PendingSwitch {
    pub switch: Switch,
    pub reply: Reply<CompletedSwitch>,
    pub since: Instant,
    /// Interrupt a running turn.
    pub interrupt: bool,
    /// A standby was ready when the switch was requested.
    pub was_ready: bool,
}

/// All processes except the active one.
#[derive(Debug, Default)]
pub(super) struct BackgroundProcesses {
    pub standbys: Vec<StandbyProcess>,
    pub draining: Vec<DrainingProcess>,
    pub pending_switch: Option<PendingSwitch>,
    /// The standby to start next, and when.
    pub requested: Option<(Switch, Instant)>,
    /// The start of `wanted` waits for a process to end.
    pub blocked: bool,
}

impl BackgroundProcesses {
    /// Whether there is no other process.
    pub(super) fn is_empty(&self) -> bool {
        self.standbys.is_empty() && self.draining.is_empty()
    }

    /// When the next step is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let starting =
            self.standbys.iter().filter(|standby| standby.ready.is_none()).map(|standby| standby.ready_by);
        let draining_process = self
            .draining
            .iter()
            .filter_map(|draining_process| draining_process.next_signal.map(|(at, _)| at));
        let requested = self.requested.as_ref().filter(|_| !self.blocked).map(|(_, at)| *at);
        let pending = self.pending_switch.as_ref().map(|pending| pending.since + READY_TIMEOUT);
        starting.chain(draining_process).chain(requested).chain(pending).min()
    }
}
