//! Deleted sessions, until somebody restores them.
//!
//! Only [`purge`] removes a transcript for good, and only a person's explicit command calls
//! it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::private_dir;
use super::snapshots::{Snapshot, create_snapshot_dir, move_file, newest_snapshot, remove_empty_dirs};

/// Moves a transcript and then its side folder into the session's trash folder.
pub(super) fn move_to_trash(transcript: &Path, bin: &Path, now: SystemTime) -> io::Result<()> {
    let (Some(folder), Some(name)) = (transcript.parent(), transcript.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let project = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let place = create_snapshot_dir(bin, now)?.join(project);
    private_dir(&place)?;
    fs::rename(transcript, place.join(name))?;
    let side = transcript.with_extension("");
    if side.is_dir() {
        fs::rename(&side, place.join(name).with_extension(""))?;
    }
    Ok(())
}

/// Moves the snapshot that was deleted last back under `projects` and returns its new path.
pub(super) fn restore(bin: &Path, projects: &Path) -> io::Result<PathBuf> {
    let version = newest_snapshot(bin)?;
    let target = version.original_path(projects);
    if target.exists() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a session of this id is there again"));
    }
    target.parent().map_or(Ok(()), private_dir)?;
    let side = version.transcript.with_extension("");
    if side.is_dir() {
        fs::rename(&side, target.with_extension(""))?;
    }
    move_file(&version.transcript, &target)?;
    remove_empty_dirs(&version, bin);
    Ok(target)
}

/// Removes one snapshot for good.
pub(super) fn purge(version: &Snapshot, bin: &Path) -> io::Result<()> {
    fs::remove_dir_all(&version.dir)?;
    remove_empty_dirs(version, bin);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::snapshots::list_snapshots;
    use super::*;

    const ID: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";

    #[test]
    fn what_was_deleted_last_comes_back_with_its_side_folder() {
        let temp = tempfile::tempdir().unwrap();
        let (projects, bin) = (temp.path().join("projects"), temp.path().join("trash").join(ID));
        let transcript = projects.join("-p").join(format!("{ID}.jsonl"));
        let side = transcript.with_extension("").join("subagents/agent-1.jsonl");
        let now = SystemTime::now();
        for text in ["older", "newer"] {
            fs::create_dir_all(side.parent().unwrap()).unwrap();
            fs::write(&side, text).unwrap();
            fs::write(&transcript, text).unwrap();
            move_to_trash(&transcript, &bin, now).unwrap();
            assert!(!transcript.exists() && !side.exists());
        }
        assert_eq!(restore(&bin, &projects).unwrap(), transcript);
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "newer");
        assert_eq!(fs::read_to_string(&side).unwrap(), "newer");
        let refused = restore(&bin, &projects).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "the older one stays in the trash");
        fs::rename(&transcript, temp.path().join("aside")).unwrap();
        fs::remove_dir_all(transcript.with_extension("")).unwrap();
        restore(&bin, &projects).unwrap();
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "older");
        assert!(!bin.exists(), "an empty place is cleared away");
    }

    #[test]
    fn what_is_purged_is_gone_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, bin) = (temp.path().join("projects/-p"), temp.path().join("trash").join(ID));
        fs::create_dir_all(&folder).unwrap();
        let transcript = folder.join(format!("{ID}.jsonl"));
        for text in ["older", "newer"] {
            fs::write(&transcript, text).unwrap();
            move_to_trash(&transcript, &bin, SystemTime::now()).unwrap();
        }
        let all = list_snapshots(&bin).unwrap();
        assert_eq!(all.iter().map(Snapshot::size).collect::<Vec<_>>(), [5, 5]);
        purge(&all[0], &bin).unwrap();
        assert_eq!(list_snapshots(&bin).unwrap(), all[1..]);
        purge(&all[1], &bin).unwrap();
        assert!(!bin.exists());
    }
}
