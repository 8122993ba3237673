//! The processes of the slot that are not in the seat: what is known of each,
//! and what is wanted of them.

use rustix::process::Signal;
use tokio::time::Instant;

use super::ProcessId;
use super::standby::READY_TIMEOUT;
use crate::session::SessionId;
use crate::slot::driver::Driver;
use crate::slot::handle::Reply;
use crate::slot::{AgentInfo, CompletedSwitch, SlotTotals, Switch};

/// A process that is, or becomes, ready.
#[derive(Debug)]
pub(super) struct StandbyProcess {
    pub process: ProcessId,
    /// What it is ready for; without a title.
    pub target: Switch,
    pub driver: Box<dyn Driver>,
    /// It must be ready by then.
    pub ready_by: Instant,
    /// How large the transcript was that it read.
    pub transcript_size: u64,
    pub ready: Option<(Box<AgentInfo>, SlotTotals)>,
}

/// A process that has left the seat, or never had it, and is not gone yet.
#[derive(Debug)]
pub(super) struct DrainingProcess {
    pub process: ProcessId,
    /// What it may still write to.
    pub session: Option<SessionId>,
    /// What happens to it if it does not end by itself.
    pub next_signal: Option<(Instant, Signal)>,
}

/// A switch that waits for a standby.
#[derive(Debug)]
pub(super) struct PendingSwitch {
    pub switch: Switch,
    pub reply: Reply<CompletedSwitch>,
    pub since: Instant,
    /// Stop a running turn.
    pub interrupt: bool,
    /// A standby was ready when it was asked for.
    pub was_ready: bool,
}

/// All processes but the one in the seat, and what is wanted of them.
#[derive(Debug, Default)]
pub(super) struct BackgroundProcesses {
    pub standbys: Vec<StandbyProcess>,
    pub draining: Vec<DrainingProcess>,
    pub pending_switch: Option<PendingSwitch>,
    /// To be started then, or as soon as there is room.
    pub wanted: Option<(Switch, Instant)>,
    /// There was no room for it: the end of a process is waited for.
    pub blocked: bool,
}

impl BackgroundProcesses {
    /// There is no other process.
    pub(super) fn is_empty(&self) -> bool {
        self.standbys.is_empty() && self.draining.is_empty()
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let starting =
            self.standbys.iter().filter(|standby| standby.ready.is_none()).map(|standby| standby.ready_by);
        let leaving = self.draining.iter().filter_map(|leaving| leaving.next_signal.map(|(at, _)| at));
        let wanted = self.wanted.as_ref().filter(|_| !self.blocked).map(|(_, at)| *at);
        let promise = self.pending_switch.as_ref().map(|promise| promise.since + READY_TIMEOUT);
        starting.chain(leaving).chain(wanted).chain(promise).min()
    }
}
