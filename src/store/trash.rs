//! Deleted sessions, until somebody wants them back.
//!
//! `<root>/hotseat/trash/<id>/<when>/<project>/`: the folder itself remembers
//! which project a session belongs to. Moving is one rename, so a session is
//! never half deleted; nothing here removes a transcript.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::private_dir;

/// Moves a transcript, then its side folder, under `bin`, the session's own
/// place in the trash. Stopped in between, the side folder is where a restore
/// leaves it.
pub(super) fn put(transcript: &Path, bin: &Path, now: SystemTime) -> io::Result<()> {
    let (Some(folder), Some(name)) = (transcript.parent(), transcript.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let project = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let place = fresh_place(bin, now)?.join(project);
    private_dir(&place)?;
    fs::rename(transcript, place.join(name))?;
    let side = transcript.with_extension("");
    if side.is_dir() {
        fs::rename(&side, place.join(name).with_extension(""))?;
    }
    Ok(())
}

/// Moves what was put there last back under `projects`; says where it is now.
pub(super) fn take_back(bin: &Path, projects: &Path) -> io::Result<PathBuf> {
    let when = only(bin, |older, newer| older < newer)?;
    let place = only(&when, |_, _| false)?;
    let folder = projects.join(place.file_name().ok_or(io::ErrorKind::InvalidData)?);
    let transcript = only(&place, |_, other| other.extension().is_some_and(|kind| kind == "jsonl"))?;
    let target = folder.join(transcript.file_name().ok_or(io::ErrorKind::InvalidData)?);
    if target.exists() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a session of this id is there again"));
    }
    private_dir(&folder)?;
    let side = transcript.with_extension("");
    if side.is_dir() {
        fs::rename(&side, target.with_extension(""))?;
    }
    fs::rename(&transcript, &target)?;
    for emptied in [&place, &when, bin] {
        if fs::remove_dir(emptied).is_err() {
            break;
        }
    }
    Ok(target)
}

/// A folder of its own for one delete, named so that later ones sort behind.
fn fresh_place(bin: &Path, now: SystemTime) -> io::Result<PathBuf> {
    private_dir(bin)?;
    let mut millis = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    loop {
        let place = bin.join(format!("{millis:015}"));
        match fs::create_dir(&place) {
            Ok(()) => return Ok(place),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => millis += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The entry of a folder that no other one beats.
fn only(folder: &Path, beaten: impl Fn(&Path, &Path) -> bool) -> io::Result<PathBuf> {
    let mut best: Option<PathBuf> = None;
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if best.as_ref().is_none_or(|best| beaten(best, &path)) {
            best = Some(path);
        }
    }
    best.ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
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
            put(&transcript, &bin, now).unwrap();
            assert!(!transcript.exists() && !side.exists());
        }
        assert_eq!(take_back(&bin, &projects).unwrap(), transcript);
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "newer");
        assert_eq!(fs::read_to_string(&side).unwrap(), "newer");
        let refused = take_back(&bin, &projects).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "the older one stays in the trash");
        fs::rename(&transcript, temp.path().join("aside")).unwrap();
        fs::remove_dir_all(transcript.with_extension("")).unwrap();
        take_back(&bin, &projects).unwrap();
        assert_eq!(fs::read_to_string(&transcript).unwrap(), "older");
        assert!(!bin.exists(), "an empty place is cleared away");
    }
}
