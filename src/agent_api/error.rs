//! Why a command to the slot failed.

use std::time::Duration;

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
        /// Machine-readable reason: `session_not_found`, `session_in_use`, …; empty
        /// if the agent gave none.
        code: String,
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
