//! Why there is no reply, and whether asking again can help.
//!
//! Owns the kinds of failure by the official SDKs' names. Never holds a key.

use std::time::Duration;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What kind of failure it is.
    pub fault: Fault,
    /// What happened and what to do, for a person.
    pub message: String,
    /// The HTTP status; none where there was no answer at all.
    pub status: Option<u16>,
    /// How long to wait before asking again, where the provider says so.
    pub retry_after: Option<Duration>,
    /// The provider says itself that asking again is (no) use.
    pub should_retry: Option<bool>,
}

impl ProviderError {
    /// A failure without an answer.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), status: None, retry_after: None, should_retry: None }
    }

    /// Times it is worth asking again, of those that are allowed.
    pub fn tries(&self, allowed: u32) -> u32 {
        match self.should_retry {
            Some(false) => 0,
            Some(true) => allowed,
            None => match self.fault {
                Fault::Busy | Fault::Overloaded | Fault::Server | Fault::Dropped => allowed,
                // What is garbage once is most often garbage always.
                Fault::Malformed => allowed.min(2),
                Fault::Key | Fault::Money | Fault::Request | Fault::Model | Fault::TooLong => 0,
            },
        }
    }
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The key is missing, wrong, or may not do this.
    Key,
    /// The account has no money left.
    Money,
    /// Too many requests.
    Busy,
    /// The provider has too much to do.
    Overloaded,
    /// The provider broke down.
    Server,
    /// The request makes no sense to the provider.
    Request,
    /// There is no such model.
    Model,
    /// The conversation is longer than the model can read.
    TooLong,
    /// No connection, or one that broke off or went silent.
    Dropped,
    /// The answer is no answer.
    Malformed,
}

impl Fault {
    /// The kind of an HTTP status.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Key,
            402 => Self::Money,
            404 => Self::Model,
            408 | 409 => Self::Dropped,
            413 => Self::TooLong,
            429 => Self::Busy,
            529 => Self::Overloaded,
            500.. => Self::Server,
            _ => Self::Request,
        }
    }

    /// Its name on the wire (CLI 2.1.329).
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Key => "authentication_failed",
            Self::Money => "billing_error",
            Self::Busy => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Server => "server_error",
            Self::Request | Self::TooLong => "invalid_request",
            Self::Model => "model_not_found",
            Self::Dropped | Self::Malformed => "unknown",
        }
    }
}
