//! Requests from the slot to an agent.

use crate::agent_api::{Feature, Switch};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// The session a process is started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSession {
    /// A new one.
    New,
    /// A new one with this id, such as one whose process died before its first
    /// entry was written.
    WithId(SessionId),
    /// A stored one.
    Stored(SessionId),
    /// A copy of a stored one.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to and including this message; `None` copies everything.
        at: Option<String>,
    },
}

/// A request that the agent must answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotRequest {
    /// Identify yourself; answered with
    /// [`Handshake`](super::AgentResponse::Handshake).
    Handshake,
    /// Stop the running turn.
    Interrupt,
    /// Change the active session; answered with
    /// [`Switched`](super::AgentResponse::Switched).
    Switch {
        /// The process that asked.
        switch: Switch,
        /// Stop a running turn first.
        interrupt: bool,
    },
    /// Change the model; answered with [`Model`](super::AgentResponse::Model).
    SetModel(Option<String>),
    /// Change what may run without asking.
    SetMode(PermissionMode),
    /// Give a session a title: the active one, or any that only this agent keeps.
    Rename {
        /// The title.
        title: String,
        /// The session. If it is no longer active, an agent whose sessions are also
        /// changed by others renames nothing.
        session: SessionId,
    },
    /// Archive a stored session that only this agent keeps, or restore it.
    Archive {
        /// The session; never the active one.
        session: SessionId,
        /// Restore it instead.
        back: bool,
    },
    /// Measure the context window; answered with
    /// [`ContextUsage`](super::AgentResponse::ContextUsage).
    ContextUsage,
    /// List the MCP servers; answered with
    /// [`McpServers`](super::AgentResponse::McpServers).
    McpServers,
    /// Restore files to their state at a prompt; answered with
    /// [`Rewind`](super::AgentResponse::Rewind).
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// Only report what would change.
        dry_run: bool,
    },
    /// Withdraw a queued prompt; answered with
    /// [`Cancelled`](super::AgentResponse::Cancelled).
    CancelPrompt(String),
    /// Stop the running turn and exit. No response is awaited.
    EndSession,
}

impl SlotRequest {
    /// The feature that an agent needs for it; `None` if every agent has it.
    pub fn feature(&self) -> Option<Feature> {
        match self {
            Self::SetModel(_) => Some(Feature::Model),
            Self::SetMode(_) => Some(Feature::Mode),
            Self::Rename { .. } => Some(Feature::Rename),
            Self::Archive { .. } => Some(Feature::Archive),
            Self::ContextUsage => Some(Feature::Context),
            Self::McpServers => Some(Feature::Servers),
            Self::Rewind { .. } => Some(Feature::Rewind),
            Self::Handshake
            | Self::Interrupt
            | Self::Switch { .. }
            | Self::CancelPrompt(_)
            | Self::EndSession => None,
        }
    }

    /// A short name for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Interrupt => "interrupt",
            Self::Switch { switch, .. } => switch.name(),
            Self::SetModel(_) => "model",
            Self::SetMode(_) => "permission mode",
            Self::Rename { .. } => "rename",
            Self::Archive { .. } => "archive",
            Self::ContextUsage => "context",
            Self::McpServers => "MCP servers",
            Self::Rewind { .. } => "rewind",
            Self::CancelPrompt(_) => "cancel",
            Self::EndSession => "end",
        }
    }
}
