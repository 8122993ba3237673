//! Finds messages in the sessions that are in the index.
//!
//! Owns a connection of its own, so a search never waits for a list or a writer. Words come
//! from the index; the sentence that is shown is read from the transcript as it is now.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::database::{IndexDatabase, IndexedTranscript};
use super::scanner::{self, READ_BYTES};
use super::text::{self, FullTextQuery, Snippet};
use crate::session::SessionId;
use crate::session::transcript::MAX_LINE_BYTES;
use crate::store::{
    Scope, SessionStore, StoreError, StoredSession, SubagentTranscript, as_main_conversation,
};

/// How many transcripts are read between two calls of `go_on`.
const BATCH: usize = 16;

/// A message that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextHit {
    /// The session it is in.
    pub session: SessionId,
    /// The byte offset of its entry in the transcript.
    pub offset: u64,
    /// The subagent whose transcript it is in, by its id; `None` for the session's own.
    pub subagent: Option<String>,
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
    /// The transcript of each row, as of `data_version`.
    rows: HashMap<i64, IndexedTranscript>,
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
            self.rows = self.database.transcripts_by_row()?;
            self.data_version = state;
        }
        let in_scope = |row: i64| self.rows.get(&row).is_some_and(|found| wanted(found.session));
        let read = |row: i64, at: Range<u64>| {
            let found = self.rows.get(&row)?;
            match &found.subagent {
                Some((_, path)) => SubagentTranscript::read_range(path, at.start, at.end - at.start).ok(),
                None => self.store.read_range(found.session, at.start, at.end - at.start).ok(),
            }
        };
        let found = text::search(self.database.connection(), query, in_scope, limit, read)?;
        let hits = found.sessions.into_iter().filter_map(|hit| {
            let (offset, snippet, others) = (hit.offset, hit.snippet, hit.others);
            let found = self.rows.get(&hit.session)?;
            let subagent = found.subagent.as_ref().map(|(id, _)| id.clone());
            Some(TextHit { session: found.session, offset, subagent, snippet, others })
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
            let (offset, snippet) = latest_match(store, stored, query).ok()??;
            Some(TextHit { session: stored.id, offset, subagent: None, others: 0, snippet })
        }));
        if hits.len() > limit {
            break;
        }
    }
    let more = hits.len() > limit;
    hits.truncate(limit);
    Ok(Some(TextHits { hits, more }))
}

/// The last matching entry and its offset. Reads backwards and piece by piece, so memory holds
/// a piece and a line, not the transcript.
fn latest_match(
    store: &dyn SessionStore,
    stored: &StoredSession,
    query: &FullTextQuery,
) -> Result<Option<(u64, Snippet)>, StoreError> {
    // Bytes from `start` on up to the end of a line; the line at its start is not complete yet.
    let (mut start, mut bytes) = (stored.size, Vec::new());
    let mut too_long = false;
    // What a rewind left behind is found by reading all of the transcript: only once
    // something in it matches.
    let mut left_behind: Option<Vec<Range<u64>>> = None;
    while start > 0 {
        let end = start;
        start = end.saturating_sub(READ_BYTES);
        let mut piece = store.read_range(stored.id, start, end - start)?;
        piece.append(&mut bytes);
        bytes = piece;
        // The line that was dropped began exactly at the piece before.
        too_long &= bytes.last() != Some(&b'\n');
        loop {
            let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let line = match memchr::memrchr(b'\n', body) {
                Some(newline) => newline + 1,
                None if start == 0 && !bytes.is_empty() => 0,
                None => break,
            };
            let is_whole = !std::mem::take(&mut too_long) && (bytes.len() - line) as u64 <= MAX_LINE_BYTES;
            if is_whole && let Some(snippet) = text::snippet(&bytes[line..], query) {
                // A subagent's words are not its session's.
                let is_aside = *as_main_conversation(&bytes[line..]) != bytes[line..];
                let offset = start + line as u64;
                let left_behind = match &mut left_behind {
                    Some(known) => known,
                    unknown => unknown.insert(scanner::scan(store, stored, None, u64::MAX)?.left_behind),
                };
                if !is_aside && !left_behind.iter().any(|range| range.contains(&offset)) {
                    return Ok(Some((offset, snippet)));
                }
            }
            bytes.truncate(line);
        }
        if bytes.len() as u64 > MAX_LINE_BYTES {
            // No reader takes such a line; keep its place, not its bytes.
            bytes.clear();
            too_long = true;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LocalStore;

    fn check(text: &[u8], expected: Option<&str>) {
        let temp = tempfile::tempdir().unwrap();
        let store = LocalStore::new(temp.path());
        let id = SessionId::random();
        let folder = temp.path().join("projects/-w");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{id}.jsonl")), text).unwrap();
        let stored = store.find(id).unwrap();
        let found = latest_match(&store, &stored, &FullTextQuery::parse("needle")).unwrap();
        assert_eq!(found.as_ref().and_then(|(_, snippet)| snippet.uuid.as_deref()), expected);
        if let Some((offset, _)) = found {
            assert!(text[offset as usize..].starts_with(b"{\"type\""));
        }
    }

    fn prompt(uuid: &str, text: &str) -> Vec<u8> {
        // Each hangs on the letter before it, if that is there.
        let parent = char::from(uuid.as_bytes()[0] - 1);
        let links = format!("\"uuid\":\"{uuid}\",\"parentUuid\":\"{parent}\"");
        format!("{{\"type\":\"user\",{links},\"message\":{{\"content\":\"{text}\"}}}}\n").into_bytes()
    }

    #[test]
    fn the_last_match_is_found_from_the_end_on() {
        check(&[prompt("a", "a needle"), prompt("b", "a needle"), prompt("c", "hay")].concat(), Some("b"));
        check(&[prompt("a", "a needle"), b"{torn".to_vec()].concat(), Some("a"));
        check(&prompt("a", "hay"), None);
        check(b"\n", None);
        // A line across several pieces, and one that no reader takes.
        let long = prompt("l", &format!("needle {}", "hay ".repeat(READ_BYTES as usize / 2)));
        check(&[long.clone(), prompt("c", "hay")].concat(), Some("l"));
        let endless = prompt("e", &format!("needle {}", "x".repeat(MAX_LINE_BYTES as usize + 1)));
        check(&[prompt("a", "needle"), endless, prompt("c", "hay")].concat(), Some("a"));
    }
}
