//! The files the model has seen, so that it changes none it does not know.
//!
//! Owns one session's memory of them; a switch begins another. Never reads a
//! file's content.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What the model is told of a file it must read first (the official words).
pub const NOT_READ_ERROR: &str = "File has not been read yet. Read it first before writing to it.";
/// The same of one that is another by now.
pub const STALE_READ_ERROR: &str = "File has been modified since read, either by the user or by a linter. Read it again \
                              before attempting to write it.";
/// The same of one that it has just written.
pub const STATE_IS_CURRENT_NOTE: &str = " (file state is current in your context — no need to Read it back)";

/// What a session's tools have read or written. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles(Arc<Mutex<HashMap<PathBuf, FileStamp>>>);

/// A state of a file, as far as the disk tells without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    size: u64,
    modified: Option<SystemTime>,
}

/// How well a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadState {
    /// As it is now.
    Current,
    /// As it was before somebody changed it.
    Stale,
    /// Not at all.
    Unread,
}

impl FileStamp {
    fn from_metadata(there: &Metadata) -> Self {
        Self { size: there.len(), modified: there.modified().ok() }
    }
}

impl ReadFiles {
    /// The model knows this file as it is now. The path is without links.
    pub fn record(&self, path: &Path) {
        if let Ok(there) = fs::metadata(path) {
            self.lock().insert(path.to_owned(), FileStamp::from_metadata(&there));
        }
    }

    /// How well the model knows this file, of which the disk says this.
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
