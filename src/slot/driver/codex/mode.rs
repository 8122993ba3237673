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

/// The sandbox of a mode: its name where a thread begins, and where a turn does.
pub(super) fn sandbox(mode: PermissionMode) -> (&'static str, &'static str) {
    match mode {
        PermissionMode::Plan => ("read-only", "readOnly"),
        PermissionMode::BypassPermissions => ("danger-full-access", "dangerFullAccess"),
        PermissionMode::Default | PermissionMode::AcceptEdits | PermissionMode::DontAsk => {
            ("workspace-write", "workspaceWrite")
        }
    }
}
