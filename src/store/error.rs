//! Why a store could not do something, in words that name the next step.

use std::io;
use std::path::PathBuf;

use super::{ForkSpec, Holder};
use crate::session::SessionId;
use crate::session::fork::ForkError;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No project holds a session of this id.
    #[error("no session {0} in any project")]
    NotFound(SessionId),
    /// The transcript is there and cannot be read.
    #[error("cannot read the transcript {}: {source}", path.display())]
    CannotRead {
        /// The transcript.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another agent keeps it in its own way.
    #[error(
        "session {0} is kept by another agent, and only that one changes it; seat that agent and do it there"
    )]
    OwnedByOtherAgent(SessionId),
    /// A live process writes it.
    #[error("session {id} is open in {} (pid {}); fork it to go on here", holder.program, holder.pid)]
    InUse {
        /// The session.
        id: SessionId,
        /// Who has it.
        holder: Holder,
    },
    /// The message to fork at is not in the session.
    #[error("session {id} has no message {uuid}")]
    NoSuchMessage {
        /// The session.
        id: SessionId,
        /// The uuid that was asked for.
        uuid: String,
    },
    /// Nothing of this id was deleted here.
    #[error("no session {0} in the trash")]
    NotInTrash(SessionId),
    /// A session of this id is there; nothing is written over it.
    #[error("session {0} is there already, and is not written over")]
    Exists(SessionId),
    /// The file holds no session.
    #[error("cannot import {}: {reason}", path.display())]
    CannotImport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no pin to give up.
    #[error("session {0} is not pinned")]
    NotPinned(SessionId),
    /// This run keeps all writes in memory.
    #[error("nothing is written in this run, so nothing can be pinned; start it without --ephemeral")]
    Ephemeral,
    /// Nothing says where sessions live.
    #[error("neither CLAUDE_CONFIG_DIR nor HOME is set, so there is no place for sessions; set one of them")]
    NoHome,
    /// There is nothing to copy.
    #[error("session {0} holds no messages yet, so there is nothing to fork")]
    Empty(SessionId),
    /// The system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried, to which path.
        doing: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl StoreError {
    /// For `map_err`: what was tried, to which path.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`: the session room's refusal, with what was asked for.
    pub(super) fn from_fork_error(source: SessionId, fork: &ForkSpec<'_>) -> impl FnOnce(ForkError) -> Self {
        let uuid = fork.at.unwrap_or_default().to_owned();
        move |reason| match reason {
            ForkError::Empty => Self::Empty(source),
            ForkError::NoSuchMessage => Self::NoSuchMessage { id: source, uuid },
        }
    }
}
