//! The id of a session: a UUID, and nothing else.
//!
//! Ids arrive from files, frames and command lines, all of them hostile. Only
//! a [`SessionId`] may become part of a path, and only a UUID parses as one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of one session, as the transcript's file name and every frame carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

/// The text is not a UUID, so it is not a session id.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a session id (a UUID such as 3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1)")]
pub struct NotASessionId(String);

impl SessionId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// `3f9c…a1`: what a narrow column has room for.
    pub fn short(&self) -> String {
        let text = self.to_string();
        format!("{}…{}", &text[..4], &text[text.len() - 2..])
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = NotASessionId;

    /// Only the hyphenated form of 36 characters: it is the one that names files.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        uuid.map(Self).ok_or_else(|| NotASessionId(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hyphenated_uuid_is_an_id() {
        let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        assert_eq!(id.parse::<SessionId>().unwrap().to_string(), id);
        for bad in ["", "../../etc/passwd", "3f9c1a520b7e4c119d3e5a7f20c4b9a1", "3f9c"] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn short_keeps_both_ends() {
        let id: SessionId = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap();
        assert_eq!(id.short(), "3f9c…a1");
    }
}
