//! One session in a list: its file and its summary.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::session::summary::TitleSource;
use crate::session::{SessionId, SessionSummary};
use crate::store::{Holder, StoredSession};

/// One session in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Its file.
    pub stored: StoredSession,
    /// What its transcript says. Shared, because every list has it again.
    pub facts: Arc<SessionSummary>,
    /// Another live process that has it open; the slot's own agent is one too.
    pub holder: Option<Holder>,
    /// Only the two ends of a large file were read, or the copy is incomplete: counts are
    /// too low.
    pub partial: bool,
    /// Why its transcript could not be read. The summary is then empty.
    pub read_error: Option<String>,
}

impl SessionRow {
    /// When it was last active: the time of its last entry, because a file's own time also
    /// moves when nothing was said. An incomplete copy lacks its last entry, so there the
    /// file's time counts.
    pub fn active_at(&self) -> DateTime<Utc> {
        let said = self.facts.active.filter(|_| !self.facts.partial);
        said.unwrap_or_else(|| self.stored.modified.into())
    }

    /// Whether nothing was said in it and nobody named it. A session that was not read in
    /// full may hold anything.
    pub fn is_empty(&self) -> bool {
        let named = self.facts.title.as_ref().map(|title| title.source);
        let unread = self.partial || self.read_error.is_some() || !self.facts.health.is_good();
        !unread && named != Some(TitleSource::Custom) && (named.is_none() || self.facts.is_empty())
    }

    /// Why a list leaves it out unless asked, in a word, besides that it is empty: no person had
    /// it, it was put away, or it went on in another session.
    pub fn aside(&self) -> Option<&'static str> {
        let facts = &self.facts;
        let is_continued = facts.continued_in.is_some();
        let why = facts.archived.then_some("archived").or(is_continued.then_some("continued"));
        why.or(facts.origin.label())
    }

    /// Whether a list leaves it out unless asked: nothing in it, or aside.
    pub fn is_hidden(&self) -> bool {
        self.is_empty() || self.aside().is_some()
    }

    /// The session it was forked from.
    pub fn parent_id(&self) -> Option<SessionId> {
        self.facts.forked_from.as_ref()?.session_id.parse().ok()
    }
}
