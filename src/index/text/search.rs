//! Finding a text: from what was said last back to the oldest, one hit a
//! session, until there are enough.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::query::Query;

/// More hits than this in one session are not counted.
pub const MOST_COUNTED: usize = 99;

/// So many rows that are of no use are passed over one by one; after them the
/// search begins anew behind the sessions they belong to.
const PATIENCE: usize = 64;

/// As above, where a word's beginning makes each new search dear.
const PATIENCE_WITH_BEGINNINGS: usize = 4096;

/// The best hit of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The session's row.
    pub session: i64,
    /// Where the entry's line begins in the transcript, in bytes.
    pub offset: u64,
    /// Bytes of that line.
    pub length: u64,
    /// Other hits seen in this session, at most [`MOST_COUNTED`].
    pub others: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// One a session. Those where the words stand together as they were typed
    /// come first; among equals, what was said last.
    pub sessions: Vec<Hit>,
    /// There are more sessions than were asked for.
    pub more: bool,
}

/// The sessions in which a text was said, at most `limit` of them, out of those
/// that `in_scope` allows by their row.
pub fn search(
    connection: &Connection,
    query: &Query,
    in_scope: impl Fn(i64) -> bool,
    limit: usize,
) -> Result<Hits> {
    // One state of the index from the first row to the last.
    let connection = &*connection.unchecked_transaction()?;
    let mut search = Search { connection, in_scope, limit, found: Vec::new(), by_session: HashMap::new() };
    let mut more = false;
    if !query.is_empty() {
        if let Some(together) = query.together() {
            more = search.walk(&together)?;
        }
        if !more {
            more = search.walk(query)?;
        }
    }
    let mut place = connection.prepare_cached("SELECT at, length FROM text_place WHERE row = ?1")?;
    let mut sessions = Vec::with_capacity(search.found.len());
    for found in &search.found {
        let (offset, length): (i64, i64) =
            place.query_row([found.row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (offset, length) = (offset as u64, length as u64);
        sessions.push(Hit { session: found.session, offset, length, others: found.count - 1 });
    }
    Ok(Hits { sessions, more })
}

/// A search on its way.
struct Search<'a, F> {
    connection: &'a Connection,
    in_scope: F,
    limit: usize,
    found: Vec<Found>,
    by_session: HashMap<i64, usize>,
}

struct Found {
    session: i64,
    /// The newest hit of the best kind.
    row: i64,
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

impl<F: Fn(i64) -> bool> Search<'_, F> {
    /// Goes through what matches, newest first; true if it stopped with more to come.
    fn walk(&mut self, query: &Query) -> Result<bool> {
        let tools = " UNION SELECT rowid FROM tools WHERE tools MATCH ?1 AND rowid <= ?2";
        let matching = format!(
            "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid <= ?2{} ORDER BY 1 DESC",
            if query.tools { tools } else { "" }
        );
        let mut matching = self.connection.prepare_cached(&matching)?;
        let expression = query.expression();
        let patience =
            if query.wanted.iter().any(|phrase| phrase.open) { PATIENCE_WITH_BEGINNINGS } else { PATIENCE };
        self.found.iter_mut().for_each(|found| found.counting = 0);
        let mut from = i64::MAX;
        'from: loop {
            let mut rows = matching.query(params![expression, from])?;
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
                if !self.take(current.session, row) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
    }

    /// Whether another hit in this session would tell anything.
    fn wants(&self, session: i64) -> bool {
        match self.by_session.get(&session) {
            Some(&at) => self.found[at].counting <= MOST_COUNTED,
            None => (self.in_scope)(session),
        }
    }

    /// False where there is no room for another session.
    fn take(&mut self, session: i64, row: i64) -> bool {
        if let Some(&at) = self.by_session.get(&session) {
            let found = &mut self.found[at];
            found.counting += 1;
            found.count = found.count.max(found.counting);
            return true;
        }
        if self.found.len() == self.limit {
            return false;
        }
        self.by_session.insert(session, self.found.len());
        self.found.push(Found { session, row, count: 1, counting: 1 });
        true
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
