//! Puts new content in a file's place, entirely or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use uuid::Uuid;

/// Writes beside the file and renames, so that nobody ever reads half of it and
/// a full disk spoils nothing. The mode stays. Folders that are missing are made.
///
/// Where a new file would not be the same one to everybody (it has other names
/// or another owner, or its folder takes no new files), it is written in place.
pub fn atomic_write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::IsADirectory)?;
    fs::create_dir_all(folder)?;
    let former = fs::metadata(path).ok();
    let beside = folder.join(format!(".hotseat-{}", Uuid::new_v4().simple()));
    let new = match create(&beside, former.is_some()) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && former.is_some() => {
            return fs::write(path, content);
        }
        new => new?,
    };
    let done = if former.as_ref().is_some_and(|former| must_write_in_place(former, &new)) {
        fs::remove_file(&beside)?;
        return fs::write(path, content);
    } else {
        fill(new, content, former.as_ref()).and_then(|()| fs::rename(&beside, path))
    };
    if done.is_err() {
        // Nothing more can be done about it than to report the first error.
        let _removed_or_not = fs::remove_file(&beside);
    }
    done
}

/// A file for the new content; for nobody else's eyes until it has the mode of
/// the file that it replaces.
fn create(path: &Path, is_private: bool) -> io::Result<File> {
    let mode = if is_private { 0o600 } else { 0o666 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Whether the file has other names, or belongs to somebody else.
fn must_write_in_place(former: &Metadata, new: &File) -> bool {
    former.nlink() > 1
        || new.metadata().is_ok_and(|new| (new.uid(), new.gid()) != (former.uid(), former.gid()))
        // Renaming over it would get around its being read-only.
        || former.permissions().readonly()
}

fn fill(mut new: File, content: &[u8], former: Option<&Metadata>) -> io::Result<()> {
    new.write_all(content)?;
    former.map_or(Ok(()), |former| new.set_permissions(former.permissions()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

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
