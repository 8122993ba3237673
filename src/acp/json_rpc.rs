//! The connection to the editor: JSON-RPC, one message per line.
//!
//! Owns the envelopes. It must not know any method.

use std::io;

use agent_client_protocol_schema::v1::{
    CLIENT_METHOD_NAMES, Error, RequestId, SessionNotification, SessionUpdate,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::AsyncWrite;

use crate::protocol::write_frame;
use crate::session::SessionId;

/// A message from the editor.
#[derive(Debug)]
pub(super) enum RpcMessage {
    /// A request that needs a response.
    Request { id: RequestId, method: String, params: Value },
    /// A notification.
    Notification { method: String, params: Value },
    /// A response to a request of ours.
    Response { id: RequestId, result: Result<Value, Value> },
}

impl RpcMessage {
    /// Parses an object; the error is to be sent back.
    pub fn parse(mut value: Value) -> Result<Self, Error> {
        let mut take = |key: &str| value.get_mut(key).map(Value::take);
        let (id, method, params) = (take("id"), take("method"), take("params").unwrap_or_else(|| json!({})));
        let (result, error) = (take("result"), take("error"));
        let id = id.map(serde_json::from_value::<RequestId>).transpose();
        let Ok(id) = id else {
            return Err(Error::invalid_request().data("the id is neither a string nor a number"));
        };
        match (id, method, result, error) {
            (Some(id), Some(Value::String(method)), _, _) => Ok(Self::Request { id, method, params }),
            (None, Some(Value::String(method)), _, _) => Ok(Self::Notification { method, params }),
            (Some(id), None, Some(result), None) => Ok(Self::Response { id, result: Ok(result) }),
            (Some(id), None, _, Some(error)) => Ok(Self::Response { id, result: Err(error) }),
            _ => Err(Error::invalid_request().data("neither a request nor a response")),
        }
    }
}

/// The parameters of a method.
pub(super) fn parse_params<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|error| Error::invalid_params().data(error.to_string()))
}

/// The sending half of the connection.
pub(super) struct EditorConnection<W> {
    output: W,
    last_id: i64,
}

impl<W: AsyncWrite + Unpin> EditorConnection<W> {
    pub fn new(output: W) -> Self {
        Self { output, last_id: 0 }
    }

    /// Answers a request.
    pub async fn respond(&mut self, id: RequestId, result: Result<Value, Error>) -> io::Result<()> {
        let message = match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
        };
        write_frame(&mut self.output, &message).await
    }

    /// Sends a request; its response carries the returned id.
    pub async fn request(&mut self, method: &str, params: &impl Serialize) -> io::Result<RequestId> {
        self.last_id += 1;
        let message = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        write_frame(&mut self.output, &message).await?;
        Ok(RequestId::Number(self.last_id))
    }

    /// Sends a session update.
    pub async fn send_update(&mut self, session: SessionId, update: SessionUpdate) -> io::Result<()> {
        let params = SessionNotification::new(session.to_string(), update);
        let method = CLIENT_METHOD_NAMES.session_update;
        write_frame(&mut self.output, &json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }
}
