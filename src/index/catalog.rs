//! The summaries of every session of a scope: from the index, or read since.
//!
//! A list is there at once. What the index lacks is first read at its two ends only, newest
//! first and in growing batches, so a screen fills from its top. [`Catalog::index_all`]
//! reads the rest. Unchanged sessions are never read again; of grown ones only the new part
//! is. Without an index file everything works the same and is forgotten at the end. Watches
//! nothing: it knows the store as of the last call.

mod fork_families;
mod indexing;
mod row_folders;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use self::fork_families::KnownFamilies;
pub use self::indexing::IndexingOutcome;
use super::SessionRow;
use super::database::{IndexDatabase, IndexedSession};
use super::scanner::{self, ScanState};
use crate::session::{SessionId, SessionSummary};
use crate::store::{Holder, Scope, SessionStore, StoreError, StoredSession};

/// Sessions in the first batch: more than a screen shows.
const FIRST_BATCH: usize = 64;
/// Without an index, transcripts up to this size are read whole.
const READ_WHOLE_BYTES: u64 = 8 << 20;
/// Growth above this size is left to [`Catalog::index_all`].
const READ_GROWTH_BYTES: u64 = 4 << 20;

/// The known sessions of a store.
pub struct Catalog {
    store: Arc<dyn SessionStore>,
    /// List sessions without a title too.
    include_untitled: bool,
    cache: Mutex<HashMap<SessionId, CachedSession>>,
    /// What the last call listed, to tell whether anything changed.
    last_listing: Mutex<Option<(Scope, u64)>>,
    /// `None` if there is no usable index file.
    database: Option<Mutex<IndexDatabase>>,
    /// The index's data version when it was last loaded.
    loaded_version: Mutex<Option<i64>>,
    /// Notes for a person, each reported once.
    notes: Mutex<Vec<String>>,
    /// What is known of forks that do not say so themselves.
    families: KnownFamilies,
    /// Why other agents' sessions could not be copied the last time.
    sync_error: Mutex<Option<String>>,
}

/// A session that was read.
#[derive(Clone)]
struct CachedSession {
    stored: StoredSession,
    facts: Arc<SessionSummary>,
    /// How much of it was read.
    extent: ReadExtent,
    /// Where to continue reading; `None` if the index knows, or nobody does. Boxed because
    /// it is large and rarely there.
    scan_state: Option<Box<ScanState>>,
    read_error: Option<String>,
}

/// How much of a session was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReadExtent {
    /// Its two ends.
    Ends,
    /// All of it, but it is not in the index.
    Whole,
    /// All of it, and it is in the index.
    Indexed,
}

impl Catalog {
    /// A catalog without an index file; reads nothing yet. `untitled` lists sessions too
    /// that have nothing to name them, not even a prompt.
    pub fn without_index(store: Arc<dyn SessionStore>, untitled: bool) -> Self {
        Self {
            store,
            include_untitled: untitled,
            cache: Mutex::default(),
            last_listing: Mutex::default(),
            database: None,
            loaded_version: Mutex::default(),
            notes: Mutex::default(),
            families: KnownFamilies::default(),
            sync_error: Mutex::default(),
        }
    }

    /// A catalog with an index in this file. An unusable index is noted and the catalog
    /// works without.
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

    /// Takes the notes about the index; each is returned once.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// The sessions of a scope, newest first. While many have to be read, `so_far` gets the
    /// ones read so far, with the number read and the total.
    pub fn read(
        &self,
        scope: &Scope,
        so_far: impl FnMut(Vec<SessionRow>, (usize, usize)),
    ) -> Result<Vec<SessionRow>, StoreError> {
        let listing = self.list_store(scope)?;
        Ok(self.rows(&listing, so_far))
    }

    /// The sessions of a scope if anything changed since the last call of this or
    /// [`Self::read`], else `None`. Retries what could not be read. Cheap enough to call
    /// every two seconds.
    pub fn refresh(&self, scope: &Scope) -> Result<Option<Vec<SessionRow>>, StoreError> {
        let before = lock(&self.last_listing).clone();
        let loaded = *lock(&self.loaded_version);
        let listing = self.list_store(scope)?;
        let same = before.is_some_and(|(of, seen)| of == *scope && seen == listing.fingerprint());
        let learned = loaded != *lock(&self.loaded_version);
        let unread = self.out_of_date(&listing);
        if same && !learned && unread.is_empty() {
            return Ok(None);
        }
        let rows = self.rows(&listing, |_, _| ());
        let nothing_new = same && !learned && unread == self.out_of_date(&listing);
        Ok((!nothing_new).then_some(rows))
    }

    /// Whether every listed session is in the index with its words.
    pub fn is_fully_indexed(&self) -> bool {
        let is_in =
            |cached: &CachedSession| cached.extent == ReadExtent::Indexed || cached.read_error.is_some();
        self.database.is_some() && self.cache().values().all(is_in)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<SessionId, CachedSession>> {
        lock(&self.cache)
    }

    fn note(&self, note: String) {
        tracing::warn!("{note}");
        lock(&self.notes).push(note);
    }

    /// Lists the store without reading transcripts.
    fn list_store(&self, scope: &Scope) -> Result<StoreListing, StoreError> {
        let ((), list) = rayon::join(|| self.load_from_index(), || self.store.list(scope));
        let mut list = list?;
        list.sort_by_key(|stored| (Reverse(stored.modified), stored.id));
        let holders = self.store.holders().into_iter().collect();
        let listing = StoreListing { scope: scope.clone(), list, holders };
        *lock(&self.last_listing) = Some((scope.clone(), listing.fingerprint()));
        Ok(listing)
    }

    /// Loads what the index has, if it changed.
    fn load_from_index(&self) {
        let Some(database) = &self.database else { return };
        // This process is writing the index; it caches what it writes.
        let Ok(database) = database.try_lock() else { return };
        let state = database.data_version().ok();
        if state.is_some() && *lock(&self.loaded_version) == state {
            return;
        }
        match database.sessions() {
            Ok(sessions) => {
                let mut cached = self.cache();
                cached.reserve(sessions.len());
                for IndexedSession { stored, facts } in sessions {
                    let better = |cached: &CachedSession| {
                        cached.extent == ReadExtent::Indexed || cached.stored == stored
                    };
                    if cached.get(&stored.id).is_none_or(better) {
                        let extent = ReadExtent::Indexed;
                        cached.insert(
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

    /// Notes why the index failed, and discards a broken file.
    fn report_index_error(&self, database: &IndexDatabase, error: &rusqlite::Error) {
        if super::database::is_broken(error) {
            database.discard();
            self.note(format!("the index is broken and will be rebuilt at the next start: {error}"));
        } else {
            self.note(format!("the index is unavailable: {error}"));
        }
    }

    fn rows(
        &self,
        listing: &StoreListing,
        mut so_far: impl FnMut(Vec<SessionRow>, (usize, usize)),
    ) -> Vec<SessionRow> {
        let (grown, unread) = self.split_changed(listing);
        self.read_grown(&grown);
        let mut rest = unread.as_slice();
        let mut batch = FIRST_BATCH;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let read: Vec<CachedSession> =
                now.par_iter().filter_map(|stored| self.quick_scan(stored)).collect();
            self.cache().extend(read.into_iter().map(|cached| (cached.stored.id, cached)));
            if !later.is_empty() {
                let total = listing.list.len();
                so_far(self.cached_rows(listing), (total - later.len(), total));
            }
            rest = later;
            batch *= 2;
        }
        self.cached_rows(listing)
    }

    /// Sessions that are not known as they are now, each with its error. A transcript can
    /// be gone or unreadable for a moment and come back unchanged, so these are tried
    /// again.
    fn out_of_date(&self, listing: &StoreListing) -> Vec<(SessionId, Option<String>)> {
        let cached = self.cache();
        let unread = listing.list.iter().filter(|stored| !is_current(&cached, stored));
        unread
            .map(|stored| (stored.id, cached.get(&stored.id).and_then(|cached| cached.read_error.clone())))
            .collect()
    }

    /// Sessions that grew a little since they were read, and other unknown ones.
    fn split_changed<'a>(
        &self,
        listing: &'a StoreListing,
    ) -> (Vec<&'a StoredSession>, Vec<&'a StoredSession>) {
        let cached = self.cache();
        let has_grown = |stored: &&StoredSession| {
            cached.get(&stored.id).is_some_and(|cached| {
                let grown = stored.size.checked_sub(cached.stored.size);
                let can_go_on = cached.extent == ReadExtent::Indexed || cached.scan_state.is_some();
                can_go_on && grown.is_some_and(|grown| grown < READ_GROWTH_BYTES)
            })
        };
        listing.list.iter().filter(|stored| !is_current(&cached, stored)).partition(has_grown)
    }

    /// The rows for everything read so far.
    fn cached_rows(&self, listing: &StoreListing) -> Vec<SessionRow> {
        let cached = self.cache();
        let listed = |cached: &&CachedSession| {
            let is_named =
                cached.facts.title.is_some() || cached.facts.partial || cached.read_error.is_some();
            !cached.facts.is_sidechain && (self.include_untitled || is_named)
        };
        let found = listing.list.iter().filter_map(|stored| cached.get(&stored.id)).filter(listed);
        let mut rows: Vec<SessionRow> = found
            .map(|cached| SessionRow {
                stored: cached.stored.clone(),
                facts: Arc::clone(&cached.facts),
                holder: listing.holders.get(&cached.stored.id).cloned(),
                partial: cached.extent == ReadExtent::Ends || cached.facts.partial,
                read_error: cached.read_error.clone(),
            })
            .collect();
        // One that went on in a session that is gone is the last there is of it.
        for row in &mut rows {
            let next = row.facts.continued_in.as_deref().and_then(|id| id.parse().ok());
            if row.facts.continued_in.is_some() && next.is_none_or(|next| !cached.contains_key(&next)) {
                Arc::make_mut(&mut row.facts).continued_in = None;
            }
        }
        drop(cached);
        self.settle_families(&mut rows);
        row_folders::correct(&mut rows);
        row_folders::retain_scope(&mut rows, &listing.scope);
        rows.sort_by_cached_key(|row| (Reverse(row.active_at()), row.stored.id));
        rows
    }

    /// Reads both ends of a session; `None` if it is gone.
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

/// The store's sessions from file metadata alone, and who has them open.
struct StoreListing {
    scope: Scope,
    /// Last modified first.
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

/// Whether the cached session is the one that is listed.
fn is_current(cached: &HashMap<SessionId, CachedSession>, stored: &StoredSession) -> bool {
    cached.get(&stored.id).is_some_and(|cached| cached.stored == *stored && cached.read_error.is_none())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
