//! Finding a text: from what was said last back to the oldest, one hit a
//! session, until there are enough.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::query::Query;
use super::snippet::{Snippet, snippet};

/// More hits than this in one session are not counted.
pub const MOST_COUNTED: usize = 99;

/// So many rows that are of no use are passed over one by one; after them the
/// search begins anew behind the sessions they belong to.
const PATIENCE: usize = 64;

/// As above, where a word's beginning makes each new search dear.
const PATIENCE_WITH_BEGINNINGS: usize = 4096;

/// So many entries are read for each session that is asked for; where the index
/// promised too much, the search ends there.
const READ_EACH: usize = 8;

/// The best hit of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
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
pub struct Hits {
    /// One a session. Those where the words stand together as they were typed
    /// come first; among equals, what was said last.
    pub sessions: Vec<Hit>,
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
    query: &Query,
    in_scope: impl Fn(i64) -> bool,
    limit: usize,
    read: impl FnMut(i64, Range<u64>) -> Option<Vec<u8>>,
) -> Result<Hits> {
    // One state of the index from the first row to the last.
    let connection = &*connection.unchecked_transaction()?;
    let reads = limit.saturating_mul(READ_EACH);
    let (found, by_session) = (Vec::new(), HashMap::new());
    let mut search = Search { connection, in_scope, read, limit, reads, found, by_session };
    let mut more = false;
    if !query.is_empty() {
        if let Some(together) = query.together() {
            more = search.walk(&together)?;
        }
        if !more {
            more = search.walk(query)?;
        }
    }
    let hits = search.found.into_iter().filter_map(|found| {
        let others = found.count.saturating_sub(1).min(MOST_COUNTED);
        Some(Hit { session: found.session, offset: found.offset, snippet: found.snippet?, others })
    });
    Ok(Hits { sessions: hits.collect(), more })
}

/// A search on its way.
struct Search<'a, F, R> {
    connection: &'a Connection,
    in_scope: F,
    read: R,
    limit: usize,
    /// Entries that may still be read.
    reads: usize,
    found: Vec<Found>,
    by_session: HashMap<i64, usize>,
}

struct Found {
    session: i64,
    offset: u64,
    /// The newest hit of the best kind; none where the session cannot be read.
    snippet: Option<Snippet>,
    count: usize,
    /// Hits of the walk that goes on.
    counting: usize,
}

/// Consecutive rows that are one session's.
#[derive(Clone, Copy)]
struct Block {
    first: i64,
    session: i64,
}

impl<F: Fn(i64) -> bool, R: FnMut(i64, Range<u64>) -> Option<Vec<u8>>> Search<'_, F, R> {
    /// Goes through what matches, newest first; true if it stopped with more to come.
    fn walk(&mut self, query: &Query) -> Result<bool> {
        let tools = " UNION SELECT rowid FROM tools WHERE tools MATCH ?3 AND rowid <= ?2";
        let matching = format!(
            "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid <= ?2{} ORDER BY 1 DESC",
            if query.tools { tools } else { "" }
        );
        let mut matching = self.connection.prepare_cached(&matching)?;
        let (expression, loose) = (query.expression(), query.loose_expression());
        let patience =
            if query.wanted.iter().any(|phrase| phrase.open) { PATIENCE_WITH_BEGINNINGS } else { PATIENCE };
        self.found.iter_mut().for_each(|found| found.counting = 0);
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
                let current = match block.filter(|block: &Block| block.first <= row) {
                    Some(block) => block,
                    None => match self.block_at(row)? {
                        Some(block) => block,
                        None => continue,
                    },
                };
                block = Some(current);
                if !self.wants(current.session) {
                    useless += 1;
                    if useless > patience {
                        match self.next_of_use(current)? {
                            Some(next) => from = next,
                            None => return Ok(false),
                        }
                        continue 'from;
                    }
                    continue;
                }
                useless = 0;
                if !self.take(query, current.session, row)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
    }

    /// Whether another hit in this session would tell anything.
    fn wants(&self, session: i64) -> bool {
        match self.by_session.get(&session) {
            Some(&at) => self.found[at].snippet.is_some() && self.found[at].counting <= MOST_COUNTED,
            None => (self.in_scope)(session),
        }
    }

    /// False where the search has all that was asked for.
    fn take(&mut self, query: &Query, session: i64, row: i64) -> Result<bool> {
        if let Some(&at) = self.by_session.get(&session) {
            let found = &mut self.found[at];
            found.counting += 1;
            found.count = found.count.max(found.counting);
            return Ok(true);
        }
        if self.limit == 0 || self.reads == 0 {
            return Ok(false);
        }
        self.reads -= 1;
        let mut place = self.connection.prepare_cached("SELECT at, length FROM text_place WHERE row = ?1")?;
        let place = place.query_row([row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let Some((at, length)) = place.optional()? else { return Ok(true) };
        let line = (self.read)(session, at as u64..(at + length) as u64);
        let snippet = line.as_ref().and_then(|line| snippet(line, query));
        if snippet.is_some() {
            self.limit -= 1;
        } else if line.is_some() {
            return Ok(true);
        }
        self.by_session.insert(session, self.found.len());
        self.found.push(Found { session, offset: at as u64, snippet, count: 1, counting: 1 });
        Ok(true)
    }

    fn block_at(&self, row: i64) -> Result<Option<Block>> {
        let sql = "SELECT first, session FROM text_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
        let mut block = self.connection.prepare_cached(sql)?;
        block.query_row([row], |row| Ok(Block { first: row.get(0)?, session: row.get(1)? })).optional()
    }

    /// The highest row below a block in a session that is wanted.
    fn next_of_use(&self, block: Block) -> Result<Option<i64>> {
        let sql = "SELECT last, session FROM text_block WHERE first < ?1 ORDER BY first DESC";
        let mut below = self.connection.prepare_cached(sql)?;
        let mut below = below.query([block.first])?;
        while let Some(block) = below.next()? {
            if self.wants(block.get(1)?) {
                return block.get(0).map(Some);
            }
        }
        Ok(None)
    }
}
