//! A session in a list: where it lies and what is known of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::session::facts::TitleSource;
use crate::session::{Facts, SessionId};
use crate::store::{Holder, Stored};

/// One session of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it lies.
    pub stored: Stored,
    /// What its transcript says; shared, since every list has it anew.
    pub facts: Arc<Facts>,
    /// Another live process has it open; the slot's own agent is one too.
    pub open_in: Option<Holder>,
    /// The file is so large that only its two ends were read, or a copy that is
    /// not whole yet: counts are too low.
    pub partial: bool,
    /// Why its transcript could not be read; then `facts` hold nothing.
    pub problem: Option<String>,
}

impl Row {
    /// When it was last active: its last entry's time, since a file's own time
    /// also moves when nothing was said. Of a copy that is not whole yet the last
    /// entry is not there.
    pub fn active(&self) -> DateTime<Utc> {
        let said = self.facts.active.filter(|_| !self.facts.partial);
        said.unwrap_or_else(|| self.stored.modified.into())
    }

    /// Nothing was said in it and nobody named it: at most it was opened, or
    /// cleared. What could not be read in full may hold anything.
    pub fn holds_nothing(&self) -> bool {
        let named = self.facts.title.as_ref().map(|title| title.source);
        let unread = self.partial || self.problem.is_some() || !self.facts.health.is_good();
        !unread && named != Some(TitleSource::Custom) && (named.is_none() || self.facts.holds_nothing())
    }

    /// The session it was forked from.
    pub fn parent(&self) -> Option<SessionId> {
        self.facts.forked_from.as_ref()?.session_id.parse().ok()
    }
}
