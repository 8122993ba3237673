//! Snapshots of sessions: in the trash, or pinned.
//!
//! The layout is `<slot dir>/<when>/<project>/<id>.jsonl` with the side folder beside the
//! transcript: the folder names say when a snapshot was taken and which project it belongs
//! to. Owns that layout, and how a file gets a second name. Removes nothing by itself.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::private_dir;

/// One snapshot of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// When it was taken, in whole milliseconds.
    pub created_at: SystemTime,
    /// The folder that holds this snapshot and nothing else.
    pub dir: PathBuf,
    /// The transcript. The name of its folder is its project.
    pub transcript: PathBuf,
}

impl Snapshot {
    /// The transcript's path under `projects`.
    pub fn original_path(&self, projects: &Path) -> PathBuf {
        let name = self.transcript.file_name().unwrap_or_default();
        let project = self.transcript.parent().and_then(Path::file_name).unwrap_or_default();
        projects.join(project).join(name)
    }

    /// Bytes, including the side folder.
    pub fn size(&self) -> u64 {
        disk_size(&self.dir)
    }
}

/// All snapshots in a folder, oldest first. Skips what is no snapshot; empty if there is no
/// such folder.
pub(super) fn list_snapshots(bin: &Path) -> io::Result<Vec<Snapshot>> {
    let Some(id) = bin.file_name() else { return Ok(Vec::new()) };
    let mut versions = Vec::new();
    for place in subfolders(bin)? {
        let when = place.file_name().and_then(|name| name.to_str()?.parse().ok());
        let Some(when) = when.map(|millis| UNIX_EPOCH + Duration::from_millis(millis)) else { continue };
        for project in subfolders(&place)? {
            let transcript = project.join(id).with_extension("jsonl");
            if transcript.is_file() {
                versions.push(Snapshot { created_at: when, dir: place.clone(), transcript });
            }
        }
    }
    versions.sort_by_key(|version| version.created_at);
    Ok(versions)
}

/// The snapshot that was taken last.
pub(super) fn newest_snapshot(bin: &Path) -> io::Result<Snapshot> {
    list_snapshots(bin)?.pop().ok_or_else(|| ErrorKind::NotFound.into())
}

/// Creates a folder for one more snapshot, whose name sorts after all others.
pub(super) fn create_snapshot_dir(bin: &Path, now: SystemTime) -> io::Result<PathBuf> {
    private_dir(bin)?;
    let mut millis = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    loop {
        let place = bin.join(format!("{millis:015}"));
        match fs::create_dir(&place) {
            Ok(()) => return Ok(place),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => millis += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes the folders that a snapshot leaves behind, as far as they are empty.
pub(super) fn remove_empty_dirs(version: &Snapshot, bin: &Path) {
    for emptied in [version.transcript.parent().unwrap_or(&version.dir), &version.dir, bin] {
        if fs::remove_dir(emptied).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            break;
        }
    }
}

/// Hard links a file, or copies it where that is impossible. Never replaces a file.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    // Link the target of a symbolic link, not the link.
    let from = &from.canonicalize()?;
    match fs::hard_link(from, to) {
        Err(error) if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
        done => return done,
    }
    let mut copy = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = File::open(from).and_then(|mut file| {
        io::copy(&mut file, &mut copy)?;
        copy.sync_data()
    });
    copied.inspect_err(|_| {
        // Remove an incomplete copy; the first error is the one to report.
        let _ = fs::remove_file(to);
    })
}

/// Links every file of a folder into another one, unless its name is taken there. Leaves
/// out symbolic links and special files.
pub(super) fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    private_dir(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            link_tree(&entry.path(), &target)?;
        } else if kind.is_file() && !target.exists() {
            link_or_copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Renames a file to a name that must be free.
pub(super) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Err(error),
        // No hard links here: keep the time between check and rename as short as possible.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Whether these are two names of one file.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether `newer` starts with everything that `older` holds.
pub(super) fn is_prefix_of(older: &Path, newer: &Path) -> io::Result<bool> {
    if is_same_file(older, newer) {
        return Ok(true);
    }
    let (mut older, mut newer) = (File::open(older)?, File::open(newer)?);
    if older.metadata()?.len() > newer.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let read = older.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        match newer.read_exact(&mut right[..read]) {
            Ok(()) if left[..read] == right[..read] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// The bytes of a file, or of all files under a folder. What cannot be read counts as 0.
pub(super) fn disk_size(path: &Path) -> u64 {
    let Ok(there) = fs::symlink_metadata(path) else { return 0 };
    if !there.is_dir() {
        return there.len();
    }
    path.read_dir().into_iter().flatten().flatten().map(|entry| disk_size(&entry.path())).sum()
}

/// The folders in a folder; empty if there is no such folder.
fn subfolders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match folder.read_dir() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_told_from_another_text() {
        let temp = tempfile::tempdir().unwrap();
        let check = |older: &str, newer: &str, expected| {
            let (one, other) = (temp.path().join("older"), temp.path().join("newer"));
            fs::write(&one, older).unwrap();
            fs::write(&other, newer).unwrap();
            assert_eq!(is_prefix_of(&one, &other).unwrap(), expected, "{older:?} of {newer:?}");
        };
        check("", "", true);
        check("one\n", "one\n", true);
        check("one\n", "one\ntwo\n", true);
        check("one\ntwo\n", "one\n", false);
        check("one\n", "two\nthree\n", false);
    }

    #[test]
    fn a_name_that_is_taken_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        fs::write(&from, "from").unwrap();
        fs::write(&to, "to").unwrap();
        assert_eq!(move_file(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(link_or_copy(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).unwrap(), "to");
        fs::remove_file(&to).unwrap();
        move_file(&from, &to).unwrap();
        assert!(!from.exists() && fs::read_to_string(&to).unwrap() == "from");
    }

    #[test]
    fn a_tree_is_linked_without_its_links() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/file"), "x").unwrap();
        std::os::unix::fs::symlink("/", from.join("root")).unwrap();
        for _ in 0..2 {
            link_tree(&from, &to).unwrap();
        }
        assert!(is_same_file(&from.join("deep/file"), &to.join("deep/file")));
        assert!(!to.join("root").exists());
        assert_eq!(disk_size(&to), 1);
    }
}
