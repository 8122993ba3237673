//! The facts of every session of a scope: what the index knows, and what had to
//! be read since.
//!
//! A list is there at once: what the index lacks is first read at its two ends
//! only, newest first and in growing batches, so that a screen fills at its top.
//! [`Catalog::complete`] reads the rest whole, for as long as it is let. What did
//! not change is never read again, of what grew only what is new. Without an
//! index file everything works the same and is forgotten at the end. Watches
//! nothing: it knows the store as of the last call.

mod completing;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

pub use self::completing::Completion;
use super::Row;
use super::database::{Database, Kept};
use super::reading::{self, Reading};
use crate::session::{Facts, SessionId};
use crate::store::{Holder, Scope, SessionStore, StoreError, Stored};

/// Sessions in the first batch: more than a screen shows.
const FIRST_BATCH: usize = 64;
/// Up to this size a transcript is read whole where there is no index to do it later.
const SMALL: u64 = 8 << 20;
/// What grew by more than this is left to [`Catalog::complete`].
const GROWN: u64 = 4 << 20;

/// What is known of the sessions of a store.
pub struct Catalog {
    store: Arc<dyn SessionStore>,
    /// Sessions that nothing names are listed too.
    untitled: bool,
    known: Mutex<HashMap<SessionId, Known>>,
    /// What the last call saw, to tell whether anything is different.
    seen: Mutex<Option<(Scope, u64)>>,
    /// None where there is no index file.
    database: Option<Mutex<Database>>,
    /// The index file's state when it was loaded last.
    loaded: Mutex<Option<i64>>,
    /// What a person should be told of the index.
    notes: Mutex<Vec<String>>,
    /// Why what is kept elsewhere could not be had the last time.
    elsewhere: Mutex<Option<String>>,
}

/// A session that was read.
#[derive(Clone)]
struct Known {
    stored: Stored,
    facts: Arc<Facts>,
    /// How much of it was read.
    extent: Extent,
    /// Where to go on reading it; none where the index knows, or nobody. Boxed:
    /// it is large, and hardly ever there.
    reading: Option<Box<Reading>>,
    problem: Option<String>,
}

/// How much of a session was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
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
    pub fn over(store: Arc<dyn SessionStore>, untitled: bool) -> Self {
        Self {
            store,
            untitled,
            known: Mutex::default(),
            seen: Mutex::default(),
            database: None,
            loaded: Mutex::default(),
            notes: Mutex::default(),
            elsewhere: Mutex::default(),
        }
    }

    /// A catalog with an index in this file. One that cannot be used is no
    /// failure: it is noted, and the catalog does without.
    pub fn open(store: Arc<dyn SessionStore>, index: &Path, untitled: bool) -> Self {
        let mut catalog = Self::over(store, untitled);
        match Database::open(index) {
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
        so_far: impl FnMut(Vec<Row>, (usize, usize)),
    ) -> Result<Vec<Row>, StoreError> {
        let sight = self.look(scope)?;
        Ok(self.rows(&sight, so_far))
    }

    /// The sessions of a scope if anything is different since the last call of
    /// either kind; none if not. What could not be read is tried again. Cheap
    /// enough for every other second.
    pub fn refresh(&self, scope: &Scope) -> Result<Option<Vec<Row>>, StoreError> {
        let before = lock(&self.seen).clone();
        let loaded = *lock(&self.loaded);
        let sight = self.look(scope)?;
        let same = before.is_some_and(|(of, seen)| of == *scope && seen == sight.fingerprint());
        let learned = loaded != *lock(&self.loaded);
        let unread = self.unread(&sight);
        if same && !learned && unread.is_empty() {
            return Ok(None);
        }
        let rows = self.rows(&sight, |_, _| ());
        let nothing_new = same && !learned && unread == self.unread(&sight);
        Ok((!nothing_new).then_some(rows))
    }

    /// Every session that was seen is in the index, with its words.
    pub fn is_whole(&self) -> bool {
        let is_in = |known: &Known| known.extent == Extent::Indexed || known.problem.is_some();
        self.database.is_some() && self.known().values().all(is_in)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        lock(&self.known)
    }

    fn note(&self, note: String) {
        tracing::warn!("{note}");
        lock(&self.notes).push(note);
    }

    /// What there is, without reading it.
    fn look(&self, scope: &Scope) -> Result<Sight, StoreError> {
        let ((), list) = rayon::join(|| self.load(), || self.store.list(scope));
        let mut list = list?;
        list.sort_by_key(|stored| (Reverse(stored.modified), stored.id));
        let sight = Sight { list, holders: self.store.holders().into_iter().collect() };
        *lock(&self.seen) = Some((scope.clone(), sight.fingerprint()));
        Ok(sight)
    }

    /// Takes over what the index has, where it has anything new.
    fn load(&self) {
        let Some(database) = &self.database else { return };
        // A writer of our own is at it: what it writes it also remembers.
        let Ok(database) = database.try_lock() else { return };
        let state = database.state().ok();
        if state.is_some() && *lock(&self.loaded) == state {
            return;
        }
        match database.sessions() {
            Ok(sessions) => {
                let mut known = self.known();
                known.reserve(sessions.len());
                for Kept { stored, facts } in sessions {
                    let better = |known: &Known| known.extent == Extent::Indexed || known.stored == stored;
                    if known.get(&stored.id).is_none_or(better) {
                        let extent = Extent::Indexed;
                        known
                            .insert(stored.id, Known { stored, facts, extent, reading: None, problem: None });
                    }
                }
                *lock(&self.loaded) = state;
            }
            Err(error) => self.give_up(&database, &error),
        }
    }

    /// Says why the index is of no use, and makes sure that it is of use again.
    fn give_up(&self, database: &Database, error: &rusqlite::Error) {
        if super::database::is_broken(error) {
            database.discard();
            self.note(format!("the index is broken and is made anew at the next start: {error}"));
        } else {
            self.note(format!("the index cannot be used now: {error}"));
        }
    }

    fn rows(&self, sight: &Sight, mut so_far: impl FnMut(Vec<Row>, (usize, usize))) -> Vec<Row> {
        let (grown, unread) = self.changed(sight);
        self.read_grown(&grown);
        let mut rest = unread.as_slice();
        let mut batch = FIRST_BATCH;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let read: Vec<Known> = now.par_iter().filter_map(|stored| self.glance(stored)).collect();
            self.known().extend(read.into_iter().map(|known| (known.stored.id, known)));
            if !later.is_empty() {
                let total = sight.list.len();
                so_far(self.rows_of_known(sight), (total - later.len(), total));
            }
            rest = later;
            batch *= 2;
        }
        self.rows_of_known(sight)
    }

    /// What is not known as it is now, each with its problem: a transcript can be
    /// gone for a moment, or closed to us, and come back without a change.
    fn unread(&self, sight: &Sight) -> Vec<(SessionId, Option<String>)> {
        let known = self.known();
        let unread = sight.list.iter().filter(|stored| !is_known(&known, stored));
        unread
            .map(|stored| (stored.id, known.get(&stored.id).and_then(|known| known.problem.clone())))
            .collect()
    }

    /// What grew a little since the index read it, and what else is not known.
    fn changed<'a>(&self, sight: &'a Sight) -> (Vec<&'a Stored>, Vec<&'a Stored>) {
        let known = self.known();
        let has_grown = |stored: &&Stored| {
            known.get(&stored.id).is_some_and(|known| {
                let grown = stored.size.checked_sub(known.stored.size);
                let can_go_on = known.extent == Extent::Indexed || known.reading.is_some();
                can_go_on && grown.is_some_and(|grown| grown < GROWN)
            })
        };
        sight.list.iter().filter(|stored| !is_known(&known, stored)).partition(has_grown)
    }

    /// What a screen can be given by now.
    fn rows_of_known(&self, sight: &Sight) -> Vec<Row> {
        let known = self.known();
        let listed = |known: &&Known| {
            let is_named = known.facts.title.is_some() || known.facts.partial || known.problem.is_some();
            !known.facts.is_sidechain && (self.untitled || is_named)
        };
        let found = sight.list.iter().filter_map(|stored| known.get(&stored.id)).filter(listed);
        let mut rows: Vec<Row> = found
            .map(|known| Row {
                stored: known.stored.clone(),
                facts: Arc::clone(&known.facts),
                open_in: sight.holders.get(&known.stored.id).cloned(),
                partial: known.extent == Extent::Ends || known.facts.partial,
                problem: known.problem.clone(),
            })
            .collect();
        rows.sort_by_cached_key(|row| (Reverse(row.active()), row.stored.id));
        rows
    }

    /// Reads the two ends; none where the session is gone again.
    fn glance(&self, stored: &Stored) -> Option<Known> {
        let small = if self.database.is_some() { 0 } else { SMALL };
        let (facts, extent, problem) = match reading::glance(&*self.store, stored, small) {
            Ok((facts, true)) => (facts, Extent::Whole, None),
            Ok((facts, false)) => (facts, Extent::Ends, None),
            Err(StoreError::NotFound(_)) => return None,
            Err(error) => (Facts::default(), Extent::Whole, Some(error.to_string())),
        };
        Some(Known { stored: stored.clone(), facts: Arc::new(facts), extent, reading: None, problem })
    }
}

/// What lies in the store, seen from outside, and who works on it.
struct Sight {
    /// Last touched first.
    list: Vec<Stored>,
    holders: HashMap<SessionId, Holder>,
}

impl Sight {
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
fn is_known(known: &HashMap<SessionId, Known>, stored: &Stored) -> bool {
    known.get(&stored.id).is_some_and(|known| known.stored == *stored && known.problem.is_none())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
