//! A store whose writes stay in memory.
//!
//! Used for `--no-session-persistence` and in tests. Reads pass through to a base store;
//! nothing is ever written to it. What was appended, forked, renamed or deleted here is
//! gone when this value is dropped.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{
    ForkResult, ForkSpec, Holder, PinnedSession, Scope, SessionStore, SessionWriter, StoreError,
    StoredSession, TranscriptTail, TrashedSession, forking, metadata_entries, partial_read, project_dir,
    writer,
};
use crate::session::{SessionId, Transcript};

/// A store whose writes stay in memory.
#[derive(Clone, Default)]
pub struct MemoryStore {
    base: Option<Arc<dyn SessionStore>>,
    sessions: Arc<Mutex<HashMap<SessionId, MemorySession>>>,
}

/// A session that was written to here, with its whole transcript.
#[derive(Clone)]
struct MemorySession {
    bytes: Vec<u8>,
    modified: SystemTime,
    /// The folder it belongs to; `None` if the base store knows.
    cwd: Option<PathBuf>,
    /// It was deleted here and can be restored here.
    deleted: bool,
}

impl MemoryStore {
    /// An empty store without a base.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that shows what `base` holds and keeps all writes to itself.
    pub fn over(beneath: Arc<dyn SessionStore>) -> Self {
        Self { base: Some(beneath), sessions: Arc::default() }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, MemorySession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session as it is here, copied from the base if need be.
    fn load_session(&self, id: SessionId) -> Result<MemorySession, StoreError> {
        match self.sessions().get(&id) {
            Some(kept) if kept.deleted => return Err(StoreError::NotFound(id)),
            Some(kept) => return Ok(kept.clone()),
            None => {}
        }
        let beneath = self.base.as_ref().ok_or(StoreError::NotFound(id))?;
        let stored = beneath.find(id)?;
        Ok(MemorySession { bytes: beneath.read(id)?, modified: stored.modified, cwd: None, deleted: false })
    }

    fn append_to_existing(&self, id: SessionId, entry: &str) -> Result<(), StoreError> {
        let mut copy = self.load_session(id)?;
        copy.append(format!("{entry}\n").as_bytes());
        self.sessions().insert(id, copy);
        Ok(())
    }
}

impl MemorySession {
    fn in_folder(cwd: Option<PathBuf>) -> Self {
        Self { bytes: Vec::new(), modified: SystemTime::now(), cwd, deleted: false }
    }

    fn append(&mut self, lines: &[u8]) {
        if self.bytes.last().is_some_and(|&last| last != b'\n') {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(lines);
        self.modified = SystemTime::now();
    }

    fn stored(&self, id: SessionId) -> StoredSession {
        StoredSession {
            id,
            path: memory_path(id),
            size: self.bytes.len() as u64,
            modified: self.modified,
            inode: 0,
            side_modified: None,
        }
    }

    fn trashed(&self, id: SessionId) -> TrashedSession {
        TrashedSession { id, deleted_at: self.modified, size: self.bytes.len() as u64, path: memory_path(id) }
    }
}

/// A path that names a session in memory and does not exist.
fn memory_path(id: SessionId) -> PathBuf {
    PathBuf::from(format!("memory:{id}"))
}

impl SessionStore for MemoryStore {
    fn list(&self, scope: &Scope) -> Result<Vec<StoredSession>, StoreError> {
        let mut list = self.base.as_ref().map_or(Ok(Vec::new()), |beneath| beneath.list(scope))?;
        let kept = self.sessions();
        list.retain_mut(|stored| match kept.get(&stored.id) {
            Some(kept) if !kept.deleted => {
                *stored = kept.stored(stored.id);
                true
            }
            Some(_) => false,
            None => true,
        });
        let is_meant = |kept: &MemorySession| match (scope, &kept.cwd) {
            (Scope::All, _) => true,
            (Scope::Project(folder), Some(cwd)) => {
                project_dir::canonical_cwd(folder) == project_dir::canonical_cwd(cwd)
            }
            (Scope::Project(_), None) => false,
        };
        for (&id, kept) in kept.iter().filter(|(_, kept)| !kept.deleted && is_meant(kept)) {
            if !list.iter().any(|stored| stored.id == id) {
                list.push(kept.stored(id));
            }
        }
        Ok(list)
    }

    fn find(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        match (self.sessions().get(&id), &self.base) {
            (Some(kept), _) if !kept.deleted => Ok(kept.stored(id)),
            (None, Some(beneath)) => beneath.find(id),
            _ => Err(StoreError::NotFound(id)),
        }
    }

    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError> {
        self.load_session(id).map(|copy| copy.bytes)
    }

    fn read_head(&self, id: SessionId, at_most: u64) -> Result<Vec<u8>, StoreError> {
        match (self.sessions().get(&id), &self.base) {
            (Some(kept), _) if !kept.deleted => Ok(partial_read::head_of_bytes(&kept.bytes, at_most)),
            (None, Some(beneath)) => beneath.read_head(id, at_most),
            _ => Err(StoreError::NotFound(id)),
        }
    }

    fn read_tail(&self, id: SessionId, at_most: u64) -> Result<TranscriptTail, StoreError> {
        match (self.sessions().get(&id), &self.base) {
            (Some(kept), _) if !kept.deleted => Ok(partial_read::tail_of_bytes(&kept.bytes, at_most)),
            (None, Some(beneath)) => beneath.read_tail(id, at_most),
            _ => Err(StoreError::NotFound(id)),
        }
    }

    /// Takes no lock: no other process can see what is written.
    fn read_range(&self, id: SessionId, offset: u64, at_most: u64) -> Result<Vec<u8>, StoreError> {
        match (self.sessions().get(&id), &self.base) {
            (Some(kept), _) if !kept.deleted => {
                Ok(partial_read::range_of_bytes(&kept.bytes, offset, at_most))
            }
            (None, Some(beneath)) => beneath.read_range(id, offset, at_most),
            _ => Err(StoreError::NotFound(id)),
        }
    }

    fn open(&self, id: SessionId, cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError> {
        let start = match self.load_session(id) {
            Err(StoreError::NotFound(_)) => MemorySession::in_folder(Some(cwd.to_owned())),
            copy => copy?,
        };
        Ok(Box::new(MemoryWriter { id, path: memory_path(id), start, store: self.clone() }))
    }

    fn holder(&self, id: SessionId) -> Option<Holder> {
        self.base.as_ref()?.holder(id)
    }

    fn holders(&self) -> Vec<(SessionId, Holder)> {
        self.base.as_ref().map_or_else(Vec::new, |beneath| beneath.holders())
    }

    fn fork(&self, source: SessionId, fork: &ForkSpec<'_>) -> Result<ForkResult, StoreError> {
        let copy = self.load_session(source)?;
        let (forked, lines) = forking::fork_lines(&copy.bytes, source, fork, fork.cwd)?;
        let started_in = || {
            let clean = crate::transcript::TranscriptText::read(&copy.bytes);
            let transcript = Transcript::read(&clean);
            transcript.entries.iter().find_map(|line| Some(PathBuf::from(&*line.cwd()?)))
        };
        let cwd = fork.cwd.map(Path::to_owned).or_else(|| copy.cwd.clone());
        let mut kept = MemorySession::in_folder(cwd.or_else(started_in));
        kept.append((lines.join("\n") + "\n").as_bytes());
        self.sessions().insert(forked.id, kept);
        Ok(forked)
    }

    fn rename(&self, id: SessionId, title: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, &metadata_entries::title_entry(id, title))
    }

    fn tag(&self, id: SessionId, tag: &str) -> Result<(), StoreError> {
        self.append_to_existing(id, &metadata_entries::tag_entry(id, tag))
    }

    fn delete(&self, id: SessionId) -> Result<(), StoreError> {
        let copy = self.load_session(id)?;
        self.sessions().insert(id, MemorySession { deleted: true, modified: SystemTime::now(), ..copy });
        Ok(())
    }

    fn restore(&self, id: SessionId) -> Result<(), StoreError> {
        let mut all = self.sessions();
        let kept = all.get_mut(&id).filter(|kept| kept.deleted).ok_or(StoreError::NotInTrash(id))?;
        kept.deleted = false;
        Ok(())
    }

    /// What was deleted here. The base store's trash is not listed.
    fn trash(&self) -> Result<Vec<TrashedSession>, StoreError> {
        let all = self.sessions();
        let deleted = all.iter().filter(|(_, kept)| kept.deleted);
        let mut trash: Vec<_> = deleted.map(|(&id, kept)| kept.trashed(id)).collect();
        trash.sort_by_key(|trashed| Reverse((trashed.deleted_at, trashed.id)));
        Ok(trash)
    }

    fn pin(&self, _id: SessionId) -> Result<(), StoreError> {
        Err(StoreError::Ephemeral)
    }

    fn unpin(&self, _id: SessionId) -> Result<(), StoreError> {
        Err(StoreError::Ephemeral)
    }

    fn pinned(&self) -> Result<Vec<PinnedSession>, StoreError> {
        self.base.as_ref().map_or(Ok(Vec::new()), |beneath| beneath.pinned())
    }

    fn cleanup_period(&self) -> Option<Duration> {
        self.base.as_ref()?.cleanup_period()
    }

    /// Does nothing: whoever writes the base store looks after its pins.
    fn reconcile_pins(&self) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }
}

/// Appends to a session in memory, which is listed from its first entry on.
struct MemoryWriter {
    id: SessionId,
    path: PathBuf,
    /// The session as it was when it was opened.
    start: MemorySession,
    store: MemoryStore,
}

impl SessionWriter for MemoryWriter {
    fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, entries: &[String]) -> io::Result<()> {
        if !entries.is_empty() {
            let lines = writer::encode_lines(entries)?;
            self.store.sessions().entry(self.id).or_insert_with(|| self.start.clone()).append(&lines);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LocalStore;

    const PROMPT: &str = r#"{"type":"user","uuid":"p","cwd":"/w","message":{"content":"go"}}"#;

    /// A store over a local one with one session, and that session.
    fn over_one() -> (tempfile::TempDir, Arc<LocalStore>, MemoryStore, SessionId) {
        let temp = tempfile::tempdir().unwrap();
        let local = Arc::new(LocalStore::new(temp.path()));
        let id = SessionId::random();
        local.open(id, Path::new("/w")).unwrap().append(&[PROMPT.into()]).unwrap();
        let memory = MemoryStore::over(local.clone());
        (temp, local, memory, id)
    }

    fn ids(store: &dyn SessionStore) -> Vec<SessionId> {
        store.list(&Scope::Project("/w".into())).unwrap().iter().map(|stored| stored.id).collect()
    }

    #[test]
    fn what_is_written_stays_here() {
        let (_temp, local, memory, id) = over_one();
        let before = (local.read(id).unwrap(), local.list(&Scope::All).unwrap());
        memory.open(id, Path::new("/w")).unwrap().append(&["{\"more\":1}".into()]).unwrap();
        memory.rename(id, "name").unwrap();
        let fork = memory.fork(id, &ForkSpec::default()).unwrap().id;
        assert_eq!(before, (local.read(id).unwrap(), local.list(&Scope::All).unwrap()));
        let text = String::from_utf8(memory.read(id).unwrap()).unwrap();
        assert!(text.starts_with(&format!("{PROMPT}\n{{\"more\":1}}\n")) && text.ends_with("}\n"), "{text}");
        assert_eq!(memory.find(id).unwrap().size, text.len() as u64);
        let listed = ids(&memory);
        assert!(listed.len() == 2 && listed.contains(&fork) && listed.contains(&id));
    }

    #[test]
    fn what_is_deleted_here_is_still_there() {
        let (_temp, local, memory, id) = over_one();
        memory.delete(id).unwrap();
        assert!(matches!(memory.find(id), Err(StoreError::NotFound(_))));
        assert!(matches!(memory.read(id), Err(StoreError::NotFound(_))));
        assert_eq!((ids(&memory), ids(&*local)), (vec![], vec![id]));
        memory.restore(id).unwrap();
        assert_eq!(memory.read(id).unwrap(), local.read(id).unwrap());
        assert!(matches!(memory.restore(id), Err(StoreError::NotInTrash(_))));
    }

    #[test]
    fn a_new_session_needs_no_store_beneath() {
        let memory = MemoryStore::new();
        let id = SessionId::random();
        let mut writer = memory.open(id, Path::new("/w")).unwrap();
        assert_eq!(ids(&memory), []);
        writer.append(&[PROMPT.into()]).unwrap();
        writer.append(&["{}".into()]).unwrap();
        assert_eq!(ids(&memory), [id]);
        assert_eq!(memory.list(&Scope::Project("/other".into())).unwrap(), []);
        assert_eq!(
            memory.read_tail(id, 2).unwrap(),
            TranscriptTail { bytes: b"{}\n".to_vec(), is_complete: false }
        );
    }
}
