//! Looking for what was said, in the sessions that are in the index.
//!
//! Owns a connection of its own, so that a search never waits for a list or for
//! the writer. Words come from the index; the sentence that is shown is read
//! from the transcript, which may have moved on since: then it is left out.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::database::Database;
use super::text::{self, Query, Snippet};
use crate::session::SessionId;
use crate::store::SessionStore;

/// Where a text was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In which session.
    pub session: SessionId,
    /// Where in its transcript the entry begins, in bytes.
    pub offset: u64,
    /// The sentence, and the entry it stands in.
    pub snippet: Snippet,
    /// Other hits in this session, at most [`text::MOST_COUNTED`].
    pub others: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundText {
    /// One a session, the best first.
    pub said: Vec<Said>,
    /// There are more sessions than were asked for.
    pub more: bool,
}

/// Looks for what was said.
pub struct Finder {
    store: Arc<dyn SessionStore>,
    database: Database,
    /// The session of each row, and the index's state they were read in.
    rows: HashMap<i64, SessionId>,
    state: Option<i64>,
}

impl Finder {
    /// A finder over the index in this file, which must be there.
    pub fn open(store: Arc<dyn SessionStore>, index: &Path) -> rusqlite::Result<Self> {
        let (database, _) = Database::open(index)?;
        Ok(Self { store, database, rows: HashMap::new(), state: None })
    }

    /// The sessions in which a text was said, at most `limit` of them, out of
    /// those that are `wanted`.
    pub fn find(
        &mut self,
        query: &Query,
        wanted: impl Fn(SessionId) -> bool,
        limit: usize,
    ) -> rusqlite::Result<FoundText> {
        let state = self.database.state().ok();
        if self.state.is_none() || self.state != state {
            self.rows = self.database.by_row()?;
            self.state = state;
        }
        let in_scope = |row: i64| self.rows.get(&row).is_some_and(|&id| wanted(id));
        let hits = text::search(self.database.connection(), query, in_scope, limit)?;
        let said = hits.sessions.iter().filter_map(|hit| {
            let session = *self.rows.get(&hit.session)?;
            let line = self.store.read_from(session, hit.offset, hit.length).ok()?;
            let snippet = text::snippet(&line, query)?;
            Some(Said { session, offset: hit.offset, snippet, others: hit.others })
        });
        Ok(FoundText { said: said.collect(), more: hits.more })
    }
}
