//! JSON-RPC: the envelopes, and what is done with each answer.

use std::collections::HashMap;
use std::path::PathBuf;

use agent_client_protocol_schema::v1::Error;
use serde::Serialize;
use serde_json::{Value, json};

use super::opening::Opening;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::Listed;
use crate::slot::driver::Heard;

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Step {
    /// The handshake, asked for under this id.
    Hello(String),
    /// A page of the agent's sessions, of one folder where it was asked so; one of
    /// them is looked for.
    Listed(Opening, Option<PathBuf>),
    /// A page of the agent's sessions, to be listed with those before it.
    Sessions(Vec<Listed>),
    /// The session of this id is open, or the one that the answer names.
    Opened(Opening, Option<String>),
    /// The turn is over.
    Prompted,
    /// Another model.
    Model {
        /// Under which it was asked for.
        ask: String,
        /// As the person named it; none: the agent's choice.
        wanted: Option<String>,
        /// As the agent calls it.
        value: String,
    },
    /// Another mode.
    Mode {
        /// Under which it was asked for.
        ask: String,
        /// Ours.
        mode: PermissionMode,
        /// The agent's.
        value: String,
    },
    /// Nobody waits for it.
    Note,
    /// A session that was left is closed, whatever comes of it.
    Closed(SessionId),
}

/// The requests on their way.
#[derive(Debug, Default)]
pub(super) struct Connection {
    next: u64,
    asked: HashMap<u64, Step>,
}

impl Connection {
    /// The line that asks.
    pub fn request(&mut self, method: &str, params: &impl Serialize, step: Step) -> Heard {
        self.next += 1;
        self.asked.insert(self.next, step);
        Heard::Send(json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}))
    }

    /// The id of the request that was made last.
    #[cfg(test)]
    pub fn latest(&self) -> u64 {
        self.next
    }

    /// The line that tells.
    pub fn notify(method: &str, params: &impl Serialize) -> Heard {
        Heard::Send(json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// What an answer is for, and the answer; none to a request that nobody made.
    pub fn answered(&mut self, line: &mut Value) -> Option<(Step, Result<Value, Error>)> {
        let step = self.asked.remove(&line["id"].as_u64()?)?;
        let result = match line.get_mut("error").map(Value::take) {
            None => Ok(line["result"].take()),
            Some(error) => Err(serde_json::from_value(error).unwrap_or_else(|_| Error::internal_error())),
        };
        Some((step, result))
    }
}

/// The line that answers a request of the agent's.
pub(super) fn respond(id: &Value, result: &impl Serialize) -> Heard {
    Heard::Send(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// The line that refuses one that nobody knows.
pub(super) fn refuse(id: &Value, method: &str) -> Heard {
    fail(id, &Error::method_not_found().data(format!("hotseat has no method {method}")))
}

/// The line that says why one was not done.
pub(super) fn fail(id: &Value, error: &Error) -> Heard {
    Heard::Send(json!({"jsonrpc": "2.0", "id": id, "error": error}))
}
