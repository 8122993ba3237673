//! Finding transcripts: which folders belong to a scope, and which files in them are sessions.
//!
//! Uses names and metadata only; reads no transcript.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::LocalStore;
use crate::session::SessionId;
use crate::store::{ImportedSessions, Scope, StoreError, StoredSession, project_dir};
use crate::sys::git_repository;

impl LocalStore {
    /// The folders that may hold sessions of a scope.
    pub(super) fn folders(&self, scope: &Scope) -> Result<Vec<PathBuf>, StoreError> {
        let imported_dirs = || self.imported.iter().flat_map(ImportedSessions::projects);
        let Scope::Project(folder) = scope else {
            let mut folders: Vec<_> = dir_entries(&self.projects)?.map(|entry| entry.path()).collect();
            folders.extend(imported_dirs().flat_map(dir_entries).flatten().map(|entry| entry.path()));
            return Ok(folders);
        };
        let roots: Vec<_> = std::iter::once(self.projects.as_path()).chain(imported_dirs()).collect();
        let mut folders = Vec::new();
        for worktree in std::iter::once(folder.clone()).chain(git_repository::worktree_roots(folder)) {
            let cwd = project_dir::canonical_cwd(&worktree);
            for other in roots.iter().flat_map(|root| project_dir::existing_project_dirs(root, &cwd)) {
                if !folders.contains(&other) {
                    folders.push(other);
                }
            }
        }
        folders.extend(self.removed_worktrees(&folders));
        Ok(folders)
    }

    /// The projects of worktrees that Claude Code made inside a listed folder, under
    /// `.claude/worktrees/`: git forgets a worktree that was removed, its sessions stay.
    fn removed_worktrees(&self, listed: &[PathBuf]) -> Vec<PathBuf> {
        let name = |path: &Path| path.file_name().and_then(|name| name.to_str().map(str::to_owned));
        let prefixes: Vec<_> = listed
            .iter()
            .filter(|folder| folder.starts_with(&self.projects))
            .filter_map(|folder| Some(name(folder)? + "--claude-worktrees-"))
            .collect();
        let projects = dir_entries(&self.projects).into_iter().flatten().map(|entry| entry.path());
        let is_one = |path: &Path| {
            name(path).is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        };
        projects.filter(|path| is_one(path) && !listed.contains(path)).collect()
    }
}

/// The entries of a folder; empty if there is no such folder.
pub(super) fn dir_entries(folder: &Path) -> Result<impl Iterator<Item = fs::DirEntry>, StoreError> {
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

/// The sessions in one project folder.
pub(super) fn sessions_in(folder: &Path) -> Result<Vec<StoredSession>, StoreError> {
    let mut side_folders: HashMap<SessionId, SystemTime> = HashMap::new();
    let mut sessions = Vec::new();
    for entry in dir_entries(folder)? {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(id) = name.strip_suffix(".jsonl").unwrap_or(name).parse().ok() else { continue };
        // Uses the open folder, so the kernel does not resolve the whole path for each
        // file.
        let Ok(there) = entry.metadata() else { continue };
        if !name.ends_with(".jsonl") {
            side_folders.extend(there.modified().ok().filter(|_| there.is_dir()).map(|at| (id, at)));
        } else if there.is_symlink() {
            sessions.extend(stat_session(id, entry.path()));
        } else {
            sessions.extend(session_of_file(id, entry.path(), &there));
        }
    }
    for stored in &mut sessions {
        stored.side_modified = side_folders.get(&stored.id).copied();
    }
    Ok(sessions)
}

/// The session at this path, if it is a transcript: a file that is not empty.
pub(super) fn stat_session(id: SessionId, path: PathBuf) -> Option<StoredSession> {
    let there = fs::metadata(&path).ok()?;
    let side = fs::metadata(path.with_extension("")).ok().filter(fs::Metadata::is_dir);
    let stored = session_of_file(id, path, &there)?;
    Some(StoredSession { side_modified: side.and_then(|side| side.modified().ok()), ..stored })
}

fn session_of_file(id: SessionId, path: PathBuf, there: &fs::Metadata) -> Option<StoredSession> {
    use std::os::unix::fs::MetadataExt;
    if !there.is_file() || there.len() == 0 {
        return None;
    }
    let modified = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let (size, inode) = (there.len(), there.ino());
    Some(StoredSession { id, path, size, modified, inode, side_modified: None })
}
