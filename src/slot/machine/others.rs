//! The processes of the slot that are not in the seat: what is known of each,
//! and what is wanted of them.

use rustix::process::Signal;
use tokio::time::Instant;

use super::Which;
use super::standby::READY;
use crate::session::SessionId;
use crate::slot::driver::Driver;
use crate::slot::handle::Reply;
use crate::slot::{Agent, Switch, Switched, Totals};

/// A process that is, or becomes, ready.
#[derive(Debug)]
pub(super) struct Standby {
    pub which: Which,
    /// What it is ready for; without a title.
    pub purpose: Switch,
    pub driver: Box<dyn Driver>,
    /// It must be ready by then.
    pub by: Instant,
    /// How large the transcript was that it read.
    pub size: u64,
    pub ready: Option<(Box<Agent>, Totals)>,
}

/// A process that has left the seat, or never had it, and is not gone yet.
#[derive(Debug)]
pub(super) struct Leaving {
    pub which: Which,
    /// What it may still write to.
    pub session: Option<SessionId>,
    /// What happens to it if it does not end by itself.
    pub next: Option<(Instant, Signal)>,
}

/// A switch that waits for a standby.
#[derive(Debug)]
pub(super) struct Promise {
    pub switch: Switch,
    pub reply: Reply<Switched>,
    pub since: Instant,
    /// Stop a running turn.
    pub interrupt: bool,
    /// A standby was ready when it was asked for.
    pub was_ready: bool,
}

/// All processes but the one in the seat, and what is wanted of them.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub ready: Vec<Standby>,
    pub leaving: Vec<Leaving>,
    pub promise: Option<Promise>,
    /// To be started then, or as soon as there is room.
    pub wanted: Option<(Switch, Instant)>,
    /// There was no room for it: the end of a process is waited for.
    pub waits: bool,
}

impl Others {
    /// There is no other process.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.leaving.is_empty()
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let starting = self.ready.iter().filter(|standby| standby.ready.is_none()).map(|standby| standby.by);
        let leaving = self.leaving.iter().filter_map(|leaving| leaving.next.map(|(at, _)| at));
        let wanted = self.wanted.as_ref().filter(|_| !self.waits).map(|(_, at)| *at);
        let promise = self.promise.as_ref().map(|promise| promise.since + READY);
        starting.chain(leaving).chain(wanted).chain(promise).min()
    }
}
