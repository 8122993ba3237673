//! Why a request failed, for a program.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a request failed: the `error_code` of a response. It is text only on the
/// wire; a code that this version does not know is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorCode {
    /// A turn runs.
    Busy,
    /// No session has this id.
    SessionNotFound,
    /// The transcript cannot be read.
    SessionUnreadable,
    /// Another live process holds the session.
    SessionInUse,
    /// No message of the session has this id.
    MessageNotFound,
    /// This agent does not know the request, or cannot do it.
    UnsupportedRequest,
    /// The request's fields make no sense.
    InvalidRequest,
    /// Any other code. Untrusted text.
    Other(String),
}

impl ErrorCode {
    /// The codes that this version knows.
    const KNOWN: [Self; 7] = [
        Self::Busy,
        Self::SessionNotFound,
        Self::SessionUnreadable,
        Self::SessionInUse,
        Self::MessageNotFound,
        Self::UnsupportedRequest,
        Self::InvalidRequest,
    ];

    /// The code's name on the wire.
    pub fn wire_name(&self) -> &str {
        match self {
            Self::Busy => "busy",
            Self::SessionNotFound => "session_not_found",
            Self::SessionUnreadable => "session_unreadable",
            Self::SessionInUse => "session_in_use",
            Self::MessageNotFound => "message_not_found",
            Self::UnsupportedRequest => "unsupported_request",
            Self::InvalidRequest => "invalid_request",
            Self::Other(name) => name,
        }
    }
}

impl FromStr for ErrorCode {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        let known = Self::KNOWN.into_iter().find(|code| code.wire_name() == name);
        Ok(known.unwrap_or_else(|| Self::Other(name.to_owned())))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire_name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire_name())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let Ok(code) = name.parse();
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_keeps_its_name_and_an_unknown_one_too() {
        for code in ErrorCode::KNOWN.into_iter().chain([ErrorCode::Other("from_the_future".to_owned())]) {
            let wire = serde_json::to_string(&code).unwrap();
            assert_eq!(wire, format!("\"{}\"", code.wire_name()));
            assert_eq!(serde_json::from_str::<ErrorCode>(&wire).unwrap(), code);
        }
    }
}
