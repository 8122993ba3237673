//! The facts of every session of a scope, read once and kept in memory.
//!
//! Reading goes newest first and in growing batches, so that a screen fills at
//! its top at once. What did not change since is never read again. Knows what
//! lies in the store only as of the last call: nothing here watches anything.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::Row;
use crate::session::{Facts, SessionId};
use crate::store::{Holder, Scope, SessionStore, StoreError, Stored};

/// Above this many bytes only the two ends of a transcript are read.
const LARGE: u64 = 8 << 20;

/// So many bytes of each end. A first turn of CLI 2.1.329 takes 130 KiB.
const END: u64 = 512 << 10;

/// Sessions in the first batch: more than a screen shows.
const FIRST_BATCH: usize = 64;

/// What is known of the sessions of a store.
pub struct Catalog {
    store: Arc<dyn SessionStore>,
    /// Sessions that nothing names are listed too.
    untitled: bool,
    known: Mutex<HashMap<SessionId, Known>>,
    /// What the last call saw, to tell whether anything is different.
    seen: Mutex<Option<(Scope, u64)>>,
}

/// A session that was read.
struct Known {
    stored: Stored,
    facts: Facts,
    partial: bool,
    problem: Option<String>,
}

impl Catalog {
    /// A catalog of this store; nothing is read yet. Sessions that hold nothing
    /// that could name them, not even a prompt, are listed only if `untitled`.
    pub fn over(store: Arc<dyn SessionStore>, untitled: bool) -> Self {
        Self { store, untitled, known: Mutex::default(), seen: Mutex::default() }
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
    /// either kind; none if not. Cheap enough for every other second.
    pub fn refresh(&self, scope: &Scope) -> Result<Option<Vec<Row>>, StoreError> {
        let before = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sight = self.look(scope)?;
        let same = before.is_some_and(|(of, seen)| of == *scope && seen == sight.fingerprint());
        Ok((!same).then(|| self.rows(&sight, |_, _| ())))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is, without reading it.
    fn look(&self, scope: &Scope) -> Result<Sight, StoreError> {
        let mut list = self.store.list(scope)?;
        list.sort_by_key(|stored| (Reverse(stored.modified), stored.id));
        let sight = Sight { list, holders: self.store.holders().into_iter().collect() };
        let seen = Some((scope.clone(), sight.fingerprint()));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(sight)
    }

    fn rows(&self, sight: &Sight, mut so_far: impl FnMut(Vec<Row>, (usize, usize))) -> Vec<Row> {
        let unread: Vec<&Stored> = {
            let known = self.known();
            let is_known =
                |stored: &&Stored| known.get(&stored.id).is_some_and(|known| known.stored == **stored);
            sight.list.iter().filter(|stored| !is_known(stored)).collect()
        };
        let mut rest = unread.as_slice();
        let mut batch = FIRST_BATCH;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let read: Vec<Known> = now.par_iter().filter_map(|stored| self.read_one(stored)).collect();
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

    /// What a screen can be given by now.
    fn rows_of_known(&self, sight: &Sight) -> Vec<Row> {
        let known = self.known();
        let listed = |known: &&Known| {
            !known.facts.is_sidechain
                && (self.untitled || known.facts.title.is_some() || known.problem.is_some())
        };
        let found = sight.list.iter().filter_map(|stored| known.get(&stored.id)).filter(listed);
        let mut rows: Vec<Row> = found
            .map(|known| Row {
                stored: known.stored.clone(),
                facts: known.facts.clone(),
                open_in: sight.holders.get(&known.stored.id).cloned(),
                partial: known.partial,
                problem: known.problem.clone(),
            })
            .collect();
        rows.sort_by_cached_key(|row| (Reverse(row.active()), row.stored.id));
        rows
    }

    /// None where the session is gone again.
    fn read_one(&self, stored: &Stored) -> Option<Known> {
        let partial = stored.size > LARGE;
        let bytes = if partial { self.read_ends(stored) } else { self.store.read(stored.id) };
        let (facts, problem) = match bytes {
            Ok(bytes) => (Facts::read(&bytes), None),
            Err(StoreError::NotFound(_)) => return None,
            Err(error) => (Facts::default(), Some(error.to_string())),
        };
        Some(Known { stored: stored.clone(), facts, partial, problem })
    }

    /// The two ends of a large transcript, or all of it where they overlap.
    fn read_ends(&self, stored: &Stored) -> Result<Vec<u8>, StoreError> {
        let tail = self.store.read_tail(stored.id, END)?;
        let mut bytes = self.store.read_head(stored.id, END)?;
        if tail.whole || (bytes.len() + tail.bytes.len()) as u64 > stored.size {
            return self.store.read(stored.id);
        }
        bytes.extend(tail.bytes);
        Ok(bytes)
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

#[cfg(test)]
mod tests;
