//! Sessions that other agents keep in their own formats, copied into the official one.
//!
//! Owns the copies: a cache that can be deleted at any time and that follows its sources
//! line by line. Never writes where another agent keeps its sessions; only that agent
//! changes them. Start at [`ImportedSessions::sync`].

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
use crate::sys::private_files::{narrow, own_private_dir, private_options};

/// How much of a session is copied first: enough for its row in the list, so that no row
/// waits for the whole copy of a longer session.
const FIRST_COPY_BYTES: u64 = 1 << 20;
/// The file that names the `CODEX_HOME` that a folder of copies belongs to.
const OWNER_FILE: &str = "owner";

/// The copies of other agents' sessions.
#[derive(Debug)]
pub struct ImportedSessions {
    /// The copies of codex's sessions, in project folders as in the official store.
    projects: PathBuf,
    /// Codex's own folder, `CODEX_HOME`.
    codex: PathBuf,
    /// Sessions of agents that keep no readable files.
    records: RecordedSessions,
    /// What could not be copied, until it changes. The mutex also admits one copier at a
    /// time.
    failed: Mutex<HashSet<(PathBuf, SystemTime)>>,
}

impl ImportedSessions {
    /// Copies under `folder`, which need not exist yet, of what codex keeps in `codex`.
    /// Each `CODEX_HOME` has copies of its own.
    pub fn new(folder: &Path, codex: &Path) -> Self {
        let home = Uuid::new_v5(&Uuid::NAMESPACE_URL, project_dir::canonical_cwd(codex).as_bytes());
        Self {
            projects: folder.join("codex").join(home.simple().to_string()).join("projects"),
            codex: codex.to_owned(),
            records: RecordedSessions::new(&folder.join("told")),
            failed: Mutex::default(),
        }
    }

    /// The folders that hold copies, each laid out like a store's `projects`.
    pub(super) fn projects(&self) -> [&Path; 2] {
        [&self.projects, self.records.projects()]
    }

    /// The folder in which a change means that there is something to copy; `None` where
    /// codex never ran.
    pub(super) fn watch_path(&self) -> Option<PathBuf> {
        self.codex.is_dir().then(|| self.sessions())
    }

    /// Whether this transcript is a copy.
    pub(super) fn contains(&self, transcript: &Path) -> bool {
        self.projects().into_iter().any(|projects| transcript.starts_with(projects))
    }

    /// Whether this transcript was recorded from an agent's reports, not copied from its
    /// files.
    pub(super) fn is_recorded(&self, transcript: &Path) -> bool {
        transcript.starts_with(self.records.projects())
    }

    /// Records what an agent reports.
    pub(super) fn record(&self, record: &ExternalRecord) -> io::Result<()> {
        self.records.write(record)
    }

    /// Removes recordings of sessions that the agent no longer has.
    pub(super) fn retain_sessions(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> io::Result<()> {
        self.records.retain_sessions(agent, there)
    }

    fn sessions(&self) -> PathBuf {
        self.codex.join("sessions")
    }

    /// Updates the copies until about `at_most` bytes were read: first the start of
    /// sessions that have no copy, then the rest, each newest first. Returns `true` while
    /// there is more to do.
    pub(super) fn sync(&self, at_most: u64) -> io::Result<bool> {
        if !self.sessions().is_dir() && !self.projects.is_dir() {
            return Ok(false);
        }
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => {}
            // Another process is copying; its copies so far will do.
            Err(fs::TryLockError::WouldBlock) => return Ok(false),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let scan = self.scan()?;
        for (_, (path, _)) in scan.copies.iter().filter(|(id, _)| !scan.rollouts.heads.contains_key(id)) {
            fs::remove_file(path)?;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stale: Vec<_> =
            scan.stale_copies().filter(|stale| !failed.contains(&stale.failure_key())).collect();
        stale.sort_by_key(|stale| (stale.copy.is_some(), Reverse(stale.expected_mtime), stale.id));
        // Each candidate is opened before it is copied, so only plan as many as fit.
        let mut bytes = 0;
        let first = stale.iter().take_while(|stale| {
            let fits = bytes < at_most;
            bytes += if stale.copy.is_none() { stale.head.size.min(FIRST_COPY_BYTES) } else { 0 };
            fits
        });
        let first = &stale[..first.count()];
        let planned: Vec<_> = first.par_iter().map(|stale| CopyJob::plan(stale, &scan.rollouts)).collect();
        let mut left = at_most;
        let turns = planned.into_iter().zip(first).map_while(|(plan, stale)| {
            let budget = if stale.copy.is_none() { left.min(FIRST_COPY_BYTES) } else { left };
            left -= plan.as_ref().map_or(0, CopyJob::remaining_bytes).min(budget);
            (budget > 0).then_some((plan, stale, budget))
        });
        let turns: Vec<_> = turns.collect();
        let is_all = turns.len() == stale.len();
        let outcomes: Vec<_> = turns
            .into_par_iter()
            .map(|(plan, stale, budget)| {
                let done = plan.and_then(|copying| copying.run(&self.projects, budget));
                done.map_err(|error| {
                    // There may be no temporary copy yet.
                    let _ = fs::remove_file(temp_copy_path(&self.projects, stale.id));
                    tracing::warn!("{} is not listed: {error}", stale.head.path.display());
                    stale.failure_key()
                })
            })
            .collect();
        let is_whole = outcomes.iter().all(|end| *end != Ok(CopyStatus::Partial));
        failed.extend(outcomes.into_iter().filter_map(Result::err));
        Ok(!(is_all && is_whole))
    }

    /// Whether this transcript is an incomplete copy.
    pub(super) fn is_partial(&self, transcript: &Path) -> bool {
        transcript.starts_with(&self.projects) && copy_job::is_partial(transcript)
    }

    /// Completes the copy of a session, however long it takes.
    pub(super) fn complete_copy(&self, id: SessionId) -> io::Result<()> {
        let lock = self.lock_file()?;
        lock.lock()?;
        let scan = self.scan()?;
        let Some(stale) = scan.stale_copies().find(|stale| stale.id == id) else { return Ok(()) };
        CopyJob::plan(&stale, &scan.rollouts)?.run(&self.projects, u64::MAX).map(drop)
    }

    /// The file that a copier locks.
    fn lock_file(&self) -> io::Result<File> {
        if !self.projects.is_dir() {
            self.init_dir()?;
        }
        // Older versions made it with the rights of the umask.
        narrow(&self.projects)?;
        private_options().append(true).open(self.projects.with_extension("lock"))
    }

    /// Creates the folder of these copies, and removes copies whose `CODEX_HOME` is gone:
    /// no later run would look at them.
    fn init_dir(&self) -> io::Result<()> {
        let Some((own, all)) = self.projects.parent().and_then(|own| Some((own, own.parent()?))) else {
            return Ok(());
        };
        own_private_dir(own)?;
        fs::write(own.join(OWNER_FILE), std::path::absolute(&self.codex)?.as_os_str().as_bytes())?;
        for other in all.read_dir()?.flatten().map(|entry| entry.path()) {
            let owner = fs::read(other.join(OWNER_FILE));
            if owner.is_ok_and(|owner| Path::new(OsStr::from_bytes(&owner)).is_dir()) {
                continue;
            }
            if other.is_dir() { fs::remove_dir_all(&other)? } else { fs::remove_file(&other)? }
        }
        own_private_dir(&self.projects)
    }

    fn scan(&self) -> io::Result<SourceScan> {
        let (rollouts, names) = (Rollouts::find(&self.codex), codex_rollouts::thread_titles(&self.codex));
        Ok(SourceScan { rollouts, names, copies: self.copies()? })
    }

    /// The copies that exist, each with its modification time.
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

/// What codex keeps, and which copies of it exist.
struct SourceScan {
    rollouts: Rollouts,
    names: ThreadTitles,
    copies: HashMap<SessionId, (PathBuf, SystemTime)>,
}

impl SourceScan {
    /// The sessions that have no copy, or one that is out of date.
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

#[cfg(test)]
mod tests;
