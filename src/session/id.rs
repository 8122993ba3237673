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
pub struct InvalidSessionId(String);

impl SessionId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id for an agent's own session id: the same UUID, or one derived from the
    /// text (version 5, so always the same).
    pub fn from_external(id: &str) -> Self {
        id.parse().unwrap_or_else(|_| Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes())))
    }

    /// The shortest prefix that no other id shares, at least 8 characters, to type
    /// or show. Ids made from the time share long prefixes.
    pub fn short_prefix(&self, others: impl IntoIterator<Item = Self>) -> String {
        let others = others.into_iter().filter(|other| other != self);
        let shared = others.map(|other| (self.0.as_u128() ^ other.0.as_u128()).leading_zeros() / 4).max();
        let digits = (shared.unwrap_or(0) + 1).max(8);
        let hyphens = [8, 12, 16, 20].into_iter().filter(|at| *at < digits).count();
        self.to_string().chars().take(digits as usize + hyphens).collect()
    }

    /// Whether it begins with this text, in lower case.
    pub fn has_prefix(&self, text: &str) -> bool {
        let mut buffer = Uuid::encode_buffer();
        self.0.as_hyphenated().encode_lower(&mut buffer).starts_with(text)
    }

    /// `3f9c…a1`, for narrow columns.
    pub fn abbreviated(&self) -> String {
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
    type Err = InvalidSessionId;

    /// Only the hyphenated form of 36 characters: it is the one that names files.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        uuid.map(Self).ok_or_else(|| InvalidSessionId(text.chars().take(80).collect()))
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
    fn a_uuid_stays_and_any_other_text_becomes_one() {
        let uuid = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        assert_eq!(SessionId::from_external(uuid).to_string(), uuid);
        assert_eq!(SessionId::from_external("ses_1"), SessionId::from_external("ses_1"));
        assert_ne!(SessionId::from_external("ses_1"), SessionId::from_external("ses_2"));
        assert_ne!(SessionId::from_external("../../etc/passwd").to_string(), "../../etc/passwd");
    }

    #[test]
    fn a_beginning_is_as_long_as_tells_it_apart() {
        let id = |text: &str| text.parse::<SessionId>().unwrap();
        let one = id("019a1b2c-3d4e-7c11-9d3e-5a7f20c4b9a1");
        for (other, beginning) in [
            ("3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1", "019a1b2c"),
            ("019a1b20-3d4e-7c11-9d3e-5a7f20c4b9a1", "019a1b2c"),
            ("019a1b2c-4d4e-7c11-9d3e-5a7f20c4b9a1", "019a1b2c-3"),
            ("019a1b2c-3d4e-7d11-9d3e-5a7f20c4b9a1", "019a1b2c-3d4e-7c"),
            ("019a1b2c-3d4e-7c11-9d3e-5a7f20c4b9a2", "019a1b2c-3d4e-7c11-9d3e-5a7f20c4b9a1"),
            ("019a1b2c-3d4e-7c11-9d3e-5a7f20c4b9a1", "019a1b2c"),
        ] {
            assert_eq!(one.short_prefix([id(other), id("00000000-0000-4000-8000-000000000001")]), beginning);
        }
        assert_eq!(one.short_prefix([]), "019a1b2c");
    }

    #[test]
    fn short_keeps_both_ends() {
        let id: SessionId = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap();
        assert_eq!(id.abbreviated(), "3f9c…a1");
    }
}
