//! The folders that hotseat reads and writes: whether they exist and are writable.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use serde::Serialize;

use super::DoctorFindings;
use crate::cli::paths::Paths;
use crate::store::{LocalStore, Scope, SessionStore};

/// One folder or file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FolderReport {
    /// What it is for, such as `sessions`.
    pub what: &'static str,
    pub path: PathBuf,
    pub exists: bool,
    /// It can be written, or created if it does not exist.
    pub writable: bool,
    /// A short summary of its contents.
    pub holds: Option<String>,
}

pub fn examine(places: &Paths, findings: &mut DoctorFindings) -> Vec<FolderReport> {
    vec![
        folder("sessions", places.projects(), findings, |path| session_contents(&places.claude, path)),
        folder("trash", places.trash(), findings, |_| trash_contents(&places.claude)),
        folder("pinned", places.pinned(), findings, |_| pinned_contents(&places.claude)),
        file("configuration", places.config_file(), findings),
        folder("state", places.state.clone(), findings, |_| (None, vec![])),
        folder("logs", places.logs(), findings, |_| (None, vec![])),
        folder("cache", places.cache.clone(), findings, |_| (None, vec![])),
        codex_folder(places, findings),
    ]
}

/// hotseat only reads codex's folder, so it need not be writable.
fn codex_folder(places: &Paths, findings: &mut DoctorFindings) -> FolderReport {
    let path = places.codex.join("sessions");
    let exists = path.exists();
    if exists && path.read_dir().is_err() {
        findings.problem(format!("codex: {} cannot be read", path.display()), chmod_remedy(&path, "u+rx"));
    }
    let holds = (!exists).then(|| "no codex sessions".to_owned());
    FolderReport { what: "codex", writable: can_write(&path), path, exists, holds }
}

/// A summary of a folder, and the folders in it that cannot be read.
type FolderContents = (Option<String>, Vec<PathBuf>);

fn folder(
    what: &'static str,
    path: PathBuf,
    findings: &mut DoctorFindings,
    contents: impl FnOnce(&Path) -> FolderContents,
) -> FolderReport {
    let exists = path.exists();
    let writable = can_write(&path);
    if exists && !path.is_dir() {
        findings.problem(
            format!("{what}: {} is not a folder", path.display()),
            "Move that file away; hotseat creates the folder when it needs it.",
        );
        return FolderReport { what, path, exists, writable: false, holds: None };
    }
    if exists && path.read_dir().is_err() {
        findings.problem(format!("{what}: {} cannot be read", path.display()), chmod_remedy(&path, "u+rx"));
    }
    if !writable {
        findings
            .problem(format!("{what}: {} cannot be written", path.display()), chmod_remedy(&path, "u+rwx"));
    }
    let (holds, unreadable) = contents(&path);
    for inner in unreadable {
        findings.problem(format!("{what}: {} cannot be read", inner.display()), chmod_remedy(&inner, "u+rx"));
    }
    FolderReport { what, path, exists, writable, holds }
}

fn file(what: &'static str, path: PathBuf, findings: &mut DoctorFindings) -> FolderReport {
    let exists = path.exists();
    if exists && access(&path, Access::READ_OK).is_err() {
        findings.problem(format!("{what}: {} cannot be read", path.display()), chmod_remedy(&path, "u+r"));
    }
    let holds = (!exists).then(|| "none yet, using defaults".to_owned());
    let writable = can_write(&path);
    FolderReport { what, path, exists, writable, holds }
}

/// A folder that does not exist yet is created inside its nearest existing parent.
fn can_write(path: &Path) -> bool {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists());
    nearest.is_some_and(|nearest| access(nearest, Access::WRITE_OK).is_ok())
}

fn chmod_remedy(path: &Path, mode: &str) -> String {
    let there = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path);
    format!("If it is yours: chmod {mode} {:?}", there.display())
}

fn session_contents(root: &Path, projects: &Path) -> FolderContents {
    let unreadable = subfolders(projects).into_iter().filter(|folder| folder.read_dir().is_err()).collect();
    let Ok(sessions) = LocalStore::new(root).list(&Scope::All) else { return (None, unreadable) };
    let bytes: u64 = sessions.iter().map(|session| session.size).sum();
    let folders =
        sessions.iter().filter_map(|session| session.path.parent()).collect::<std::collections::HashSet<_>>();
    let holds = match sessions.len() {
        0 => "none yet".to_owned(),
        count => format!("{count}, {:.1} MB, in {}", bytes as f64 / 1e6, plural(folders.len(), "folder")),
    };
    (Some(holds), unreadable)
}

fn trash_contents(root: &Path) -> FolderContents {
    let trash = LocalStore::new(root).trash().unwrap_or_default();
    let bytes: u64 = trash.iter().map(|trashed| trashed.size).sum();
    let holds = match trash.len() {
        0 => "empty".to_owned(),
        count => format!("{}, {:.1} MB", plural(count, "deleted session"), bytes as f64 / 1e6),
    };
    (Some(holds), vec![])
}

fn pinned_contents(root: &Path) -> FolderContents {
    let pinned = LocalStore::new(root).pinned().unwrap_or_default();
    let lost = pinned.iter().filter(|pinned| pinned.original_missing).count();
    let holds = match pinned.len() {
        0 => "none".to_owned(),
        count if lost == 0 => plural(count, "session"),
        count => format!("{}, {lost} deleted elsewhere and to be restored", plural(count, "session")),
    };
    (Some(holds), vec![])
}

fn plural(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path) -> Paths {
        let of = |name: &str| root.join(name);
        Paths {
            claude: of("claude"),
            codex: of("codex"),
            config: of("config"),
            state: of("state"),
            cache: of("cache"),
        }
    }

    #[test]
    fn missing_folders_are_no_problem() {
        let scratch = tempfile::tempdir().unwrap();
        let mut findings = DoctorFindings::default();
        let folders = examine(&places(scratch.path()), &mut findings);
        assert_eq!(findings, DoctorFindings::default());
        assert!(folders.iter().all(|folder| !folder.exists && folder.writable));
    }

    #[test]
    fn sessions_and_trash_are_counted() {
        let scratch = tempfile::tempdir().unwrap();
        let places = places(scratch.path());
        let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        let project = places.projects().join("-p");
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join(format!("{id}.jsonl")), "{}\n").unwrap();
        let store = LocalStore::new(&places.claude);
        store.pin(id.parse().unwrap()).unwrap();
        store.delete(id.parse().unwrap()).unwrap();
        std::fs::write(project.join(format!("{id}.jsonl")), "{}\n").unwrap();

        let folders = examine(&places, &mut DoctorFindings::default());
        let holds = |what| folders.iter().find(|folder| folder.what == what).unwrap().holds.clone().unwrap();
        assert_eq!(holds("sessions"), "1, 0.0 MB, in 1 folder");
        assert_eq!(holds("trash"), "1 deleted session, 0.0 MB");
        assert_eq!(holds("pinned"), "1 session");
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_a_problem() {
        let scratch = tempfile::tempdir().unwrap();
        let places = places(scratch.path());
        std::fs::write(&places.state, "").unwrap();
        let mut findings = DoctorFindings::default();
        examine(&places, &mut findings);
        let what = &findings.problems[0].what;
        assert!(what.contains("state") && what.ends_with("is not a folder"), "{what}");
    }
}
