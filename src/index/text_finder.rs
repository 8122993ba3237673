//! Finds messages in the sessions that are in the index.
//!
//! Owns a connection of its own, so a search never waits for a list or a writer. Words come
//! from the index; the sentence that is shown is read from the transcript as it is now.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::database::IndexDatabase;
use super::text::{self, FullTextQuery, Snippet};
use crate::session::SessionId;
use crate::store::{Scope, SessionStore, StoreError};

/// How many transcripts are read between two calls of `go_on`.
const BATCH: usize = 16;

/// A message that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextHit {
    /// The session it is in.
    pub session: SessionId,
    /// The byte offset of its entry in the transcript.
    pub offset: u64,
    /// The sentence, and the entry it is from.
    pub snippet: Snippet,
    /// Other hits in this session, at most [`text::MAX_COUNTED_HITS`].
    pub others: usize,
}

/// The result of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextHits {
    /// One hit per session, the best first.
    pub hits: Vec<TextHit>,
    /// There may be more sessions.
    pub more: bool,
}

/// Searches messages.
pub struct TextFinder {
    store: Arc<dyn SessionStore>,
    database: IndexDatabase,
    /// The session of each row, as of `data_version`.
    rows: HashMap<i64, SessionId>,
    data_version: Option<i64>,
}

impl TextFinder {
    /// A finder over the index in this file, which must exist.
    pub fn open(store: Arc<dyn SessionStore>, index: &Path) -> rusqlite::Result<Self> {
        let (database, _) = IndexDatabase::open(index)?;
        Ok(Self { store, database, rows: HashMap::new(), data_version: None })
    }

    /// The sessions with a matching message, at most `limit` of those that are `wanted`.
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
        let found = text::search(self.database.connection(), query, in_scope, limit, read)?;
        let hits = found.sessions.into_iter().filter_map(|hit| {
            let (offset, snippet, others) = (hit.offset, hit.snippet, hit.others);
            Some(TextHit { session: session(hit.session)?, offset, snippet, others })
        });
        Ok(TextHits { hits: hits.collect(), more: found.more })
    }
}

/// The same without an index: reads every transcript, the last modified first. `go_on` gets
/// the number read and the total after every few; returning `false` stops the search with
/// `None`.
pub fn find_without_index(
    store: &dyn SessionStore,
    query: &FullTextQuery,
    wanted: impl Fn(SessionId) -> bool,
    limit: usize,
    mut go_on: impl FnMut(usize, usize) -> bool,
) -> Result<Option<TextHits>, StoreError> {
    let mut sessions = store.list(&Scope::All)?;
    sessions.retain(|stored| wanted(stored.id));
    sessions.sort_by_key(|stored| (Reverse(stored.modified), stored.id));
    let mut hits: Vec<TextHit> = Vec::new();
    for (at, batch) in sessions.chunks(BATCH).enumerate() {
        if !go_on(at * BATCH, sessions.len()) {
            return Ok(None);
        }
        hits.par_extend(batch.par_iter().filter_map(|stored| {
            // A session that is gone or unreadable has nothing to show.
            let transcript = store.read(stored.id).ok()?;
            let (offset, snippet) = latest_match(&transcript, query)?;
            Some(TextHit { session: stored.id, offset, others: 0, snippet })
        }));
        if hits.len() > limit {
            break;
        }
    }
    let more = hits.len() > limit;
    hits.truncate(limit);
    Ok(Some(TextHits { hits, more }))
}

/// The last matching entry and its offset.
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
