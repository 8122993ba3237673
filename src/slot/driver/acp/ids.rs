//! Which of the agent's sessions a session is: its ids may be any text, and
//! ours are UUIDs.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::session::SessionId;

/// Where a session is to be found with the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its id there; never a part of a path here.
    pub id: String,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// When something was said in it last, as far as the agent says.
    pub active: Option<DateTime<Utc>>,
}

/// The session that an id of the agent's names: the same UUID, or one made of
/// the text, the same each time.
pub(super) fn session_of(id: &str) -> SessionId {
    id.parse().unwrap_or_else(|_| {
        let made = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).to_string();
        made.parse().expect("a UUID is a session's id")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_stays_and_any_other_text_becomes_one() {
        let uuid = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        assert_eq!(session_of(uuid).to_string(), uuid);
        assert_eq!(session_of("ses_1"), session_of("ses_1"));
        assert_ne!(session_of("ses_1"), session_of("ses_2"));
        assert_ne!(session_of("../../etc/passwd").to_string(), "../../etc/passwd");
    }
}
