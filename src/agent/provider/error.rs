//! Errors of providers, and whether a retry can help.
//!
//! Owns the kinds of failure by the official SDKs' names. Must never hold a key.

use std::time::Duration;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What kind of failure it is.
    pub kind: ProviderErrorKind,
    /// What happened and what to do, for a person.
    pub message: String,
    /// The HTTP status; `None` if there was no answer at all.
    pub status: Option<u16>,
    /// How long to wait before asking again, where the provider says so.
    pub retry_after: Option<Duration>,
    /// The provider's own word on whether a retry helps.
    pub should_retry: Option<bool>,
}

impl ProviderError {
    /// A failure without an answer.
    pub fn new(fault: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind: fault, message: message.into(), status: None, retry_after: None, should_retry: None }
    }

    /// How many retries are worth it, of those allowed.
    pub fn max_retries(&self, allowed: u32) -> u32 {
        match self.should_retry {
            Some(false) => 0,
            Some(true) => allowed,
            None => match self.kind {
                ProviderErrorKind::RateLimited
                | ProviderErrorKind::Overloaded
                | ProviderErrorKind::Server
                | ProviderErrorKind::ConnectionLost => allowed,
                // A malformed answer is usually malformed each time.
                ProviderErrorKind::Malformed => allowed.min(2),
                ProviderErrorKind::Auth
                | ProviderErrorKind::Billing
                | ProviderErrorKind::InvalidRequest
                | ProviderErrorKind::ModelNotFound
                | ProviderErrorKind::ContextTooLong => 0,
            },
        }
    }
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The key is missing, wrong, or may not do this.
    Auth,
    /// The account has no money left.
    Billing,
    /// Too many requests.
    RateLimited,
    /// The provider has too much to do.
    Overloaded,
    /// The provider broke down.
    Server,
    /// The request makes no sense to the provider.
    InvalidRequest,
    /// There is no such model.
    ModelNotFound,
    /// The conversation is longer than the model can read.
    ContextTooLong,
    /// No connection, or one that broke off or went silent.
    ConnectionLost,
    /// The answer is no answer.
    Malformed,
}

impl ProviderErrorKind {
    /// The kind of an HTTP status.
    pub fn from_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 => Self::Billing,
            404 => Self::ModelNotFound,
            408 | 409 => Self::ConnectionLost,
            413 => Self::ContextTooLong,
            429 => Self::RateLimited,
            529 => Self::Overloaded,
            500.. => Self::Server,
            _ => Self::InvalidRequest,
        }
    }

    /// Its name on the wire (CLI 2.1.329).
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Auth => "authentication_failed",
            Self::Billing => "billing_error",
            Self::RateLimited => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Server => "server_error",
            Self::InvalidRequest | Self::ContextTooLong => "invalid_request",
            Self::ModelNotFound => "model_not_found",
            Self::ConnectionLost | Self::Malformed => "unknown",
        }
    }
}
