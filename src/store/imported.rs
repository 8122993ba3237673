//! Sessions that other agents keep in ways of their own, as transcripts in the
//! official format.
//!
//! Owns the copies: a cache that can be deleted at any time, and that follows
//! what it was copied from line by line. Never writes where an agent keeps its
//! sessions: what is to change there, that agent is asked for.

mod codex_rollouts;
mod codex_tools;
mod codex_translator;
mod copy_job;
mod recording;
mod rollout_reader;

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

use self::codex_rollouts::{Rollouts, ThreadTitles};
use self::copy_job::{CopyJob, CopyStatus, StaleCopy, complete_mtime, temp_copy_path};
pub use self::recording::ExternalRecord;
use self::recording::RecordedSessions;
use super::project_dir;
use crate::session::SessionId;

/// Bytes of a session that are copied first: by these it has a row. No row waits
/// until all of a longer one is copied.
const FIRST_COPY_BYTES: u64 = 1 << 20;
/// The file that says which folder of codex's copies are of.
const OWNER_FILE: &str = "whose";

/// What an agent keeps elsewhere, copied.
#[derive(Debug)]
pub struct ImportedSessions {
    /// Where the copies lie, in folders by project as in the official store.
    projects: PathBuf,
    /// Codex's own folder.
    codex: PathBuf,
    /// What agents tell that keep no files.
    records: RecordedSessions,
    /// One copier at a time; what could not be copied is not tried again until it changes.
    failed: Mutex<HashSet<(PathBuf, SystemTime)>>,
}

impl ImportedSessions {
    /// Copies in this folder, which need not exist yet, of the sessions that
    /// codex keeps in that one. Each folder of codex's has its own there.
    pub fn new(folder: &Path, codex: &Path) -> Self {
        let home = Uuid::new_v5(&Uuid::NAMESPACE_URL, project_dir::canonical_cwd(codex).as_bytes());
        Self {
            projects: folder.join("codex").join(home.simple().to_string()).join("projects"),
            codex: codex.to_owned(),
            records: RecordedSessions::new(&folder.join("told")),
            failed: Mutex::default(),
        }
    }

    /// Where the copies lie, as a store's projects.
    pub(super) fn projects(&self) -> [&Path; 2] {
        [&self.projects, self.records.projects()]
    }

    /// Where a change means that there is something to copy; none where codex
    /// never ran.
    pub(super) fn watch_path(&self) -> Option<PathBuf> {
        self.codex.is_dir().then(|| self.sessions())
    }

    /// Whether this transcript is a copy of ours.
    pub(super) fn contains(&self, transcript: &Path) -> bool {
        self.projects().into_iter().any(|projects| transcript.starts_with(projects))
    }

    /// Whether it is one of what agents told, and not copied from a file of theirs.
    pub(super) fn is_recorded(&self, transcript: &Path) -> bool {
        transcript.starts_with(self.records.projects())
    }

    /// Writes down what an agent tells.
    pub(super) fn record(&self, record: &ExternalRecord) -> io::Result<()> {
        self.records.write(record)
    }

    /// Forgets what an agent has no more.
    pub(super) fn retain_sessions(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> io::Result<()> {
        self.records.retain_sessions(agent, there)
    }

    fn sessions(&self) -> PathBuf {
        self.codex.join("sessions")
    }

    /// Brings the copies up to date until about so many bytes were read: first the
    /// beginnings of those that are not there yet, then what lacks, of each the
    /// newest first. `true` while there is more to do.
    pub(super) fn sync(&self, at_most: u64) -> io::Result<bool> {
        if !self.sessions().is_dir() && !self.projects.is_dir() {
            return Ok(false);
        }
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => {}
            // Whoever comes meanwhile sees what there is.
            Err(fs::TryLockError::WouldBlock) => return Ok(false),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let sight = self.scan()?;
        for (_, (path, _)) in sight.copies.iter().filter(|(id, _)| !sight.rollouts.heads.contains_key(id)) {
            fs::remove_file(path)?;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut behind: Vec<_> =
            sight.stale_copies().filter(|behind| !failed.contains(&behind.failure_key())).collect();
        behind.sort_by_key(|behind| (behind.copy.is_some(), Reverse(behind.expected_mtime), behind.id));
        // Only these may have their turn now: each is looked into before it has it.
        let mut bytes = 0;
        let first = behind.iter().take_while(|behind| {
            let fits = bytes < at_most;
            bytes += if behind.copy.is_none() { behind.head.size.min(FIRST_COPY_BYTES) } else { 0 };
            fits
        });
        let first = &behind[..first.count()];
        let planned: Vec<_> = first.par_iter().map(|behind| CopyJob::plan(behind, &sight.rollouts)).collect();
        let mut left = at_most;
        let turns = planned.into_iter().zip(first).map_while(|(plan, behind)| {
            let room = if behind.copy.is_none() { left.min(FIRST_COPY_BYTES) } else { left };
            left -= plan.as_ref().map_or(0, CopyJob::remaining_bytes).min(room);
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
                    let _none_is_left = fs::remove_file(temp_copy_path(&self.projects, behind.id));
                    tracing::warn!("{} is not listed: {error}", behind.head.path.display());
                    behind.failure_key()
                })
            })
            .collect();
        let is_whole = ends.iter().all(|end| *end != Ok(CopyStatus::Partial));
        failed.extend(ends.into_iter().filter_map(Result::err));
        Ok(!(is_all && is_whole))
    }

    /// Whether this transcript is a copy that is not whole yet.
    pub(super) fn is_partial(&self, transcript: &Path) -> bool {
        transcript.starts_with(&self.projects) && copy_job::is_partial(transcript)
    }

    /// Copies the rest of a session whose copy is not whole yet, whatever it takes.
    pub(super) fn complete_copy(&self, id: SessionId) -> io::Result<()> {
        let lock = self.lock_file()?;
        lock.lock()?;
        let sight = self.scan()?;
        let Some(behind) = sight.stale_copies().find(|behind| behind.id == id) else { return Ok(()) };
        CopyJob::plan(&behind, &sight.rollouts)?.run(&self.projects, u64::MAX).map(drop)
    }

    /// What one holds who copies.
    fn lock_file(&self) -> io::Result<File> {
        if !self.projects.is_dir() {
            self.init_dir()?;
        }
        File::options().create(true).append(true).open(self.projects.with_extension("lock"))
    }

    /// Makes the folder of these copies, and an end of those whose originals are
    /// no more: nobody else would come by.
    fn init_dir(&self) -> io::Result<()> {
        let Some((own, all)) = self.projects.parent().and_then(|own| Some((own, own.parent()?))) else {
            return Ok(());
        };
        create_private_dir(own)?;
        fs::write(own.join(OWNER_FILE), std::path::absolute(&self.codex)?.as_os_str().as_bytes())?;
        for other in all.read_dir()?.flatten().map(|entry| entry.path()) {
            let whose = fs::read(other.join(OWNER_FILE));
            if whose.is_ok_and(|whose| Path::new(OsStr::from_bytes(&whose)).is_dir()) {
                continue;
            }
            if other.is_dir() { fs::remove_dir_all(&other)? } else { fs::remove_file(&other)? }
        }
        create_private_dir(&self.projects)
    }

    fn scan(&self) -> io::Result<SourceScan> {
        let (rollouts, names) = (Rollouts::find(&self.codex), codex_rollouts::thread_titles(&self.codex));
        Ok(SourceScan { rollouts, names, copies: self.copies()? })
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
struct SourceScan {
    rollouts: Rollouts,
    names: ThreadTitles,
    copies: HashMap<SessionId, (PathBuf, SystemTime)>,
}

impl SourceScan {
    /// The sessions whose copies are not up to date, or not there.
    fn stale_copies(&self) -> impl Iterator<Item = StaleCopy<'_>> {
        self.rollouts.heads.iter().filter_map(|(&id, head)| {
            let name = self.names.get(&id);
            let as_of = complete_mtime(head, name);
            let copy = self.copies.get(&id);
            let is_behind = copy.is_none_or(|(_, copied)| *copied != as_of);
            is_behind.then(|| StaleCopy {
                id,
                head,
                title: name,
                expected_mtime: as_of,
                copy: copy.map(|(path, _)| path.as_path()),
            })
        })
    }
}

/// What was said is nobody else's business.
fn create_private_dir(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests;
