//! The facts of every session of a scope: what the index knows, and what had to
//! be read since.
//!
//! A list is there at once: what the index lacks is first read at its two ends
//! only, newest first and in growing batches, so that a screen fills at its top.
//! [`Catalog::index_all`] reads the rest whole, for as long as it is let. What did
//! not change is never read again, of what grew only what is new. Without an
//! index file everything works the same and is forgotten at the end. Watches
//! nothing: it knows the store as of the last call.

mod indexing;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

pub use self::indexing::IndexingOutcome;
use super::SessionRow;
use super::database::{IndexDatabase, IndexedSession};
use super::scanner::{self, ScanState};
use crate::session::{SessionId, SessionSummary};
use crate::store::{Holder, Scope, SessionStore, StoreError, StoredSession};

/// Sessions in the first batch: more than a screen shows.
const FIRST_BATCH: usize = 64;
/// Up to this size a transcript is read whole where there is no index to do it later.
const READ_WHOLE_BYTES: u64 = 8 << 20;
/// What grew by more than this is left to [`Catalog::index_all`].
const READ_GROWTH_BYTES: u64 = 4 << 20;

/// What is known of the sessions of a store.
pub struct Catalog {
    store: Arc<dyn SessionStore>,
    /// Sessions that nothing names are listed too.
    include_untitled: bool,
    cache: Mutex<HashMap<SessionId, CachedSession>>,
    /// What the last call saw, to tell whether anything is different.
    last_listing: Mutex<Option<(Scope, u64)>>,
    /// None where there is no index file.
    database: Option<Mutex<IndexDatabase>>,
    /// The index file's state when it was loaded last.
    loaded_version: Mutex<Option<i64>>,
    /// What a person should be told of the index.
    notes: Mutex<Vec<String>>,
    /// Why what is kept elsewhere could not be had the last time.
    sync_error: Mutex<Option<String>>,
}

/// A session that was read.
#[derive(Clone)]
struct CachedSession {
    stored: StoredSession,
    facts: Arc<SessionSummary>,
    /// How much of it was read.
    extent: ReadExtent,
    /// Where to go on reading it; none where the index knows, or nobody. Boxed:
    /// it is large, and hardly ever there.
    scan_state: Option<Box<ScanState>>,
    read_error: Option<String>,
}

/// How much of a session was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReadExtent {
    /// Its two ends.
    Ends,
    /// All of it, but its words are not in the index.
    Whole,
    /// All of it, and the index has it.
    Indexed,
}

impl Catalog {
    /// A catalog of this store without an index file; nothing is read yet.
    /// Sessions that hold nothing that could name them, not even a prompt, are
    /// listed only if `untitled`.
    pub fn without_index(store: Arc<dyn SessionStore>, untitled: bool) -> Self {
        Self {
            store,
            include_untitled: untitled,
            cache: Mutex::default(),
            last_listing: Mutex::default(),
            database: None,
            loaded_version: Mutex::default(),
            notes: Mutex::default(),
            sync_error: Mutex::default(),
        }
    }

    /// A catalog with an index in this file. One that cannot be used is no
    /// failure: it is noted, and the catalog does without.
    pub fn open(store: Arc<dyn SessionStore>, index: &Path, untitled: bool) -> Self {
        let mut catalog = Self::without_index(store, untitled);
        match IndexDatabase::open(index) {
            Ok((database, note)) => {
                catalog.database = Some(Mutex::new(database));
                if let Some(note) = note {
                    catalog.note(note);
                }
            }
            Err(error) => catalog.note(format!("no index at {}: {error}", index.display())),
        }
        catalog
    }

    /// What there is to say about the index, each once.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// The sessions of a scope, newest first. While many have to be read,
    /// `so_far` is given those that are, with how many of all that is.
    pub fn read(
        &self,
        scope: &Scope,
        so_far: impl FnMut(Vec<SessionRow>, (usize, usize)),
    ) -> Result<Vec<SessionRow>, StoreError> {
        let sight = self.list_store(scope)?;
        Ok(self.rows(&sight, so_far))
    }

    /// The sessions of a scope if anything is different since the last call of
    /// either kind; none if not. What could not be read is tried again. Cheap
    /// enough for every other second.
    pub fn refresh(&self, scope: &Scope) -> Result<Option<Vec<SessionRow>>, StoreError> {
        let before = lock(&self.last_listing).clone();
        let loaded = *lock(&self.loaded_version);
        let sight = self.list_store(scope)?;
        let same = before.is_some_and(|(of, seen)| of == *scope && seen == sight.fingerprint());
        let learned = loaded != *lock(&self.loaded_version);
        let unread = self.out_of_date(&sight);
        if same && !learned && unread.is_empty() {
            return Ok(None);
        }
        let rows = self.rows(&sight, |_, _| ());
        let nothing_new = same && !learned && unread == self.out_of_date(&sight);
        Ok((!nothing_new).then_some(rows))
    }

    /// Every session that was seen is in the index, with its words.
    pub fn is_fully_indexed(&self) -> bool {
        let is_in = |known: &CachedSession| known.extent == ReadExtent::Indexed || known.read_error.is_some();
        self.database.is_some() && self.cache().values().all(is_in)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<SessionId, CachedSession>> {
        lock(&self.cache)
    }

    fn note(&self, note: String) {
        tracing::warn!("{note}");
        lock(&self.notes).push(note);
    }

    /// What there is, without reading it.
    fn list_store(&self, scope: &Scope) -> Result<StoreListing, StoreError> {
        let ((), list) = rayon::join(|| self.load_from_index(), || self.store.list(scope));
        let mut list = list?;
        list.sort_by_key(|stored| (Reverse(stored.modified), stored.id));
        let sight = StoreListing { list, holders: self.store.holders().into_iter().collect() };
        *lock(&self.last_listing) = Some((scope.clone(), sight.fingerprint()));
        Ok(sight)
    }

    /// Takes over what the index has, where it has anything new.
    fn load_from_index(&self) {
        let Some(database) = &self.database else { return };
        // A writer of our own is at it: what it writes it also remembers.
        let Ok(database) = database.try_lock() else { return };
        let state = database.data_version().ok();
        if state.is_some() && *lock(&self.loaded_version) == state {
            return;
        }
        match database.sessions() {
            Ok(sessions) => {
                let mut known = self.cache();
                known.reserve(sessions.len());
                for IndexedSession { stored, facts } in sessions {
                    let better =
                        |known: &CachedSession| known.extent == ReadExtent::Indexed || known.stored == stored;
                    if known.get(&stored.id).is_none_or(better) {
                        let extent = ReadExtent::Indexed;
                        known.insert(
                            stored.id,
                            CachedSession { stored, facts, extent, scan_state: None, read_error: None },
                        );
                    }
                }
                *lock(&self.loaded_version) = state;
            }
            Err(error) => self.report_index_error(&database, &error),
        }
    }

    /// Says why the index is of no use, and makes sure that it is of use again.
    fn report_index_error(&self, database: &IndexDatabase, error: &rusqlite::Error) {
        if super::database::is_broken(error) {
            database.discard();
            self.note(format!("the index is broken and is made anew at the next start: {error}"));
        } else {
            self.note(format!("the index cannot be used now: {error}"));
        }
    }

    fn rows(
        &self,
        sight: &StoreListing,
        mut so_far: impl FnMut(Vec<SessionRow>, (usize, usize)),
    ) -> Vec<SessionRow> {
        let (grown, unread) = self.split_changed(sight);
        self.read_grown(&grown);
        let mut rest = unread.as_slice();
        let mut batch = FIRST_BATCH;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let read: Vec<CachedSession> =
                now.par_iter().filter_map(|stored| self.quick_scan(stored)).collect();
            self.cache().extend(read.into_iter().map(|known| (known.stored.id, known)));
            if !later.is_empty() {
                let total = sight.list.len();
                so_far(self.cached_rows(sight), (total - later.len(), total));
            }
            rest = later;
            batch *= 2;
        }
        self.cached_rows(sight)
    }

    /// What is not known as it is now, each with its problem: a transcript can be
    /// gone for a moment, or closed to us, and come back without a change.
    fn out_of_date(&self, sight: &StoreListing) -> Vec<(SessionId, Option<String>)> {
        let known = self.cache();
        let unread = sight.list.iter().filter(|stored| !is_current(&known, stored));
        unread
            .map(|stored| (stored.id, known.get(&stored.id).and_then(|known| known.read_error.clone())))
            .collect()
    }

    /// What grew a little since the index read it, and what else is not known.
    fn split_changed<'a>(&self, sight: &'a StoreListing) -> (Vec<&'a StoredSession>, Vec<&'a StoredSession>) {
        let known = self.cache();
        let has_grown = |stored: &&StoredSession| {
            known.get(&stored.id).is_some_and(|known| {
                let grown = stored.size.checked_sub(known.stored.size);
                let can_go_on = known.extent == ReadExtent::Indexed || known.scan_state.is_some();
                can_go_on && grown.is_some_and(|grown| grown < READ_GROWTH_BYTES)
            })
        };
        sight.list.iter().filter(|stored| !is_current(&known, stored)).partition(has_grown)
    }

    /// What a screen can be given by now.
    fn cached_rows(&self, sight: &StoreListing) -> Vec<SessionRow> {
        let known = self.cache();
        let listed = |known: &&CachedSession| {
            let is_named = known.facts.title.is_some() || known.facts.partial || known.read_error.is_some();
            !known.facts.is_sidechain && (self.include_untitled || is_named)
        };
        let found = sight.list.iter().filter_map(|stored| known.get(&stored.id)).filter(listed);
        let mut rows: Vec<SessionRow> = found
            .map(|known| SessionRow {
                stored: known.stored.clone(),
                facts: Arc::clone(&known.facts),
                holder: sight.holders.get(&known.stored.id).cloned(),
                partial: known.extent == ReadExtent::Ends || known.facts.partial,
                read_error: known.read_error.clone(),
            })
            .collect();
        rows.sort_by_cached_key(|row| (Reverse(row.active_at()), row.stored.id));
        rows
    }

    /// Reads the two ends; none where the session is gone again.
    fn quick_scan(&self, stored: &StoredSession) -> Option<CachedSession> {
        let small = if self.database.is_some() { 0 } else { READ_WHOLE_BYTES };
        let (facts, extent, problem) = match scanner::quick_scan(&*self.store, stored, small) {
            Ok((facts, true)) => (facts, ReadExtent::Whole, None),
            Ok((facts, false)) => (facts, ReadExtent::Ends, None),
            Err(StoreError::NotFound(_)) => return None,
            Err(error) => (SessionSummary::default(), ReadExtent::Whole, Some(error.to_string())),
        };
        Some(CachedSession {
            stored: stored.clone(),
            facts: Arc::new(facts),
            extent,
            scan_state: None,
            read_error: problem,
        })
    }
}

/// What lies in the store, seen from outside, and who works on it.
struct StoreListing {
    /// Last touched first.
    list: Vec<StoredSession>,
    holders: HashMap<SessionId, Holder>,
}

impl StoreListing {
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for stored in &self.list {
            (stored.id, stored.size, stored.modified, stored.inode).hash(&mut hasher);
            if let Some(holder) = self.holders.get(&stored.id) {
                (holder.pid, &holder.status).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// A session was read, and is what it was then.
fn is_current(known: &HashMap<SessionId, CachedSession>, stored: &StoredSession) -> bool {
    known.get(&stored.id).is_some_and(|known| known.stored == *stored && known.read_error.is_none())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
