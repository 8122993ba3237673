//! How files and folders reach their name: whole, once, and for good.
//!
//! Owns the order of system calls by which a kill or a full disk leaves the old
//! state or the new one: write aside, sync, rename to a name that must be free,
//! sync the folder. Nothing here replaces a file. What a kill leaves aside bears
//! [`PART_SUFFIX`] and is never taken for a transcript. Start at [`place_file`].

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::snapshots::is_same_content;
use crate::sys::private_files::private_dir;

/// What a name ends with while its bytes are on their way.
pub(super) const PART_SUFFIX: &str = ".part";

/// The name beside `target` under which its bytes are written first. The same
/// each time, so that a second try cleans up after the first.
pub(super) fn part_path(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}{PART_SUFFIX}"))
}

/// Renames a file or a folder to a name that must be free, in one step. The
/// error is `AlreadyExists` where it is taken, `CrossesDevices` where the two
/// names lie on different file systems.
pub(super) fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system, or a kernel, without the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        done => Ok(done?),
    }
}

/// Moves a file to a name that must be free. On another file system it is
/// copied, synced and named before the original goes: a kill in between leaves
/// both, with the same content.
pub(super) fn place_file(from: &Path, to: &Path) -> io::Result<()> {
    to.parent().map_or(Ok(()), private_dir)?;
    match rename_to_free_name(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            copy_file(from, to)?;
            fs::remove_file(from).inspect_err(|_| {
                // The copy is ours and holds nothing else; the first error is the one to report.
                fs::remove_file(to).ok();
            })?;
        }
        done => done?,
    }
    sync_parent(to)?;
    sync_parent(from)
}

/// Copies a file to a name that must be free; the name appears with all of it.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    write_new(to, |mut copy| {
        let mut original = File::open(from)?;
        let modified = original.metadata()?.modified()?;
        io::copy(&mut original, &mut copy)?;
        copy.set_modified(modified)
    })
}

/// Makes a file of mode 0600 under a name that must be free; the name appears
/// with all that `write` gave it, on the disk. Nothing is left when it fails.
pub(super) fn write_new(to: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let part = part_path(to);
    // What a killed try left under this name is in nobody's use.
    remove_if_there(&part)?;
    let written = File::options()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .and_then(|file| {
            write(&file)?;
            file.sync_all()
        })
        .and_then(|()| rename_to_free_name(&part, to));
    written.inspect_err(|_| {
        // The first error is the one to report.
        fs::remove_file(&part).ok();
    })?;
    sync_parent(to)
}

/// Moves a folder with all that is in it. Where there is a folder of that name
/// already, what is in both must be the same; the rest is added to it. `Ok` where
/// there is nothing to move.
pub(super) fn place_folder(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    to.parent().map_or(Ok(()), private_dir)?;
    match rename_to_free_name(from, to) {
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::CrossesDevices) => {
            merge_folder(from, to)
        }
        done => {
            done?;
            sync_parent(to)?;
            sync_parent(from)
        }
    }
}

/// A file that both folders have, with different contents.
pub(super) fn find_conflict(from: &Path, to: &Path) -> io::Result<Option<PathBuf>> {
    if !from.is_dir() || !to.is_dir() {
        return Ok(None);
    }
    for entry in from.read_dir()? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        let conflict = if kind.is_dir() {
            find_conflict(&source, &target)?
        } else if kind.is_file() && target.exists() && !is_same_content(&source, &target)? {
            Some(target)
        } else {
            None
        };
        if conflict.is_some() {
            return Ok(conflict);
        }
    }
    Ok(None)
}

/// Moves file by file: each is in one place or the other, whenever it stops.
fn merge_folder(from: &Path, to: &Path) -> io::Result<()> {
    private_dir(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            merge_folder(&source, &target)?;
        } else if kind.is_symlink() {
            if fs::symlink_metadata(&target).is_err() {
                std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
            }
            fs::remove_file(&source)?;
        } else if target.exists() && is_same_content(&source, &target)? {
            fs::remove_file(&source)?;
        } else {
            place_file(&source, &target)?;
        }
    }
    fs::remove_dir(from)?;
    sync_parent(to)?;
    sync_parent(from)
}

/// Waits until the disk knows the names in the folder of `path`. Some file
/// systems cannot be asked that; then they need not be.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| folder.is_dir()) else { return Ok(()) };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_appears_with_all_of_it_or_not_at_all() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.jsonl");
        let refused = write_new(&path, |mut file| {
            file.write_all(b"half")?;
            Err(ErrorKind::StorageFull.into())
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(temp.path().read_dir().unwrap().count(), 0, "nothing is left");
        // As a killed writer leaves it.
        fs::write(part_path(&path), "half").unwrap();
        write_new(&path, |mut file| file.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        let taken = write_new(&path, |mut file| file.write_all(b"other")).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(temp.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn folders_are_merged_and_a_conflict_loses_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(from.join("deep/one"), "1");
        write(from.join("same"), "s");
        write(to.join("same"), "s");
        write(to.join("deep/two"), "2");
        place_folder(&from, &to).unwrap();
        assert!(!from.exists());
        assert_eq!(fs::read_to_string(to.join("deep/one")).unwrap(), "1");
        assert_eq!(fs::read_to_string(to.join("deep/two")).unwrap(), "2");
        write(from.join("same"), "another");
        assert_eq!(place_folder(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(from.join("same")).unwrap(), "another");
        assert_eq!(fs::read_to_string(to.join("same")).unwrap(), "s");
        place_folder(&temp.path().join("none"), &to).unwrap();
    }
}
