//! Requests of ours that the host answers: hook callbacks, MCP messages.
//!
//! Owns which answers are awaited. Cheap to clone into tasks, so that a hook or an
//! MCP server can ask while the runtime goes on. Must never be awaited inside the
//! runtime's own loop, which delivers the answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::oneshot;

use super::outbox::Outbox;
use super::transcript_entry::new_uuid;
use crate::protocol::{AgentControlRequest, AgentFrame, ControlEnvelope, ControlResponse};

/// The error for requests to a host that closed its end.
const HOST_GONE: &str = "the host has gone";

/// Sends requests to the host and awaits the answers.
#[derive(Debug, Clone)]
pub struct HostClient {
    out: Outbox,
    open: Arc<Mutex<HashMap<String, oneshot::Sender<ControlResponse>>>>,
    ended: Arc<AtomicBool>,
}

impl HostClient {
    /// A client for the host at the other end of this outbox.
    pub fn new(out: Outbox) -> Self {
        Self { out, open: Arc::default(), ended: Arc::default() }
    }

    /// Sends a request and waits for the answer's body; the error is the host's text. Dropping the future
    /// sends `control_cancel_request`.
    pub async fn request(&self, request: AgentControlRequest) -> Result<Value, String> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(HOST_GONE.to_owned());
        }
        let (answer, answered) = oneshot::channel();
        let request_id = new_uuid();
        self.open().insert(request_id.clone(), answer);
        let _request_guard = OpenRequestGuard { host: self, request_id: &request_id };
        self.out
            .send(&AgentFrame::ControlRequest(ControlEnvelope { request_id: request_id.clone(), request }));
        match answered.await {
            Ok(ControlResponse::Success { response, .. }) => Ok(response),
            Ok(ControlResponse::Error { error, .. }) => Err(error),
            Err(_) => Err(HOST_GONE.to_owned()),
        }
    }

    /// Delivers an answer to whoever awaits it; returns it if nobody here does.
    pub fn deliver(&self, response: ControlResponse) -> Option<ControlResponse> {
        let Some(waiting) = self.open().remove(response.request_id()) else { return Some(response) };
        // The asker may have been dropped meanwhile.
        let _ = waiting.send(response);
        None
    }

    /// The host closed its end: every open and later request fails.
    pub fn close(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.open().clear();
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<ControlResponse>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Withdraws its request when dropped unanswered.
struct OpenRequestGuard<'a> {
    host: &'a HostClient,
    request_id: &'a str,
}

impl Drop for OpenRequestGuard<'_> {
    fn drop(&mut self) {
        if self.host.open().remove(self.request_id).is_some() {
            let request_id = self.request_id.to_owned();
            self.host.out.send(&AgentFrame::ControlCancelRequest { request_id });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    fn request() -> AgentControlRequest {
        AgentControlRequest::Unknown(json!({"subtype": "x"}))
    }

    #[tokio::test]
    async fn an_answer_reaches_whoever_asked_and_no_other() {
        let (output, input) = crate::agent::outbox::tests::pipe();
        let host = HostClient::new(Outbox::open(output));
        let mut lines = BufReader::new(input).lines();
        let answer = |request_id: &str| ControlResponse::Success {
            request_id: request_id.to_owned(),
            response: json!({"ok": true}),
        };
        let ask = host.request(request());
        tokio::pin!(ask);
        let asked = tokio::select! {
            _ = &mut ask => unreachable!("nobody answered yet"),
            line = lines.next_line() => line.unwrap().unwrap(),
        };
        let asked: Value = serde_json::from_str(&asked).unwrap();
        assert!(host.deliver(answer("another")).is_some());
        assert!(host.deliver(answer(asked["request_id"].as_str().unwrap())).is_none());
        assert_eq!(ask.await, Ok(json!({"ok": true})));
    }

    #[tokio::test]
    async fn a_request_nobody_waits_for_is_withdrawn() {
        let (output, input) = crate::agent::outbox::tests::pipe();
        let host = HostClient::new(Outbox::open(output));
        let mut lines = BufReader::new(input).lines();
        {
            let ask = host.request(request());
            tokio::pin!(ask);
            tokio::select! {
                biased;
                _ = &mut ask => unreachable!("nobody answers"),
                _ = lines.next_line() => {}
            }
        }
        let withdrawn: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!(withdrawn["type"], "control_cancel_request");
    }
}
