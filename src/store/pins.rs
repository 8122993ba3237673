//! Pinned sessions: a second name for a transcript where no clean-up looks.
//!
//! The official clean-up (CLI 2.1.329) deletes transcripts whose file is older than
//! `cleanupPeriodDays`. A pin is a hard link under `hotseat/pinned/`, so it grows with the
//! transcript and survives its deletion. Where hard links are impossible, or after the
//! transcript was replaced by another file, [`pin`] updates the copy. A snapshot is removed
//! only if another one holds all of it. What a program truncates inside the file is lost
//! for both names.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::snapshots::{
    Snapshot, create_snapshot_dir, is_prefix_of, is_same_file, link_or_copy, link_tree, list_snapshots,
    newest_snapshot, remove_empty_dirs,
};
use crate::sys::private_files::private_dir;

/// Makes sure that the session's pin folder holds everything the transcript holds now.
pub(super) fn pin(transcript: &Path, pin_dir: &Path, now: SystemTime) -> io::Result<()> {
    let (Some(project), Some(name)) = (transcript.parent().and_then(Path::file_name), transcript.file_name())
    else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let older = list_snapshots(pin_dir)?;
    let side_dir = transcript.with_extension("");
    if let Some(last) = older.last() {
        let same_project = last.transcript.parent().and_then(Path::file_name) == Some(project);
        if same_project && is_up_to_date(transcript, &last.transcript)? {
            return link_tree(&side_dir, &last.transcript.with_extension(""));
        }
    }
    let dir = create_snapshot_dir(pin_dir, now)?.join(project);
    private_dir(&dir)?;
    let copy = dir.join(name);
    link_or_copy(transcript, &copy)?;
    link_tree(&side_dir, &copy.with_extension(""))?;
    for snapshot in older {
        if is_prefix_of(&snapshot.transcript, &copy)? {
            link_tree(&snapshot.transcript.with_extension(""), &copy.with_extension(""))?;
            remove_snapshot(&snapshot, pin_dir)?;
        }
    }
    Ok(())
}

/// Restores a pinned session under `projects`; it stays pinned. Sets the file's time to
/// `now`, or the clean-up would delete it again at once.
pub(super) fn restore_pinned(pin_dir: &Path, projects: &Path, now: SystemTime) -> io::Result<PathBuf> {
    let snapshot = newest_snapshot(pin_dir)?;
    let target = snapshot.original_path(projects);
    target.parent().map_or(Ok(()), private_dir)?;
    link_tree(&snapshot.transcript.with_extension(""), &target.with_extension(""))?;
    link_or_copy(&snapshot.transcript, &target)?;
    fs::File::options().append(true).open(&target)?.set_modified(now)?;
    Ok(target)
}

/// Removes a pin. `put_away` gets what only the pin holds.
pub(super) fn release(
    transcript: &Path,
    pin_dir: &Path,
    mut put_away: impl FnMut(&Path) -> io::Result<()>,
) -> io::Result<()> {
    for snapshot in list_snapshots(pin_dir)? {
        if !is_prefix_of(&snapshot.transcript, transcript)? {
            put_away(&snapshot.transcript)?;
        }
        remove_snapshot(&snapshot, pin_dir)?;
    }
    Ok(())
}

/// Whether the copy has everything the transcript has.
fn is_up_to_date(transcript: &Path, copy: &Path) -> io::Result<bool> {
    Ok(is_same_file(transcript, copy) || is_prefix_of(transcript, copy)?)
}

fn remove_snapshot(snapshot: &Snapshot, pin_dir: &Path) -> io::Result<()> {
    fs::remove_dir_all(&snapshot.dir)?;
    remove_empty_dirs(snapshot, pin_dir);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";

    struct Scratch {
        temp: tempfile::TempDir,
        transcript: PathBuf,
        pin_dir: PathBuf,
    }

    impl Scratch {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let folder = temp.path().join("projects/-p");
            fs::create_dir_all(folder.join(ID).join("subagents")).unwrap();
            let (transcript, pin_dir) =
                (folder.join(format!("{ID}.jsonl")), temp.path().join("pinned").join(ID));
            Self { temp, transcript, pin_dir }
        }

        fn keep(&self, text: &str) {
            fs::write(&self.transcript, text).unwrap();
            pin(&self.transcript, &self.pin_dir, SystemTime::now()).unwrap();
        }

        /// As a program that writes a new file and renames it.
        fn replace(&self, text: &str) {
            fs::remove_file(&self.transcript).unwrap();
            self.keep(text);
        }

        fn pinned(&self) -> Vec<String> {
            let all = list_snapshots(&self.pin_dir).unwrap();
            all.iter().map(|snapshot| fs::read_to_string(&snapshot.transcript).unwrap()).collect()
        }

        fn bring_back(&self) -> io::Result<PathBuf> {
            restore_pinned(&self.pin_dir, &self.temp.path().join("projects"), SystemTime::now())
        }
    }

    #[test]
    fn a_pin_grows_with_its_transcript_and_stays_without_it() {
        let scratch = Scratch::new();
        scratch.keep("one\n");
        fs::write(&scratch.transcript, "one\ntwo\n").unwrap();
        fs::remove_file(&scratch.transcript).unwrap();
        assert_eq!(scratch.pinned(), ["one\ntwo\n"]);
        assert_eq!(scratch.bring_back().unwrap(), scratch.transcript);
        assert_eq!(fs::read_to_string(&scratch.transcript).unwrap(), "one\ntwo\n");
        assert!(scratch.bring_back().is_err(), "what is there is never replaced");
    }

    #[test]
    fn what_was_replaced_is_kept_only_where_it_holds_more() {
        let scratch = Scratch::new();
        scratch.keep("one\n");
        scratch.replace("one\ntwo\n");
        assert_eq!(scratch.pinned(), ["one\ntwo\n"], "it went on in another file");
        scratch.replace("three\n");
        assert_eq!(scratch.pinned(), ["one\ntwo\n", "three\n"], "it became another text");
        let mut put_away = Vec::new();
        release(&scratch.transcript, &scratch.pin_dir, |snapshot| {
            put_away.push(fs::read_to_string(snapshot)?);
            Ok(())
        })
        .unwrap();
        assert_eq!(put_away, ["one\ntwo\n"]);
        assert!(!scratch.pin_dir.exists() && scratch.transcript.exists());
    }

    #[test]
    fn the_side_folder_is_pinned_too() {
        let scratch = Scratch::new();
        let side_dir = scratch.transcript.with_extension("").join("subagents/agent-1.jsonl");
        scratch.keep("one\n");
        fs::write(&side_dir, "aside").unwrap();
        scratch.keep("one\n");
        fs::remove_dir_all(scratch.transcript.with_extension("")).unwrap();
        fs::remove_file(&scratch.transcript).unwrap();
        scratch.bring_back().unwrap();
        assert_eq!(fs::read_to_string(side_dir).unwrap(), "aside");
    }
}
