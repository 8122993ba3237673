//! A session as the agent identifies it. The agent's ids may be any text; ours
//! are UUIDs derived from them
//! ([`SessionId::from_external`](crate::session::SessionId::from_external)).

use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// A session as the agent knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteSession {
    /// The agent's id. Untrusted: must never become part of a path.
    pub id: String,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// When it was last active, if the agent reports it.
    pub last_active: Option<DateTime<Utc>>,
}
