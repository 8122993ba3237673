//! The connection to the editor: writes responses, requests and session updates.
//!
//! Owns the stream to the editor. It must not know any method but the update.

use std::io;

use agent_client_protocol_schema::v1::{CLIENT_METHOD_NAMES, Error, SessionNotification, SessionUpdate};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncWrite;

use crate::protocol::json_rpc::{self, JsonRpc, RequestId, RpcMessage};
use crate::protocol::write_frame;
use crate::session::SessionId;

/// The connection. Its requests are questions for permission: each continues with
/// the slot's id of the permission request.
pub(super) struct EditorConnection<W> {
    output: W,
    rpc: JsonRpc<String>,
}

impl<W: AsyncWrite + Unpin> EditorConnection<W> {
    pub fn new(output: W) -> Self {
        Self { output, rpc: JsonRpc::default() }
    }

    /// Interprets a message from the editor.
    pub fn receive(&mut self, message: Value) -> RpcMessage<String> {
        self.rpc.receive(message)
    }

    /// Answers a request.
    pub async fn respond(&mut self, id: RequestId, result: Result<Value, Error>) -> io::Result<()> {
        let message = match result {
            Ok(result) => json_rpc::response(&id, &result),
            Err(error) => json_rpc::error_response(&id, &error),
        };
        write_frame(&mut self.output, &message).await
    }

    /// Asks for a permission, which has this id in the slot.
    pub async fn request(
        &mut self,
        method: &str,
        params: &impl Serialize,
        permission: String,
    ) -> io::Result<()> {
        let message = self.rpc.request(method, params, permission);
        write_frame(&mut self.output, &message).await
    }

    /// Nobody waits for an answer to this permission request any more.
    pub fn forget(&mut self, permission: &str) {
        self.rpc.forget(|open| open == permission);
    }

    pub async fn send_update(&mut self, session: SessionId, update: SessionUpdate) -> io::Result<()> {
        let params = SessionNotification::new(session.to_string(), update);
        let message = json_rpc::notification(CLIENT_METHOD_NAMES.session_update, &params);
        write_frame(&mut self.output, &message).await
    }
}
