//! Snapshots of sessions: in the trash, or pinned.
//!
//! The layout is `<slot dir>/<when>/<project>/<id>.jsonl` with the side folder beside the
//! transcript: the folder names say when a snapshot was taken and which project it belongs
//! to. Owns that layout, and how a file gets a second name. Removes nothing by itself.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::place_files::copy_file;
use crate::sys::private_files::private_dir;

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
pub(super) fn list_snapshots(slot_dir: &Path) -> io::Result<Vec<Snapshot>> {
    let Some(id) = slot_dir.file_name() else { return Ok(Vec::new()) };
    let mut snapshots = Vec::new();
    for dir in subfolders(slot_dir)? {
        let Some(created_at) = millis_of(&dir).and_then(time_of) else { continue };
        for project in subfolders(&dir)? {
            let transcript = project.join(id).with_extension("jsonl");
            if transcript.is_file() {
                snapshots.push(Snapshot { created_at, dir: dir.clone(), transcript });
            }
        }
    }
    // By the names alone: file times tie within a clock tick and move when a file is touched.
    snapshots.sort_by(|one, other| (one.created_at, &one.dir).cmp(&(other.created_at, &other.dir)));
    Ok(snapshots)
}

/// The snapshot that was taken last.
pub(super) fn newest_snapshot(slot_dir: &Path) -> io::Result<Snapshot> {
    list_snapshots(slot_dir)?.pop().ok_or_else(|| ErrorKind::NotFound.into())
}

/// Creates a folder for one more snapshot. Its name is the time in milliseconds, or one more
/// than the highest name there is: two snapshots within a millisecond, a removed one between
/// them or a clock that was set back must not change their order.
pub(super) fn create_snapshot_dir(slot_dir: &Path, now: SystemTime) -> io::Result<PathBuf> {
    private_dir(slot_dir)?;
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    loop {
        let highest = subfolders(slot_dir)?.iter().filter_map(|dir| millis_of(dir)).max();
        let millis = highest.map_or(now, |highest| now.max(highest.saturating_add(1)));
        let dir = slot_dir.join(format!("{millis:015}"));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && highest != Some(u64::MAX) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The milliseconds that the name of a snapshot's folder stands for.
fn millis_of(dir: &Path) -> Option<u64> {
    dir.file_name()?.to_str()?.parse().ok()
}

fn time_of(millis: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// Removes the folders that a snapshot leaves behind, as far as they are empty.
pub(super) fn remove_empty_dirs(snapshot: &Snapshot, slot_dir: &Path) {
    for emptied in [snapshot.transcript.parent().unwrap_or(&snapshot.dir), &snapshot.dir, slot_dir] {
        if fs::remove_dir(emptied).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            break;
        }
    }
}

/// Hard links a file, or copies it where that is impossible. Never replaces a file; a copy
/// appears with all of it.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    // Link the target of a symbolic link, not the link.
    let from = &from.canonicalize()?;
    match fs::hard_link(from, to) {
        Err(error) if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {
            copy_file(from, to)
        }
        done => done,
    }
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

/// Whether two files hold the same bytes.
pub(super) fn is_same_content(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(fs::metadata(one)?.len() == fs::metadata(other)?.len() && is_prefix_of(one, other)?)
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
    use super::super::place_files::place_file;
    use super::*;

    #[test]
    fn snapshots_stay_in_order_within_one_millisecond_and_when_the_clock_goes_back() {
        let temp = tempfile::tempdir().unwrap();
        let (slot_dir, now) = (temp.path().join("x"), SystemTime::now());
        let take = |now| {
            let dir = create_snapshot_dir(&slot_dir, now).unwrap();
            fs::create_dir(dir.join("-p")).unwrap();
            fs::write(dir.join("-p/x.jsonl"), "{}\n").unwrap();
            dir
        };
        let (one, two) = (take(now), take(now));
        fs::remove_dir_all(&one).unwrap();
        // The first name is free again; taking it would make the third one the older one.
        let three = take(now);
        let four = take(now - Duration::from_hours(1));
        fs::create_dir(slot_dir.join(u64::MAX.to_string())).unwrap();
        let dirs: Vec<_> =
            list_snapshots(&slot_dir).unwrap().into_iter().map(|snapshot| snapshot.dir).collect();
        assert_eq!(dirs, [two, three, four]);
    }

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
        assert_eq!(place_file(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(link_or_copy(&from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).unwrap(), "to");
        fs::remove_file(&to).unwrap();
        place_file(&from, &to).unwrap();
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
