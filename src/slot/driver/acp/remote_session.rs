//! Which of the agent's sessions a session is: its ids may be any text, and
//! ours are UUIDs ([`SessionId::from_external`]).
//!
//! [`SessionId::from_external`]: crate::session::SessionId::named

use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// Where a session is to be found with the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteSession {
    /// Its id there; never a part of a path here.
    pub id: String,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// When something was said in it last, as far as the agent says.
    pub last_active: Option<DateTime<Utc>>,
}
