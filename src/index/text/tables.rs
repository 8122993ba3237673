//! The tables of the full-text index: words in FTS5, and the position of their entries.
//!
//! Stores no text: a hit gives the position of its entry in the transcript. Later messages
//! have higher row numbers, so a search walks from the newest on and stops when it has
//! enough.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};

use super::passage::Passage;

/// The first row number of an empty index; leaves room for older sessions below.
const FIRST_ROW: i64 = 1 << 40;

/// Bytes of words that FTS5 collects before it writes a segment.
const FTS_HASH_BYTES: i64 = 32 << 20;

/// How many segments of one size FTS5 keeps before it merges them. More are faster to write
/// and slower to search.
const FTS_AUTOMERGE: i64 = 8;

/// A session's passages, or the ones added since it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPassages {
    /// The session's row.
    pub session: i64,
    /// When the session was last active, in milliseconds since 1970.
    pub active: i64,
    /// In the order of the transcript.
    pub passages: Vec<Passage>,
}

/// Creates the tables if they do not exist.
///
/// Tool output is by far the most text, so that table only stores which entry has which
/// word; whether words stand together is checked in the transcript. The table of messages
/// stores positions, and an index of three-letter prefixes, which keeps a search while
/// typing within a few milliseconds.
pub fn schema(connection: &Connection) -> Result<()> {
    // `ascii` splits exactly where the tokenizer puts blanks.
    let fts5 = "USING fts5(words, content='', contentless_delete=1, tokenize='ascii'";
    let tuned = |table: &str| {
        let set = |key, value| format!("INSERT INTO {table}({table}, rank) VALUES('{key}', {value});");
        set("hashsize", FTS_HASH_BYTES) + &set("automerge", FTS_AUTOMERGE)
    };
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS text_block(
             first INTEGER PRIMARY KEY, last INTEGER NOT NULL, session INTEGER NOT NULL, active INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS text_block_session ON text_block(session);
         CREATE TABLE IF NOT EXISTS text_place(
             row INTEGER PRIMARY KEY, at INTEGER NOT NULL, length INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS left_behind(
             session INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS left_behind_session ON left_behind(session);
         CREATE VIRTUAL TABLE IF NOT EXISTS said {fts5}, prefix='3');
         CREATE VIRTUAL TABLE IF NOT EXISTS tools {fts5}, detail=none);
         {} {}",
        tuned("said"),
        tuned("tools")
    ))
}

/// Adds passages. The larger a batch, the cheaper: each takes a run of row numbers, above
/// all others if it is newer than they are, else below.
pub fn ingest(transaction: &Transaction<'_>, mut batch: Vec<SessionPassages>) -> Result<()> {
    batch.retain(|text| !text.passages.is_empty());
    batch.sort_by_key(|text| text.active);
    let newest = transaction
        .query_row("SELECT last, active FROM text_block ORDER BY first DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let (last, active) = newest.unwrap_or((FIRST_ROW - 1, i64::MIN));
    let (older, newer) = batch.split_at(batch.partition_point(|text| text.active < active));
    if !older.is_empty() {
        let oldest: i64 = transaction.query_row("SELECT min(first) FROM text_block", [], |row| row.get(0))?;
        let rows: usize = older.iter().map(|text| text.passages.len()).sum();
        insert_rows(transaction, older, oldest - rows as i64)?;
    }
    insert_rows(transaction, newer, last + 1)
}

/// Says which entries of a session are not part of its conversation, by the offsets of their
/// lines: no search finds them. A rewind leaves entries behind that are in the index already, and
/// another one may bring them back.
pub fn set_left_behind(transaction: &Transaction<'_>, session: i64, ranges: &[Range<u64>]) -> Result<()> {
    transaction.prepare_cached("DELETE FROM left_behind WHERE session = ?1")?.execute([session])?;
    let mut range = transaction.prepare_cached("INSERT INTO left_behind VALUES(?1, ?2, ?3)")?;
    for Range { start, end } in ranges {
        range.execute(params![session, *start as i64, *end as i64 - 1])?;
    }
    Ok(())
}

/// Whether the entry at an offset is one of those.
pub(super) fn is_left_behind(connection: &Connection, session: i64, at: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM left_behind WHERE session = ?1 AND ?2 BETWEEN first AND last";
    connection.prepare_cached(sql)?.exists([session, at])
}

/// Inserts in ascending row order, which FTS5 writes fastest.
fn insert_rows(transaction: &Transaction<'_>, texts: &[SessionPassages], mut row: i64) -> Result<()> {
    let mut block = transaction.prepare_cached("INSERT INTO text_block VALUES(?1, ?2, ?3, ?4)")?;
    let mut place = transaction.prepare_cached("INSERT INTO text_place VALUES(?1, ?2, ?3)")?;
    let mut said = transaction.prepare_cached("INSERT INTO said(rowid, words) VALUES(?1, ?2)")?;
    let mut tools = transaction.prepare_cached("INSERT INTO tools(rowid, words) VALUES(?1, ?2)")?;
    for text in texts {
        let last = row + text.passages.len() as i64 - 1;
        block.execute(params![row, last, text.session, text.active])?;
        for passage in &text.passages {
            place.execute(params![row, passage.offset as i64, passage.length as i64])?;
            if !passage.message_words.is_empty() {
                said.execute(params![row, passage.message_words])?;
            }
            if !passage.tool_words.is_empty() {
                tools.execute(params![row, passage.tool_words])?;
            }
            row += 1;
        }
    }
    Ok(())
}

/// Removes everything about a session's text.
pub fn forget(transaction: &Transaction<'_>, session: i64) -> Result<()> {
    let mut blocks = transaction.prepare_cached("SELECT first, last FROM text_block WHERE session = ?1")?;
    let blocks = blocks.query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (first, last) in blocks.collect::<Result<Vec<(i64, i64)>>>()? {
        for row in first..=last {
            transaction.prepare_cached("DELETE FROM said WHERE rowid = ?1")?.execute([row])?;
            transaction.prepare_cached("DELETE FROM tools WHERE rowid = ?1")?.execute([row])?;
        }
        transaction.execute("DELETE FROM text_place WHERE row BETWEEN ?1 AND ?2", [first, last])?;
    }
    transaction.execute("DELETE FROM text_block WHERE session = ?1", [session])?;
    transaction.execute("DELETE FROM left_behind WHERE session = ?1", [session])?;
    Ok(())
}
