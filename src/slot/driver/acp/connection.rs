//! The requests to the agent: what each continues with, and how long it may take.

use std::path::PathBuf;
use std::time::Duration;

use agent_client_protocol_schema::v1::Error;
use serde::Serialize;

use super::AcpDriver;
use super::open_session::OpenRequest;
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::{self, RequestId};
use crate::session::SessionId;
use crate::slot::ListedSession;
use crate::slot::driver::DriverOutput;

/// Timeout of what can do without an answer: lists of sessions, closing a session.
const OPTIONAL_TIMEOUT: Duration = Duration::from_secs(15);

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

impl AcpDriver {
    /// The line of a request. The slot times its own requests out, and a turn may
    /// take for ever; the others have a deadline here.
    pub fn send_request(&mut self, method: &str, params: &impl Serialize, then: AcpPending) -> DriverOutput {
        DriverOutput::SendLine(match then {
            AcpPending::ListSessions(_) | AcpPending::Ignored | AcpPending::CloseSession(_) => {
                self.connection.request_within(OPTIONAL_TIMEOUT, method, params, then)
            }
            then => self.connection.request(method, params, then),
        })
    }
}

/// The line that answers a request of the agent.
pub(super) fn respond(id: &RequestId, result: &impl Serialize) -> DriverOutput {
    DriverOutput::SendLine(json_rpc::response(id, result))
}

/// The line that reports why a request failed.
pub(super) fn respond_error(id: &RequestId, error: &Error) -> DriverOutput {
    DriverOutput::SendLine(json_rpc::error_response(id, error))
}
