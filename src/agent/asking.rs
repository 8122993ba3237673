//! Asking the host whether a tool may run, and what its answer means.
//!
//! Owns the request that is open. What needs asking is decided in
//! [`super::permission`].

use std::path::PathBuf;

use serde_json::{Value, json};

use super::permission::Decision;
use super::process::{Process, State};
use super::record::new_uuid;
use super::tool::Need;
use super::turn::{Call, Step, Turn};
use crate::protocol::{
    AgentFrame, AgentRequest, CanUseTool, ControlEnvelope, ControlResponse, PermissionAnswer,
};

impl Process {
    /// Sends the request; gives back its id.
    pub(super) fn ask_permission(
        &self,
        call: &Call,
        need: &Need,
        suggestions: &[Value],
        blocked_path: Option<PathBuf>,
    ) -> String {
        let request_id = new_uuid();
        let description = call.input["description"].as_str().map(str::to_owned).or_else(|| match need {
            Need::Look(path) | Need::Edit(path) => path.file_name().map(|name| name.display().to_string()),
            Need::Fetch(host) => Some(host.clone()),
            Need::Command(_) | Need::Service | Need::Nothing => None,
        });
        self.out.send(&AgentFrame::ControlRequest(ControlEnvelope {
            request_id: request_id.clone(),
            request: AgentRequest::CanUseTool(CanUseTool {
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

    /// Refuses what the host can be asked no more, so that the turn can go on.
    pub(super) fn nobody_permits(&mut self) {
        while let Some(Turn { step: Step::Permission { request_id, .. }, .. }) = &self.turn {
            let error = "nobody is left to ask".to_owned();
            let request_id = request_id.clone();
            self.out.send(&AgentFrame::ControlCancelRequest { request_id: request_id.clone() });
            self.permission_answered(ControlResponse::Error { request_id, error, error_code: None });
        }
    }

    /// Goes on with the turn as the host says; an answer nobody waits for is dropped.
    pub(super) fn permission_answered(&mut self, response: ControlResponse) {
        let Some(mut turn) = self.turn.take() else { return };
        let (call, suggestions) = match std::mem::replace(&mut turn.step, Step::Deciding) {
            Step::Permission { request_id, call, suggestions } if request_id == response.request_id() => {
                (call, suggestions)
            }
            step => {
                turn.step = step;
                self.turn = Some(turn);
                return;
            }
        };
        self.enter(State::Running);
        match verdict(response) {
            PermissionAnswer::Allow { updated_input, updated_permissions } => {
                self.grant(updated_permissions.as_deref().unwrap_or_default(), &suggestions);
                let input = updated_input.filter(Value::is_object).unwrap_or_else(|| call.input.clone());
                let call = Call { input, ..call };
                let went_on = match self.forbidden(&call) {
                    // What was permitted is not what was asked for.
                    Some(reason) => {
                        let denied = self.deny(&mut turn, &call, &reason);
                        denied.and_then(|()| self.next_call(&mut turn))
                    }
                    None => {
                        turn.step = self.run_tool(call);
                        Ok(None)
                    }
                };
                self.settle(turn, went_on);
            }
            PermissionAnswer::Deny { message, interrupt } => {
                let denied = self.deny(&mut turn, &call, &message);
                if interrupt && denied.is_ok() {
                    self.turn = Some(turn);
                    self.interrupt();
                } else {
                    let went_on = denied.and_then(|()| self.next_call(&mut turn));
                    self.settle(turn, went_on);
                }
            }
        }
    }
}

impl Process {
    /// Takes over what the host granted, and writes it where it says so.
    fn grant(&mut self, updates: &[Value], suggestions: &[Value]) {
        let mode = self.permissions.mode;
        for update in updates {
            self.permissions.apply(update, suggestions);
            if let Err(error) = self.settings_files.keep(update) {
                self.tell(&format!("the permission holds, but was not written to the settings: {error}"));
            }
        }
        if self.permissions.mode != mode {
            self.send_system("status", json!({"permissionMode": self.permissions.mode.wire_name()}));
        }
    }

    /// Why a rule forbids this call, if one does.
    fn forbidden(&self, call: &Call) -> Option<String> {
        let need = self.tool(&call.tool)?.need(&call.input, &self.place());
        match self.permissions.decide(&call.tool, &need, &self.session.cwd) {
            Decision::Deny(reason) => Some(reason),
            Decision::Allow | Decision::Ask { .. } => None,
        }
    }
}

/// What the answer says; anything that is no clear yes is a no.
fn verdict(response: ControlResponse) -> PermissionAnswer {
    let message = match response {
        ControlResponse::Success { response, .. } => match serde_json::from_value(response) {
            Ok(answer) => return answer,
            Err(error) => format!("The host's answer to the permission request made no sense: {error}"),
        },
        ControlResponse::Error { error, .. } => {
            format!("The host could not decide on the permission: {error}")
        }
    };
    PermissionAnswer::Deny { message, interrupt: false }
}
