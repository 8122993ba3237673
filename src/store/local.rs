//! Transcripts as the official tools keep them: files under a folder for each
//! project.
//!
//! Owns finding them and asking the right file to do each thing. What lies
//! under `<root>/hotseat/` (locks, trash, pins) is ours; the rest belongs to the
//! official tools too, and is only ever appended to, made anew or moved whole.

mod keeping;
mod moving;

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::lock::{Lock, Refused};
use super::{
    Fork, Forked, Holder, Mirror, Pinned, Record, Scope, SessionStore, SessionWriter, StoreError, Stored,
    Tail, Trashed, cleanup, ends, entry, forking, lock, project, register, whole, worktrees, writer,
};
use crate::session::SessionId;

/// Bytes of what other agents keep that a list waits for.
const AT_ONCE: u64 = 32 << 20;

/// The store over `~/.claude`, or wherever `CLAUDE_CONFIG_DIR` points.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
    projects: PathBuf,
    /// Where sessions were last seen; always looked at again before use.
    known: Mutex<HashMap<SessionId, PathBuf>>,
    /// Locks held through this store: opening a session twice shares its lock.
    locks: Mutex<HashMap<SessionId, Weak<Lock>>>,
    /// The sessions that other agents keep.
    mirror: Option<Mirror>,
}

impl LocalStore {
    /// The store in this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let projects = root.join("projects");
        Self { root, projects, known: Mutex::default(), locks: Mutex::default(), mirror: None }
    }

    /// The same store with the sessions that other agents keep, to be read.
    #[must_use]
    pub fn with(self, mirror: Mirror) -> Self {
        Self { mirror: Some(mirror), ..self }
    }

    /// The store that the official tools of this environment use.
    pub fn from_env() -> Result<Self, StoreError> {
        let configured = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty());
        let root = configured.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".claude")));
        let root = root.filter(|root| !root.as_os_str().is_empty()).ok_or(StoreError::NoHome)?;
        Ok(Self::new(root.to_str().map_or(root.clone(), |root| root.nfc().collect::<String>().into())))
    }

    /// The folder it keeps everything in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, PathBuf>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_path(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/locks").join(format!("{id}.lock"))
    }

    /// The folders that may hold sessions of a scope.
    fn folders(&self, scope: &Scope) -> Result<Vec<PathBuf>, StoreError> {
        let mirrored = || self.mirror.iter().flat_map(Mirror::projects);
        let Scope::Project(folder) = scope else {
            let mut folders: Vec<_> = entries(&self.projects)?.map(|entry| entry.path()).collect();
            folders.extend(mirrored().flat_map(entries).flatten().map(|entry| entry.path()));
            return Ok(folders);
        };
        let places: Vec<_> = std::iter::once(self.projects.as_path()).chain(mirrored()).collect();
        let mut folders = Vec::new();
        for tree in std::iter::once(folder.clone()).chain(worktrees::of(folder)) {
            let spelled = project::spelled(&tree);
            for other in places.iter().flat_map(|place| project::existing_folders(place, &spelled)) {
                if !folders.contains(&other) {
                    folders.push(other);
                }
            }
        }
        Ok(folders)
    }

    /// Where a session of this store's own lies: others are not written here.
    pub(super) fn own(&self, id: SessionId) -> Result<Stored, StoreError> {
        let stored = self.find(id)?;
        if self.mirror.as_ref().is_some_and(|mirror| mirror.holds(&stored.path)) {
            return Err(StoreError::KeptElsewhere(id));
        }
        Ok(stored)
    }

    /// Where a session lies of which all is wanted: the rest of what is kept
    /// elsewhere is copied first.
    fn find_whole(&self, id: SessionId) -> Result<Stored, StoreError> {
        let stored = self.find(id)?;
        let Some(mirror) = self.mirror.as_ref().filter(|mirror| mirror.is_partial(&stored.path)) else {
            return Ok(stored);
        };
        mirror.finish(id).map_err(StoreError::io("the session cannot be copied from its agent"))?;
        self.find(id)
    }

    /// Which of several transcripts of one session counts, the greatest: the file
    /// that an agent keeps says more than what one told of it, and then the newest.
    fn rank(&self, stored: &Stored) -> (bool, SystemTime) {
        (!self.is_told(&stored.path), stored.modified)
    }

    fn is_told(&self, transcript: &Path) -> bool {
        self.mirror.as_ref().is_some_and(|mirror| mirror.is_told(transcript))
    }

    fn lock(&self, id: SessionId) -> Result<Arc<Lock>, StoreError> {
        let in_use = |holder| StoreError::InUse { id, holder };
        if let Some(holder) = self.holder(id) {
            return Err(in_use(holder));
        }
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = locks.get(&id).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let path = self.lock_path(id);
        let lock = Lock::take(&path).map(Arc::new).map_err(|refused| match refused {
            Refused::Held(holder) => in_use(holder),
            Refused::Io(source) => {
                StoreError::io(format!("cannot lock the session with {}", path.display()))(source)
            }
        })?;
        locks.retain(|_, lock| lock.strong_count() > 0);
        locks.insert(id, Arc::downgrade(&lock));
        Ok(lock)
    }

    fn append_to_existing(&self, id: SessionId, entry: String) -> Result<(), StoreError> {
        let path = self.own(id)?.path;
        writer::append_existing(&path, &[entry])
            .map_err(StoreError::io(format!("cannot append to {}", path.display())))
    }
}

impl SessionStore for LocalStore {
    fn list(&self, scope: &Scope) -> Result<Vec<Stored>, StoreError> {
        // What other agents keep is no reason to go without one's own.
        if let Err(error) = self.take_in(AT_ONCE) {
            tracing::warn!("{error}");
        }
        // Where folders are many, asking the system is most of the work.
        let found: Vec<_> = self.folders(scope)?.par_iter().map(|folder| sessions_in(folder)).collect();
        let mut newest: HashMap<SessionId, Stored> = HashMap::new();
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
                if other.is_none_or(|other| self.rank(other) < self.rank(&stored)) {
                    newest.insert(stored.id, stored);
                }
            }
        }
        self.known().extend(newest.values().map(|stored| (stored.id, stored.path.clone())));
        Ok(newest.into_values().collect())
    }

    fn find(&self, id: SessionId) -> Result<Stored, StoreError> {
        let known = self.known().get(&id).cloned();
        if let Some(stored) = known.and_then(|path| stored(id, path)) {
            return Ok(stored);
        }
        let name = format!("{id}.jsonl");
        let folders = self.folders(&Scope::All)?;
        let places = folders.into_iter().filter_map(|folder| stored(id, folder.join(&name)));
        let found = places.max_by_key(|stored| self.rank(stored)).ok_or(StoreError::NotFound(id))?;
        self.known().insert(id, found.path.clone());
        Ok(found)
    }

    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError> {
        let path = self.find_whole(id)?.path;
        whole::read(&path).map_err(unread(id, path))
    }

    fn read_head(&self, id: SessionId, at_most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.find(id)?.path;
        ends::head(&path, at_most).map_err(unread(id, path))
    }

    fn read_tail(&self, id: SessionId, at_most: u64) -> Result<Tail, StoreError> {
        let path = self.find_whole(id)?.path;
        ends::tail(&path, at_most).map_err(unread(id, path))
    }

    fn read_from(&self, id: SessionId, offset: u64, at_most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.find(id)?.path;
        ends::piece(&path, offset, at_most).map_err(unread(id, path))
    }

    fn take_in(&self, at_most: u64) -> Result<bool, StoreError> {
        let Some(mirror) = &self.mirror else { return Ok(false) };
        mirror.take_in(at_most).map_err(StoreError::io("the sessions of other agents are not up to date"))
    }

    fn record(&self, record: &Record) -> Result<(), StoreError> {
        let Some(mirror) = &self.mirror else { return Ok(()) };
        // Some agents keep the files of another: those are read already.
        if self.find(record.session).is_ok_and(|stored| !self.is_told(&stored.path)) {
            return Ok(());
        }
        let doing = format!("cannot write down what {} tells", record.agent);
        mirror.record(record).map_err(StoreError::io(doing))
    }

    fn keep_only(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> Result<(), StoreError> {
        let Some(mirror) = &self.mirror else { return Ok(()) };
        mirror.keep_only(agent, there).map_err(StoreError::io(format!("cannot forget sessions of {agent}")))
    }

    fn watched(&self) -> Vec<PathBuf> {
        let own = [self.projects.clone(), self.root.join("sessions"), self.root.join("hotseat/locks")];
        own.into_iter().chain(self.mirror.iter().filter_map(Mirror::watched)).collect()
    }

    fn open(&self, id: SessionId, cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError> {
        let lock = self.lock(id)?;
        let (path, exists) = match self.own(id) {
            Ok(stored) => (stored.path, true),
            Err(StoreError::NotFound(_)) => {
                (project::folder_for(&self.projects, cwd).join(format!("{id}.jsonl")), false)
            }
            Err(error) => return Err(error),
        };
        Ok(Box::new(writer::LocalWriter::new(path, exists, lock)))
    }

    fn holder(&self, id: SessionId) -> Option<Holder> {
        lock::holder(&self.lock_path(id)).or_else(|| {
            let official = register::holders(&self.root);
            official.into_iter().find_map(|(held, holder)| (held == id).then_some(holder))
        })
    }

    fn holders(&self) -> Vec<(SessionId, Holder)> {
        let locks = self.root.join("hotseat/locks").read_dir().into_iter().flatten().flatten();
        let ours = locks.filter_map(|entry| {
            let path = entry.path();
            let id = path.file_name()?.to_str()?.strip_suffix(".lock")?.parse().ok()?;
            Some((id, lock::holder(&path)?))
        });
        ours.chain(register::holders(&self.root)).collect()
    }

    fn fork(&self, source: SessionId, fork: &Fork<'_>) -> Result<Forked, StoreError> {
        let stored = self.find_whole(source)?;
        let bytes = whole::read(&stored.path).map_err(unread(stored.id, stored.path.clone()))?;
        // A copy of what another agent keeps is a session of this store's own.
        let is_mirrored = self.mirror.as_ref().is_some_and(|mirror| mirror.holds(&stored.path));
        let its_folder = stored.path.parent().unwrap_or(&self.projects);
        let name = its_folder.file_name().filter(|_| is_mirrored);
        let home = &name.map_or_else(|| its_folder.to_owned(), |name| self.projects.join(name));
        let folder = fork.cwd.map_or_else(|| home.clone(), |cwd| project::folder_for(&self.projects, cwd));
        let cwd = fork.cwd.filter(|_| folder != *home);
        let (forked, lines) = forking::copy(&bytes, source, fork, cwd)?;
        let path = folder.join(format!("{}.jsonl", forked.id));
        writer::create_new(&path, &lines)
            .map_err(StoreError::io(format!("cannot write the fork to {}", path.display())))?;
        self.known().insert(forked.id, path);
        Ok(forked)
    }

    fn rename(&self, id: SessionId, title: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, entry::title(id, title))
    }

    fn tag(&self, id: SessionId, tag: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, entry::tag(id, tag))
    }

    fn delete(&self, id: SessionId) -> Result<(), StoreError> {
        let _lock = self.lock(id)?;
        self.delete_open(id)
    }

    fn restore(&self, id: SessionId) -> Result<(), StoreError> {
        self.bring_back(id)
    }

    fn trash(&self) -> Result<Vec<Trashed>, StoreError> {
        self.trashed()
    }

    fn pin(&self, id: SessionId) -> Result<(), StoreError> {
        self.keep_pin(id)
    }

    fn unpin(&self, id: SessionId) -> Result<(), StoreError> {
        self.drop_pin(id)
    }

    fn pinned(&self) -> Result<Vec<Pinned>, StoreError> {
        self.pins()
    }

    fn cleanup_period(&self) -> Option<Duration> {
        Some(cleanup::period(&self.root))
    }

    fn tend(&self) -> Result<Vec<SessionId>, StoreError> {
        self.tend_pins()
    }
}

/// Why a transcript that was just found could not be read: it may be gone since.
fn unread(id: SessionId, path: PathBuf) -> impl FnOnce(io::Error) -> StoreError {
    move |source| match source.kind() {
        ErrorKind::NotFound => StoreError::NotFound(id),
        _ => StoreError::Unreadable { path, source },
    }
}

/// A folder's entries; none where there is no such folder.
fn entries(folder: &Path) -> Result<impl Iterator<Item = fs::DirEntry>, StoreError> {
    let entries = match folder.read_dir() {
        Ok(entries) => Some(entries),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => {
            let doing = format!("cannot list the sessions in {} (may you read it?)", folder.display());
            return Err(StoreError::io(doing)(error));
        }
    };
    Ok(entries.into_iter().flatten().flatten())
}

/// The sessions in one project's folder.
fn sessions_in(folder: &Path) -> Result<Vec<Stored>, StoreError> {
    let session = |entry: fs::DirEntry| {
        let id = entry.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
        // Asked of the open folder: the way to it is not walked for each file.
        let there = entry.metadata().ok()?;
        if there.is_symlink() { stored(id, entry.path()) } else { transcript(id, entry.path(), &there) }
    };
    Ok(entries(folder)?.filter_map(session).collect())
}

/// What lies at this path, if it is a transcript: a file that is not empty.
fn stored(id: SessionId, path: PathBuf) -> Option<Stored> {
    let there = fs::metadata(&path).ok()?;
    transcript(id, path, &there)
}

fn transcript(id: SessionId, path: PathBuf, there: &fs::Metadata) -> Option<Stored> {
    use std::os::unix::fs::MetadataExt;
    if !there.is_file() || there.len() == 0 {
        return None;
    }
    let modified = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Some(Stored { id, path, size: there.len(), modified, inode: there.ino() })
}

#[cfg(test)]
mod tests;
