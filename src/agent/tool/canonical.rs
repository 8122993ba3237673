//! The file that a path leads to.

use std::path::{Component, Path, PathBuf};

/// Links followed before a path counts as a loop (as in Linux).
const MAX_LINKS: usize = 40;

/// The absolute path without links and dots that a call on this path would
/// reach, also where parts of it do not exist yet. `..` behind a missing folder
/// leads out of it, for a tool that makes the folder goes the same way.
pub fn canonical(path: impl AsRef<Path>) -> PathBuf {
    let mut links = 0;
    let mut found = PathBuf::from("/");
    // Only an empty path has no absolute one.
    let mut rest = reversed_components(&std::path::absolute(&path).unwrap_or_default());
    while let Some(part) = rest.pop() {
        match part.components().next() {
            Some(Component::RootDir | Component::Prefix(_)) => found = PathBuf::from("/"),
            Some(Component::ParentDir) => _ = found.pop(),
            Some(Component::Normal(name)) => {
                let next = found.join(name);
                match next.read_link() {
                    Ok(target) if links < MAX_LINKS => {
                        links += 1;
                        rest.extend(reversed_components(&target));
                    }
                    // Asked of the disk for its spelling, where case does not count.
                    _ => found = next.canonicalize().unwrap_or(next),
                }
            }
            Some(Component::CurDir) | None => {}
        }
    }
    found
}

/// The components of a path, the first one last.
fn reversed_components(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_dots_are_followed_as_the_disk_follows_them() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("/etc", root.join("a/out")).unwrap();
        symlink("b", root.join("a/near")).unwrap();
        symlink("/etc/none/x", root.join("a/dangling")).unwrap();
        symlink("circle", root.join("a/circle")).unwrap();
        for (path, leads) in [
            ("a/b", root.join("a/b")),
            ("a/./b/../b/new/file", root.join("a/b/new/file")),
            ("a/near/../c", root.join("a/c")),
            ("a/out/hosts", "/etc/hosts".into()),
            ("a/out/../x", "/x".into()),
            ("a/dangling", "/etc/none/x".into()),
            ("a/none/../../c", root.join("c")),
            ("a/b/../../../../../../../../../../x", "/x".into()),
            ("a/circle", root.join("a/circle")),
        ] {
            assert_eq!(canonical(root.join(path)), leads, "{path}");
        }
        assert_eq!(
            canonical("src/../src"),
            std::env::current_dir().unwrap().canonicalize().unwrap().join("src")
        );
        assert_eq!(canonical(""), Path::new("/"));
    }
}
