//! Permission modes in codex's terms: the approval policy and the sandbox.

use crate::protocol::PermissionMode;

/// The approval policy of a mode.
pub(super) fn approval(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Default | PermissionMode::Plan => "untrusted",
        PermissionMode::AcceptEdits => "on-request",
        PermissionMode::DontAsk | PermissionMode::BypassPermissions => "never",
    }
}

/// The sandbox that a thread is opened with, whatever the mode: each turn is sent
/// that of its mode. codex 0.169.0 takes a wider one here for a person's trust: it
/// writes `trust_level = "trusted"` for the thread's folder and starts the project's
/// own MCP servers.
pub(super) const THREAD_SANDBOX: &str = "read-only";

/// The sandbox of a mode, as a turn is sent it.
pub(super) fn sandbox(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Plan => "readOnly",
        PermissionMode::BypassPermissions => "dangerFullAccess",
        PermissionMode::Default | PermissionMode::AcceptEdits | PermissionMode::DontAsk => "workspaceWrite",
    }
}
