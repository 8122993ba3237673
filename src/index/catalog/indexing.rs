//! Reads sessions whole and writes them to the index.
//!
//! Parses on all cores while the batch before is being written. One process writes; others
//! read along.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};

use rayon::prelude::*;

use super::{CachedSession, Catalog, ReadExtent, lock};
use crate::index::database::{IndexDatabase, WriteLock};
use crate::index::scanner::{self, ScanResult, ScanState};
use crate::session::SessionId;
use crate::store::{Scope, StoreError, StoredSession};

/// Bytes of transcripts in a batch: large enough for cheap index writes, small enough for
/// memory and for a person who waits for the next rows.
const BATCH_BYTES: u64 = 48 << 20;
const BATCH_SESSIONS: usize = 512;

/// How an indexing run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexingOutcome {
    /// Every session is in the index.
    Done,
    Stopped,
    /// Another process is indexing; the next refresh sees what it writes.
    OtherProcess,
}

/// The index and the right to write it; `None` if everything stays in memory.
type IndexWriter<'a> = Option<(&'a Mutex<IndexDatabase>, WriteLock)>;

impl Catalog {
    /// Brings the sessions of a scope into the index, newest first. `progress` gets the
    /// number of indexed sessions and the total after each batch, and says whether to go
    /// on.
    pub fn index_all(
        &self,
        scope: &Scope,
        mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<IndexingOutcome, StoreError> {
        // Copies come newest first and are listed after each batch, so a waiting person
        // sees them arrive.
        while self.sync_external() {
            if progress(0, self.store.list(scope)?.len()).is_break() {
                return Ok(IndexingOutcome::Stopped);
            }
        }
        let mut writer: IndexWriter<'_> = None;
        if let Some(database) = &self.database {
            match lock(database).try_write_lock() {
                Ok(Some(writing)) => writer = Some((database, writing)),
                Ok(None) => return Ok(IndexingOutcome::OtherProcess),
                Err(error) => self.note(format!("the index cannot be written: {error}")),
            }
        }
        let listing = self.list_store(scope)?;
        if *scope == Scope::All {
            self.forget_missing(&writer, &listing.list);
        }
        let missing: Vec<&StoredSession> = {
            let cached = self.cache();
            let wanted = if writer.is_some() { ReadExtent::Indexed } else { ReadExtent::Whole };
            let is_in = |stored: &&StoredSession| {
                cached.get(&stored.id).is_some_and(|cached| {
                    cached.stored == **stored && (cached.extent >= wanted || cached.read_error.is_some())
                })
            };
            listing.list.iter().filter(|stored| !is_in(stored)).collect()
        };
        let all = listing.list.len();
        let mut done = all - missing.len();
        if missing.is_empty() {
            return Ok(IndexingOutcome::Done);
        }
        if progress(done, all).is_break() {
            return Ok(IndexingOutcome::Stopped);
        }
        std::thread::scope(|scope| {
            // Capacity 0: only one parsed batch waits in memory while another is written.
            let (parsed, batches) = mpsc::sync_channel(0);
            let missing = missing.as_slice();
            scope.spawn(move || {
                for batch in batches_of(missing) {
                    let sent = match batch {
                        [large] if large.size > BATCH_BYTES => {
                            self.read_slices(large, |count, read| parsed.send((count, read)).is_ok())
                        }
                        batch => parsed.send((batch.len(), self.read_batch(batch))).is_ok(),
                    };
                    // The receiver has stopped, so nobody wants the rest.
                    if !sent {
                        return;
                    }
                }
            });
            for (count, read) in batches {
                self.save_batch(&mut writer, read);
                done += count;
                if progress(done, all).is_break() {
                    return Ok(IndexingOutcome::Stopped);
                }
            }
            Ok(IndexingOutcome::Done)
        })
    }

    /// Copies other agents' sessions and returns `true` while there is more. Notes each
    /// error once.
    fn sync_external(&self) -> bool {
        let failed = |error: StoreError| {
            let why = error.to_string();
            let told = lock(&self.sync_error).replace(why.clone());
            if told.as_ref() != Some(&why) {
                self.note(why);
            }
        };
        self.store.sync_external(BATCH_BYTES).map_err(failed).unwrap_or(false)
    }

    /// Reads what was appended to sessions that grew a little, and writes it to the index
    /// unless another process is writing.
    pub(super) fn read_grown(&self, grown: &[&StoredSession]) {
        if grown.is_empty() {
            return;
        }
        let mut writer: IndexWriter<'_> = None;
        if let Some(database) = &self.database {
            let Ok(held) = database.try_lock() else {
                // This process is writing the index and will come to them.
                self.quick_scan_all(grown);
                return;
            };
            writer = held.try_write_lock().ok().flatten().map(|writing| (database, writing));
        }
        let read = self.read_batch(grown);
        self.save_batch(&mut writer, read);
    }

    fn quick_scan_all(&self, sessions: &[&StoredSession]) {
        let read: Vec<CachedSession> =
            sessions.par_iter().filter_map(|stored| self.quick_scan(stored)).collect();
        self.cache().extend(read.into_iter().map(|cached| (cached.stored.id, cached)));
    }

    /// Reads sessions whole, or from where the index stands.
    fn read_batch(&self, batch: &[&StoredSession]) -> Vec<(StoredSession, ScanResult)> {
        let former = self.former_scan_states(batch);
        let read = |(stored, former): (&&StoredSession, Option<ScanState>)| match scanner::scan(
            &*self.store,
            stored,
            former,
            u64::MAX,
        ) {
            Ok(read) => Some(((*stored).clone(), read)),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => {
                self.cache_error(stored, &error);
                None
            }
        };
        batch.par_iter().zip(former).filter_map(read).collect()
    }

    /// Remembers why a session cannot be read, which its row then shows.
    fn cache_error(&self, stored: &StoredSession, error: &StoreError) {
        let cached = CachedSession {
            stored: stored.clone(),
            facts: Arc::default(),
            extent: ReadExtent::Whole,
            scan_state: None,
            read_error: Some(error.to_string()),
        };
        self.cache().insert(stored.id, cached);
    }

    /// Reads a session larger than a batch in slices, so that its words never lie in memory all
    /// at once. Each slice but the last is saved as a file of that size: to any reader of the
    /// index the session then looks like one that has grown. Stops when `send` returns `false`,
    /// and returns that.
    fn read_slices(
        &self,
        stored: &StoredSession,
        mut send: impl FnMut(usize, Vec<(StoredSession, ScanResult)>) -> bool,
    ) -> bool {
        let mut former = self.former_scan_states(&[stored]).pop().flatten();
        loop {
            let read = match scanner::scan(&*self.store, stored, former.take(), BATCH_BYTES) {
                Ok(read) => read,
                Err(StoreError::NotFound(_)) => return send(1, Vec::new()),
                Err(error) => {
                    self.cache_error(stored, &error);
                    return send(1, Vec::new());
                }
            };
            if read.is_complete {
                return send(1, vec![(stored.clone(), read)]);
            }
            former = Some(read.state.clone());
            let so_far = StoredSession { size: read.state.offset(), ..stored.clone() };
            if !send(0, vec![(so_far, read)]) {
                return false;
            }
        }
    }

    /// The former scan state of each session. Asks the index only if it has one of them,
    /// because it may be busy.
    fn former_scan_states(&self, batch: &[&StoredSession]) -> Vec<Option<ScanState>> {
        let (in_memory, indexed): (Vec<Option<ScanState>>, Vec<bool>) = {
            let cached = self.cache();
            let former = |stored: &&StoredSession| match cached.get(&stored.id) {
                Some(cached) => (cached.scan_state.as_deref().cloned(), cached.extent == ReadExtent::Indexed),
                None => (None, false),
            };
            batch.iter().map(former).unzip()
        };
        let Some(database) = self.database.as_ref().filter(|_| indexed.contains(&true)) else {
            return in_memory;
        };
        let database = lock(database);
        batch.iter().map(|stored| database.scan_state(stored.id).ok().flatten()).collect()
    }

    /// Writes a batch to the index and caches it.
    fn save_batch(&self, writer: &mut IndexWriter<'_>, read: Vec<(StoredSession, ScanResult)>) {
        let Some((database, by)) = writer else {
            self.cache_batch(&read, ReadExtent::Whole);
            return;
        };
        self.cache_batch(&read, ReadExtent::Indexed);
        let mut held = lock(database);
        match held.save(by, read) {
            Ok(()) => *lock(&self.loaded_version) = held.data_version().ok(),
            Err(error) => {
                self.report_index_error(&held, &error);
                drop(held);
                *writer = None;
            }
        }
    }

    fn cache_batch(&self, read: &[(StoredSession, ScanResult)], extent: ReadExtent) {
        let cached = read.iter().map(|(stored, read)| {
            let (stored, facts) = (stored.clone(), Arc::new(read.facts.clone()));
            let reading = (extent == ReadExtent::Whole).then(|| Box::new(read.state.clone()));
            (stored.id, CachedSession { stored, facts, extent, scan_state: reading, read_error: None })
        });
        self.cache().extend(cached);
    }

    fn forget_missing(&self, writer: &IndexWriter<'_>, list: &[StoredSession]) {
        let there: HashSet<SessionId> = list.iter().map(|stored| stored.id).collect();
        // What an agent keeps under another home than the listed one still exists.
        let is_gone = |(_, cached): (SessionId, CachedSession)| {
            (!cached.stored.path.exists()).then_some(cached.stored.id)
        };
        let gone: Vec<SessionId> =
            self.cache().extract_if(|id, _| !there.contains(id)).filter_map(is_gone).collect();
        if gone.is_empty() {
            return;
        }
        let Some((database, by)) = writer else { return };
        let mut database = lock(database);
        if let Err(error) = database.forget(by, &gone) {
            self.report_index_error(&database, &error);
        }
    }
}

/// Batches of about [`BATCH_BYTES`].
fn batches_of<'a>(missing: &'a [&'a StoredSession]) -> impl Iterator<Item = &'a [&'a StoredSession]> {
    let mut rest = missing;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |stored: &&&StoredSession| {
            let first = bytes == 0;
            bytes += stored.size;
            first || bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH_SESSIONS).take_while(fits).count();
        let (batch, later) = rest.split_at(count);
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}
