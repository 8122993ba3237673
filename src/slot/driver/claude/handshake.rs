//! The handshake: identifies the agent and probes which switches it supports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ClaudeDriver;
use crate::protocol::{ControlResponse, ErrorCode};
use crate::session::SessionId;
use crate::slot::driver::stream_json::{StreamJson, responses};
use crate::slot::driver::{AgentResponse, DriverOutput, SlotRequest};
use crate::slot::{AgentInfo, Driver, SlotError, SlotTotals, Switch};

/// The requests of the handshake and their responses so far.
#[derive(Debug, Default)]
pub(super) struct ClaudeHandshake {
    /// Open requests, by id.
    pending: BTreeMap<String, HandshakeQuestion>,
    /// The id of the slot's handshake request.
    id: String,
    hello: Option<Result<Value, SlotError>>,
    /// It supports the request `resume`.
    pub supports_resume: bool,
    /// It supports the request `fork`.
    pub supports_fork: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HandshakeQuestion {
    Hello,
    Resume,
    Fork,
}

impl ClaudeHandshake {
    /// The lines of the handshake: `initialize`, and switches to a session that does
    /// not exist, whose error code tells whether they are supported.
    pub(super) fn begin(
        &mut self,
        id: &str,
        hello: DriverOutput,
        dialect: &mut StreamJson,
    ) -> Vec<DriverOutput> {
        id.clone_into(&mut self.id);
        self.pending.insert(id.to_owned(), HandshakeQuestion::Hello);
        let mut events = vec![hello];
        let nowhere = SessionId::random();
        let fork = Switch::Fork { source: nowhere, at: None, title: None, cwd: None };
        for (question, switch) in
            [(HandshakeQuestion::Resume, Switch::Resume(nowhere)), (HandshakeQuestion::Fork, fork)]
        {
            let id = format!("{id}-{}", switch.name());
            events.push(dialect.request(&id, SlotRequest::Switch { switch, interrupt: false }));
            self.pending.insert(id, question);
        }
        events
    }

    pub(super) fn expects(&self, id: &str) -> bool {
        self.pending.contains_key(id)
    }

    /// Takes a response; returns that of the handshake once all have arrived.
    pub(super) fn handle_response(
        &mut self,
        response: ControlResponse,
    ) -> Option<(String, Result<Value, SlotError>)> {
        // A version that knows the request looks for the session.
        let knows =
            matches!(response, ControlResponse::Error { error_code: Some(ErrorCode::SessionNotFound), .. });
        match (self.pending.remove(response.request_id())?, response) {
            (HandshakeQuestion::Resume, _) => self.supports_resume = knows,
            (HandshakeQuestion::Fork, _) => self.supports_fork = knows,
            (HandshakeQuestion::Hello, ControlResponse::Success { response, .. }) => {
                self.hello = Some(Ok(response));
            }
            (HandshakeQuestion::Hello, ControlResponse::Error { error, error_code, .. }) => {
                self.hello = Some(Err(SlotError::Refused { code: error_code, message: error }));
            }
        }
        if !self.pending.is_empty() {
            return None;
        }
        Some((std::mem::take(&mut self.id), self.hello.take()?))
    }
}

impl ClaudeDriver {
    /// The response to the handshake.
    pub(super) fn finish_handshake(&self, id: String, hello: &Result<Value, SlotError>) -> DriverOutput {
        let answer = match (hello, self.session) {
            (Ok(hello), Some(session)) => {
                Ok(AgentResponse::Handshake(Box::new(self.agent_info(hello, session)), SlotTotals::default()))
            }
            (Err(error), _) => Err(error.clone()),
            (Ok(_), None) => Err(SlotError::InvalidReply("it answered before it was started".to_owned())),
        };
        DriverOutput::Response { id, answer }
    }

    fn agent_info(&self, hello: &Value, session: SessionId) -> AgentInfo {
        let list = |key: &str| hello[key].as_array().cloned().unwrap_or_default();
        let models = list("models");
        let default = models.iter().find(|model| model["value"] == "default");
        let resolved = default.and_then(|model| model["resolvedModel"].as_str()).unwrap_or_default();
        AgentInfo {
            name: "claude".to_owned(),
            version: hello["claude_code_version"].as_str().unwrap_or_default().to_owned(),
            pid: hello["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
            model: self.model.clone().unwrap_or_else(|| resolved.to_owned()),
            notice: login_notice(&hello["account"]),
            session,
            transcript: self.transcript.clone(),
            cwd: self.cwd.clone(),
            permission_mode: hello["current_permission_mode"]
                .as_str()
                .and_then(|mode| mode.parse().ok())
                .unwrap_or_default(),
            commands: list("commands").iter().filter_map(responses::parse_command).collect(),
            models: models.iter().filter_map(|model| responses::string_field(model, "value")).collect(),
            mcp_servers: (0, 0),
            repaired: None,
            capabilities: self.capabilities(),
        }
    }
}

/// Reports a missing login at once instead of after the first prompt.
fn login_notice(account: &Value) -> Option<String> {
    let nobody = account["tokenSource"] == "none" && account["apiKeySource"].is_null();
    (nobody && account["apiProvider"] == "firstParty")
        .then(|| "not logged in: run `claude` in a terminal and type /login".to_owned())
}
