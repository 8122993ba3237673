//! Looking for what was said, in the sessions that are in the index.
//!
//! Owns a connection of its own, so that a search never waits for a list or for
//! the writer. Words come from the index; the sentence that is shown is read
//! from the transcript as it is now.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::database::IndexDatabase;
use super::text::{self, FullTextQuery, Snippet};
use crate::session::SessionId;
use crate::store::{Scope, SessionStore, StoreError};

/// Transcripts that are read before anything newer could be asked.
const BATCH: usize = 16;

/// Where a text was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextHit {
    /// In which session.
    pub session: SessionId,
    /// Where the entry begins in the transcript, in bytes.
    pub offset: u64,
    /// The sentence, and the entry it stands in.
    pub snippet: Snippet,
    /// Other hits in this session, at most [`text::MOST_COUNTED`].
    pub others: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextHits {
    /// One a session, the best first.
    pub hits: Vec<TextHit>,
    /// There may be more sessions than these.
    pub more: bool,
}

/// Looks for what was said.
pub struct TextFinder {
    store: Arc<dyn SessionStore>,
    database: IndexDatabase,
    /// The session of each row, and the index's state they were read in.
    rows: HashMap<i64, SessionId>,
    data_version: Option<i64>,
}

impl TextFinder {
    /// A finder over the index in this file, which must be there.
    pub fn open(store: Arc<dyn SessionStore>, index: &Path) -> rusqlite::Result<Self> {
        let (database, _) = IndexDatabase::open(index)?;
        Ok(Self { store, database, rows: HashMap::new(), data_version: None })
    }

    /// The sessions in which a text was said, at most `limit` of them, out of
    /// those that are `wanted`.
    pub fn find(
        &mut self,
        query: &FullTextQuery,
        wanted: impl Fn(SessionId) -> bool,
        limit: usize,
    ) -> rusqlite::Result<TextHits> {
        let state = self.database.data_version().ok();
        if self.data_version.is_none() || self.data_version != state {
            self.rows = self.database.ids_by_row()?;
            self.data_version = state;
        }
        let session = |row: i64| self.rows.get(&row).copied();
        let in_scope = |row: i64| session(row).is_some_and(&wanted);
        let read = |row: i64, at: std::ops::Range<u64>| {
            self.store.read_range(session(row)?, at.start, at.end - at.start).ok()
        };
        let hits = text::search(self.database.connection(), query, in_scope, limit, read)?;
        let said = hits.sessions.into_iter().filter_map(|hit| {
            let (offset, snippet, others) = (hit.offset, hit.snippet, hit.others);
            Some(TextHit { session: session(hit.session)?, offset, snippet, others })
        });
        Ok(TextHits { hits: said.collect(), more: hits.more })
    }
}

/// The same where there is no index: reads every transcript, the last touched
/// first. After each few `go_on` is told how many of all were read; none where
/// it said no.
pub fn find_without_index(
    store: &dyn SessionStore,
    query: &FullTextQuery,
    wanted: impl Fn(SessionId) -> bool,
    limit: usize,
    mut go_on: impl FnMut(usize, usize) -> bool,
) -> Result<Option<TextHits>, StoreError> {
    let mut sessions = store.list(&Scope::All)?;
    sessions.retain(|stored| wanted(stored.id));
    sessions.sort_by_key(|stored| Reverse(stored.modified));
    let mut said: Vec<TextHit> = Vec::new();
    for (at, batch) in sessions.chunks(BATCH).enumerate() {
        if !go_on(at * BATCH, sessions.len()) {
            return Ok(None);
        }
        said.par_extend(batch.par_iter().filter_map(|stored| {
            // One that is gone or cannot be read holds nothing that could be shown.
            let transcript = store.read(stored.id).ok()?;
            let (offset, snippet) = latest_match(&transcript, query)?;
            Some(TextHit { session: stored.id, offset, others: 0, snippet })
        }));
        if said.len() > limit {
            break;
        }
    }
    let more = said.len() > limit;
    said.truncate(limit);
    Ok(Some(TextHits { hits: said, more }))
}

/// The last entry in which a text was said, and where it begins.
fn latest_match(transcript: &[u8], query: &FullTextQuery) -> Option<(u64, Snippet)> {
    let mut rest = transcript;
    while !rest.is_empty() {
        let body = rest.strip_suffix(b"\n").unwrap_or(rest);
        let start = memchr::memrchr(b'\n', body).map_or(0, |newline| newline + 1);
        if let Some(snippet) = text::snippet(&rest[start..], query) {
            return Some((start as u64, snippet));
        }
        rest = &rest[..start];
    }
    None
}
