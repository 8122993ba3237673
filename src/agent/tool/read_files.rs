//! The files that the model has read, so that it overwrites none that it does
//! not know.
//!
//! Owns one session's record; a switch starts another. Never reads a file's
//! content.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The error for a file that must be read first (the official words).
pub const NOT_READ_ERROR: &str = "File has not been read yet. Read it first before writing to it.";
/// The error for a file that changed since it was read (the official words).
pub const STALE_READ_ERROR: &str = "File has been modified since read, either by the user or by a linter. Read it again \
                              before attempting to write it.";
/// The note on a file that was just written (the official words).
pub const STATE_IS_CURRENT_NOTE: &str = " (file state is current in your context — no need to Read it back)";

/// What a session's tools have read or written. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles(Arc<Mutex<HashMap<PathBuf, FileStamp>>>);

/// The state of a file, as far as its metadata tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    size: u64,
    modified: Option<SystemTime>,
}

/// Whether the model knows a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadState {
    /// It knows the file as it is now.
    Current,
    /// It knows the file as it was before somebody changed it.
    Stale,
    /// It has not read the file.
    Unread,
}

impl FileStamp {
    fn from_metadata(there: &Metadata) -> Self {
        Self { size: there.len(), modified: there.modified().ok() }
    }
}

impl ReadFiles {
    /// Records that the model knows this file as it is now. The path is resolved.
    pub fn record(&self, path: &Path) {
        if let Ok(there) = fs::metadata(path) {
            self.lock().insert(path.to_owned(), FileStamp::from_metadata(&there));
        }
    }

    /// Whether the model knows this file, whose metadata is given.
    pub fn state_of(&self, path: &Path, there: &Metadata) -> ReadState {
        match self.lock().get(path) {
            None => ReadState::Unread,
            Some(version) if *version == FileStamp::from_metadata(there) => ReadState::Current,
            Some(_) => ReadState::Stale,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, FileStamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
