//! A session in a list: where it lies and what is known of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::session::summary::TitleSource;
use crate::session::{SessionId, SessionSummary};
use crate::store::{Holder, StoredSession};

/// One session of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Where it lies.
    pub stored: StoredSession,
    /// What its transcript says; shared, since every list has it anew.
    pub facts: Arc<SessionSummary>,
    /// Another live process has it open; the slot's own agent is one too.
    pub holder: Option<Holder>,
    /// The file is so large that only its two ends were read, or a copy that is
    /// not whole yet: counts are too low.
    pub partial: bool,
    /// Why its transcript could not be read; then `facts` hold nothing.
    pub read_error: Option<String>,
}

impl SessionRow {
    /// When it was last active: its last entry's time, since a file's own time
    /// also moves when nothing was said. Of a copy that is not whole yet the last
    /// entry is not there.
    pub fn active_at(&self) -> DateTime<Utc> {
        let said = self.facts.active.filter(|_| !self.facts.partial);
        said.unwrap_or_else(|| self.stored.modified.into())
    }

    /// Nothing was said in it and nobody named it: at most it was opened, or
    /// cleared. What could not be read in full may hold anything.
    pub fn is_empty(&self) -> bool {
        let named = self.facts.title.as_ref().map(|title| title.source);
        let unread = self.partial || self.read_error.is_some() || !self.facts.health.is_good();
        !unread && named != Some(TitleSource::Custom) && (named.is_none() || self.facts.is_empty())
    }

    /// The session it was forked from.
    pub fn parent_id(&self) -> Option<SessionId> {
        self.facts.forked_from.as_ref()?.session_id.parse().ok()
    }
}
