//! Sessions that other agents keep in ways of their own, as transcripts in the
//! official format.
//!
//! Owns the copies: a cache that can be deleted at any time, and that follows
//! what it was copied from line by line. Never writes where an agent keeps its
//! sessions: what is to change there, that agent is asked for.

mod copying;
mod record;
mod rollouts;
mod source;
mod tools;
mod translation;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;
use uuid::Uuid;

use self::copying::{Behind, Copied, Copying, as_of, scratch};
pub use self::record::Record;
use self::record::Records;
use self::rollouts::{Names, Rollouts};
use super::project;
use crate::session::SessionId;

/// Bytes of a session that are copied first: by these it has a row. No row waits
/// until all of a longer one is copied.
const BEGINNING: u64 = 1 << 20;
/// The file that says which folder of codex's copies are of.
const WHOSE: &str = "whose";

/// What an agent keeps elsewhere, copied.
#[derive(Debug)]
pub struct Mirror {
    /// Where the copies lie, in folders by project as in the official store.
    projects: PathBuf,
    /// Codex's own folder.
    codex: PathBuf,
    /// What agents tell that keep no files.
    records: Records,
    /// One copier at a time; what could not be copied is not tried again until it changes.
    failed: Mutex<HashSet<(PathBuf, SystemTime)>>,
}

impl Mirror {
    /// Copies in this folder, which need not exist yet, of the sessions that
    /// codex keeps in that one. Each folder of codex's has its own there.
    pub fn new(folder: &Path, codex: &Path) -> Self {
        let home = Uuid::new_v5(&Uuid::NAMESPACE_URL, project::spelled(codex).as_bytes());
        Self {
            projects: folder.join("codex").join(home.simple().to_string()).join("projects"),
            codex: codex.to_owned(),
            records: Records::new(&folder.join("told")),
            failed: Mutex::default(),
        }
    }

    /// Where the copies lie, as a store's projects.
    pub(super) fn projects(&self) -> [&Path; 2] {
        [&self.projects, self.records.projects()]
    }

    /// Where a change means that there is something to copy; none where codex
    /// never ran.
    pub(super) fn watched(&self) -> Option<PathBuf> {
        self.codex.is_dir().then(|| self.sessions())
    }

    /// Whether this transcript is a copy of ours.
    pub(super) fn holds(&self, transcript: &Path) -> bool {
        self.projects().into_iter().any(|projects| transcript.starts_with(projects))
    }

    /// Whether it is one of what agents told, and not copied from a file of theirs.
    pub(super) fn is_told(&self, transcript: &Path) -> bool {
        transcript.starts_with(self.records.projects())
    }

    /// Writes down what an agent tells.
    pub(super) fn record(&self, record: &Record) -> io::Result<()> {
        self.records.write(record)
    }

    /// Forgets what an agent has no more.
    pub(super) fn keep_only(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> io::Result<()> {
        self.records.keep_only(agent, there)
    }

    fn sessions(&self) -> PathBuf {
        self.codex.join("sessions")
    }

    /// Brings the copies up to date until about so many bytes were read: first the
    /// beginnings of those that are not there yet, then what lacks, of each the
    /// newest first. `true` while there is more to do.
    pub(super) fn take_in(&self, at_most: u64) -> io::Result<bool> {
        if !self.sessions().is_dir() && !self.projects.is_dir() {
            return Ok(false);
        }
        let lock = self.lock()?;
        match lock.try_lock() {
            Ok(()) => {}
            // Whoever comes meanwhile sees what there is.
            Err(fs::TryLockError::WouldBlock) => return Ok(false),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let sight = self.look()?;
        for (_, (path, _)) in sight.copies.iter().filter(|(id, _)| !sight.rollouts.heads.contains_key(id)) {
            fs::remove_file(path)?;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut behind: Vec<_> = sight.behind().filter(|behind| !failed.contains(&behind.key())).collect();
        behind.sort_by_key(|behind| (behind.copy.is_some(), Reverse(behind.as_of), behind.id));
        // Only these may have their turn now: each is looked into before it has it.
        let mut bytes = 0;
        let first = behind.iter().take_while(|behind| {
            let fits = bytes < at_most;
            bytes += if behind.copy.is_none() { behind.head.size.min(BEGINNING) } else { 0 };
            fits
        });
        let first = &behind[..first.count()];
        let planned: Vec<_> = first.par_iter().map(|behind| Copying::plan(behind, &sight.rollouts)).collect();
        let mut left = at_most;
        let turns = planned.into_iter().zip(first).map_while(|(plan, behind)| {
            let room = if behind.copy.is_none() { left.min(BEGINNING) } else { left };
            left -= plan.as_ref().map_or(0, Copying::left).min(room);
            (room > 0).then_some((plan, behind, room))
        });
        let turns: Vec<_> = turns.collect();
        let is_all = turns.len() == behind.len();
        let ends: Vec<_> = turns
            .into_par_iter()
            .map(|(plan, behind, room)| {
                let done = plan.and_then(|copying| copying.run(&self.projects, room));
                done.map_err(|error| {
                    // It may not even have been begun.
                    let _none_is_left = fs::remove_file(scratch(&self.projects, behind.id));
                    tracing::warn!("{} is not listed: {error}", behind.head.path.display());
                    behind.key()
                })
            })
            .collect();
        let is_whole = ends.iter().all(|end| *end != Ok(Copied::Partly));
        failed.extend(ends.into_iter().filter_map(Result::err));
        Ok(!(is_all && is_whole))
    }

    /// Whether this transcript is a copy that is not whole yet.
    pub(super) fn is_partial(&self, transcript: &Path) -> bool {
        transcript.starts_with(&self.projects) && copying::is_partial(transcript)
    }

    /// Copies the rest of a session whose copy is not whole yet, whatever it takes.
    pub(super) fn finish(&self, id: SessionId) -> io::Result<()> {
        let lock = self.lock()?;
        lock.lock()?;
        let sight = self.look()?;
        let Some(behind) = sight.behind().find(|behind| behind.id == id) else { return Ok(()) };
        Copying::plan(&behind, &sight.rollouts)?.run(&self.projects, u64::MAX).map(drop)
    }

    /// What one holds who copies.
    fn lock(&self) -> io::Result<File> {
        if !self.projects.is_dir() {
            self.settle()?;
        }
        File::options().create(true).append(true).open(self.projects.with_extension("lock"))
    }

    /// Makes the folder of these copies, and an end of those whose originals are
    /// no more: nobody else would come by.
    fn settle(&self) -> io::Result<()> {
        let Some((own, all)) = self.projects.parent().and_then(|own| Some((own, own.parent()?))) else {
            return Ok(());
        };
        make(own)?;
        fs::write(own.join(WHOSE), std::path::absolute(&self.codex)?.as_os_str().as_bytes())?;
        for other in all.read_dir()?.flatten().map(|entry| entry.path()) {
            let whose = fs::read(other.join(WHOSE));
            if whose.is_ok_and(|whose| Path::new(OsStr::from_bytes(&whose)).is_dir()) {
                continue;
            }
            if other.is_dir() { fs::remove_dir_all(&other)? } else { fs::remove_file(&other)? }
        }
        make(&self.projects)
    }

    fn look(&self) -> io::Result<Sight> {
        let (rollouts, names) = (Rollouts::find(&self.codex), rollouts::names(&self.codex));
        Ok(Sight { rollouts, names, copies: self.copies()? })
    }

    /// What there is by now, and what it is as of.
    fn copies(&self) -> io::Result<HashMap<SessionId, (PathBuf, SystemTime)>> {
        let folders: Vec<_> = self.projects.read_dir()?.flatten().map(|entry| entry.path()).collect();
        let in_folder = |folder: &PathBuf| -> Vec<_> {
            let files = folder.read_dir().into_iter().flatten().flatten();
            let copy = |file: fs::DirEntry| {
                let id = file.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
                Some((id, (file.path(), file.metadata().ok()?.modified().ok()?)))
            };
            files.filter_map(copy).collect()
        };
        Ok(folders.par_iter().flat_map_iter(in_folder).collect())
    }
}

/// What codex keeps, and what there is of it.
struct Sight {
    rollouts: Rollouts,
    names: Names,
    copies: HashMap<SessionId, (PathBuf, SystemTime)>,
}

impl Sight {
    /// The sessions whose copies are not up to date, or not there.
    fn behind(&self) -> impl Iterator<Item = Behind<'_>> {
        self.rollouts.heads.iter().filter_map(|(&id, head)| {
            let name = self.names.get(&id);
            let as_of = as_of(head, name);
            let copy = self.copies.get(&id);
            let is_behind = copy.is_none_or(|(_, copied)| *copied != as_of);
            is_behind.then(|| Behind { id, head, name, as_of, copy: copy.map(|(path, _)| path.as_path()) })
        })
    }
}

/// What was said is nobody else's business.
fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests;
