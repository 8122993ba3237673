//! What single entries say of a whole session: where it went on, who keeps it.
//!
//! Few entries say such a thing, so the others are not parsed for it.

use serde::Deserialize;

use super::origin::SessionOrigin;
use crate::transcript::raw_entry::RawEntry;

/// What an entry says of where its session went on.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceMarks {
    #[serde(default)]
    /// The id of the session that it goes on in.
    pub continued_in_session_id: Option<String>,
    #[serde(default)]
    /// The folder that it was moved to.
    pub relocated_cwd: Option<String>,
}

impl PlaceMarks {
    /// What this entry says.
    pub fn parse(line: &RawEntry<'_>) -> Self {
        let holds = |field: &str| memchr::memmem::find(line.json().as_bytes(), field.as_bytes()).is_some();
        if !holds("\"continuedInSessionId\"") && !holds("\"relocatedCwd\"") {
            return Self::default();
        }
        serde_json::from_str(line.json()).unwrap_or_default()
    }
}

/// What the copy of another agent's session says of it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ImportedMarks {
    /// A person put it away there.
    pub archived: bool,
    session_origin: String,
}

impl ImportedMarks {
    /// What this entry says.
    pub fn parse(line: &RawEntry<'_>) -> Self {
        serde_json::from_str(line.json()).unwrap_or_default()
    }

    /// Who had it, if no person did.
    pub fn origin(&self) -> Option<SessionOrigin> {
        SessionOrigin::from_label(&self.session_origin)
    }
}
