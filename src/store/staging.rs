//! Folders for files on their way in, one per process.
//!
//! `<root>/hotseat/staging/<pid>-<start>-…` belongs to a live process or is a leftover of a
//! killed one, which the next user of the folder removes. A file moves from here to its place
//! in one rename, so nothing half-written ever lies among the transcripts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::sys::private_files::private_dir;
use crate::sys::process_liveness;

/// A folder of this process; removed with all that is left in it when dropped.
#[derive(Debug)]
pub(super) struct Staging {
    dir: Option<tempfile::TempDir>,
    parent: PathBuf,
}

impl Staging {
    /// Makes a folder under `parent` and removes leftovers there, except those `in_use` paths
    /// lie in: a pending move still needs them.
    pub fn create(parent: &Path, in_use: &[PathBuf]) -> io::Result<Self> {
        private_dir(parent)?;
        for leftover in leftovers(parent) {
            if !in_use.iter().any(|path| path.starts_with(&leftover)) {
                // Another process may be removing it too.
                fs::remove_dir_all(&leftover).ok();
            }
        }
        let pid = std::process::id();
        let start = process_liveness::process_start(pid).unwrap_or_default();
        let dir = tempfile::Builder::new().prefix(&format!("{pid}-{start}-")).tempdir_in(parent)?;
        Ok(Self { dir: Some(dir), parent: parent.to_owned() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.as_ref().map_or(&self.parent, tempfile::TempDir::path)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // First the folder, then its parent, which fails while others are in it.
        drop(self.dir.take());
        fs::remove_dir(&self.parent).ok();
    }
}

/// The folders of processes that are gone.
pub(super) fn leftovers(parent: &Path) -> Vec<PathBuf> {
    let entries = parent.read_dir().into_iter().flatten().flatten();
    let is_left = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut parts = name.split('-');
        let owner = parts.next().and_then(|pid| Some((pid.parse().ok()?, parts.next()?)));
        owner.is_none_or(|(pid, start)| {
            let start = Some(start).filter(|start| !start.is_empty());
            !process_liveness::is_alive(pid, start)
        })
    };
    entries.map(|entry| entry.path()).filter(is_left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_process_leaves_nothing_for_long() {
        let temp = tempfile::tempdir().unwrap();
        let parent = temp.path().join("staging");
        let (dead, needed) = (parent.join("4194304-1-x"), parent.join("4194304-2-x"));
        for folder in [&dead, &needed] {
            fs::create_dir_all(folder).unwrap();
        }
        let (mine, other) = (Staging::create(&parent, &[needed.join("a.jsonl")]).unwrap(), temp.path());
        assert!(!dead.exists() && needed.exists() && mine.path().is_dir());
        assert_eq!(leftovers(&parent), [needed.as_path()]);
        let second = Staging::create(&parent, &[]).unwrap();
        assert!(mine.path().is_dir() && !needed.exists(), "that of a live process stays");
        drop((mine, second));
        assert_eq!(other.read_dir().unwrap().count(), 0);
    }
}
