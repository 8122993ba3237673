//! Why a command to the slot failed.

use std::time::Duration;

use crate::protocol::ErrorCode;

/// A command failed. The active session is the one it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// A turn is running and the command may not interrupt it.
    #[error("a turn is running")]
    Busy,
    /// The slot's state does not allow it: `starting`, `switching`, `closing`.
    #[error("the agent is {0}")]
    NotReady(&'static str),
    /// The agent refused.
    #[error("{message}")]
    Refused {
        /// The reason for a program; `None` if the agent gave none.
        code: Option<ErrorCode>,
        /// The agent's own message. Untrusted text.
        message: String,
    },
    /// The agent did not answer in time.
    #[error("the agent did not answer “{what}” within {} s", after.as_secs())]
    Timeout {
        /// The request: `resume`, `interrupt`, …
        what: &'static str,
        /// The timeout.
        after: Duration,
    },
    /// The agent's answer violates its protocol; how.
    #[error("{0}")]
    InvalidReply(String),
    /// The process or the slot that should have answered has ended.
    #[error("{0}")]
    Disconnected(String),
}

impl SlotError {
    /// A refusal with a message for a person and no code.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { code: None, message: message.into() }
    }

    /// A refusal that a program can tell from others.
    pub(crate) fn refused_with(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused { code: Some(code), message: message.into() }
    }
}
