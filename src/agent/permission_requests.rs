//! Asks the host whether a tool call may run, and applies its answer.
//!
//! Owns the open request. Which calls need asking is decided in
//! [`super::permission`].

use std::path::PathBuf;

use serde_json::{Value, json};

use super::permission::AccessDecision;
use super::runtime::{AgentRuntime, RuntimeState};
use super::tool::Access;
use super::transcript_entry::new_uuid;
use super::turn::{RequestedCall, RunningTurn, TurnStep};
use crate::protocol::{
    AgentControlRequest, AgentFrame, CanUseTool, ControlEnvelope, ControlResponse, PermissionResponse,
};

impl AgentRuntime {
    /// Sends `can_use_tool`; returns the request's id.
    pub(super) fn send_permission_request(
        &self,
        call: &RequestedCall,
        need: &Access,
        suggestions: &[Value],
        blocked_path: Option<PathBuf>,
    ) -> String {
        let request_id = new_uuid();
        let description = call.input["description"].as_str().map(str::to_owned).or_else(|| match need {
            Access::Read(path) | Access::Edit(path) => {
                path.file_name().map(|name| name.display().to_string())
            }
            Access::Fetch(host) => Some(host.clone()),
            Access::Command(_) | Access::McpServer | Access::Nothing => None,
        });
        self.out.send(&AgentFrame::ControlRequest(ControlEnvelope {
            request_id: request_id.clone(),
            request: AgentControlRequest::CanUseTool(CanUseTool {
                tool_name: call.tool.clone(),
                input: call.input.clone(),
                permission_suggestions: Some(suggestions.to_vec()),
                blocked_path: blocked_path.map(|path| path.display().to_string()),
                tool_use_id: call.id.clone(),
                description,
            }),
        }));
        request_id
    }

    /// Denies the open request once the host closed its end, so that the turn can go on.
    pub(super) fn deny_unanswerable(&mut self) {
        while let Some(RunningTurn { step: TurnStep::Permission { request_id, .. }, .. }) = &self.turn {
            let error = "nobody is left to ask".to_owned();
            let request_id = request_id.clone();
            self.out.send(&AgentFrame::ControlCancelRequest { request_id: request_id.clone() });
            self.handle_permission_response(ControlResponse::Error { request_id, error, error_code: None });
        }
    }

    /// Continues the turn as the host answered; an answer that nobody awaits is dropped.
    pub(super) fn handle_permission_response(&mut self, response: ControlResponse) {
        let Some(mut turn) = self.turn.take() else { return };
        let (call, suggestions) = match std::mem::replace(&mut turn.step, TurnStep::Deciding) {
            TurnStep::Permission { request_id, call, suggestions } if request_id == response.request_id() => {
                (call, suggestions)
            }
            step => {
                turn.step = step;
                self.turn = Some(turn);
                return;
            }
        };
        self.set_state(RuntimeState::Running);
        match parse_permission_response(response) {
            PermissionResponse::Allow { updated_input, updated_permissions } => {
                self.apply_permission_updates(
                    updated_permissions.as_deref().unwrap_or_default(),
                    &suggestions,
                );
                let input = updated_input.filter(Value::is_object).unwrap_or_else(|| call.input.clone());
                let call = RequestedCall { input, ..call };
                let progress = match self.denial_reason(&call) {
                    // The host changed the input: what it permitted is not what was asked.
                    Some(reason) => {
                        let denied = self.deny_call(&mut turn, &call, &reason);
                        denied.and_then(|()| self.next_call(&mut turn))
                    }
                    None => {
                        turn.step = self.run_tool(call);
                        Ok(None)
                    }
                };
                self.continue_or_end(turn, progress);
            }
            PermissionResponse::Deny { message, interrupt } => {
                let denied = self.deny_call(&mut turn, &call, &message);
                if interrupt && denied.is_ok() {
                    self.turn = Some(turn);
                    self.interrupt();
                } else {
                    let progress = denied.and_then(|()| self.next_call(&mut turn));
                    self.continue_or_end(turn, progress);
                }
            }
        }
    }
}

impl AgentRuntime {
    /// Applies the rules that the host granted along with its answer, and writes them to the settings it
    /// names.
    fn apply_permission_updates(&mut self, updates: &[Value], suggestions: &[Value]) {
        let mode = self.permissions.mode;
        for update in updates {
            self.permissions.apply(update, suggestions);
            if let Err(error) = self.settings_files.write_update(update) {
                self.send_warning(&format!(
                    "the permission holds, but was not written to the settings: {error}"
                ));
            }
        }
        if self.permissions.mode != mode {
            self.send_system("status", json!({"permissionMode": self.permissions.mode.wire_name()}));
        }
    }

    /// Why a rule forbids this call, if one does.
    fn denial_reason(&self, call: &RequestedCall) -> Option<String> {
        let need = self.find_tool(&call.tool)?.access(&call.input, &self.tool_context());
        match self.permissions.decide(&call.tool, &need, &self.session.cwd) {
            AccessDecision::Deny(reason) => Some(reason),
            AccessDecision::Allow | AccessDecision::Ask { .. } => None,
        }
    }
}

/// Parses the answer; anything but a clear yes is a no.
fn parse_permission_response(response: ControlResponse) -> PermissionResponse {
    let message = match response {
        ControlResponse::Success { response, .. } => match serde_json::from_value(response) {
            Ok(answer) => return answer,
            Err(error) => format!("The host's answer to the permission request made no sense: {error}"),
        },
        ControlResponse::Error { error, .. } => {
            format!("The host could not decide on the permission: {error}")
        }
    };
    PermissionResponse::Deny { message, interrupt: false }
}
