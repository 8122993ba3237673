//! One writer per session: an advisory lock whose file names its holder.
//!
//! The kernel's `flock` decides, so a killed holder leaves nothing to clean up; the text in
//! the file only tells others who holds it. Dropping the lock removes the file, and whoever
//! locked a removed file tries again.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::Holder;
use crate::sys::private_files::private_dir;
use crate::sys::process_liveness;

/// A held lock. Dropping it releases it.
#[derive(Debug)]
pub struct SessionLock {
    path: PathBuf,
    /// Open for as long as the lock is held: the kernel ties the lock to it.
    _file: File,
}

/// Why a lock could not be acquired.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Held(Holder),
    /// The file cannot be created or locked.
    Io(io::Error),
}

/// The content of a lock file.
#[derive(Serialize, Deserialize)]
struct LockFileContent {
    pid: u32,
    program: String,
    since: String,
    /// As [`process_liveness::process_start`], so that a reused pid is no holder.
    start: Option<String>,
}

impl SessionLock {
    /// Acquires the lock without waiting.
    pub fn try_acquire(path: &Path) -> Result<Self, LockError> {
        if let Some(folder) = path.parent() {
            private_dir(folder).map_err(LockError::Io)?;
        }
        loop {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
            let mut file = file.map_err(LockError::Io)?;
            match file.try_lock() {
                Ok(()) if is_same_inode(path, &file) => {
                    write_holder(&mut file).map_err(LockError::Io)?;
                    return Ok(Self { path: path.to_owned(), _file: file });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_holder(path))),
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            }
        }
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // Still locked here, so nobody who opens this file can hold it too. A file that
        // cannot be removed is harmless: it is not locked any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// The live process that a lock file names, unless it is this one. Does not touch the lock,
/// so looking never blocks a writer.
pub fn live_holder(path: &Path) -> Option<Holder> {
    let note: LockFileContent = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let other = note.pid != std::process::id() && process_liveness::is_alive(note.pid, note.start.as_deref());
    other.then(|| Holder { pid: note.pid, program: note.program, status: String::new() })
}

/// Whether the path still names the file that was opened.
fn is_same_inode(path: &Path, file: &File) -> bool {
    match (fs::metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => there.ino() == here.ino() && there.dev() == here.dev(),
        _ => false,
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    let pid = std::process::id();
    let note = LockFileContent {
        pid,
        program: "hotseat".to_owned(),
        since: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        start: process_liveness::process_start(pid),
    };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(&note)?.as_bytes())
}

/// Who holds a lock that is known to be held. The holder may have locked the file a moment
/// ago and not have written its name yet, so this waits up to 20 ms for it.
fn read_holder(path: &Path) -> Holder {
    for _ in 0..20 {
        let note = fs::read(path).ok().and_then(|json| serde_json::from_slice::<LockFileContent>(&json).ok());
        if let Some(note) = note.filter(|note| process_liveness::is_alive(note.pid, note.start.as_deref())) {
            return Holder { pid: note.pid, program: note.program, status: String::new() };
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Holder { pid: 0, program: "another process".to_owned(), status: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_is_told_who_holds_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("locks/a.lock");
        let first = SessionLock::try_acquire(&path).unwrap();
        match SessionLock::try_acquire(&path) {
            Err(LockError::Held(holder)) => {
                assert_eq!((holder.pid, holder.program.as_str()), (std::process::id(), "hotseat"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(live_holder(&path), None, "one's own lock is no hindrance");
        drop(first);
        assert!(!path.exists());
        SessionLock::try_acquire(&path).unwrap();
    }

    #[test]
    fn what_a_killed_holder_left_behind_is_no_lock() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.lock");
        fs::write(&path, r#"{"pid":4194304,"program":"hotseat","since":"","start":"1"}"#).unwrap();
        assert_eq!(live_holder(&path), None);
        SessionLock::try_acquire(&path).unwrap();
    }

    #[test]
    fn of_many_takers_one_gets_it_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        let taken = std::sync::atomic::AtomicUsize::new(0);
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(lock) = SessionLock::try_acquire(&path) {
                            assert_eq!(inside.fetch_add(1, order), 0);
                            taken.fetch_add(1, order);
                            inside.fetch_sub(1, order);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
