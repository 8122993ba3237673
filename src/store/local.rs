//! Transcripts as the official tools keep them: one folder of files per project.
//!
//! Owns finding sessions and passing each operation to the right file. What lies under
//! `<root>/hotseat/` (locks, trash, pins, pending moves) is ours alone; the official tools
//! own the rest too, so transcripts are only appended to, created or moved whole.

mod discovery;
pub(super) mod leftovers;
mod relocate;
pub(super) mod renamed_folders;
mod trash_and_pins;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use self::discovery::{dir_entries, sessions_in, stat_session};
use super::lock::{LockError, SessionLock};
use super::pending_moves::{PendingMove, PendingMoves};
use super::place_files::place_file;
use super::staging::Staging;
use super::{
    ExternalRecord, ForkResult, ForkSpec, FormerFolder, Holder, ImportedSessions, PinnedSession, Scope,
    SessionStore, SessionWriter, StoreError, StoredSession, TranscriptTail, TrashedSession, claude_registry,
    cleanup, forking, lock, metadata_entries, partial_read, project_dir, read_file, side_files, writer,
};
use crate::session::SessionId;
use crate::transcript::entry_encoder;

/// How many bytes of other agents' sessions a list copies before it returns.
const LIST_SYNC_BYTES: u64 = 32 << 20;

/// The store in `~/.claude`, or in `CLAUDE_CONFIG_DIR`.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
    projects: PathBuf,
    /// Where sessions were last seen. Only a hint: the path is checked before each use.
    path_cache: Mutex<HashMap<SessionId, PathBuf>>,
    /// Locks held through this store. Opening a session twice shares its lock.
    locks: Mutex<HashMap<SessionId, Weak<SessionLock>>>,
    /// Read-only copies of other agents' sessions.
    imported: Option<ImportedSessions>,
    /// The project whose transcript counts where another one has the same id.
    preferred: Option<PathBuf>,
}

impl LocalStore {
    /// The store in this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let projects = root.join("projects");
        Self {
            root,
            projects,
            path_cache: Mutex::default(),
            locks: Mutex::default(),
            imported: None,
            preferred: None,
        }
    }

    /// Adds the sessions that other agents keep. They can be read, not changed.
    #[must_use]
    pub fn with_imported(self, imported: ImportedSessions) -> Self {
        Self { imported: Some(imported), ..self }
    }

    /// Where two projects hold a session of one id, the one of this folder counts: each opens its
    /// own.
    #[must_use]
    pub fn preferring(self, cwd: &Path) -> Self {
        let preferred = project_dir::project_dir_for(&self.projects, cwd);
        Self { preferred: Some(preferred), ..self }
    }

    /// The store that the official tools use in this environment.
    pub fn from_env() -> Result<Self, StoreError> {
        let configured = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty());
        let root = configured.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".claude")));
        let root = root.filter(|root| !root.as_os_str().is_empty()).ok_or(StoreError::NoHome)?;
        Ok(Self::new(root.to_str().map_or(root.clone(), |root| root.nfc().collect::<String>().into())))
    }

    /// The folder that holds everything of this store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path_cache(&self) -> MutexGuard<'_, HashMap<SessionId, PathBuf>> {
        self.path_cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_path(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/locks").join(format!("{id}.lock"))
    }

    /// The notes of moves that may have been interrupted.
    fn pending_moves(&self) -> PendingMoves {
        PendingMoves::new(self.root.join("hotseat/pending"))
    }

    /// A folder for files on their way in; removed when dropped.
    fn staging(&self) -> Result<Staging, StoreError> {
        let parent = self.root.join("hotseat/staging");
        let in_use: Vec<_> =
            self.pending_moves().list().into_iter().map(|(_, pending)| pending.from().to_owned()).collect();
        Staging::create(&parent, &in_use)
            .map_err(StoreError::io(format!("cannot make a folder in {}", parent.display())))
    }

    /// Finishes the moves, deletes, restores and imports that a kill interrupted. A failure is
    /// logged and tried again the next time.
    pub fn finish_interrupted(&self) {
        for (id, _) in self.pending_moves().list() {
            self.finish_interrupted_of(id);
        }
    }

    /// The same for one session. Returns what was finished.
    fn finish_interrupted_of(&self, id: SessionId) -> Option<PendingMove> {
        let finished = self.pending_moves().finish(id);
        finished.inspect_err(|error| tracing::warn!(session = %id, "unfinished move: {error}")).ok().flatten()
    }

    /// Finds a session that this store may change; copies of other agents' sessions it may
    /// not.
    pub(super) fn find_owned(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        let stored = self.find(id)?;
        if self.imported.as_ref().is_some_and(|imported| imported.contains(&stored.path)) {
            return Err(StoreError::OwnedByOtherAgent(id));
        }
        Ok(stored)
    }

    /// Finds a session and completes its copy if another agent keeps it.
    fn find_complete(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        let stored = self.find(id)?;
        let Some(imported) = self.imported.as_ref().filter(|imported| imported.is_partial(&stored.path))
        else {
            return Ok(stored);
        };
        imported.complete_copy(id).map_err(StoreError::io("the session cannot be copied from its agent"))?;
        self.find(id)
    }

    /// Which of several transcripts of one session counts: the greatest. One in the folder that
    /// this works in goes first. A file that an
    /// agent keeps says more than a recording of its reports; then the newer one counts. File
    /// times tie within a clock tick, so among equals size and path decide.
    fn precedence<'a>(&self, stored: &'a StoredSession) -> (bool, bool, SystemTime, u64, &'a Path) {
        let is_preferred = self.preferred.is_some() && stored.path.parent() == self.preferred.as_deref();
        (is_preferred, !self.is_recorded(&stored.path), stored.modified, stored.size, &stored.path)
    }

    fn is_recorded(&self, transcript: &Path) -> bool {
        self.imported.as_ref().is_some_and(|imported| imported.is_recorded(transcript))
    }

    fn lock(&self, id: SessionId) -> Result<Arc<SessionLock>, StoreError> {
        let in_use = |holder| StoreError::InUse { id, holder };
        if let Some(holder) = self.holder(id) {
            return Err(in_use(holder));
        }
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = locks.get(&id).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let path = self.lock_path(id);
        let lock = SessionLock::try_acquire(&path).map(Arc::new).map_err(|error| match error {
            LockError::Held(holder) => in_use(holder),
            LockError::Io(source) => {
                StoreError::io(format!("cannot lock the session with {}", path.display()))(source)
            }
        })?;
        locks.retain(|_, lock| lock.strong_count() > 0);
        locks.insert(id, Arc::downgrade(&lock));
        drop(locks);
        self.finish_interrupted_of(id);
        Ok(lock)
    }

    fn append_to_existing(&self, id: SessionId, entry: String) -> Result<(), StoreError> {
        let path = self.find_owned(id)?.path;
        writer::append_existing(&path, &[entry])
            .map_err(StoreError::io(format!("cannot append to {}", path.display())))
    }
}

impl SessionStore for LocalStore {
    fn list(&self, scope: &Scope) -> Result<Vec<StoredSession>, StoreError> {
        // A failure to copy other agents' sessions must not hide our own.
        if let Err(error) = self.sync_external(LIST_SYNC_BYTES) {
            tracing::warn!("{error}");
        }
        // With many folders most of the time goes into system calls, so use all cores.
        let found: Vec<_> = self.folders(scope)?.par_iter().map(|folder| sessions_in(folder)).collect();
        let mut newest: HashMap<SessionId, StoredSession> = HashMap::new();
        for found in found {
            let found = match found {
                Err(error) if *scope == Scope::All => {
                    tracing::warn!("passed over: {error}");
                    continue;
                }
                found => found?,
            };
            for stored in found {
                let other = newest.get(&stored.id);
                if other.is_none_or(|other| self.precedence(other) < self.precedence(&stored)) {
                    newest.insert(stored.id, stored);
                }
            }
        }
        self.path_cache().extend(newest.values().map(|stored| (stored.id, stored.path.clone())));
        Ok(newest.into_values().collect())
    }

    fn find(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        let known = self.path_cache().get(&id).cloned();
        if let Some(stored) = known.and_then(|path| stat_session(id, path)) {
            return Ok(stored);
        }
        let name = format!("{id}.jsonl");
        let folders = self.folders(&Scope::All)?;
        let candidates = folders.into_iter().filter_map(|folder| stat_session(id, folder.join(&name)));
        let newest = candidates.max_by(|one, other| self.precedence(one).cmp(&self.precedence(other)));
        let found = newest.ok_or(StoreError::NotFound(id))?;
        self.path_cache().insert(id, found.path.clone());
        Ok(found)
    }

    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError> {
        let path = self.find_complete(id)?.path;
        read_file::read_whole(&path).map_err(StoreError::reading(id, path))
    }

    fn read_head(&self, id: SessionId, at_most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.find(id)?.path;
        partial_read::read_head(&path, at_most).map_err(StoreError::reading(id, path))
    }

    fn read_tail(&self, id: SessionId, at_most: u64) -> Result<TranscriptTail, StoreError> {
        let path = self.find_complete(id)?.path;
        partial_read::read_tail(&path, at_most).map_err(StoreError::reading(id, path))
    }

    fn read_range(&self, id: SessionId, offset: u64, at_most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.find(id)?.path;
        partial_read::read_range(&path, offset, at_most).map_err(StoreError::reading(id, path))
    }

    fn sync_external(&self, at_most: u64) -> Result<bool, StoreError> {
        let Some(imported) = &self.imported else { return Ok(false) };
        imported.sync(at_most).map_err(StoreError::io("the sessions of other agents are not up to date"))
    }

    fn record_external(&self, record: &ExternalRecord) -> Result<(), StoreError> {
        let Some(imported) = &self.imported else { return Ok(()) };
        // Some agents keep the files of another; those are read already.
        if self.find(record.session).is_ok_and(|stored| !self.is_recorded(&stored.path)) {
            return Ok(());
        }
        let doing = format!("cannot write down what {} tells", record.agent);
        imported.record(record).map_err(StoreError::io(doing))
    }

    fn retain_external(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> Result<(), StoreError> {
        let Some(imported) = &self.imported else { return Ok(()) };
        imported
            .retain_sessions(agent, there)
            .map_err(StoreError::io(format!("cannot forget sessions of {agent}")))
    }

    fn former_folder(&self, folder: &Path) -> Option<FormerFolder> {
        LocalStore::former_folder(self, folder)
    }

    fn move_all(&self, from: &Path, to: &Path) -> Result<Vec<SessionId>, StoreError> {
        LocalStore::move_all(self, from, to)
    }

    fn watch_paths(&self) -> Vec<PathBuf> {
        let own = [self.projects.clone(), self.root.join("sessions"), self.root.join("hotseat/locks")];
        own.into_iter().chain(self.imported.iter().filter_map(ImportedSessions::watch_path)).collect()
    }

    fn open(&self, id: SessionId, cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError> {
        let lock = self.lock(id)?;
        let (path, exists) = match self.find_owned(id) {
            Ok(stored) => (stored.path, true),
            Err(StoreError::NotFound(_)) => {
                (project_dir::project_dir_for(&self.projects, cwd).join(format!("{id}.jsonl")), false)
            }
            Err(error) => return Err(error),
        };
        Ok(Box::new(writer::LocalWriter::new(path, exists, lock)))
    }

    fn holder(&self, id: SessionId) -> Option<Holder> {
        lock::live_holder(&self.lock_path(id)).or_else(|| {
            let official = claude_registry::live_sessions(&self.root);
            official.into_iter().find_map(|(held, holder)| (held == id).then_some(holder))
        })
    }

    fn holders(&self) -> Vec<(SessionId, Holder)> {
        let locks = self.root.join("hotseat/locks").read_dir().into_iter().flatten().flatten();
        let ours = locks.filter_map(|entry| {
            let path = entry.path();
            let id = path.file_name()?.to_str()?.strip_suffix(".lock")?.parse().ok()?;
            Some((id, lock::live_holder(&path)?))
        });
        ours.chain(claude_registry::live_sessions(&self.root)).collect()
    }

    fn fork(&self, source: SessionId, fork: &ForkSpec<'_>) -> Result<ForkResult, StoreError> {
        let stored = self.find_complete(source)?;
        let bytes = read_file::read_whole(&stored.path)
            .map_err(StoreError::reading(stored.id, stored.path.clone()))?;
        // A fork of a copy is a session of this store's own.
        let is_imported = self.imported.as_ref().is_some_and(|imported| imported.contains(&stored.path));
        let source_dir = stored.path.parent().unwrap_or(&self.projects);
        let name = source_dir.file_name().filter(|_| is_imported);
        let home = &name.map_or_else(|| source_dir.to_owned(), |name| self.projects.join(name));
        let folder =
            fork.cwd.map_or_else(|| home.clone(), |cwd| project_dir::project_dir_for(&self.projects, cwd));
        let cwd = fork.cwd.filter(|_| folder != *home);
        let (forked, lines) = forking::fork_lines(&bytes, source, fork, cwd)?;
        let path = folder.join(format!("{}.jsonl", forked.id));
        let staging = self.staging()?;
        let staged = staging.path().join(format!("{}.jsonl", forked.id));
        writer::create_new(&staged, &lines)
            .and_then(|()| place_file(&staged, &path))
            .map_err(StoreError::io(format!("cannot write the fork to {}", path.display())))?;
        self.path_cache().insert(forked.id, path);
        Ok(forked)
    }

    fn rename(&self, id: SessionId, title: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, metadata_entries::title_entry(id, title))?;
        // Once the session has gone on, the entry lies further from the end than the official
        // picker reads. The title itself is written, so a failure here is no failure of it.
        let path = self.find_owned(id)?.path;
        if let Err(error) = side_files::write_title(&path, &entry_encoder::single_line(title)) {
            tracing::warn!(session = %id, "the official picker may lose the title: {error}");
        }
        Ok(())
    }

    fn tag(&self, id: SessionId, tag: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, metadata_entries::tag_entry(id, tag))
    }

    fn delete(&self, id: SessionId) -> Result<(), StoreError> {
        let _lock = self.lock(id)?;
        self.delete_even_if_open(id)
    }

    fn restore(&self, id: SessionId) -> Result<(), StoreError> {
        self.restore_session(id)
    }

    fn trash(&self) -> Result<Vec<TrashedSession>, StoreError> {
        self.list_trash()
    }

    fn pin(&self, id: SessionId) -> Result<(), StoreError> {
        self.pin_session(id)
    }

    fn unpin(&self, id: SessionId) -> Result<(), StoreError> {
        self.unpin_session(id)
    }

    fn pinned(&self) -> Result<Vec<PinnedSession>, StoreError> {
        self.list_pins()
    }

    fn cleanup_period(&self) -> Option<Duration> {
        Some(cleanup::cleanup_period(&self.root))
    }

    fn reconcile_pins(&self) -> Result<Vec<SessionId>, StoreError> {
        self.tend_pins()
    }
}

#[cfg(test)]
mod tests;
