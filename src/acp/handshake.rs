//! The response to `initialize`, and the permission modes.

use agent_client_protocol_schema::ProtocolVersion;
use agent_client_protocol_schema::v1::{
    AgentCapabilities, Implementation, InitializeResponse, McpCapabilities, PromptCapabilities,
    SessionCapabilities, SessionCloseCapabilities, SessionDeleteCapabilities, SessionForkCapabilities,
    SessionListCapabilities, SessionMode, SessionModeState, SessionResumeCapabilities,
};

use crate::protocol::PermissionMode;

/// The response to `initialize`. It always offers version 1, whatever the editor
/// asks for; the editor decides whether to go on.
pub(super) fn initialize_response() -> InitializeResponse {
    let sessions = SessionCapabilities::new()
        .list(SessionListCapabilities::new())
        .resume(SessionResumeCapabilities::new())
        .fork(SessionForkCapabilities::new())
        .close(SessionCloseCapabilities::new())
        .delete(SessionDeleteCapabilities::new());
    let capabilities = AgentCapabilities::new()
        .load_session(true)
        .prompt_capabilities(PromptCapabilities::new().embedded_context(true))
        .mcp_capabilities(McpCapabilities::new().http(true))
        .session_capabilities(sessions);
    InitializeResponse::new(ProtocolVersion::V1)
        .agent_capabilities(capabilities)
        .agent_info(Implementation::new("hotseat", env!("CARGO_PKG_VERSION")).title("hotseat".to_owned()))
}

/// The permission modes, as an editor offers them.
pub(super) fn mode_state(current: PermissionMode) -> SessionModeState {
    let mode = |mode: PermissionMode| {
        let (name, what) = match mode {
            PermissionMode::Default => ("Ask first", "Ask before making changes"),
            PermissionMode::AcceptEdits => ("Accept edits", "Edit files without asking"),
            PermissionMode::Plan => ("Plan", "Read only"),
            PermissionMode::DontAsk => ("Don't ask", "Refuse instead of asking"),
            PermissionMode::BypassPermissions => ("Run everything", "Never ask"),
        };
        SessionMode::new(mode.wire_name(), name).description(what.to_owned())
    };
    SessionModeState::new(current.wire_name(), PermissionMode::ALL.map(mode).to_vec())
}
