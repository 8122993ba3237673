//! The real path behind a name, and opening it without following another link.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

/// After this many links a path counts as a loop, as in the kernel.
const MAX_LINKS: usize = 40;

/// The path that `named` leads to from `folder`: links and `..` are followed as
/// the kernel follows them, also links to what does not exist yet. What does not
/// exist is kept as it is written.
pub fn resolve(folder: &Path, named: &Path) -> PathBuf {
    let path = folder.join(named);
    let mut rest = parts(&path);
    let mut real = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        match part {
            Part::Root => real = PathBuf::from("/"),
            Part::Parent => {
                real.pop();
            }
            Part::Name(name) => {
                let next = real.join(name);
                match std::fs::read_link(&next) {
                    Ok(target) if links < MAX_LINKS => {
                        links += 1;
                        for part in parts(&target).into_iter().rev() {
                            rest.push_front(part);
                        }
                    }
                    _ => real = next,
                }
            }
        }
    }
    real
}

enum Part {
    Root,
    Parent,
    Name(OsString),
}

fn parts(path: &Path) -> VecDeque<Part> {
    let part = |component: Component<'_>| match component {
        Component::RootDir | Component::Prefix(_) => Some(Part::Root),
        Component::ParentDir => Some(Part::Parent),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir => None,
    };
    path.components().filter_map(part).collect()
}

/// Opens a file for writing by its real path, creating it and its folders where
/// they are missing. Fails if any part of the path is a link: one that was put
/// there after the path was resolved must not redirect the write.
///
/// The file is not truncated.
pub fn create_without_links(real: &Path) -> io::Result<File> {
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = open_folder(folder, true)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(File::from(openat(&folder, name, flags, Mode::from_raw_mode(0o666))?))
}

/// Opens a file for reading by its real path. Fails if any part of it is a link.
/// Does not wait for a pipe's other end.
pub fn open_without_links(real: &Path) -> io::Result<File> {
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = open_folder(folder, false)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(File::from(openat(&folder, name, flags, Mode::empty())?))
}

fn open_folder(real: &Path, creates: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = openat(CWD, "/", flags, Mode::empty())?;
    for component in real.components() {
        let Component::Normal(name) = component else { continue };
        folder = match openat(&folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) if creates => {
                match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                openat(&folder, name, flags, Mode::empty())?
            }
            other => other?,
        };
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let work = outer.join("work");
        std::fs::create_dir_all(work.join("sub")).unwrap();
        symlink("../secret", work.join("notes")).unwrap();
        symlink("sub", work.join("down")).unwrap();
        symlink(outer.join("later/file"), work.join("dangling")).unwrap();
        symlink("loop", work.join("loop")).unwrap();
        let check = |named: &str, expected: &str| {
            assert_eq!(resolve(&work, Path::new(named)), outer.join(expected), "{named}");
        };
        check("plain", "work/plain");
        check("./sub/../plain", "work/plain");
        check("notes", "secret");
        check("down/new/file", "work/sub/new/file");
        check("down/../x", "work/x");
        check("dangling", "later/file");
        check("../work/plain", "work/plain");
        check("loop", "work/loop");
        assert_eq!(resolve(&work, Path::new("/etc/../etc/hosts")), Path::new("/etc/hosts"));
    }

    #[test]
    fn a_link_that_appears_after_the_path_was_resolved_is_not_followed() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let target = outer.join("work/new/deep/file");
        create_without_links(&target).unwrap().write_all(b"text").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"text");

        std::fs::create_dir(outer.join("elsewhere")).unwrap();
        std::fs::rename(outer.join("work/new/deep"), outer.join("work/new/moved")).unwrap();
        symlink(outer.join("elsewhere"), outer.join("work/new/deep")).unwrap();
        create_without_links(&target).unwrap_err();
        symlink(outer.join("elsewhere/x"), outer.join("work/link")).unwrap();
        create_without_links(&outer.join("work/link")).unwrap_err();
        assert!(std::fs::read_dir(outer.join("elsewhere")).unwrap().next().is_none());
    }
}
