//! Deleted sessions, until somebody restores them.
//!
//! Only [`purge`] removes a transcript for good, and only a person's explicit command calls
//! it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::pending_moves::PendingMoves;
use super::snapshots::{Snapshot, create_snapshot_dir, newest_snapshot, remove_empty_dirs};
use crate::session::SessionId;

/// Moves a transcript and its side folder into the session's trash folder.
pub(super) fn move_to_trash(
    moves: &PendingMoves,
    id: SessionId,
    transcript: &Path,
    trash_dir: &Path,
    now: SystemTime,
) -> io::Result<()> {
    let (Some(folder), Some(name)) = (transcript.parent(), transcript.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let project = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let dir = create_snapshot_dir(trash_dir, now)?;
    moves.run(id, transcript, &dir.join(project).join(name)).inspect_err(|_| {
        // Leave no empty folders; one that is not empty has something to finish.
        for emptied in [&dir.join(project), &dir, trash_dir] {
            fs::remove_dir(emptied).ok();
        }
    })
}

/// Moves the snapshot that was deleted last back under `projects` and returns its new path.
pub(super) fn restore(
    moves: &PendingMoves,
    id: SessionId,
    trash_dir: &Path,
    projects: &Path,
) -> io::Result<PathBuf> {
    let snapshot = newest_snapshot(trash_dir)?;
    let target = snapshot.original_path(projects);
    moves.run(id, &snapshot.transcript, &target)?;
    remove_empty_dirs(&snapshot, trash_dir);
    Ok(target)
}

/// Removes one snapshot for good. It is gone from the trash at once; `staging` receives what
/// takes longer to remove.
pub(super) fn purge(snapshot: &Snapshot, trash_dir: &Path, staging: &Path) -> io::Result<()> {
    let leaving = staging.join(snapshot.dir.file_name().unwrap_or_default());
    fs::rename(&snapshot.dir, &leaving)?;
    remove_empty_dirs(snapshot, trash_dir);
    fs::remove_dir_all(leaving)
}

#[cfg(test)]
mod tests {
    use super::super::snapshots::list_snapshots;
    use super::*;

    const ID: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";

    #[test]
    fn what_was_deleted_last_comes_back_with_its_side_folder() {
        let temp = tempfile::tempdir().unwrap();
        let (projects, trash_dir) = (temp.path().join("projects"), temp.path().join("trash").join(ID));
        let transcript = projects.join("-p").join(format!("{ID}.jsonl"));
        let side_dir = transcript.with_extension("").join("subagents/agent-1.jsonl");
        let (now, id) = (SystemTime::now(), ID.parse().unwrap());
        let moves = PendingMoves::new(temp.path().join("pending"));
        for text in ["older", "newer"] {
            fs::create_dir_all(side_dir.parent().unwrap()).unwrap();
            fs::write(&side_dir, text).unwrap();
            fs::write(&transcript, text).unwrap();
            move_to_trash(&moves, id, &transcript, &trash_dir, now).unwrap();
            assert!(!transcript.exists() && !side_dir.exists());
        }
        assert_eq!(restore(&moves, id, &trash_dir, &projects).unwrap(), transcript);
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "newer");
        assert_eq!(fs::read_to_string(&side_dir).unwrap(), "newer");
        let refused = restore(&moves, id, &trash_dir, &projects).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "the older one stays in the trash");
        fs::rename(&transcript, temp.path().join("aside")).unwrap();
        fs::remove_dir_all(transcript.with_extension("")).unwrap();
        restore(&moves, id, &trash_dir, &projects).unwrap();
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "older");
        assert!(!trash_dir.exists(), "an empty dir is cleared away");
    }

    #[test]
    fn what_is_purged_is_gone_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, trash_dir) = (temp.path().join("projects/-p"), temp.path().join("trash").join(ID));
        fs::create_dir_all(&folder).unwrap();
        let (id, moves) = (ID.parse().unwrap(), PendingMoves::new(temp.path().join("pending")));
        let transcript = folder.join(format!("{ID}.jsonl"));
        for text in ["older", "newer"] {
            fs::write(&transcript, text).unwrap();
            move_to_trash(&moves, id, &transcript, &trash_dir, SystemTime::now()).unwrap();
        }
        let all = list_snapshots(&trash_dir).unwrap();
        assert_eq!(all.iter().map(Snapshot::size).collect::<Vec<_>>(), [5, 5]);
        purge(&all[0], &trash_dir, temp.path()).unwrap();
        assert_eq!(list_snapshots(&trash_dir).unwrap(), all[1..]);
        purge(&all[1], &trash_dir, temp.path()).unwrap();
        assert!(!trash_dir.exists());
    }
}
