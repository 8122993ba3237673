//! Moves of a session that a kill may interrupt. Each is noted first, so that the next run
//! finishes it.
//!
//! A session is a transcript and a side folder, and no system call moves both. So a note in
//! `<root>/hotseat/pending/<id>.json` says from where to where; then the transcript is renamed,
//! which decides where the session is; then the side folder follows; then the note goes. The
//! process at work holds a lock on the note. Whoever finds a note that nobody holds finishes
//! the move: [`PendingMoves::finish`]. Moves between projects, into the trash, out of it and in
//! from an import all go through [`PendingMoves::run`].

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::place_files::{
    find_conflict, part_path, place_file, place_folder, remove_if_there, rename_to_free_name, sync_parent,
};
use super::snapshots::is_prefix_of;
use crate::session::SessionId;
use crate::sys::private_files::private_dir;

/// A move that was begun. The side folders lie beside the transcripts, named without `.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMove {
    /// The transcript before. Not a `PathBuf`, which cannot be written if it is not UTF-8.
    from: OsString,
    /// The transcript after.
    to: OsString,
}

impl PendingMove {
    /// The transcript's path before the move.
    pub fn from(&self) -> &Path {
        Path::new(&self.from)
    }

    /// The transcript's path after the move.
    pub fn to(&self) -> &Path {
        Path::new(&self.to)
    }
}

/// The notes of one store.
#[derive(Debug, Clone)]
pub(super) struct PendingMoves {
    folder: PathBuf,
}

/// A note of which this process holds the lock.
struct HeldNote {
    path: PathBuf,
    _lock: File,
}

impl PendingMoves {
    /// The notes in this folder, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Moves a transcript and its side folder. `AlreadyExists` if the transcript's new name is
    /// taken, or if the side folders hold different files of one name; then nothing moved. After
    /// any other error either nothing moved or a note says what is left to do.
    pub fn run(&self, id: SessionId, from: &Path, to: &Path) -> io::Result<()> {
        self.finish(id)?;
        let (from_side, to_side) = (from.with_extension(""), to.with_extension(""));
        if let Some(path) = find_conflict(&from_side, &to_side)? {
            let error = format!("{} exists with another content", path.display());
            return Err(io::Error::new(ErrorKind::AlreadyExists, error));
        }
        let note = self.write_note(id, &PendingMove { from: from.into(), to: to.into() })?;
        if let Err(error) = place_file(from, to) {
            // Where only the disk did not confirm the rename, the transcript goes back to its side
            // folder, or the note stays for the next run.
            let is_moved = to.exists() && !from.exists();
            if !is_moved || rename_to_free_name(to, from).is_ok() {
                self.remove_note(&note)?;
            }
            return Err(error);
        }
        if let Err(error) = place_folder(&from_side, &to_side) {
            // Nothing of the side folder moved: the transcript goes back to it. Else the note
            // stays. The first error is the one to report.
            if !to_side.exists() && rename_to_free_name(to, from).is_ok() {
                self.remove_note(&note)?;
            }
            return Err(error);
        }
        self.remove_note(&note)
    }

    /// Finishes what a killed run began with this session and returns it; `None` if there was
    /// nothing to do. `ResourceBusy` if a live process is at it.
    pub fn finish(&self, id: SessionId) -> io::Result<Option<PendingMove>> {
        let path = self.note_path(id);
        let Some(note) = hold(&path)? else { return Ok(None) };
        let Some(pending) = read(&path) else {
            // A note appears whole, so this is none of ours.
            self.remove_note(&note)?;
            return Ok(None);
        };
        let (from, to) = (pending.from(), pending.to());
        remove_if_there(&part_path(to))?;
        let is_moved = match (from.exists(), to.exists()) {
            (_, false) => false,
            (false, true) => true,
            // Killed between a copy to another file system and the removal of the original.
            (true, true) if is_prefix_of(from, to)? => {
                fs::remove_file(from)?;
                true
            }
            // The same, and then somebody went on in the original.
            (true, true) if is_prefix_of(to, from)? => {
                fs::remove_file(to)?;
                false
            }
            // Two conversations by now. Neither may go; the doctor names them.
            (true, true) => false,
        };
        if is_moved {
            place_folder(&from.with_extension(""), &to.with_extension(""))?;
        }
        self.remove_note(&note)?;
        Ok(is_moved.then_some(pending))
    }

    /// All notes, including those of live processes.
    pub fn list(&self) -> Vec<(SessionId, PendingMove)> {
        let entries = self.folder.read_dir().into_iter().flatten().flatten();
        let note = |entry: fs::DirEntry| {
            let id = entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok()?;
            Some((id, read(&entry.path())?))
        };
        entries.filter_map(note).collect()
    }

    fn note_path(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Writes a note that this process holds from the moment it appears.
    fn write_note(&self, id: SessionId, pending: &PendingMove) -> io::Result<HeldNote> {
        private_dir(&self.folder)?;
        let path = self.note_path(id);
        let part = part_path(&path);
        let file =
            File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&part)?;
        lock(&file)?;
        file.set_len(0)?;
        serde_json::to_writer(&file, pending)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        sync_parent(&path)?;
        Ok(HeldNote { path, _lock: file })
    }

    fn remove_note(&self, note: &HeldNote) -> io::Result<()> {
        remove_if_there(&note.path)?;
        // Fails while there are other notes, as it should.
        fs::remove_dir(&self.folder).ok();
        Ok(())
    }
}

/// Takes the lock of a note; `None` if there is none.
fn hold(path: &Path) -> io::Result<Option<HeldNote>> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    lock(&file)?;
    // It may have been finished before we had the lock.
    Ok(path.exists().then(|| HeldNote { path: path.to_owned(), _lock: file }))
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => {
            io::Error::new(ErrorKind::ResourceBusy, "another process is moving this session")
        }
        TryLockError::Error(error) => error,
    })
}

fn read(path: &Path) -> Option<PendingMove> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session with a side folder, and where it is to go.
    struct Scratch {
        temp: tempfile::TempDir,
        id: SessionId,
        from: PathBuf,
        to: PathBuf,
    }

    impl Scratch {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let id = SessionId::random();
            let path = |project: &str| temp.path().join(project).join(format!("{id}.jsonl"));
            let (from, to) = (path("a"), path("b"));
            fs::create_dir_all(from.with_extension("").join("subagents")).unwrap();
            fs::write(&from, "{}\n").unwrap();
            fs::write(from.with_extension("").join("subagents/one"), "1").unwrap();
            Self { temp, id, from, to }
        }

        fn moves(&self) -> PendingMoves {
            PendingMoves::new(self.temp.path().join("pending"))
        }

        /// As a run that was killed: the note is there, its lock is not.
        fn note(&self) {
            let pending = PendingMove { from: (&self.from).into(), to: (&self.to).into() };
            drop(self.moves().write_note(self.id, &pending).unwrap());
            assert_eq!(self.moves().list(), [(self.id, pending)]);
        }

        fn check_at(&self, path: &Path) {
            let other = if path == self.from { &self.to } else { &self.from };
            assert!(!other.exists() && !other.with_extension("").exists());
            assert_eq!(fs::read_to_string(path).unwrap(), "{}\n");
            assert_eq!(fs::read_to_string(path.with_extension("").join("subagents/one")).unwrap(), "1");
            assert_eq!(self.moves().list(), []);
            assert!(!self.temp.path().join("pending").exists(), "nothing is left");
        }
    }

    #[test]
    fn a_move_takes_the_side_folder_along() {
        let scratch = Scratch::new();
        scratch.moves().run(scratch.id, &scratch.from, &scratch.to).unwrap();
        scratch.check_at(&scratch.to);
        scratch.moves().run(scratch.id, &scratch.to, &scratch.from).unwrap();
        scratch.check_at(&scratch.from);
    }

    #[test]
    fn every_prefix_of_a_move_is_finished_by_the_next_run() {
        // Killed after the note.
        let scratch = Scratch::new();
        scratch.note();
        assert_eq!(scratch.moves().finish(scratch.id).unwrap(), None);
        scratch.check_at(&scratch.from);
        // Killed after the transcript.
        scratch.note();
        fs::create_dir(scratch.to.parent().unwrap()).unwrap();
        fs::rename(&scratch.from, &scratch.to).unwrap();
        assert!(scratch.moves().finish(scratch.id).unwrap().is_some());
        scratch.check_at(&scratch.to);
        // Killed after the side folder.
        scratch.note();
        assert!(scratch.moves().finish(scratch.id).unwrap().is_some());
        scratch.check_at(&scratch.to);
    }

    #[test]
    fn every_prefix_of_a_copy_to_another_file_system_is_finished_by_the_next_run() {
        // Killed within the copy.
        let scratch = Scratch::new();
        scratch.note();
        fs::create_dir(scratch.to.parent().unwrap()).unwrap();
        fs::write(part_path(&scratch.to), "{").unwrap();
        scratch.moves().finish(scratch.id).unwrap();
        scratch.check_at(&scratch.from);
        assert!(!part_path(&scratch.to).exists());
        // Killed before the original was removed.
        scratch.note();
        fs::copy(&scratch.from, &scratch.to).unwrap();
        scratch.moves().finish(scratch.id).unwrap();
        scratch.check_at(&scratch.to);
        // The same, and the original grew before anybody looked.
        let scratch = Scratch::new();
        scratch.note();
        fs::create_dir(scratch.to.parent().unwrap()).unwrap();
        fs::write(&scratch.to, "{").unwrap();
        scratch.moves().finish(scratch.id).unwrap();
        scratch.check_at(&scratch.from);
        // Killed within a side folder that goes file by file.
        scratch.note();
        fs::rename(&scratch.from, &scratch.to).unwrap();
        fs::create_dir_all(scratch.to.with_extension("").join("subagents")).unwrap();
        scratch.moves().finish(scratch.id).unwrap();
        scratch.check_at(&scratch.to);
    }

    #[test]
    fn what_is_there_is_never_replaced() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.to.parent().unwrap()).unwrap();
        fs::write(&scratch.to, "other\n").unwrap();
        let refused = scratch.moves().run(scratch.id, &scratch.from, &scratch.to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        // Nor is one of two conversations that a kill and a writer left behind.
        scratch.note();
        assert_eq!(scratch.moves().finish(scratch.id).unwrap(), None);
        assert_eq!(fs::read_to_string(&scratch.to).unwrap(), "other\n");
        fs::remove_file(&scratch.to).unwrap();
        let side = scratch.to.with_extension("").join("subagents/one");
        fs::create_dir_all(side.parent().unwrap()).unwrap();
        fs::write(&side, "another one").unwrap();
        let refused = scratch.moves().run(scratch.id, &scratch.from, &scratch.to).unwrap_err();
        assert!(refused.to_string().contains("subagents/one exists"), "{refused}");
        fs::remove_dir_all(scratch.to.with_extension("")).unwrap();
        scratch.check_at(&scratch.from);
    }

    #[test]
    fn a_move_that_a_live_process_is_making_is_left_to_it() {
        let scratch = Scratch::new();
        let pending = PendingMove { from: (&scratch.from).into(), to: (&scratch.to).into() };
        let held = scratch.moves().write_note(scratch.id, &pending).unwrap();
        for busy in [
            scratch.moves().finish(scratch.id).map(drop),
            scratch.moves().run(scratch.id, &scratch.from, &scratch.to),
        ] {
            assert_eq!(busy.unwrap_err().kind(), ErrorKind::ResourceBusy);
        }
        drop(held);
        scratch.moves().finish(scratch.id).unwrap();
        scratch.check_at(&scratch.from);
    }
}
