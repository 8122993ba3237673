//! Forwards permission requests to the editor and its answers to the slot.

use agent_client_protocol_schema::v1::{
    PermissionOption, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse,
};
use serde_json::Value;

use super::tool_calls;
use crate::protocol::json_rpc::RpcError;
use crate::session::SessionId;
use crate::slot::{PermissionDecision, PermissionRequest};

const ONCE: &str = "once";
const SESSION: &str = "session";
const DENY: &str = "deny";

/// The request to the editor; `call` is the id of the tool call.
pub(super) fn permission_request(
    session: SessionId,
    call: &str,
    request: &PermissionRequest,
) -> RequestPermissionRequest {
    let options = vec![
        PermissionOption::new(ONCE, "Allow once", PermissionOptionKind::AllowOnce),
        PermissionOption::new(SESSION, "Allow for this session", PermissionOptionKind::AllowAlways),
        PermissionOption::new(DENY, "Deny", PermissionOptionKind::RejectOnce),
    ];
    let requested = tool_calls::call_for_permission(call, &request.tool, &request.input);
    RequestPermissionRequest::new(session.to_string(), requested, options)
}

/// The editor's decision. Anything that is not a yes is a no.
pub(super) fn parse_decision(answer: Result<Value, RpcError>) -> PermissionDecision {
    let outcome = answer.ok().and_then(|answer| serde_json::from_value(answer).ok());
    match outcome.map(|response: RequestPermissionResponse| response.outcome) {
        Some(RequestPermissionOutcome::Selected(chosen)) => match &*chosen.option_id.0 {
            ONCE => PermissionDecision::AllowOnce,
            SESSION => PermissionDecision::AllowSession,
            _ => PermissionDecision::Deny("denied by the user".to_owned()),
        },
        _ => PermissionDecision::Deny("the user did not answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let check = |answer: Result<Value, RpcError>, expected: &str| {
            assert!(format!("{:?}", parse_decision(answer.clone())).starts_with(expected), "{answer:?}");
        };
        let chosen = |option: &str| Ok(json!({"outcome": {"outcome": "selected", "optionId": option}}));
        check(chosen("once"), "AllowOnce");
        check(chosen("session"), "AllowSession");
        check(chosen("deny"), "Deny");
        check(chosen("something"), "Deny");
        check(Ok(json!({"outcome": {"outcome": "cancelled"}})), "Deny");
        check(Ok(json!({})), "Deny");
        check(Err(RpcError::method_not_found()), "Deny");
    }
}
