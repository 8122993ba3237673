//! Puts new content in a file's place, entirely or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, open, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use uuid::Uuid;

/// Writes beside the file and renames, so that nobody ever reads half of it and
/// a full disk spoils nothing. The mode stays. Missing folders are made.
///
/// A new file would not be the same one to everybody if the old one has other
/// names or another owner, or its folder takes no new files: then it is written
/// in place.
pub fn atomic_write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::IsADirectory)?;
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    fs::create_dir_all(folder)?;
    let folder = open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    replace_in(&folder, name, content)
}

/// The same in a folder that is open. Follows no link of this name: it gives
/// way to the file.
pub(super) fn replace_in(folder: &OwnedFd, name: &OsStr, content: &[u8]) -> io::Result<()> {
    let former = existing(folder, name)?;
    let beside = format!(".hotseat-{}", Uuid::new_v4().simple());
    let beside = OsStr::new(&beside);
    let new = match create(folder, beside, former.is_some()) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && former.is_some() => {
            return write_in_place(folder, name, content);
        }
        new => new?,
    };
    if former.as_ref().is_some_and(|former| must_write_in_place(former, &new)) {
        unlinkat(folder, beside, AtFlags::empty())?;
        return write_in_place(folder, name, content);
    }
    let done = fill(new, content, former.as_ref())
        .and_then(|()| renameat(folder, beside, folder, name).map_err(io::Error::from));
    if done.is_err() {
        // Nothing more can be done about it than to report the first error.
        unlinkat(folder, beside, AtFlags::empty()).ok();
    }
    done
}

/// What a file keeps when its content is replaced.
struct FormerFile {
    mode: u32,
    owner: (u32, u32),
    has_other_names: bool,
}

/// The regular file of this name; `None` if there is none, or a link.
fn existing(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<FormerFile>> {
    let former = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        former => former?,
    };
    match FileType::from_raw_mode(former.st_mode) {
        FileType::Directory => Err(ErrorKind::IsADirectory.into()),
        FileType::RegularFile => Ok(Some(FormerFile {
            mode: former.st_mode,
            owner: (former.st_uid, former.st_gid),
            has_other_names: former.st_nlink > 1,
        })),
        _ => Ok(None),
    }
}

/// A file for the new content, readable by nobody else until it has the mode of
/// the file that it replaces.
fn create(folder: &OwnedFd, name: &OsStr, is_private: bool) -> io::Result<File> {
    let mode = Mode::from_raw_mode(if is_private { 0o600 } else { 0o666 });
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(folder, name, flags, mode)?))
}

fn write_in_place(folder: &OwnedFd, name: &OsStr, content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, name, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    file.set_len(0)?;
    file.write_all(content)
}

/// Whether the file has other names, or belongs to somebody else.
fn must_write_in_place(former: &FormerFile, new: &File) -> bool {
    former.has_other_names
        || new.metadata().is_ok_and(|new| (new.uid(), new.gid()) != former.owner)
        // Renaming over it would get around its being read-only.
        || former.mode & 0o222 == 0
}

fn fill(mut new: File, content: &[u8], former: Option<&FormerFile>) -> io::Result<()> {
    new.write_all(content)?;
    former.map_or(Ok(()), |former| new.set_permissions(Permissions::from_mode(former.mode & 0o7777)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_mode_stays_and_nothing_is_left_beside() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("run.sh");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
        let before = fs::metadata(&path).unwrap().ino();
        atomic_write(&path, b"new").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.mode() & 0o777, fs::read(&path).unwrap()), (0o751, b"new".to_vec()));
        assert_ne!(before, after.ino(), "it was written in place");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_two_names_is_written_under_both() {
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = (temp.path().join("one"), temp.path().join("two"));
        fs::write(&one, "old").unwrap();
        fs::hard_link(&one, &two).unwrap();
        atomic_write(&one, b"new").unwrap();
        assert_eq!(fs::read(&two).unwrap(), b"new");
    }

    #[test]
    fn a_link_to_nothing_gives_way_to_the_file() {
        let temp = tempfile::tempdir().unwrap();
        let (link, target) = (temp.path().join("link"), temp.path().join("gone"));
        symlink(&target, &link).unwrap();
        atomic_write(&link, b"new").unwrap();
        assert!(!target.exists() && link.is_file());
    }

    #[test]
    fn folders_are_made_and_what_cannot_be_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        atomic_write(&temp.path().join("a/b/c"), b"new").unwrap();
        assert!(atomic_write(&temp.path().join("a/b/c/d"), b"new").is_err());
        assert!(atomic_write(&temp.path().join("a/b"), b"new").is_err());
        assert_eq!(fs::read_dir(temp.path().join("a")).unwrap().count(), 1);
    }
}
