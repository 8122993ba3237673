//! Reading sessions whole: in the background all of them, at once those that
//! grew a little.
//!
//! Parses on all cores while the batch before is being written; one process
//! writes, others read along.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};

use rayon::prelude::*;

use super::{Catalog, Extent, Known, lock};
use crate::index::database::{Database, Writing};
use crate::index::reading::{self, Read, Reading};
use crate::session::SessionId;
use crate::store::{Scope, StoreError, Stored};

/// Bytes of transcripts in a batch: large enough for the index's taste, small
/// enough for the memory and for a person who waits for the next rows.
const BATCH: u64 = 48 << 20;
/// Sessions in a batch.
const BATCH_SESSIONS: usize = 512;

/// How a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Every session is in the index.
    Done,
    /// It was stopped.
    Stopped,
    /// Another process is at it; what it writes is seen by the next refresh.
    Elsewhere,
}

/// The index and the right to write it; none where all is kept in memory.
type Writer<'a> = Option<(&'a Mutex<Database>, Writing)>;

impl Catalog {
    /// Brings the sessions of a scope into the index, newest first. `progress` is
    /// told after each batch how many of them are in it, and says whether to go on.
    pub fn complete(
        &self,
        scope: &Scope,
        mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Completion, StoreError> {
        // The newest first, and each batch is listed: who waits sees it come.
        while self.more_elsewhere() {
            if progress(0, self.store.list(scope)?.len()).is_break() {
                return Ok(Completion::Stopped);
            }
        }
        let mut writer: Writer<'_> = None;
        if let Some(database) = &self.database {
            match lock(database).writing() {
                Ok(Some(writing)) => writer = Some((database, writing)),
                Ok(None) => return Ok(Completion::Elsewhere),
                Err(error) => self.note(format!("the index cannot be written: {error}")),
            }
        }
        let sight = self.look(scope)?;
        if *scope == Scope::All {
            self.forget_the_gone(&writer, &sight.list);
        }
        let missing: Vec<&Stored> = {
            let known = self.known();
            let wanted = if writer.is_some() { Extent::Indexed } else { Extent::Whole };
            let is_in = |stored: &&Stored| {
                known.get(&stored.id).is_some_and(|known| {
                    known.stored == **stored && (known.extent >= wanted || known.problem.is_some())
                })
            };
            sight.list.iter().filter(|stored| !is_in(stored)).collect()
        };
        let all = sight.list.len();
        let mut done = all - missing.len();
        if missing.is_empty() {
            return Ok(Completion::Done);
        }
        if progress(done, all).is_break() {
            return Ok(Completion::Stopped);
        }
        std::thread::scope(|scope| {
            // One batch waits while one is written: no more lie in memory.
            let (parsed, batches) = mpsc::sync_channel(0);
            let missing = missing.as_slice();
            scope.spawn(move || {
                for batch in batches_of(missing) {
                    let read = self.read_batch(batch);
                    // Whoever wrote has stopped: then nobody wants the rest.
                    if parsed.send((batch.len(), read)).is_err() {
                        return;
                    }
                }
            });
            for (count, read) in batches {
                self.take_in(&mut writer, read);
                done += count;
                if progress(done, all).is_break() {
                    return Ok(Completion::Stopped);
                }
            }
            Ok(Completion::Done)
        })
    }

    /// Takes in what is kept elsewhere; `true` while there is more. Why it
    /// cannot be had is noted once.
    fn more_elsewhere(&self) -> bool {
        let failed = |error: StoreError| {
            let why = error.to_string();
            let told = lock(&self.elsewhere).replace(why.clone());
            if told.as_ref() != Some(&why) {
                self.note(why);
            }
        };
        self.store.take_in(BATCH).map_err(failed).unwrap_or(false)
    }

    /// Reads what is new in sessions that grew a little, and writes it to the
    /// index if nobody else is writing.
    pub(super) fn read_grown(&self, grown: &[&Stored]) {
        if grown.is_empty() {
            return;
        }
        let mut writer: Writer<'_> = None;
        if let Some(database) = &self.database {
            let Ok(held) = database.try_lock() else {
                // The index is being written by this very process, which comes to them.
                self.glance_all(grown);
                return;
            };
            writer = held.writing().ok().flatten().map(|writing| (database, writing));
        }
        let read = self.read_batch(grown);
        self.take_in(&mut writer, read);
    }

    fn glance_all(&self, sessions: &[&Stored]) {
        let read: Vec<Known> = sessions.par_iter().filter_map(|stored| self.glance(stored)).collect();
        self.known().extend(read.into_iter().map(|known| (known.stored.id, known)));
    }

    /// Reads sessions whole, or on from where the index stands.
    fn read_batch(&self, batch: &[&Stored]) -> Vec<(Stored, Read)> {
        let former = self.former_readings(batch);
        let read = |(stored, former): (&&Stored, Option<Reading>)| match reading::read_on(
            &*self.store,
            stored,
            former,
        ) {
            Ok(read) => Some(((*stored).clone(), read)),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => {
                let (stored, problem) = ((*stored).clone(), Some(error.to_string()));
                let facts = Arc::default();
                let known = Known { stored, facts, extent: Extent::Whole, reading: None, problem };
                self.known().insert(known.stored.id, known);
                None
            }
        };
        batch.par_iter().zip(former).filter_map(read).collect()
    }

    /// Where to go on with each of these. The index is asked only where it has
    /// some of them: it may be busy with being written.
    fn former_readings(&self, batch: &[&Stored]) -> Vec<Option<Reading>> {
        let (in_memory, indexed): (Vec<Option<Reading>>, Vec<bool>) = {
            let known = self.known();
            let former = |stored: &&Stored| match known.get(&stored.id) {
                Some(known) => (known.reading.as_deref().cloned(), known.extent == Extent::Indexed),
                None => (None, false),
            };
            batch.iter().map(former).unzip()
        };
        let Some(database) = self.database.as_ref().filter(|_| indexed.contains(&true)) else {
            return in_memory;
        };
        let database = lock(database);
        batch.iter().map(|stored| database.reading(stored.id).ok().flatten()).collect()
    }

    /// Writes what was read, and remembers it.
    fn take_in(&self, writer: &mut Writer<'_>, read: Vec<(Stored, Read)>) {
        let Some((database, by)) = writer else {
            self.remember(&read, Extent::Whole);
            return;
        };
        self.remember(&read, Extent::Indexed);
        let mut held = lock(database);
        match held.save(by, read) {
            Ok(()) => *lock(&self.loaded) = held.state().ok(),
            Err(error) => {
                self.give_up(&held, &error);
                drop(held);
                *writer = None;
            }
        }
    }

    fn remember(&self, read: &[(Stored, Read)], extent: Extent) {
        let known = read.iter().map(|(stored, read)| {
            let (stored, facts) = (stored.clone(), Arc::new(read.facts.clone()));
            let reading = (extent == Extent::Whole).then(|| Box::new(read.reading.clone()));
            (stored.id, Known { stored, facts, extent, reading, problem: None })
        });
        self.known().extend(known);
    }

    fn forget_the_gone(&self, writer: &Writer<'_>, list: &[Stored]) {
        let there: HashSet<SessionId> = list.iter().map(|stored| stored.id).collect();
        // What an agent keeps in another home than the one that is listed is still there.
        let is_gone =
            |(_, known): (SessionId, Known)| (!known.stored.path.exists()).then_some(known.stored.id);
        let gone: Vec<SessionId> =
            self.known().extract_if(|id, _| !there.contains(id)).filter_map(is_gone).collect();
        if gone.is_empty() {
            return;
        }
        let Some((database, by)) = writer else { return };
        let mut database = lock(database);
        if let Err(error) = database.forget(by, &gone) {
            self.give_up(&database, &error);
        }
    }
}

/// Batches of about [`BATCH`] bytes.
fn batches_of<'a>(missing: &'a [&'a Stored]) -> impl Iterator<Item = &'a [&'a Stored]> {
    let mut rest = missing;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |stored: &&&Stored| {
            let first = bytes == 0;
            bytes += stored.size;
            first || bytes <= BATCH
        };
        let count = rest.iter().take(BATCH_SESSIONS).take_while(fits).count();
        let (batch, later) = rest.split_at(count);
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}
