//! Walks the index from the newest message to the oldest, one hit per session, until there
//! are enough.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::query::FullTextQuery;
use super::snippet::{Snippet, snippet};
use super::tables::is_left_behind;

/// More hits than this in one session are not counted.
pub const MAX_COUNTED_HITS: usize = 99;

/// After this many rows of no use the search starts again below the sessions they belong
/// to.
const MAX_USELESS_ROWS: usize = 64;

/// The same for prefix searches, where starting again costs more.
const MAX_USELESS_PREFIX_ROWS: usize = 4096;

/// How many entries are read per requested session. If the index promised too much, the
/// search ends there.
const READS_PER_SESSION: usize = 8;

/// The best hit of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexHit {
    /// The session's row.
    pub session: i64,
    /// The byte offset of the entry in the transcript.
    pub offset: u64,
    /// The entry's sentence.
    pub snippet: Snippet,
    /// Other hits seen in this session, at most [`MAX_COUNTED_HITS`].
    pub others: usize,
}

/// The result of a walk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexHits {
    /// One hit per session. Those with the words next to each other as typed come first;
    /// among equals, the newest.
    pub sessions: Vec<IndexHit>,
    /// There may be more sessions.
    pub more: bool,
}

/// The sessions with a matching message, at most `limit` of those whose row is `in_scope`.
///
/// `read` returns a range of a session's transcript as it is now, or `None` if it is gone.
/// Only entries that still match are hits.
pub fn search(
    connection: &Connection,
    query: &FullTextQuery,
    in_scope: impl Fn(i64) -> bool,
    limit: usize,
    read: impl FnMut(i64, Range<u64>) -> Option<Vec<u8>>,
) -> Result<IndexHits> {
    // One transaction, so the index stays the same from the first row to the last.
    let connection = &*connection.unchecked_transaction()?;
    let reads = limit.saturating_mul(READS_PER_SESSION);
    let (found, by_session) = (Vec::new(), HashMap::new());
    let mut search =
        IndexWalk { connection, in_scope, read, sessions_left: limit, reads_left: reads, found, by_session };
    let mut more = false;
    if !query.is_empty() {
        if let Some(together) = query.as_one_phrase() {
            more = search.walk(&together)?;
        }
        if !more {
            more = search.walk(query)?;
        }
    }
    let hits = search.found.into_iter().filter_map(|found| {
        let others = found.count.saturating_sub(1).min(MAX_COUNTED_HITS);
        Some(IndexHit { session: found.session, offset: found.offset, snippet: found.snippet?, others })
    });
    Ok(IndexHits { sessions: hits.collect(), more })
}

/// The state of a walk.
struct IndexWalk<'a, F, R> {
    connection: &'a Connection,
    in_scope: F,
    read: R,
    sessions_left: usize,
    /// How many more entries may be read.
    reads_left: usize,
    found: Vec<SessionMatch>,
    by_session: HashMap<i64, usize>,
}

struct SessionMatch {
    session: i64,
    offset: u64,
    /// The newest hit of the best kind; `None` if the session cannot be read.
    snippet: Option<Snippet>,
    count: usize,
    /// Hits counted by the current pass.
    count_in_walk: usize,
}

/// Consecutive rows of one session.
#[derive(Clone, Copy)]
struct RowBlock {
    first: i64,
    session: i64,
}

impl<F: Fn(i64) -> bool, R: FnMut(i64, Range<u64>) -> Option<Vec<u8>>> IndexWalk<'_, F, R> {
    /// Walks the matching rows, newest first. Returns `true` if it stopped with more to
    /// come.
    fn walk(&mut self, query: &FullTextQuery) -> Result<bool> {
        let tools = " UNION SELECT rowid FROM tools WHERE tools MATCH ?3 AND rowid <= ?2";
        let matching = format!(
            "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid <= ?2{} ORDER BY 1 DESC",
            if query.tools { tools } else { "" }
        );
        let mut matching = self.connection.prepare_cached(&matching)?;
        let (expression, loose) = (query.fts_expression(), query.fts_expression_without_positions());
        let patience = if query.wanted.iter().any(|phrase| phrase.last_is_prefix) {
            MAX_USELESS_PREFIX_ROWS
        } else {
            MAX_USELESS_ROWS
        };
        self.found.iter_mut().for_each(|found| found.count_in_walk = 0);
        let mut from = i64::MAX;
        'from: loop {
            let mut rows = if query.tools {
                matching.query(params![expression, from, loose])?
            } else {
                matching.query(params![expression, from])?
            };
            let mut block = None;
            let mut useless = 0;
            while let Some(row) = rows.next()? {
                let row: i64 = row.get(0)?;
                let current = match block.filter(|block: &RowBlock| block.first <= row) {
                    Some(block) => block,
                    None => match self.block_at(row)? {
                        Some(block) => block,
                        None => continue,
                    },
                };
                block = Some(current);
                if !self.is_wanted(current.session) {
                    useless += 1;
                    if useless > patience {
                        match self.next_wanted_row(current)? {
                            Some(next) => from = next,
                            None => return Ok(false),
                        }
                        continue 'from;
                    }
                    continue;
                }
                useless = 0;
                if !self.push_row(query, current.session, row)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
    }

    /// Whether another hit in this session adds anything.
    fn is_wanted(&self, session: i64) -> bool {
        match self.by_session.get(&session) {
            Some(&at) => self.found[at].snippet.is_some() && self.found[at].count_in_walk <= MAX_COUNTED_HITS,
            None => (self.in_scope)(session),
        }
    }

    /// Returns `false` once the search has everything that was asked for.
    fn push_row(&mut self, query: &FullTextQuery, session: i64, row: i64) -> Result<bool> {
        let is_known = self.by_session.contains_key(&session);
        if !is_known && (self.sessions_left == 0 || self.reads_left == 0) {
            return Ok(false);
        }
        let mut position =
            self.connection.prepare_cached("SELECT at, length FROM text_place WHERE row = ?1")?;
        let position = position.query_row([row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let Some((at, length)) = position.optional()? else { return Ok(true) };
        if is_left_behind(self.connection, session, at)? {
            return Ok(true);
        }
        if let Some(&at) = self.by_session.get(&session) {
            let found = &mut self.found[at];
            found.count_in_walk += 1;
            found.count = found.count.max(found.count_in_walk);
            return Ok(true);
        }
        self.reads_left -= 1;
        let line = (self.read)(session, at as u64..(at + length) as u64);
        let snippet = line.as_ref().and_then(|line| snippet(line, query));
        if snippet.is_some() {
            self.sessions_left -= 1;
        } else if line.is_some() {
            return Ok(true);
        }
        self.by_session.insert(session, self.found.len());
        self.found.push(SessionMatch { session, offset: at as u64, snippet, count: 1, count_in_walk: 1 });
        Ok(true)
    }

    fn block_at(&self, row: i64) -> Result<Option<RowBlock>> {
        let sql = "SELECT first, session FROM text_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
        let mut block = self.connection.prepare_cached(sql)?;
        block.query_row([row], |row| Ok(RowBlock { first: row.get(0)?, session: row.get(1)? })).optional()
    }

    /// The highest row below a block that belongs to a wanted session.
    fn next_wanted_row(&self, block: RowBlock) -> Result<Option<i64>> {
        let sql = "SELECT last, session FROM text_block WHERE first < ?1 ORDER BY first DESC";
        let mut below = self.connection.prepare_cached(sql)?;
        let mut below = below.query([block.first])?;
        while let Some(block) = below.next()? {
            if self.is_wanted(block.get(1)?) {
                return block.get(0).map(Some);
            }
        }
        Ok(None)
    }
}
