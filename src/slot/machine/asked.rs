//! What was asked of the agent and not yet answered, by id, with its deadline.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Machine;
use super::life::After;
use crate::protocol::PermissionMode;
use crate::slot::driver::{Answer, Ask};
use crate::slot::handle::{ContextUsage, McpServer, Reply, Rewind};
use crate::slot::{SlotError, Switch, Switched};

/// How long an agent may take to start.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How long a switch may take: transcripts can be large.
const SWITCH: Duration = Duration::from_secs(30);
/// How long anything else may take.
const OTHERS: Duration = Duration::from_secs(10);

/// What to do with an answer.
#[derive(Debug)]
pub(super) enum Then {
    /// Become warm.
    Greet,
    /// Nobody waits for it.
    Note,
    /// Say that it was done.
    Done(Reply<()>),
    /// Take note of the model.
    Model(Option<String>, Reply<()>),
    /// Take note of the permission mode.
    Mode(PermissionMode, Reply<()>),
    /// Seat the session.
    Seat(Switch, Reply<Switched>),
    /// Say what the context window holds.
    Measure(Option<Reply<ContextUsage>>),
    /// Say which MCP servers there are.
    Servers(Reply<Vec<McpServer>>),
    /// Say what comes back.
    Rewind(Reply<Rewind>),
    /// The prompt of this uuid was taken back, or not.
    Cancel(String, Option<Reply<bool>>),
}

impl Then {
    /// There will be no answer. Nobody may listen any more, which is as well.
    fn fail(self, error: SlotError) {
        let _heard = match self {
            Self::Done(reply) | Self::Model(_, reply) | Self::Mode(_, reply) => {
                reply.send(Err(error)).is_ok()
            }
            Self::Seat(_, reply) => reply.send(Err(error)).is_ok(),
            Self::Measure(Some(reply)) => reply.send(Err(error)).is_ok(),
            Self::Servers(reply) => reply.send(Err(error)).is_ok(),
            Self::Rewind(reply) => reply.send(Err(error)).is_ok(),
            Self::Cancel(_, Some(reply)) => reply.send(Err(error)).is_ok(),
            Self::Greet | Self::Note | Self::Measure(None) | Self::Cancel(_, None) => false,
        };
    }
}

/// One request on its way.
#[derive(Debug)]
struct Request {
    what: &'static str,
    then: Then,
    since: Instant,
    within: Duration,
}

/// All requests on their way.
#[derive(Debug, Default)]
pub(super) struct Asked {
    next: u64,
    requests: HashMap<String, Request>,
}

impl Asked {
    /// When the first of them is overdue.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.requests.values().map(|request| request.since + request.within).min()
    }
}

impl Machine {
    /// Asks the agent; the answer goes to `then`.
    pub(super) fn ask(&mut self, ask: Ask, then: Then) {
        let within = match ask {
            Ask::Handshake => HANDSHAKE,
            Ask::Switch { .. } => SWITCH,
            _ => OTHERS,
        };
        self.asked.next += 1;
        let id = format!("hotseat-{}", self.asked.next);
        let request = Request { what: ask.name(), then, since: self.now.at, within };
        let heard = self.driver.ask(&id, ask);
        self.asked.requests.insert(id, request);
        self.take_all(heard);
    }

    /// Has the agent do what it will hardly live to answer.
    pub(super) fn tell_agent(&mut self, ask: Ask) {
        self.asked.next += 1;
        let id = format!("hotseat-{}", self.asked.next);
        let heard = self.driver.ask(&id, ask);
        self.take_all(heard);
    }

    /// Matches an answer with what was asked.
    pub(super) fn answered(&mut self, id: &str, answer: Result<Answer, SlotError>) {
        match self.asked.requests.remove(id) {
            Some(request) => self.take_answer(request.then, answer, request.since),
            None => tracing::debug!(id, "an answer that nobody waits for"),
        }
    }

    /// Gives up on what is overdue. An agent that does not come through its
    /// handshake is no use. One that does not finish a switch leaves it open
    /// which session is active: only a new process on the former one is sure.
    pub(super) fn expire(&mut self) {
        let now = self.now.at;
        let overdue = self.asked.requests.extract_if(|_, request| request.since + request.within <= now);
        for Request { what, then, within, .. } in overdue.map(|(_, request)| request).collect::<Vec<_>>() {
            tracing::warn!(what, "the agent did not answer");
            let error = SlotError::Timeout { what, after: within };
            if matches!(then, Then::Greet | Then::Seat(..)) {
                self.end(After::Retry(error.to_string()));
            }
            then.fail(error);
        }
    }

    /// Nothing will be answered any more.
    pub(super) fn fail_all(&mut self, reason: &str) {
        for (_, request) in std::mem::take(&mut self.asked.requests) {
            request.then.fail(SlotError::Gone(format!("the agent ended ({reason})")));
        }
    }
}
