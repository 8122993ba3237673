//! Folders that were renamed or moved with their sessions left behind.
//!
//! Sessions are filed under their folder's name, so after `mv proj newname` none is found in
//! `newname`. A project folder whose working folder is gone, and stood beside this one or had its
//! name, is taken for what this folder was called before; a person decides.

use std::fs;
use std::path::{Path, PathBuf};

use super::LocalStore;
use super::discovery::{dir_entries, sessions_in};
use crate::session::SessionId;
use crate::store::{
    FolderReason, Scope, SessionStore, StoreError, StoredSession, project_dir, working_folder,
};

/// So many project folders are read for it.
const MAX_CANDIDATES: usize = 32;

/// What a folder was probably called before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerFolder {
    /// Its former path, where nothing is any more.
    pub path: PathBuf,
    /// How many sessions work there.
    pub sessions: usize,
}

impl LocalStore {
    /// What `folder` was probably called before, if sessions were left behind under that name.
    pub fn former_folder(&self, folder: &Path) -> Option<FormerFolder> {
        let here = PathBuf::from(project_dir::canonical_cwd(folder));
        let (parent, name) = (here.parent()?, here.file_name()?.to_str()?);
        let beside = project_dir::encoded_name(parent.to_str()?) + "-";
        let same_name = project_dir::encoded_name(&format!("/{name}"));
        let own = project_dir::project_dir_for(&self.projects, &here);
        let is_candidate = |path: &PathBuf| {
            let project = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            *path != own && (project.starts_with(&beside) || project.ends_with(&same_name))
        };
        let projects = dir_entries(&self.projects).ok()?.map(|entry| entry.path()).filter(is_candidate);
        let made = fs::metadata(&here).and_then(|there| there.created()).ok();
        let found = projects.take(MAX_CANDIDATES).filter_map(|project| {
            let sessions = sessions_in(&project).ok()?;
            let newest = sessions.iter().max_by_key(|stored| stored.modified)?;
            let path = working_folder(self, newest.id, &here).ok()?.path;
            let is_former = !path.exists()
                && project_dir::belongs_to_cwd(&newest.path, &path)
                && (path.parent() == Some(parent) || path.file_name() == here.file_name());
            // A folder that was made after its sessions is another one.
            let began =
                |stored: &StoredSession| fs::metadata(&stored.path).and_then(|file| file.created()).ok();
            let is_younger =
                made.is_some_and(|made| sessions.iter().filter_map(began).all(|began| began < made));
            (is_former && !is_younger)
                .then_some((newest.modified, FormerFolder { path, sessions: sessions.len() }))
        });
        found.max_by_key(|(modified, _)| *modified).map(|(_, former)| former)
    }

    /// Moves every session that works in a folder to another folder's project; those of a third
    /// folder whose name encodes to the same stay. Returns the moved ones.
    pub fn move_all(&self, from: &Path, to: &Path) -> Result<Vec<SessionId>, StoreError> {
        let from = PathBuf::from(project_dir::canonical_cwd(from));
        let mut moved = Vec::new();
        let scope = Scope::Project(from.clone());
        for stored in self.list(&scope)? {
            let is_own =
                project_dir::belongs_to_cwd(&stored.path, &from) && self.find_owned(stored.id).is_ok();
            if !is_own {
                continue;
            }
            let folder = working_folder(self, stored.id, &from)?;
            let works_there = folder.path == from || folder.reason == FolderReason::Unverified;
            if works_there && self.move_to(stored.id, to)?.is_some() {
                moved.push(stored.id);
            }
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;

    fn session_in(scratch: &Scratch, folder: &Path) -> SessionId {
        let id = SessionId::random();
        let entry = serde_json::json!({
            "type": "user", "uuid": "p", "parentUuid": null, "cwd": folder, "message": {"content": "go"},
        });
        scratch.store.open(id, folder).unwrap().append(&[entry.to_string()]).unwrap();
        id
    }

    #[test]
    fn a_renamed_folder_is_noticed_and_its_sessions_move_in_one_step() {
        let scratch = Scratch::new();
        let root = scratch.cwd().canonicalize().unwrap();
        let (old, new) = (root.join("proj"), root.join("newname"));
        fs::create_dir(&old).unwrap();
        let ids = [session_in(&scratch, &old), session_in(&scratch, &old)];
        assert_eq!(scratch.store.former_folder(&old), None, "it is there");
        fs::rename(&old, &new).unwrap();
        let former = FormerFolder { path: old.clone(), sessions: 2 };
        assert_eq!(scratch.store.former_folder(&new), Some(former));
        let mut moved = scratch.store.move_all(&old, &new).unwrap();
        moved.sort_unstable();
        let mut expected = ids.to_vec();
        expected.sort_unstable();
        assert_eq!(moved, expected);
        assert_eq!(scratch.store.list(&Scope::Project(new.clone())).unwrap().len(), 2);
        assert_eq!(scratch.store.former_folder(&new), None, "once is enough");
    }

    #[test]
    fn a_folder_elsewhere_with_another_name_is_not_the_same() {
        let scratch = Scratch::new();
        let root = scratch.cwd().canonicalize().unwrap();
        let (old, other) = (root.join("deep/proj"), root.join("other"));
        fs::create_dir_all(&old).unwrap();
        fs::create_dir(&other).unwrap();
        session_in(&scratch, &old);
        fs::remove_dir(&old).unwrap();
        assert_eq!(scratch.store.former_folder(&other), None);
    }

    #[test]
    fn of_two_folders_with_one_name_only_the_sessions_of_one_move() {
        let scratch = Scratch::new();
        let root = scratch.cwd().canonicalize().unwrap();
        let (dotted, spaced, new) = (root.join("a.b"), root.join("a b"), root.join("c"));
        for folder in [&dotted, &spaced, &new] {
            fs::create_dir(folder).unwrap();
        }
        let (goes, stays) = (session_in(&scratch, &dotted), session_in(&scratch, &spaced));
        fs::remove_dir(&dotted).unwrap();
        assert_eq!(scratch.store.move_all(&dotted, &new).unwrap(), [goes]);
        assert!(project_dir::belongs_to_cwd(&scratch.store.find(stays).unwrap().path, &spaced));
    }
}
