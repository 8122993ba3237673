//! JSON-RPC: the envelopes, and what each open request continues with.

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

/// What a response belongs to.
#[derive(Debug)]
pub(super) enum AcpPending {
    /// The handshake, with the id of the slot's request.
    Hello(String),
    /// A page of the agent's sessions (of one folder, if given), in which the
    /// session to open is looked up.
    FindSession(OpenRequest, Option<PathBuf>),
    /// A page of the agent's sessions, appended to the pages before it.
    ListSessions(Vec<ListedSession>),
    /// The session with this id is opened, or the one that the response names.
    OpenSession(OpenRequest, Option<String>),
    /// The turn has ended.
    Prompt,
    /// Another model.
    SetModel {
        /// The id of the slot's request.
        ask: String,
        /// The requested model; `None` for the agent's default.
        requested: Option<String>,
        /// The agent's name for it.
        value: String,
    },
    /// Another mode.
    SetMode {
        /// The id of the slot's request.
        ask: String,
        /// Ours.
        mode: PermissionMode,
        /// The agent's.
        value: String,
    },
    /// The response is ignored.
    Ignored,
    /// A session that was left is closed; its failure does not matter.
    CloseSession(SessionId),
}

/// The open requests.
#[derive(Debug, Default)]
pub(super) struct AcpConnection {
    last_id: u64,
    pending: HashMap<u64, AcpPending>,
}

impl AcpConnection {
    /// The line of a request.
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

    /// The line of a notification.
    pub fn notify(method: &str, params: &impl Serialize) -> AgentEvent {
        AgentEvent::SendLine(json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// What a response belongs to, and its result; `None` for an unknown id.
    pub fn take_response(&mut self, line: &mut Value) -> Option<(AcpPending, Result<Value, Error>)> {
        let step = self.pending.remove(&line["id"].as_u64()?)?;
        let result = match line.get_mut("error").map(Value::take) {
            None => Ok(line["result"].take()),
            Some(error) => Err(serde_json::from_value(error).unwrap_or_else(|_| Error::internal_error())),
        };
        Some((step, result))
    }
}

/// The line that answers a request of the agent.
pub(super) fn respond(id: &Value, result: &impl Serialize) -> AgentEvent {
    AgentEvent::SendLine(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// The line that rejects an unknown method.
pub(super) fn method_not_found(id: &Value, method: &str) -> AgentEvent {
    respond_error(id, &Error::method_not_found().data(format!("hotseat has no method {method}")))
}

/// The line that reports why a request failed.
pub(super) fn respond_error(id: &Value, error: &Error) -> AgentEvent {
    AgentEvent::SendLine(json!({"jsonrpc": "2.0", "id": id, "error": error}))
}
