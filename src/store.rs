//! Where transcripts live: files, memory, and copies of what other agents keep.
//!
//! Owns listing, reading, appending, locking, forking, renaming, tagging, deleting and
//! pinning. Never knows screens or agent processes, and never rewrites a transcript in
//! place: it is append-only, and a delete is a move to the trash.
//!
//! Start at [`SessionStore`], the contract; [`LocalStore`] implements it over `~/.claude`,
//! [`MemoryStore`] is the shortest implementation.

mod archive;
mod claude_registry;
mod cleanup;
mod error;
mod fingerprint;
mod forking;
mod imported;
mod local;
mod lock;
mod memory;
mod metadata_entries;
mod partial_read;
mod pending_moves;
mod pins;
mod place_files;
mod project_dir;
mod read_file;
mod side_files;
mod snapshots;
mod staging;
mod subagents;
mod trash;
mod trust;
mod working_folder;
mod writer;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::session::SessionId;

pub use error::StoreError;
pub use fingerprint::fingerprint;
pub use forking::{ForkResult, ForkSpec, RepairReport};
pub use imported::{ExternalRecord, ImportedSessions};
pub use local::LocalStore;
pub use local::leftovers::StoreLeftover;
pub use local::renamed_folders::FormerFolder;
pub use memory::MemoryStore;
pub use pending_moves::PendingMove;
pub use project_dir::{belongs_to_cwd, canonical_cwd, project_key};
pub use side_files::SideFiles;
pub use subagents::{SubagentPurpose, SubagentTranscript, as_main_conversation, subagents_of};
pub use trust::{TrustRecord, TrustStore};
pub use working_folder::{FolderLookup, FolderReason, WorkingFolder, working_folder};

/// A place that keeps transcripts. Every call may touch a disk, so call none from a draw
/// loop.
pub trait SessionStore: Send + Sync {
    /// Lists the sessions of a scope from file metadata alone, in no particular order.
    fn list(&self, scope: &Scope) -> Result<Vec<StoredSession>, StoreError>;

    /// Finds a session by id in every project. Error: [`StoreError::NotFound`].
    fn find(&self, id: SessionId) -> Result<StoredSession, StoreError>;

    /// Reads a whole transcript.
    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError>;

    /// Reads whole lines from the start of a transcript, about `at_most` bytes.
    fn read_head(&self, id: SessionId, at_most: u64) -> Result<Vec<u8>, StoreError>;

    /// Reads whole lines from the end of a transcript, about `at_most` bytes.
    fn read_tail(&self, id: SessionId, at_most: u64) -> Result<TranscriptTail, StoreError>;

    /// Reads `at_most` bytes from `offset` on; fewer only at the end of the transcript.
    fn read_range(&self, id: SessionId, offset: u64, at_most: u64) -> Result<Vec<u8>, StoreError>;

    /// Copies new sessions of other agents until about `at_most` bytes were read, and
    /// returns `true` while there is more. A list does a little of this by itself.
    fn sync_external(&self, _at_most: u64) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Records what an agent reports that keeps no transcript of its own. Does nothing in a
    /// store without such recordings.
    fn record_external(&self, _record: &ExternalRecord) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes the recordings of sessions that `agent` no longer has. `there` are the ones
    /// it has, each with its folder; only those folders are looked at.
    fn retain_external(&self, _agent: &str, _there: &[(SessionId, PathBuf)]) -> Result<(), StoreError> {
        Ok(())
    }

    /// What a folder was probably called before, if sessions were left behind under that name.
    fn former_folder(&self, _folder: &Path) -> Option<FormerFolder> {
        None
    }

    /// Moves every session that works in a folder to another folder's project, and returns the
    /// moved ones.
    fn move_all(&self, _from: &Path, _to: &Path) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    /// Folders to watch for changes to a list; empty where changes cannot be observed.
    fn watch_paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Opens a session for appending and holds its lock until the writer is dropped. A
    /// session that does not exist yet is created with its first entry, in the project of
    /// `cwd`.
    fn open(&self, id: SessionId, cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError>;

    /// Who else has the session open now: another hotseat, or the official CLI.
    fn holder(&self, id: SessionId) -> Option<Holder>;

    /// Every session that another process has open now.
    fn holders(&self) -> Vec<(SessionId, Holder)>;

    /// Copies the main chain of a session into a new one, on the disk when this returns.
    /// The source does not change by one byte.
    fn fork(&self, source: SessionId, fork: &ForkSpec<'_>) -> Result<ForkResult, StoreError>;

    /// Appends a title.
    fn rename(&self, id: SessionId, title: &str) -> Result<(), StoreError>;

    /// Appends a tag; an empty one removes the tag.
    fn tag(&self, id: SessionId, tag: &str) -> Result<(), StoreError>;

    /// Moves a session and its side folder to the trash.
    fn delete(&self, id: SessionId) -> Result<(), StoreError>;

    /// Restores a session from the trash, or else from its pin.
    fn restore(&self, id: SessionId) -> Result<(), StoreError>;

    /// The sessions in the trash, the last deleted first.
    fn trash(&self) -> Result<Vec<TrashedSession>, StoreError>;

    /// Keeps a copy of a session that no clean-up finds and that follows what is appended.
    /// Pinning again updates the copy after the transcript's file was replaced.
    fn pin(&self, id: SessionId) -> Result<(), StoreError>;

    /// Removes a pin. What only the pin holds is restored or goes to the trash.
    fn unpin(&self, id: SessionId) -> Result<(), StoreError>;

    /// The pinned sessions. Those that [`Self::delete`] moved to the trash are not among
    /// them.
    fn pinned(&self) -> Result<Vec<PinnedSession>, StoreError>;

    /// How long the official tools keep a transcript after its file was last modified;
    /// `None` if they never clean up here.
    fn cleanup_period(&self) -> Option<Duration>;

    /// Updates every pin, restores pinned sessions that another program deleted, and
    /// returns the restored ones.
    fn reconcile_pins(&self) -> Result<Vec<SessionId>, StoreError>;
}

/// A session open for appending. Holds the session's lock.
pub trait SessionWriter: Send {
    /// The transcript's path. The file is created with the first entry.
    fn path(&self) -> &Path;

    /// Appends entries (compact JSON without newlines) and flushes them to the operating
    /// system. Writes a newline first if the file ends in the middle of a line.
    fn append(&mut self, entries: &[String]) -> io::Result<()>;

    /// Waits until everything appended is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Says that the first `size` bytes of the transcript were read: what others append
    /// behind them is reported by [`Self::appended_by_others`].
    fn mark_read(&mut self, _size: u64) {}

    /// What others appended since the last call, as ranges of bytes of the transcript, oldest
    /// first. Empty for a store that only this process can write to.
    fn appended_by_others(&mut self) -> io::Result<Vec<Range<u64>>> {
        Ok(Vec::new())
    }
}

/// Which sessions a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of one folder and of the other worktrees of its repository.
    Project(PathBuf),
    /// All of them.
    All,
}

/// A session's file, from its metadata alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// From the file's name.
    pub id: SessionId,
    /// The transcript.
    pub path: PathBuf,
    /// Size of the transcript in bytes.
    pub size: u64,
    /// Modification time of the file. Also moves when nothing was said (CLI 2.1.329 touches
    /// the file on resume), so order sessions by their last entry.
    pub modified: SystemTime,
    /// Tells a replaced file from a grown one; 0 where the platform has no inodes.
    pub inode: u64,
    /// When a file was last made, replaced or removed in the folder beside it; `None` if there
    /// is no such folder.
    pub side_modified: Option<SystemTime>,
}

/// A session in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashedSession {
    pub id: SessionId,
    /// When it was deleted.
    pub deleted_at: SystemTime,
    /// Bytes, including its side folder.
    pub size: u64,
    /// The transcript's path in the trash.
    pub path: PathBuf,
}

/// A session of which a copy is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedSession {
    pub id: SessionId,
    /// The copy.
    pub path: PathBuf,
    /// The transcript was deleted by another program: only the copy is left.
    pub original_missing: bool,
}

/// The end of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptTail {
    /// Whole lines; the last one may be cut off.
    pub bytes: Vec<u8>,
    /// These bytes are the whole transcript.
    pub is_complete: bool,
}

/// How to import a session from a file.
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'a> {
    /// The folder it shall belong to; `None` for the one it was started in.
    pub cwd: Option<&'a Path>,
    /// The folder for a session that names none.
    pub default_cwd: &'a Path,
    /// Import it as a copy with a new id.
    pub as_fork: bool,
}

/// A live process that has a session open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id; 0 if the lock does not say.
    pub pid: u32,
    /// `hotseat` or `claude`.
    pub program: String,
    /// `idle` or `busy`; empty if it does not say.
    pub status: String,
}
