//! Finding a text: from what was said last back to the oldest, one hit a
//! session, until there are enough.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::query::FullTextQuery;
use super::snippet::{Snippet, snippet};

/// More hits than this in one session are not counted.
pub const MAX_COUNTED_HITS: usize = 99;

/// So many rows that are of no use are passed over one by one; after them the
/// search begins anew behind the sessions they belong to.
const MAX_USELESS_ROWS: usize = 64;

/// As above, where a word's beginning makes each new search dear.
const MAX_USELESS_PREFIX_ROWS: usize = 4096;

/// So many entries are read for each session that is asked for; where the index
/// promised too much, the search ends there.
const READS_PER_SESSION: usize = 8;

/// The best hit of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexHit {
    /// The session's row.
    pub session: i64,
    /// Where the entry begins in the transcript, in bytes.
    pub offset: u64,
    /// The entry and the sentence.
    pub snippet: Snippet,
    /// Other hits seen in this session, at most [`MOST_COUNTED`].
    pub others: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexHits {
    /// One a session. Those where the words stand together as they were typed
    /// come first; among equals, what was said last.
    pub sessions: Vec<IndexHit>,
    /// There may be more sessions than these.
    pub more: bool,
}

/// The sessions in which a text was said, at most `limit` of them, out of those
/// that `in_scope` allows by their row.
///
/// `read` gives those bytes of a session's transcript, as it is now; none where
/// it is gone. Only entries that match as they are now are hits.
pub fn search(
    connection: &Connection,
    query: &FullTextQuery,
    in_scope: impl Fn(i64) -> bool,
    limit: usize,
    read: impl FnMut(i64, Range<u64>) -> Option<Vec<u8>>,
) -> Result<IndexHits> {
    // One state of the index from the first row to the last.
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

/// A search on its way.
struct IndexWalk<'a, F, R> {
    connection: &'a Connection,
    in_scope: F,
    read: R,
    sessions_left: usize,
    /// Entries that may still be read.
    reads_left: usize,
    found: Vec<SessionMatch>,
    by_session: HashMap<i64, usize>,
}

struct SessionMatch {
    session: i64,
    offset: u64,
    /// The newest hit of the best kind; none where the session cannot be read.
    snippet: Option<Snippet>,
    count: usize,
    /// Hits of the walk that goes on.
    count_in_walk: usize,
}

/// Consecutive rows that are one session's.
#[derive(Clone, Copy)]
struct RowBlock {
    first: i64,
    session: i64,
}

impl<F: Fn(i64) -> bool, R: FnMut(i64, Range<u64>) -> Option<Vec<u8>>> IndexWalk<'_, F, R> {
    /// Goes through what matches, newest first; true if it stopped with more to come.
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

    /// Whether another hit in this session would tell anything.
    fn is_wanted(&self, session: i64) -> bool {
        match self.by_session.get(&session) {
            Some(&at) => self.found[at].snippet.is_some() && self.found[at].count_in_walk <= MAX_COUNTED_HITS,
            None => (self.in_scope)(session),
        }
    }

    /// False where the search has all that was asked for.
    fn push_row(&mut self, query: &FullTextQuery, session: i64, row: i64) -> Result<bool> {
        if let Some(&at) = self.by_session.get(&session) {
            let found = &mut self.found[at];
            found.count_in_walk += 1;
            found.count = found.count.max(found.count_in_walk);
            return Ok(true);
        }
        if self.sessions_left == 0 || self.reads_left == 0 {
            return Ok(false);
        }
        self.reads_left -= 1;
        let mut place = self.connection.prepare_cached("SELECT at, length FROM text_place WHERE row = ?1")?;
        let place = place.query_row([row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let Some((at, length)) = place.optional()? else { return Ok(true) };
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

    /// The highest row below a block in a session that is wanted.
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
