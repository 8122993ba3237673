//! What is out of place in the store: leftovers of killed runs, and misplaced files.
//!
//! Looks at names and metadata only, changes nothing and reads no transcript. The doctor reports
//! it; [`LocalStore::finish_interrupted`] finishes what can be finished.

use std::fs;
use std::path::{Path, PathBuf};

use super::LocalStore;
use crate::session::SessionId;
use crate::store::place_files::PART_SUFFIX;
use crate::store::staging;

/// Something out of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLeftover {
    /// A move, delete, restore or import that was interrupted; the transcript's old and new path.
    InterruptedMove(PathBuf, PathBuf),
    /// A folder of a killed import, fork or purge.
    StagingFolder(PathBuf),
    /// A file whose writer was killed.
    PartialFile(PathBuf),
    /// A side folder whose transcript is in no project.
    OrphanSideFolder(PathBuf),
    /// A side folder whose transcript is in another project.
    StraySideFolder(PathBuf),
    /// A transcript in a folder inside a project, where no tool looks for it.
    NestedTranscript(PathBuf),
}

impl LocalStore {
    /// Everything out of place, in the order of [`StoreLeftover`]'s variants by folder.
    pub fn leftovers(&self) -> Vec<StoreLeftover> {
        let mut found: Vec<_> = self
            .pending_moves()
            .list()
            .into_iter()
            .map(|(_, pending)| StoreLeftover::InterruptedMove(pending.from().into(), pending.to().into()))
            .collect();
        let staging = staging::leftovers(&self.root.join("hotseat/staging"));
        found.extend(staging.into_iter().map(StoreLeftover::StagingFolder));
        // Older versions staged imports beside the trash.
        let old = paths_in(&self.root.join("hotseat")).filter(|path| name_of(path).starts_with(".tmp"));
        found.extend(old.map(StoreLeftover::StagingFolder));
        let mut projects: Vec<_> = paths_in(&self.projects).filter(|path| path.is_dir()).collect();
        projects.sort();
        for project in &projects {
            self.look_into(project, &projects, &mut found);
        }
        found
    }

    fn look_into(&self, project: &Path, projects: &[PathBuf], found: &mut Vec<StoreLeftover>) {
        let mut paths: Vec<_> = paths_in(project).collect();
        paths.sort();
        for path in paths {
            let name = name_of(&path);
            if name.starts_with('.') && name.ends_with(PART_SUFFIX) {
                found.push(StoreLeftover::PartialFile(path));
            } else if !path.is_dir() {
                // A transcript, or a file of another program.
            } else if let Ok(id) = name.parse::<SessionId>() {
                let file = format!("{id}.jsonl");
                if project.join(&file).exists() {
                    continue;
                }
                let is_elsewhere = projects.iter().any(|other| other.join(&file).exists());
                found.push(if is_elsewhere {
                    StoreLeftover::StraySideFolder(path)
                } else {
                    StoreLeftover::OrphanSideFolder(path)
                });
            } else {
                let nested = paths_in(&path).filter(|path| is_transcript_name(path));
                found.extend(nested.map(StoreLeftover::NestedTranscript));
            }
        }
    }
}

fn paths_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.map(|entry: fs::DirEntry| entry.path())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_transcript_name(path: &Path) -> bool {
    name_of(path).strip_suffix(".jsonl").is_some_and(|id| id.parse::<SessionId>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PROMPT, Scratch};
    use super::*;
    use crate::store::SessionStore;

    #[test]
    fn what_is_out_of_place_is_told_and_what_is_in_place_is_not() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        let transcript = scratch.store.find(id).unwrap().path;
        let project = transcript.parent().unwrap();
        fs::create_dir_all(transcript.with_extension("").join("subagents")).unwrap();
        fs::create_dir_all(project.join("memory")).unwrap();
        assert_eq!(scratch.store.leftovers(), []);

        let orphan = project.join(SessionId::random().to_string());
        fs::create_dir(&orphan).unwrap();
        let stray = scratch.store.root().join("projects/-other").join(id.to_string());
        fs::create_dir_all(&stray).unwrap();
        let nested = project.join("nested").join(format!("{}.jsonl", SessionId::random()));
        fs::create_dir(nested.parent().unwrap()).unwrap();
        fs::write(&nested, PROMPT).unwrap();
        let part = project.join(".x.jsonl.part");
        fs::write(&part, "").unwrap();
        let old = scratch.store.root().join("hotseat/.tmpAbC");
        fs::create_dir_all(&old).unwrap();
        let dead = scratch.store.root().join("hotseat/staging/4194304-1-x");
        fs::create_dir_all(&dead).unwrap();
        let found = scratch.store.leftovers();
        for expected in [
            StoreLeftover::OrphanSideFolder(orphan),
            StoreLeftover::StraySideFolder(stray),
            StoreLeftover::NestedTranscript(nested),
            StoreLeftover::PartialFile(part),
            StoreLeftover::StagingFolder(old),
            StoreLeftover::StagingFolder(dead),
        ] {
            assert!(found.contains(&expected), "{expected:?} in {found:?}");
        }
        assert_eq!(found.len(), 6);
    }
}
