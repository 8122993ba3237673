//! Where transcripts live.
//!
//! Owns finding, listing, reading, appending, locking, forking, renaming,
//! tagging and deleting. Never knows screens or processes. A transcript is
//! append-only: nothing here rewrites one in place, and a delete is a move to
//! the trash.

mod archive;
mod claude_registry;
mod cleanup;
mod error;
mod forking;
mod imported;
mod local;
mod lock;
mod memory;
mod metadata_entries;
mod partial_read;
mod pins;
mod process_liveness;
mod project_dir;
mod read_file;
mod snapshots;
mod trash;
mod trust;
mod working_folder;
mod worktrees;
mod writer;

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::session::SessionId;

pub use error::StoreError;
pub use forking::{ForkResult, ForkSpec, RepairReport};
pub use imported::{ExternalRecord, ImportedSessions};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use project_dir::belongs_to_cwd;
pub use trust::{TrustRecord, TrustStore};
pub use working_folder::{FolderReason, WorkingFolder, working_folder};

/// A place that keeps transcripts. Every call may touch a disk, so none belongs
/// on a draw loop.
pub trait SessionStore: Send + Sync {
    /// All sessions of a scope, without reading them, in no particular order.
    fn list(&self, scope: &Scope) -> Result<Vec<StoredSession>, StoreError>;

    /// Where a session lives, whichever project it belongs to.
    fn find(&self, id: SessionId) -> Result<StoredSession, StoreError>;

    /// A whole transcript.
    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError>;

    /// The beginning of a transcript: whole lines, about `at_most` bytes of them.
    fn read_head(&self, id: SessionId, at_most: u64) -> Result<Vec<u8>, StoreError>;

    /// The end of a transcript: whole lines, about `at_most` bytes of them.
    fn read_tail(&self, id: SessionId, at_most: u64) -> Result<TranscriptTail, StoreError>;

    /// A piece of a transcript: at most `at_most` bytes from an offset on, fewer
    /// only at its end.
    fn read_range(&self, id: SessionId, offset: u64, at_most: u64) -> Result<Vec<u8>, StoreError>;

    /// Takes in what is kept elsewhere and new, until about so many bytes were
    /// read; a list takes in a little by itself. `true` while there is more.
    fn sync_external(&self, _at_most: u64) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Writes down what an agent tells that keeps no transcript of its own; where
    /// such are not kept, nothing.
    fn record_external(&self, _record: &ExternalRecord) -> Result<(), StoreError> {
        Ok(())
    }

    /// Forgets what was written down of those sessions that an agent has no more,
    /// in the folders of those that are `there`.
    fn retain_external(&self, _agent: &str, _there: &[(SessionId, PathBuf)]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Folders in which a change means that a list may be another one; none
    /// where that cannot be seen from outside.
    fn watch_paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Opens a session for appending and holds its lock until the writer is
    /// dropped. A session that does not exist yet is made with its first entry,
    /// in the project of `cwd`.
    fn open(&self, id: SessionId, cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError>;

    /// Who else has the session open now: another hotseat, or the official CLI.
    fn holder(&self, id: SessionId) -> Option<Holder>;

    /// All sessions that somebody else has open now.
    fn holders(&self) -> Vec<(SessionId, Holder)>;

    /// Copies the main chain of a session into a new one. The source is not
    /// touched by one byte.
    fn fork(&self, source: SessionId, fork: &ForkSpec<'_>) -> Result<ForkResult, StoreError>;

    /// Appends a title.
    fn rename(&self, id: SessionId, title: &str) -> Result<(), StoreError>;

    /// Appends a tag; empty takes it away.
    fn tag(&self, id: SessionId, tag: &str) -> Result<(), StoreError>;

    /// Moves a session and its side folder to the trash.
    fn delete(&self, id: SessionId) -> Result<(), StoreError>;

    /// Brings a session back from the trash, or from its pin.
    fn restore(&self, id: SessionId) -> Result<(), StoreError>;

    /// What was deleted and can be brought back, the last deleted first.
    fn trash(&self) -> Result<Vec<TrashedSession>, StoreError>;

    /// Keeps a copy of a session that no clean-up finds; it follows what is
    /// appended. Pinning again lets it catch up with a file that was replaced.
    fn pin(&self, id: SessionId) -> Result<(), StoreError>;

    /// Gives the copy up; what only it holds is brought back or goes to the trash.
    fn unpin(&self, id: SessionId) -> Result<(), StoreError>;

    /// The pinned sessions; those that were deleted by [`Self::delete`] wait in
    /// the trash and are not among them.
    fn pinned(&self) -> Result<Vec<PinnedSession>, StoreError>;

    /// How long the official tools keep a transcript after its file was last
    /// touched; none: they do not clean up here.
    fn cleanup_period(&self) -> Option<Duration>;

    /// Looks after the pins: lets each catch up, and brings back the sessions
    /// that somebody else deleted. Says which those were.
    fn reconcile_pins(&self) -> Result<Vec<SessionId>, StoreError>;
}

/// An open session: its lock is held, its entries are appended here.
pub trait SessionWriter: Send {
    /// The transcript's path; the file is made with the first entry.
    fn path(&self) -> &Path;

    /// Appends entries, compact JSON without newlines, and flushes them to the
    /// operating system. A file that ends in the middle of a line gets a newline
    /// first.
    fn append(&mut self, entries: &[String]) -> io::Result<()>;

    /// Waits until the disk has everything that was appended.
    fn sync(&mut self) -> io::Result<()>;
}

/// Which sessions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of one folder and of the other worktrees of its repository.
    Project(PathBuf),
    /// All.
    All,
}

/// A session as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Its id.
    pub id: SessionId,
    /// The transcript.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When the file was last touched; says less than the last entry's time.
    pub modified: SystemTime,
    /// Tells a replaced file from a grown one; 0 where the platform has none.
    pub inode: u64,
}

/// A deleted session as it lies in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashedSession {
    /// Its id.
    pub id: SessionId,
    /// When it was deleted.
    pub deleted_at: SystemTime,
    /// Bytes, its side folder's too.
    pub size: u64,
    /// The transcript, in the trash.
    pub path: PathBuf,
}

/// A session of which a copy is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedSession {
    /// Its id.
    pub id: SessionId,
    /// The copy.
    pub path: PathBuf,
    /// Somebody else deleted the session: the copy is all there is.
    pub original_missing: bool,
}

/// The end of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptTail {
    /// Whole lines (the last one may be torn).
    pub bytes: Vec<u8>,
    /// These bytes are all there is.
    pub is_complete: bool,
}

/// How a session is taken in from a file.
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'a> {
    /// The folder it is to belong to; none: the one it was started in.
    pub cwd: Option<&'a Path>,
    /// The folder for one that says none itself.
    pub default_cwd: &'a Path,
    /// As a copy with an id of its own.
    pub as_fork: bool,
}

/// A live process that has a session open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its pid.
    pub pid: u32,
    /// `hotseat`, `claude`.
    pub program: String,
    /// `idle`, `busy`; empty where it does not say.
    pub status: String,
}

/// Makes a folder, and those above it, for their owner only.
fn private_dir(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
