//! JSON-RPC: the envelopes, and what is done with each answer.

use std::collections::HashMap;
use std::path::PathBuf;

use agent_client_protocol_schema::v1::Error;
use serde::Serialize;
use serde_json::{Value, json};

use super::open_session::OpenRequest;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::ListedSession;
use crate::slot::driver::AgentEvent;

/// What an answer is for.
#[derive(Debug)]
pub(super) enum AcpPending {
    /// The handshake, asked for under this id.
    Hello(String),
    /// A page of the agent's sessions, of one folder where it was asked so; one of
    /// them is looked for.
    FindSession(OpenRequest, Option<PathBuf>),
    /// A page of the agent's sessions, to be listed with those before it.
    ListSessions(Vec<ListedSession>),
    /// The session of this id is open, or the one that the answer names.
    OpenSession(OpenRequest, Option<String>),
    /// The turn is over.
    Prompt,
    /// Another model.
    SetModel {
        /// Under which it was asked for.
        ask: String,
        /// As the person named it; none: the agent's choice.
        wanted: Option<String>,
        /// As the agent calls it.
        value: String,
    },
    /// Another mode.
    SetMode {
        /// Under which it was asked for.
        ask: String,
        /// Ours.
        mode: PermissionMode,
        /// The agent's.
        value: String,
    },
    /// Nobody waits for it.
    Ignored,
    /// A session that was left is closed, whatever comes of it.
    CloseSession(SessionId),
}

/// The requests on their way.
#[derive(Debug, Default)]
pub(super) struct AcpConnection {
    last_id: u64,
    pending: HashMap<u64, AcpPending>,
}

impl AcpConnection {
    /// The line that asks.
    pub fn request(&mut self, method: &str, params: &impl Serialize, step: AcpPending) -> AgentEvent {
        self.last_id += 1;
        self.pending.insert(self.last_id, step);
        AgentEvent::SendLine(
            json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}),
        )
    }

    /// The id of the request that was made last.
    #[cfg(test)]
    pub fn latest(&self) -> u64 {
        self.last_id
    }

    /// The line that tells.
    pub fn notify(method: &str, params: &impl Serialize) -> AgentEvent {
        AgentEvent::SendLine(json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// What an answer is for, and the answer; none to a request that nobody made.
    pub fn take_response(&mut self, line: &mut Value) -> Option<(AcpPending, Result<Value, Error>)> {
        let step = self.pending.remove(&line["id"].as_u64()?)?;
        let result = match line.get_mut("error").map(Value::take) {
            None => Ok(line["result"].take()),
            Some(error) => Err(serde_json::from_value(error).unwrap_or_else(|_| Error::internal_error())),
        };
        Some((step, result))
    }
}

/// The line that answers a request of the agent's.
pub(super) fn respond(id: &Value, result: &impl Serialize) -> AgentEvent {
    AgentEvent::SendLine(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// The line that refuses one that nobody knows.
pub(super) fn method_not_found(id: &Value, method: &str) -> AgentEvent {
    respond_error(id, &Error::method_not_found().data(format!("hotseat has no method {method}")))
}

/// The line that says why one was not done.
pub(super) fn respond_error(id: &Value, error: &Error) -> AgentEvent {
    AgentEvent::SendLine(json!({"jsonrpc": "2.0", "id": id, "error": error}))
}
