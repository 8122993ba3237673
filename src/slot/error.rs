//! Why the slot did not do what it was asked.

use std::time::Duration;

/// A command was not carried out. The active session is what it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// A turn runs, and the command did not ask to interrupt it.
    #[error("a turn is running")]
    Busy,
    /// The slot's state does not allow it: `starting`, `switching`, `exited`.
    #[error("the agent is {0}")]
    NotReady(&'static str),
    /// The agent said no.
    #[error("{message}")]
    Refused {
        /// Why, for a program: `session_not_found`, `session_in_use`, …; empty where it gave none.
        code: String,
        /// Why, in the agent's words; hostile text.
        message: String,
    },
    /// The agent did not answer.
    #[error("the agent did not answer “{what}” within {} s", after.as_secs())]
    Timeout {
        /// What was asked: `resume`, `interrupt`, …
        what: &'static str,
        /// How long it had.
        after: Duration,
    },
    /// The agent answered, and it makes no sense; why.
    #[error("{0}")]
    InvalidReply(String),
    /// What would have answered is gone.
    #[error("{0}")]
    Disconnected(String),
}
