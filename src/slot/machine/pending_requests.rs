//! What was asked of the agent and not yet answered, by id, with its deadline.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::SlotMachine;
use super::lifecycle::OnExit;
use crate::protocol::PermissionMode;
use crate::slot::driver::{AgentResponse, SlotRequest};
use crate::slot::handle::{ContextUsage, McpServerStatus, Reply, RewindResult};
use crate::slot::{CompletedSwitch, SlotError, Switch};

/// How long an agent may take to start.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a switch may take: transcripts can be large.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(30);
/// How long anything else may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What to do with an answer.
#[derive(Debug)]
pub(super) enum Continuation {
    /// Become warm.
    Handshake,
    /// Nobody waits for it.
    LogFailure,
    /// Say that it was done.
    Done(Reply<()>),
    /// Take note of the model.
    SetModel(Option<String>, Reply<()>),
    /// Take note of the permission mode.
    SetMode(PermissionMode, Reply<()>),
    /// Seat the session.
    Switch(Switch, Reply<CompletedSwitch>),
    /// Say what the context window holds.
    ContextUsage(Option<Reply<ContextUsage>>),
    /// Say which MCP servers there are.
    McpServers(Reply<Vec<McpServerStatus>>),
    /// Say what comes back.
    Rewind(Reply<RewindResult>),
    /// The prompt of this uuid was taken back, or not.
    CancelPrompt(String, Option<Reply<bool>>),
}

impl Continuation {
    /// There will be no answer. Nobody may listen any more, which is as well.
    fn fail(self, error: SlotError) {
        let _heard = match self {
            Self::Done(reply) | Self::SetModel(_, reply) | Self::SetMode(_, reply) => {
                reply.send(Err(error)).is_ok()
            }
            Self::Switch(_, reply) => reply.send(Err(error)).is_ok(),
            Self::ContextUsage(Some(reply)) => reply.send(Err(error)).is_ok(),
            Self::McpServers(reply) => reply.send(Err(error)).is_ok(),
            Self::Rewind(reply) => reply.send(Err(error)).is_ok(),
            Self::CancelPrompt(_, Some(reply)) => reply.send(Err(error)).is_ok(),
            Self::Handshake | Self::LogFailure | Self::ContextUsage(None) | Self::CancelPrompt(_, None) => {
                false
            }
        };
    }
}

/// One request on its way.
#[derive(Debug)]
struct PendingRequest {
    name: &'static str,
    then: Continuation,
    since: Instant,
    timeout: Duration,
}

/// All requests on their way.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    last_id: u64,
    requests: HashMap<String, PendingRequest>,
}

impl PendingRequests {
    /// When the first of them is overdue.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.requests.values().map(|request| request.since + request.timeout).min()
    }
}

impl SlotMachine {
    /// Asks the agent; the answer goes to `then`.
    pub(super) fn request(&mut self, ask: SlotRequest, then: Continuation) {
        let within = match ask {
            SlotRequest::Handshake => HANDSHAKE_TIMEOUT,
            SlotRequest::Switch { .. } => SWITCH_TIMEOUT,
            _ => REQUEST_TIMEOUT,
        };
        self.pending.last_id += 1;
        let id = format!("hotseat-{}", self.pending.last_id);
        let request = PendingRequest { name: ask.name(), then, since: self.now.at, timeout: within };
        let heard = self.driver.request(&id, ask);
        self.pending.requests.insert(id, request);
        self.apply_all(heard);
    }

    /// Has the agent do what it will hardly live to answer.
    pub(super) fn notify_agent(&mut self, ask: SlotRequest) {
        self.pending.last_id += 1;
        let id = format!("hotseat-{}", self.pending.last_id);
        let heard = self.driver.request(&id, ask);
        self.apply_all(heard);
    }

    /// Matches an answer with what was asked.
    pub(super) fn match_response(&mut self, id: &str, answer: Result<AgentResponse, SlotError>) {
        match self.pending.requests.remove(id) {
            Some(request) => self.handle_response(request.then, answer, request.since),
            None => tracing::debug!(id, "an answer that nobody waits for"),
        }
    }

    /// Gives up on what is overdue. An agent that does not come through its
    /// handshake is no use. One that does not finish a switch leaves it open
    /// which session is active: only a new process on the former one is sure.
    pub(super) fn expire_requests(&mut self) {
        let now = self.now.at;
        let overdue = self.pending.requests.extract_if(|_, request| request.since + request.timeout <= now);
        for PendingRequest { name: what, then, timeout: within, .. } in
            overdue.map(|(_, request)| request).collect::<Vec<_>>()
        {
            tracing::warn!(what, "the agent did not answer");
            let error = SlotError::Timeout { what, after: within };
            if matches!(then, Continuation::Handshake | Continuation::Switch(..)) {
                self.stop_process(OnExit::Retry(error.to_string()));
            }
            then.fail(error);
        }
    }

    /// Nothing will be answered any more.
    pub(super) fn fail_pending(&mut self, reason: &str) {
        for (_, request) in std::mem::take(&mut self.pending.requests) {
            request.then.fail(SlotError::Disconnected(format!("the agent ended ({reason})")));
        }
    }
}
