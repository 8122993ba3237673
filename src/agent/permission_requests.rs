//! Asks the host whether a tool call may run, and applies its answer.
//!
//! Owns the open request. Which calls need asking is decided in
//! [`super::permission`].

use std::io;

use serde_json::{Value, json};

use super::flags::Flags;
use super::hook_dispatch::PendingPermission;
use super::permission::AccessDecision;
use super::runtime::{AgentRuntime, RuntimeState};
use super::tool::{Access, ToolOutcome};
use super::transcript_entry::new_uuid;
use super::turn::{RequestedCall, RunningTurn, TurnStep};
use super::turn_outcome::TurnOutcome;
use crate::protocol::{
    AgentControlRequest, AgentFrame, CanUseTool, ControlEnvelope, ControlResponse, PermissionMode,
    PermissionResponse,
};

impl AgentRuntime {
    /// Sends `can_use_tool`; returns the request's id.
    pub(super) fn send_permission_request(&self, pending: &PendingPermission) -> String {
        let PendingPermission { call, access, suggestions, blocked_path, reason } = pending;
        let request_id = new_uuid();
        let description = call.input["description"].as_str().map(str::to_owned).or_else(|| match access {
            Access::Read(path) | Access::Edit(path) => {
                path.written.file_name().map(|name| name.display().to_string())
            }
            Access::Fetch(host) => Some(host.clone()),
            Access::Command(_) | Access::McpServer(_) | Access::Nothing => None,
        });
        self.out.send(&AgentFrame::ControlRequest(ControlEnvelope {
            request_id: request_id.clone(),
            request: AgentControlRequest::CanUseTool(CanUseTool {
                tool_name: call.tool.clone(),
                input: call.input.clone(),
                permission_suggestions: Some(suggestions.clone()),
                blocked_path: blocked_path.as_ref().map(|path| path.display().to_string()),
                decision_reason: reason.as_ref().map(|reason| reason.text.clone()),
                decision_reason_type: reason.as_ref().map(|reason| reason.kind.wire_name().to_owned()),
                tool_use_id: call.id.clone(),
                description,
            }),
        }));
        request_id
    }

    /// Denies the open request once the host closed its end, so that the turn can go on.
    pub(super) fn deny_unanswerable(&mut self) {
        while let Some(RunningTurn { step: TurnStep::Permission { request_id, .. }, .. }) = &self.turn {
            let error = "permission denied: the host closed its input, so it cannot be asked".to_owned();
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
        let response = parse_permission_response(response);
        let progress = self.apply_permission(&mut turn, call, &suggestions, response);
        self.continue_or_end(turn, progress);
    }

    /// Runs a call that was permitted, or denies it.
    pub(super) fn apply_permission(
        &mut self,
        turn: &mut RunningTurn,
        call: RequestedCall,
        suggestions: &[Value],
        response: PermissionResponse,
    ) -> io::Result<Option<TurnOutcome>> {
        match response {
            PermissionResponse::Allow { updated_input, updated_permissions } => {
                let updates = updated_permissions.unwrap_or_default();
                self.apply_permission_updates(&updates, suggestions);
                let mut call = call;
                call.replace_input(updated_input);
                // The input may be another one now: what was permitted is not what was asked.
                if let Some(reason) = self.denied_by_rule(&mut call) {
                    self.deny_call(turn, &call, &reason)?;
                    return self.next_call(turn);
                }
                turn.step = TurnStep::Tools(vec![self.run_tool(call)]);
                Ok(None)
            }
            PermissionResponse::Deny { message, interrupt } => {
                self.deny_call(turn, &call, &message)?;
                if interrupt {
                    self.stop_step(turn)?;
                    return Ok(Some(TurnOutcome::interrupted(true)));
                }
                self.next_call(turn)
            }
        }
    }

    /// Asks whoever the host chose for permission, or denies the call if that is nobody: true if there is
    /// an answer to wait for.
    pub(super) fn request_permission(
        &mut self,
        turn: &mut RunningTurn,
        pending: PendingPermission,
    ) -> io::Result<bool> {
        match self.settings.permission_prompt.clone() {
            PermissionPrompt::Host => {
                let request_id = self.send_permission_request(&pending);
                let PendingPermission { call, suggestions, .. } = pending;
                self.set_state(RuntimeState::RequiresAction);
                turn.step = TurnStep::Permission { request_id, call, suggestions };
                Ok(true)
            }
            PermissionPrompt::McpTool(name) => {
                let PendingPermission { call, suggestions, .. } = pending;
                let Some(tool) = self.find_tool(&name) else {
                    let reason =
                        format!("the permission tool {name} is not there, so {} did not run.", call.tool);
                    return self.deny_unasked(turn, &call, &reason).map(|()| false);
                };
                let input = json!({"tool_name": call.tool, "input": call.input, "tool_use_id": call.id});
                let running = tool.run(input, self.tool_context());
                turn.step = TurnStep::PermissionTool { call, suggestions, running };
                Ok(true)
            }
            PermissionPrompt::Nobody => {
                let call = pending.call;
                let reason = format!(
                    "{} needs approval, and nobody can be asked in this session. It did not run. A permission \
                     rule such as --allowedTools could allow it.",
                    call.tool
                );
                self.deny_unasked(turn, &call, &reason).map(|()| false)
            }
        }
    }

    /// Denies a call without asking anybody, which the host is told in the official way.
    fn deny_unasked(&mut self, turn: &mut RunningTurn, call: &RequestedCall, reason: &str) -> io::Result<()> {
        let frame = json!({"tool_name": call.tool, "tool_use_id": call.id, "message": reason});
        self.send_system("permission_denied", frame);
        self.deny_call(turn, call, reason)
    }
}

/// Who is asked for permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionPrompt {
    /// Nobody: what needs asking is denied. A host that did not pass `--permission-prompt-tool` never
    /// answers `can_use_tool`.
    Nobody,
    /// The host, by `can_use_tool`.
    Host,
    /// This tool of an MCP server, which answers as the host would, in JSON.
    McpTool(String),
}

impl PermissionPrompt {
    /// As the flags say.
    pub fn from_flags(flags: &Flags) -> Self {
        match flags.permission_prompt_tool.as_deref() {
            _ if flags.permission_prompts.as_deref() == Some("none") => Self::Nobody,
            None => Self::Nobody,
            Some("stdio") => Self::Host,
            Some(tool) => Self::McpTool(tool.to_owned()),
        }
    }
}

impl AgentRuntime {
    /// Applies the rules that the host granted along with its answer, and writes them to the settings it
    /// names.
    fn apply_permission_updates(&mut self, updates: &[Value], suggestions: &[Value]) {
        let mode = self.permissions.mode;
        for update in updates {
            if update["mode"] == PermissionMode::BypassPermissions.wire_name() && !self.settings.allows_bypass
            {
                self.send_warning(
                    "the mode bypassPermissions was not allowed at the start, so it was not switched to",
                );
                continue;
            }
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

    /// Why a rule denies this call, if one does: it may have other arguments than
    /// those that were asked about.
    pub(super) fn denied_by_rule(&self, call: &mut RequestedCall) -> Option<String> {
        let access = match call.target.take() {
            None => self.resolve_access(call)?,
            Some(held) => {
                let mut access = self.find_tool(&call.tool)?.access(&call.input, &self.tool_context());
                // What the path leads to by now does not count.
                if let (Access::Edit(path), Ok(target)) = (&mut access, held.get()) {
                    target.path().clone_into(&mut path.resolved);
                }
                call.target = Some(held);
                access
            }
        };
        match self.permissions.decide(&call.tool, &access, &self.session.cwd) {
            AccessDecision::Deny(reason) => Some(reason),
            AccessDecision::Allow | AccessDecision::Ask { .. } => None,
        }
    }
}

impl RequestedCall {
    /// Takes other arguments over. What was resolved for the former ones does
    /// not hold for them.
    pub(super) fn replace_input(&mut self, input: Option<Value>) {
        if let Some(input) = input.filter(|input| input.is_object() && *input != self.input) {
            self.input = input;
            self.target = None;
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

/// The answer of a permission tool; anything but a clear yes is a no.
pub(super) fn parse_tool_response(outcome: &ToolOutcome) -> PermissionResponse {
    let message = match serde_json::from_str(&outcome.text) {
        Ok(response) if !outcome.is_error => return response,
        _ => format!("The permission tool did not allow it: {}", outcome.text),
    };
    PermissionResponse::Deny { message, interrupt: false }
}
