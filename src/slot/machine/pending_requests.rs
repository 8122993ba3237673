//! Requests that wait for a response, by id, with their timeouts.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::SlotMachine;
use super::lifecycle::OnExit;
use crate::agent_api::{AgentRequest, ReplySender};
use crate::slot::driver::{AgentResponse, SlotRequest};
use crate::slot::handle::Reply;
use crate::slot::{CompletedSwitch, SlotError, Switch};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a switch: transcripts can be large.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of any other request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What to do with a response.
#[derive(Debug)]
pub(super) enum Continuation {
    /// Become warm.
    Handshake,
    /// Report that it is done.
    Done(Reply<()>),
    /// Activate the session.
    Switch(Switch, Reply<CompletedSwitch>),
    /// Take note of the response to this request, then pass it to the caller.
    Call(AgentRequest, ReplySender),
    /// The prompt with this uuid was withdrawn, or not.
    CancelPrompt(String, Option<Reply<bool>>),
}

impl Continuation {
    /// Fails the request. The caller may have gone away, which is not an error.
    fn fail(self, error: SlotError) {
        match self {
            Self::Done(reply) => drop(reply.send(Err(error))),
            Self::Switch(_, reply) => drop(reply.send(Err(error))),
            Self::Call(_, reply) => reply.send(Err(error)),
            Self::CancelPrompt(_, Some(reply)) => drop(reply.send(Err(error))),
            Self::Handshake | Self::CancelPrompt(_, None) => {}
        }
    }
}

/// One open request.
#[derive(Debug)]
struct PendingRequest {
    name: &'static str,
    then: Continuation,
    since: Instant,
    /// `None` if the driver itself fails it.
    timeout: Option<Duration>,
}

impl PendingRequest {
    fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|timeout| self.since + timeout)
    }
}

/// All open requests.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    last_id: u64,
    requests: HashMap<String, PendingRequest>,
}

impl PendingRequests {
    /// When the first of them times out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.requests.values().filter_map(PendingRequest::deadline).min()
    }
}

impl SlotMachine {
    /// Sends a request to the agent; its response goes to `then`.
    pub(super) fn request(&mut self, ask: SlotRequest, then: Continuation) {
        let within = match ask {
            SlotRequest::Handshake => HANDSHAKE_TIMEOUT,
            SlotRequest::Switch { .. } => SWITCH_TIMEOUT,
            _ => REQUEST_TIMEOUT,
        };
        let timeout = Some(within).filter(|_| !self.driver.has_own_timeouts());
        self.pending.last_id += 1;
        let id = format!("hotseat-{}", self.pending.last_id);
        let request = PendingRequest { name: ask.name(), then, since: self.now.at, timeout };
        let events = self.driver.request(&id, ask);
        self.pending.requests.insert(id, request);
        self.apply_all(events);
    }

    /// Sends a request whose response is not awaited, such as before the process
    /// ends.
    pub(super) fn notify_agent(&mut self, ask: SlotRequest) {
        self.pending.last_id += 1;
        let id = format!("hotseat-{}", self.pending.last_id);
        let events = self.driver.request(&id, ask);
        self.apply_all(events);
    }

    /// Matches a response with its request.
    pub(super) fn match_response(&mut self, id: &str, answer: Result<AgentResponse, SlotError>) {
        match self.pending.requests.remove(id) {
            Some(request) => self.handle_response(request.then, answer, request.since),
            None => tracing::debug!(id, "dropped a response to no open request"),
        }
    }

    /// Times out overdue requests. An agent that does not finish its handshake is
    /// restarted. So is one that does not finish a switch, because it is unknown
    /// which session is active; the new process starts in the former one.
    pub(super) fn expire_requests(&mut self) {
        let now = self.now.at;
        let is_overdue =
            |request: &PendingRequest| request.deadline().is_some_and(|deadline| deadline <= now);
        let overdue = self.pending.requests.extract_if(|_, request| is_overdue(request));
        for PendingRequest { name: what, then, timeout, .. } in
            overdue.map(|(_, request)| request).collect::<Vec<_>>()
        {
            tracing::warn!(what, "the agent did not answer");
            let error = SlotError::Timeout { what, after: timeout.unwrap_or_default() };
            if matches!(then, Continuation::Handshake | Continuation::Switch(..)) {
                self.stop_process(OnExit::Retry(error.to_string()));
            }
            then.fail(error);
        }
    }

    /// Fails all open requests.
    pub(super) fn fail_pending(&mut self, reason: &str) {
        for (_, request) in std::mem::take(&mut self.pending.requests) {
            request.then.fail(SlotError::Disconnected(format!("the agent ended ({reason})")));
        }
    }
}
