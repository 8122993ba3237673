//! One JSON-RPC 2.0 connection, seen from either side: the driver of codex, the
//! Agent Client Protocol as its client, and as its server (`hotseat acp`).
//!
//! Owns the envelopes, the ids of our own requests and what each of them
//! continues with, and their deadlines. It must never know a method, and it does
//! no I/O: [`LineReader`](super::LineReader), with its cap on a line, and
//! [`write_frame`](super::write_frame) carry the objects. Start reading in
//! [`JsonRpc::receive`].

use std::collections::BTreeMap;
use std::time::Duration;

pub use agent_client_protocol_schema::v1::{Error as RpcError, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Our side of a connection. `P` is what a request of ours continues with.
#[derive(Debug)]
pub struct JsonRpc<P> {
    last_id: u64,
    pending: BTreeMap<u64, OpenCall<P>>,
}

/// A request of ours that is not answered.
#[derive(Debug)]
struct OpenCall<P> {
    then: P,
    /// When it counts as failed, and how long that was from the request.
    deadline: Option<(Instant, Duration)>,
}

/// A message from the other side.
#[derive(Debug, PartialEq)]
pub enum RpcMessage<P> {
    /// A request, to be answered with [`response`] or [`error_response`].
    Request {
        /// Identifies it in the response.
        id: RequestId,
        method: String,
        /// Its parameters; an empty object if there are none.
        params: Value,
    },
    /// A request that wants no response.
    Notification {
        method: String,
        /// Its parameters; an empty object if there are none.
        params: Value,
    },
    /// The response to a request of ours. Responses come in any order.
    Response {
        /// What the request continues with.
        then: P,
        /// The result, or the other side's error.
        result: Result<Value, RpcError>,
    },
    /// A response that nobody waits for: a second one, a late one, or to no
    /// request of ours.
    Unexpected,
    /// Neither of these. A server reports the error, with the id `null`.
    Invalid(RpcError),
}

impl<P> Default for JsonRpc<P> {
    fn default() -> Self {
        Self { last_id: 0, pending: BTreeMap::new() }
    }
}

impl<P> JsonRpc<P> {
    /// The line of a request that may stay open for ever.
    pub fn request(&mut self, method: &str, params: &impl Serialize, then: P) -> Value {
        self.open(method, params, OpenCall { then, deadline: None })
    }

    /// The line of a request that fails unless it is answered in time.
    pub fn request_within(
        &mut self,
        timeout: Duration,
        method: &str,
        params: &impl Serialize,
        then: P,
    ) -> Value {
        let deadline = Some((Instant::now() + timeout, timeout));
        self.open(method, params, OpenCall { then, deadline })
    }

    fn open(&mut self, method: &str, params: &impl Serialize, call: OpenCall<P>) -> Value {
        self.last_id += 1;
        self.pending.insert(self.last_id, call);
        json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
    }

    /// The id of the request that was made last.
    #[cfg(test)]
    pub fn latest(&self) -> u64 {
        self.last_id
    }

    /// Interprets an object from the other side.
    pub fn receive(&mut self, mut message: Value) -> RpcMessage<P> {
        let mut take = |key: &str| message.get_mut(key).map(Value::take).filter(|value| !value.is_null());
        let (id, method, params) = (take("id"), take("method"), take("params").unwrap_or_else(|| json!({})));
        let (result, error) = (take("result"), take("error"));
        let Ok(id) = id.map(serde_json::from_value::<RequestId>).transpose() else {
            return invalid("the id is neither a string nor a number");
        };
        match (id, method) {
            (Some(id), Some(Value::String(method))) => RpcMessage::Request { id, method, params },
            (None, Some(Value::String(method))) => RpcMessage::Notification { method, params },
            (Some(id), None) => match self.take_pending(&id) {
                // Some agents leave a `result` out that they call undefined.
                Some(then) => {
                    let result =
                        error.map_or_else(|| Ok(result.unwrap_or_default()), |error| Err(rpc_error(error)));
                    RpcMessage::Response { then, result }
                }
                None => RpcMessage::Unexpected,
            },
            // The other side could not read what we sent.
            (None, None) if error.is_some() => RpcMessage::Unexpected,
            _ => invalid("neither a request nor a response"),
        }
    }

    fn take_pending(&mut self, id: &RequestId) -> Option<P> {
        let RequestId::Number(id) = id else { return None };
        self.pending.remove(&u64::try_from(*id).ok()?).map(|call| call.then)
    }

    /// Forgets the open requests that `selects` selects; their responses are
    /// unexpected.
    pub fn forget(&mut self, selects: impl Fn(&P) -> bool) {
        self.pending.retain(|_, call| !selects(&call.then));
    }

    /// When [`expire`](Self::expire) is due; `None` if no request has a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.pending.values().filter_map(|call| call.deadline.map(|(at, _)| at)).min()
    }

    /// Takes the requests whose deadline has passed, each with its error. A later
    /// response to one of them is unexpected.
    pub fn expire(&mut self, now: Instant) -> Vec<(P, RpcError)> {
        let overdue = |call: &OpenCall<P>| call.deadline.is_some_and(|(at, _)| at <= now);
        let expired = self.pending.extract_if(.., |_, call| overdue(call));
        expired
            .map(|(_, OpenCall { then, deadline })| {
                let seconds = deadline.map_or(0, |(_, timeout)| timeout.as_secs());
                let message = format!("there was no answer within {seconds} s");
                (then, RpcError::new(RpcError::internal_error().code.into(), message))
            })
            .collect()
    }
}

/// The line of a notification.
pub fn notification(method: &str, params: &impl Serialize) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The line that answers a request.
pub fn response(id: &RequestId, result: &impl Serialize) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// The line that reports why a request failed.
pub fn error_response(id: &RequestId, error: &RpcError) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

/// A method that hotseat does not have. A request for one must get this error, or
/// the other side waits for ever.
pub fn method_not_found(method: &str) -> RpcError {
    RpcError::method_not_found().data(format!("hotseat has no method {method}"))
}

/// The parameters of a method.
pub fn parse_params<T: DeserializeOwned>(params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params).map_err(|error| RpcError::invalid_params().data(error.to_string()))
}

fn invalid<P>(why: &str) -> RpcMessage<P> {
    RpcMessage::Invalid(RpcError::invalid_request().data(why.to_owned()))
}

/// An error object. What has no code, or is no object, keeps its message.
fn rpc_error(error: Value) -> RpcError {
    let message = error["message"].as_str().or(error.as_str()).map(str::to_owned);
    serde_json::from_value(error).unwrap_or_else(|_| {
        let unknown = RpcError::internal_error();
        RpcError::new(unknown.code.into(), message.unwrap_or(unknown.message))
    })
}

#[cfg(test)]
mod tests;
