//! The index on disk: the summary of every session, and the words of all.
//!
//! One SQLite file in the cache folder. It is a cache: a file that is broken or of another
//! version is replaced, and deleting it loses nothing. Any number of processes read it; one
//! at a time writes and holds a [`WriteLock`]. Never reads a transcript.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use super::scanner::{ScanResult, ScanState};
use super::text;
use crate::session::{SessionId, SessionSummary};
use crate::store::{StoredSession, SubagentTranscript};
use crate::sys::private_files;

/// Increase this when the tables, [`SessionSummary`] or [`ScanState`] change.
const SCHEMA_VERSION: i32 = 11;
/// Page size. Large pages keep a session's summary on few of them, and a list reads all.
const PAGE_BYTES: u32 = 8192;
/// How long a reader waits while a writer changes the schema.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// An open index.
pub struct IndexDatabase {
    connection: Connection,
    path: PathBuf,
}

/// A session in the index.
#[derive(Debug, Clone)]
pub struct IndexedSession {
    /// The file as it was when it was read.
    pub stored: StoredSession,
    /// What it held.
    pub facts: Arc<SessionSummary>,
}

/// Whose words a row's are.
#[derive(Debug, Clone)]
pub struct IndexedTranscript {
    pub session: SessionId,
    /// The subagent and its transcript, if the words are not the session's own.
    pub subagent: Option<(String, PathBuf)>,
}

/// Between the id of a session and that of its subagent, in the `id` of a subagent's row: no id
/// of a session holds it, so lists pass such rows over.
const SUBAGENT_SEPARATOR: char = '/';

/// The right to write, for one process at a time. Dropping it gives it back.
pub struct WriteLock {
    _lock: File,
}

impl IndexDatabase {
    /// Opens the index in this file or creates it. Also returns a sentence if a former one
    /// had to be replaced.
    pub fn open(path: &Path) -> rusqlite::Result<(Self, Option<String>)> {
        if let Some(folder) = path.parent() {
            // If this fails, opening says why.
            private_files::own_private_dir(folder).ok();
        }
        match Self::try_open(path) {
            Ok(database) => Ok((database, None)),
            Err(OpenIndexError::Unavailable(error)) => Err(error),
            Err(OpenIndexError::MustRebuild(why)) => {
                discard(path);
                match Self::try_open(path) {
                    Ok(database) => Ok((database, Some(format!("the index is rebuilt: {why}")))),
                    Err(OpenIndexError::Unavailable(error)) => Err(error),
                    Err(OpenIndexError::MustRebuild(_)) => Err(rusqlite::Error::InvalidPath(path.to_owned())),
                }
            }
        }
    }

    fn try_open(path: &Path) -> Result<Self, OpenIndexError> {
        // SQLite gives the files beside it the mode of this one. What cannot be made or narrowed
        // here cannot be opened below, or is another user's.
        private_files::private_options()
            .append(true)
            .open(path)
            .and_then(|_| private_files::narrow(path))
            .ok();
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version != SCHEMA_VERSION && version != 0 {
            return Err(OpenIndexError::MustRebuild(format!(
                "it was written by another version ({version})"
            )));
        }
        if version == 0 {
            connection.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES};"))?;
        }
        // Safe if hotseat crashes; if the system crashes, only a cache is lost.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
        if version == 0 {
            let made = connection.unchecked_transaction()?;
            schema(&made)?;
            made.commit()?;
        }
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Removes a file that turned out to be broken, so that the next start creates a new
    /// one.
    pub fn discard(&self) {
        discard(&self.path);
    }

    /// Asks for the right to write; `None` while another process has it.
    pub fn try_write_lock(&self) -> io::Result<Option<WriteLock>> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".lock");
        let lock = private_files::private_options().append(true).open(PathBuf::from(name))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(WriteLock { _lock: lock })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Changes whenever another process wrote.
    pub fn data_version(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))
    }

    /// All sessions in the index. A row that cannot be decoded is left out, so the store is
    /// read again.
    pub fn sessions(&self) -> rusqlite::Result<Vec<IndexedSession>> {
        let mut all =
            self.connection.prepare("SELECT id, path, size, modified, inode, facts, side FROM session")?;
        let mut rows = all.query([])?;
        // Collect all packed summaries in one buffer and decode them on all cores: one
        // allocation each would cost more than reading them.
        let (mut sessions, mut packed) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let from = packed.len();
            packed.extend_from_slice(row.get_ref(5)?.as_blob()?);
            sessions.extend(decode_stored(row)?.map(|stored| (stored, from..packed.len())));
        }
        let kept = |(stored, facts): (StoredSession, Range<usize>)| {
            Some(IndexedSession { stored, facts: Arc::new(rmp_serde::from_slice(&packed[facts]).ok()?) })
        };
        Ok(sessions.into_par_iter().filter_map(kept).collect())
    }

    /// How far a session was read.
    pub fn scan_state(&self, id: SessionId) -> rusqlite::Result<Option<ScanState>> {
        let sql = "SELECT reading FROM reading JOIN session ON session = row WHERE id = ?1";
        let mut reading = self.connection.prepare_cached(sql)?;
        let bytes: Option<Vec<u8>> = reading.query_row([id.to_string()], |row| row.get(0)).optional()?;
        Ok(bytes.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()))
    }

    /// Writes a batch, all of it or nothing.
    pub fn save(&mut self, _by: &WriteLock, batch: Vec<(StoredSession, ScanResult)>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut texts = Vec::with_capacity(batch.len());
        for (stored, read) in batch {
            let row = upsert_session(&transaction, &stored, &read)?;
            if read.from_start {
                text::forget(&transaction, row)?;
            }
            text::set_left_behind(&transaction, row, &read.left_behind)?;
            let active = read.facts.active.map_or(0, |at| at.timestamp_millis());
            texts.push(text::SessionPassages { session: row, active, passages: read.passages });
            for agent in read.subagent_texts {
                let row = upsert_subagent(&transaction, stored.id, &agent.transcript)?;
                text::forget(&transaction, row)?;
                let active = agent.active.map_or(active, |at| at.timestamp_millis());
                texts.push(text::SessionPassages { session: row, active, passages: agent.passages });
            }
        }
        text::ingest(&transaction, texts)?;
        transaction.commit()
    }

    /// Removes sessions that no longer exist.
    pub fn forget(&mut self, _by: &WriteLock, gone: &[SessionId]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for &id in gone {
            let row = row_of(&transaction, id)?;
            if let Some(row) = row {
                text::forget(&transaction, row)?;
                for agent in subagent_rows(&transaction, id)? {
                    text::forget(&transaction, agent)?;
                    transaction.execute("DELETE FROM session WHERE row = ?1", [agent])?;
                }
                transaction.execute("DELETE FROM session WHERE row = ?1", [row])?;
                transaction.execute("DELETE FROM reading WHERE session = ?1", [row])?;
            }
        }
        transaction.commit()
    }

    /// The transcript of each row, for a search.
    pub fn transcripts_by_row(&self) -> rusqlite::Result<HashMap<i64, IndexedTranscript>> {
        let mut all = self.connection.prepare_cached("SELECT row, id, path FROM session")?;
        let rows = all.query_map([], |row| {
            let id = row.get_ref(1)?.as_str()?;
            let (session, subagent) = match id.split_once(SUBAGENT_SEPARATOR) {
                Some((session, agent)) => (session, Some((agent.to_owned(), path_of(row.get(2)?)))),
                None => (id, None),
            };
            let session = session.parse().ok();
            Ok((row.get(0)?, session.map(|session| IndexedTranscript { session, subagent })))
        })?;
        rows.filter_map(|row| row.map(|(row, found)| Some((row, found?))).transpose()).collect()
    }

    /// The connection, for the full-text search.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// Whether this error means that the file is broken.
pub fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn discard(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        // The file may not exist.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Why an index cannot be opened.
enum OpenIndexError {
    /// Not now or not here: an unwritable folder, a full disk.
    Unavailable(rusqlite::Error),
    /// This file must be replaced.
    MustRebuild(String),
}

impl From<rusqlite::Error> for OpenIndexError {
    fn from(error: rusqlite::Error) -> Self {
        if is_broken(&error) { Self::MustRebuild(error.to_string()) } else { Self::Unavailable(error) }
    }
}

fn schema(connection: &Transaction<'_>) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS session(
             row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path BLOB NOT NULL, size INTEGER NOT NULL,
             modified INTEGER NOT NULL, inode INTEGER NOT NULL, facts BLOB NOT NULL, side INTEGER);
         CREATE TABLE IF NOT EXISTS reading(session INTEGER PRIMARY KEY, reading BLOB NOT NULL);
         PRAGMA user_version = {SCHEMA_VERSION};"
    ))?;
    text::schema(connection)
}

/// Writes a session's row and returns its number.
fn upsert_session(
    transaction: &Transaction<'_>,
    stored: &StoredSession,
    read: &ScanResult,
) -> rusqlite::Result<i64> {
    use std::os::unix::ffi::OsStrExt;
    let packed = |value: Result<Vec<u8>, rmp_serde::encode::Error>| {
        value.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    };
    let sql = "INSERT INTO session(id, path, size, modified, inode, facts, side)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(id) DO UPDATE
         SET path = ?2, size = ?3, modified = ?4, inode = ?5, facts = ?6, side = ?7
         RETURNING row";
    let row = transaction.prepare_cached(sql)?.query_row(
        params![
            stored.id.to_string(),
            stored.path.as_os_str().as_bytes(),
            stored.size as i64,
            nanoseconds(stored.modified),
            stored.inode as i64,
            packed(rmp_serde::to_vec(&read.facts))?,
            stored.side_modified.map(nanoseconds),
        ],
        |row| row.get(0),
    )?;
    let sql = "INSERT OR REPLACE INTO reading(session, reading) VALUES(?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![row, packed(rmp_serde::to_vec(&read.state))?])?;
    Ok(row)
}

/// Writes the row of a subagent's transcript, which holds no summary, and returns its number.
fn upsert_subagent(
    transaction: &Transaction<'_>,
    session: SessionId,
    agent: &SubagentTranscript,
) -> rusqlite::Result<i64> {
    use std::os::unix::ffi::OsStrExt;
    let sql = "INSERT INTO session(id, path, size, modified, inode, facts) VALUES(?1, ?2, ?3, 0, 0, x'')
         ON CONFLICT(id) DO UPDATE SET path = ?2, size = ?3 RETURNING row";
    let id = format!("{session}{SUBAGENT_SEPARATOR}{}", agent.id);
    let path = agent.path.as_os_str().as_bytes();
    transaction.prepare_cached(sql)?.query_row(params![id, path, agent.size as i64], |row| row.get(0))
}

/// The rows of a session's subagents.
fn subagent_rows(transaction: &Transaction<'_>, session: SessionId) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT row FROM session WHERE id > ?1 AND id < ?2";
    // `0` is the character behind the separator.
    let (first, end) = (format!("{session}{SUBAGENT_SEPARATOR}"), format!("{session}0"));
    let mut rows = transaction.prepare_cached(sql)?;
    let rows = rows.query_map([first, end], |row| row.get(0))?;
    rows.collect()
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

fn row_of(transaction: &Transaction<'_>, id: SessionId) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("SELECT row FROM session WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()
}

/// `None` for a row that no version of hotseat wrote.
fn decode_stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<StoredSession>> {
    let Ok(id) = row.get_ref(0)?.as_str()?.parse() else { return Ok(None) };
    let path = path_of(row.get(1)?);
    let time = |nanoseconds: i64| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds.max(0) as u64);
    let modified = time(row.get(3)?);
    Ok(Some(StoredSession {
        id,
        path,
        size: row.get::<_, i64>(2)? as u64,
        modified,
        inode: row.get::<_, i64>(4)? as u64,
        side_modified: row.get::<_, Option<i64>>(6)?.map(time),
    }))
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
