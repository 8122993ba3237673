//! What the `undo` key takes back: a step holds what was before it.

use crate::session::SessionId;

/// Something that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// This session was left by a clear.
    Clear(SessionId),
    /// This session was moved to the trash.
    Delete {
        /// The session.
        session: SessionId,
        /// By the agent that keeps it.
        by_agent: bool,
    },
    /// This session had this title.
    Rename {
        /// The session.
        session: SessionId,
        /// Its former title.
        title: String,
        /// The agent gives it that.
        by_agent: bool,
    },
    /// This session had this tag.
    Tag {
        /// The session.
        session: SessionId,
        /// Its former tag; empty: none.
        tag: String,
    },
}
