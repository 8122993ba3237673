//! A file that was decided about, held by its folder, so that a link or folder
//! swapped while the question was open cannot send the write elsewhere.
//!
//! Owns the handle and the writes through it. Follows no link: the path it is
//! opened with is resolved, and whatever has become a link since is refused.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, open, openat, statat};
use rustix::io::Errno;

use super::atomic_write::replace_in;
use super::canonical;

/// A path of a call: as it is written, and where it leads. Resolved once, so
/// that what is decided about is what is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPath {
    /// Absolute, with the links and dots that the call has.
    pub written: PathBuf,
    /// Without links and dots.
    pub resolved: PathBuf,
}

impl From<PathBuf> for AccessPath {
    fn from(written: PathBuf) -> Self {
        Self { resolved: canonical(&written), written }
    }
}

/// A file's place: an open folder, and the names below it.
#[derive(Debug, Clone)]
pub struct FileTarget {
    path: PathBuf,
    /// The deepest folder of the path that exists.
    folder: Arc<OwnedFd>,
    /// Folders below it that do not exist yet.
    missing: Vec<OsString>,
    name: OsString,
}

/// What is in a target's place.
#[derive(Debug)]
pub enum TargetContent {
    /// Nothing.
    Missing,
    Folder,
    /// A pipe, a socket or a device.
    Special,
    /// A file, and what it holds.
    File(Metadata, Vec<u8>),
}

/// The target of a call, from the decision on. Clones share it.
#[derive(Debug, Clone)]
pub struct HeldTarget(Arc<io::Result<FileTarget>>);

impl HeldTarget {
    /// Opens the folder of a resolved path. An error is kept for whoever wants
    /// to write.
    pub fn open(resolved: &Path) -> Self {
        Self(Arc::new(FileTarget::open(resolved)))
    }

    /// The target; the error is a copy of the one it was opened with.
    pub fn get(&self) -> io::Result<&FileTarget> {
        self.0.as_ref().as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))
    }
}

/// Two are the same if they hold the same handle.
impl PartialEq for HeldTarget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// How folders are opened: only to reach what is in them, where that can be
/// said, since a folder on the way need not be readable.
const FOLDER: OFlags = if cfg!(target_os = "linux") { LINUX_PATH } else { OFlags::RDONLY };
#[cfg(target_os = "linux")]
const LINUX_PATH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const LINUX_PATH: OFlags = OFlags::RDONLY;

fn folder_flags() -> OFlags {
    FOLDER | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

impl FileTarget {
    /// Goes down a resolved path, folder by folder, following no link.
    pub fn open(resolved: &Path) -> io::Result<Self> {
        let mut names: Vec<OsString> = Vec::new();
        for part in resolved.components() {
            match part {
                Component::Normal(name) => names.push(name.to_owned()),
                Component::RootDir => {}
                _ => return Err(ErrorKind::InvalidInput.into()),
            }
        }
        let name = names.pop().ok_or(ErrorKind::IsADirectory)?;
        let mut folder = open("/", folder_flags(), Mode::empty())?;
        let mut rest = names.into_iter();
        let mut missing = Vec::new();
        for part in rest.by_ref() {
            match openat(&folder, part.as_os_str(), folder_flags(), Mode::empty()) {
                Ok(below) => folder = below,
                Err(Errno::NOENT) => {
                    missing.push(part);
                    break;
                }
                Err(error) => return Err(swapped(error, &part)),
            }
        }
        missing.extend(rest);
        Ok(Self { path: resolved.to_owned(), folder: Arc::new(folder), missing, name })
    }

    /// The resolved path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there, read through one handle. Of a file of more than
    /// `max_bytes` no content is read.
    pub fn read(&self, max_bytes: u64) -> io::Result<TargetContent> {
        if !self.missing.is_empty() {
            return Ok(TargetContent::Missing);
        }
        let name = self.name.as_os_str();
        let kind = match statat(&*self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(TargetContent::Missing),
            there => FileType::from_raw_mode(there?.st_mode),
        };
        match kind {
            FileType::RegularFile => {}
            FileType::Directory => return Ok(TargetContent::Folder),
            FileType::Symlink => return Err(swapped(Errno::LOOP, name)),
            // Opening a pipe or a device could wait for ever.
            _ => return Ok(TargetContent::Special),
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&*self.folder, name, flags, Mode::empty());
        let file = File::from(file.map_err(|error| swapped(error, name))?);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(TargetContent::Special);
        }
        let mut content = Vec::new();
        if metadata.len() <= max_bytes {
            file.take(max_bytes).read_to_end(&mut content)?;
        }
        Ok(TargetContent::File(metadata, content))
    }

    /// Puts new content in the file's place, entirely or not at all; makes the
    /// folders that are missing.
    pub fn write(&self, content: &[u8]) -> io::Result<()> {
        let folder = self.make_folders()?;
        replace_in(folder.as_ref().unwrap_or(&self.folder), &self.name, content)
    }

    /// Opens, and makes, the folders that were missing; `None` if none were.
    fn make_folders(&self) -> io::Result<Option<OwnedFd>> {
        let mut made: Option<OwnedFd> = None;
        for part in &self.missing {
            let above = made.as_ref().unwrap_or(&self.folder);
            match mkdirat(above, part.as_os_str(), Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let below = openat(above, part.as_os_str(), folder_flags(), Mode::empty());
            made = Some(below.map_err(|error| swapped(error, part))?);
        }
        Ok(made)
    }
}

/// What a link, or something else that is no folder, is reported as.
fn swapped(error: Errno, name: &OsStr) -> io::Error {
    match error {
        Errno::LOOP | Errno::MLINK => io::Error::new(
            ErrorKind::InvalidInput,
            format!("“{}” was replaced by a link after it was checked", name.display()),
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_swapped_in_after_the_decision_redirects_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("work/sub")).unwrap();
        fs::create_dir(root.join("outside")).unwrap();
        fs::write(root.join("outside/notes"), "theirs").unwrap();

        // The file becomes a link: the link gives way to the file.
        fs::write(root.join("work/notes"), "old").unwrap();
        let target = FileTarget::open(&canonical(root.join("work/notes"))).unwrap();
        fs::remove_file(root.join("work/notes")).unwrap();
        symlink(root.join("outside/notes"), root.join("work/notes")).unwrap();
        assert!(target.read(100).unwrap_err().to_string().contains("replaced by a link"));
        target.write(b"new").unwrap();
        assert_eq!(fs::read_to_string(root.join("outside/notes")).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(root.join("work/notes")).unwrap(), "new");

        // A folder becomes a link: the write stays in the folder that was meant.
        let target = FileTarget::open(&canonical(root.join("work/sub/a"))).unwrap();
        fs::rename(root.join("work/sub"), root.join("work/moved")).unwrap();
        symlink(root.join("outside"), root.join("work/sub")).unwrap();
        target.write(b"new").unwrap();
        assert!(!root.join("outside/a").exists() && root.join("work/moved/a").exists());

        // A folder that was missing becomes a link: nothing is written.
        let target = FileTarget::open(&canonical(root.join("work/new/deep/a"))).unwrap();
        symlink(root.join("outside"), root.join("work/new")).unwrap();
        assert!(target.write(b"new").is_err());
        assert!(!root.join("outside/deep").exists());

        // A path with a link in it is none that was decided about.
        assert!(FileTarget::open(&root.join("work/new/a")).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        fs::write(root.join("a"), "text").unwrap();
        std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let read = |name: &str| FileTarget::open(&root.join(name)).unwrap().read(3).unwrap();
        for name in ["none", "none/deep"] {
            assert!(matches!(read(name), TargetContent::Missing), "{name}");
        }
        assert!(matches!(read("socket"), TargetContent::Special));
        let TargetContent::File(metadata, content) = read("a") else { panic!() };
        assert_eq!((metadata.len(), content.len()), (4, 0));
        assert!(FileTarget::open(Path::new("/")).is_err());
    }
}
