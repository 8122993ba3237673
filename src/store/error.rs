//! The errors of a store. Each message names the next step.

use std::io;
use std::path::PathBuf;

use super::{ForkSpec, Holder};
use crate::session::SessionId;
use crate::session::fork::ForkError;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No project holds a session with this id.
    #[error("no session {0} in any project")]
    NotFound(SessionId),
    /// The transcript exists and cannot be read.
    #[error("cannot read the transcript {}: {source}", path.display())]
    CannotRead {
        /// The transcript.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another agent keeps the session; hotseat has only a copy.
    #[error(
        "session {0} belongs to another agent, which alone can change it; switch to that agent and do it there"
    )]
    OwnedByOtherAgent(SessionId),
    /// Another live process has the session open.
    #[error("session {id} is open in {} (pid {}); fork it to continue here", holder.program, holder.pid)]
    InUse {
        id: SessionId,
        /// The other process.
        holder: Holder,
    },
    /// The message to fork at is not in the session.
    #[error("session {id} has no message {uuid}")]
    NoSuchMessage {
        id: SessionId,
        /// The uuid that was asked for.
        uuid: String,
    },
    /// The trash holds no session with this id.
    #[error("no session {0} in the trash")]
    NotInTrash(SessionId),
    /// A session with this id exists and is not replaced.
    #[error("session {0} already exists and is not replaced")]
    Exists(SessionId),
    /// The file is not a session.
    #[error("cannot import {}: {reason}", path.display())]
    CannotImport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The session has no pin to remove.
    #[error("session {0} is not pinned")]
    NotPinned(SessionId),
    /// This run keeps all writes in memory.
    #[error("this run writes nothing, so nothing can be pinned; start hotseat without --ephemeral")]
    Ephemeral,
    /// The environment does not say where sessions live.
    #[error("neither CLAUDE_CONFIG_DIR nor HOME is set, so there is no folder for sessions; set one of them")]
    NoHome,
    /// The session holds no messages to copy.
    #[error("session {0} has no messages yet, so there is nothing to fork")]
    Empty(SessionId),
    /// The system refused an operation.
    #[error("{doing}: {source}")]
    Io {
        /// The operation and its path.
        doing: String,
        /// The system's error.
        source: io::Error,
    },
}

impl StoreError {
    /// For `map_err`: adds the operation and its path.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`: why a transcript that was just found could not be read; it may
    /// be gone since.
    pub(super) fn reading(id: SessionId, path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound(id),
            _ => Self::CannotRead { path, source },
        }
    }

    /// For `map_err`: turns the session room's refusal into a store error.
    pub(super) fn from_fork_error(source: SessionId, fork: &ForkSpec<'_>) -> impl FnOnce(ForkError) -> Self {
        let uuid = fork.at.unwrap_or_default().to_owned();
        move |reason| match reason {
            ForkError::Empty => Self::Empty(source),
            ForkError::NoSuchMessage => Self::NoSuchMessage { id: source, uuid },
        }
    }
}
