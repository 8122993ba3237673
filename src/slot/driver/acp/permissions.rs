//! The agent's permission requests: put to a person, or answered by the mode.

use std::collections::BTreeMap;
use std::path::Path;

use agent_client_protocol_schema::v1::{
    PermissionOption, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionResponse,
    SelectedPermissionOutcome, ToolKind,
};

use super::connection::respond;
use super::tool_call::AcpToolCall;
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::RequestId;
use crate::slot::PermissionDecision;
use crate::slot::driver::{AgentEvent, DriverOutput};

/// Maximum number of open questions; further ones are refused.
pub(super) const MAX_PENDING: usize = 32;

/// An open request.
#[derive(Debug)]
struct AcpPermissionRequest {
    /// The id of the agent's JSON-RPC request.
    id: RequestId,
    options: Vec<PermissionOption>,
    /// The tool call it is about.
    call: AcpToolCall,
}

/// The permission mode and the open requests.
#[derive(Debug, Default)]
pub(super) struct PermissionQueue {
    pub mode: PermissionMode,
    pending: BTreeMap<String, AcpPermissionRequest>,
}

impl PermissionQueue {
    /// Nobody can answer so many.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING
    }

    /// Adds a request; returns the id it has in the slot.
    pub fn push(&mut self, id: RequestId, options: Vec<PermissionOption>, call: AcpToolCall) -> String {
        let name = serde_json::to_string(&id).unwrap_or_default();
        self.pending.insert(name.clone(), AcpPermissionRequest { id, options, call });
        name
    }

    /// What the mode answers by itself in a session of this folder; `None` if a
    /// person has to.
    pub fn decide_by_mode(&self, call: &AcpToolCall, folder: &Path) -> Option<PermissionDecision> {
        match self.mode {
            PermissionMode::BypassPermissions => {
                (!call.changes_protected(folder)).then_some(PermissionDecision::AllowOnce)
            }
            PermissionMode::AcceptEdits if call.kind == ToolKind::Edit && call.is_inside(folder) => {
                Some(PermissionDecision::AllowOnce)
            }
            PermissionMode::DontAsk => Some(PermissionDecision::Deny(String::new())),
            PermissionMode::Default | PermissionMode::AcceptEdits | PermissionMode::Plan => None,
        }
    }

    /// The line that answers, and the call it was about; `None` if no request has
    /// this id. It never allows for longer than once where the agent offers that:
    /// agents keep an "always" for all their sessions (opencode 1.18).
    pub fn answer(&mut self, name: &str, allow: bool) -> Option<(DriverOutput, AcpToolCall)> {
        let AcpPermissionRequest { id, options, call } = self.pending.remove(name)?;
        let kinds = if allow {
            [PermissionOptionKind::AllowOnce, PermissionOptionKind::AllowAlways]
        } else {
            [PermissionOptionKind::RejectOnce, PermissionOptionKind::RejectAlways]
        };
        let option = kinds.iter().find_map(|kind| options.iter().find(|option| option.kind == *kind));
        let outcome = option.map_or(RequestPermissionOutcome::Cancelled, |option| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id.clone()))
        });
        Some((respond(&id, &RequestPermissionResponse::new(outcome)), call))
    }

    /// Answers all open requests with “cancelled”.
    pub fn cancel_all(&mut self) -> impl Iterator<Item = DriverOutput> + use<> {
        std::mem::take(&mut self.pending).into_iter().flat_map(|(name, asked)| {
            [cancelled_response(&asked.id), DriverOutput::Event(AgentEvent::PermissionDropped(name))]
        })
    }
}

/// The line that cancels a request.
pub(super) fn cancelled_response(id: &RequestId) -> DriverOutput {
    respond(id, &RequestPermissionResponse::new(RequestPermissionOutcome::Cancelled))
}
