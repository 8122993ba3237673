//! What the slot asks of an agent.

use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::Switch;

/// The session a process is started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSession {
    /// A new one.
    New,
    /// A new one of this id: a session that was lost before its first entry.
    WithId(SessionId),
    /// A stored one.
    Stored(SessionId),
    /// A copy of a stored one.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to this message; none: all.
        at: Option<String>,
    },
}

/// Something the agent is to do and to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotRequest {
    /// Say who you are; answered with [`Agent`](super::Answer::Agent).
    Handshake,
    /// Stop the running turn.
    Interrupt,
    /// Change the active session; answered with [`Seated`](super::Answer::Seated).
    Switch {
        /// To which.
        switch: Switch,
        /// Stop a running turn first.
        interrupt: bool,
    },
    /// Change the model; answered with [`ModelInfo`](super::Answer::Model).
    SetModel(Option<String>),
    /// Change what may run without asking.
    SetMode(PermissionMode),
    /// Give a session a title: the active one, or any that only this agent keeps.
    Rename {
        /// The title.
        title: String,
        /// Which; where it is not the active one any more, nothing is renamed by
        /// an agent whose sessions others change too.
        session: SessionId,
    },
    /// Put a stored session aside that only this agent keeps, or bring it back.
    Archive {
        /// Which; never the active one.
        session: SessionId,
        /// Bring it back.
        back: bool,
    },
    /// Measure the context window; answered with [`ModelContext`](super::Answer::Context).
    ContextUsage,
    /// Say which MCP servers there are; answered with [`McpServers`](super::Answer::Servers).
    McpServers,
    /// Bring files back to what they were when a prompt came; answered with
    /// [`Rewind`](super::Answer::Rewind).
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// Only say what that would change.
        dry_run: bool,
    },
    /// Take a queued prompt back; answered with [`Cancelled`](super::Answer::Cancelled).
    CancelPrompt(String),
    /// Stop what runs, and end. Nobody waits for an answer.
    EndSession,
}

impl SlotRequest {
    /// What is asked, in one word.
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
