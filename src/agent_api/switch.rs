//! The ways to change the active session.

use std::path::PathBuf;

use crate::session::SessionId;

/// One of the ways to change the active session.
#[derive(Debug, Clone, PartialEq)]
pub enum Switch {
    /// To a new, empty session.
    Clear,
    /// Switching to a stored session.
    Resume(SessionId),
    /// To the session with this id, which is created if it is not stored. For
    /// callers that must know a session's id before its first message.
    ResumeOrCreate {
        session: SessionId,
        /// The folder the session runs in.
        cwd: PathBuf,
    },
    /// Switching to a copy of a stored session.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to and including this message; `None` copies everything.
        at: Option<String>,
        /// The copy's title; `None` leaves it to the agent.
        title: Option<String>,
        /// The folder the copy belongs to and works in; `None` for the source's.
        cwd: Option<PathBuf>,
    },
}

impl Switch {
    /// `clear`, `resume` or `fork`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Resume(_) | Self::ResumeOrCreate { .. } => "resume",
            Self::Fork { .. } => "fork",
        }
    }

    /// The stored session it reads; `None` for clear.
    pub fn source(&self) -> Option<SessionId> {
        match self {
            Self::Clear => None,
            Self::Resume(session)
            | Self::ResumeOrCreate { session, .. }
            | Self::Fork { source: session, .. } => Some(*session),
        }
    }

    /// The same switch without a title. A standby is prepared before the title is
    /// known, so titles do not take part in matching a standby to a switch.
    pub(crate) fn without_title(&self) -> Self {
        match self.clone() {
            Self::Fork { source, at, title: _, cwd } => Self::Fork { source, at, title: None, cwd },
            other => other,
        }
    }
}
