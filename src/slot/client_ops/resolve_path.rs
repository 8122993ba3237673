//! Resolves a path that an agent named, and checks that it lies in the session's
//! folder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The real path of a path that an agent named, which may not exist yet. Links
/// and `..` are followed as far as the path exists. The error is for the agent.
pub(super) fn resolve_in_folder(folder: &Path, named: &Path) -> Result<PathBuf, String> {
    let failed = |path: &Path, error| format!("{}: {error}", path.display());
    let outside = || {
        format!(
            "{} is outside the session's folder {}; hotseat gives agents no access there",
            named.display(),
            folder.display()
        )
    };
    let root = folder.canonicalize().map_err(|error| failed(folder, error))?;
    let path = root.join(named);
    let mut existing = path.as_path();
    let mut missing = Vec::new();
    let mut real = loop {
        match existing.canonicalize() {
            Ok(real) => break real,
            // A dangling link may lead anywhere later.
            Err(_) if existing.is_symlink() => return Err(outside()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (Some(name), Some(parent)) = (existing.file_name(), existing.parent()) else {
                    return Err(outside());
                };
                missing.push(name);
                existing = parent;
            }
            Err(error) => return Err(failed(named, error)),
        }
    };
    real.extend(missing.into_iter().rev());
    if real.starts_with(&root) { Ok(real) } else { Err(outside()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_is_found() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let work = outer.join("work");
        std::fs::create_dir_all(work.join("sub")).unwrap();
        std::fs::write(work.join("file"), "").unwrap();
        std::fs::write(outer.join("secret"), "").unwrap();
        symlink(&outer, work.join("up")).unwrap();
        symlink(work.join("sub"), work.join("down")).unwrap();
        symlink(outer.join("later"), work.join("nowhere")).unwrap();
        let check = |named: &str, expected: Option<&str>| {
            let found =
                resolve_in_folder(&work, Path::new(&named.replace("OUTER", &outer.display().to_string())));
            let found =
                found.inspect_err(|why| assert!(why.contains("file") || why.contains("outside"), "{why}"));
            assert_eq!(found.ok(), expected.map(|expected| work.join(expected)), "{named}");
        };
        check("OUTER/work/file", Some("file"));
        check("file", Some("file"));
        check("OUTER/work/new/deep/file", Some("new/deep/file"));
        check("OUTER/work/sub/../file", Some("file"));
        check("OUTER/work/down/new", Some("sub/new"));
        check("OUTER/secret", None);
        check("/etc/passwd", None);
        check("OUTER/work/../secret", None);
        check("OUTER/work/up/secret", None);
        check("OUTER/work/up/new", None);
        check("OUTER/work/nowhere", None);
        check("OUTER/work/nowhere/x", None);
        check("OUTER/work/not/there/../../../secret", None);
        check("OUTER/workshop", None);
        check("file/x", None);
    }
}
