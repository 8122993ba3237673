//! Which folder under `projects/` holds the sessions of a working folder.
//!
//! Owns the official tools' naming and its quirks. A name cannot be turned back into a
//! path: take the `cwd` of the entries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// The longest name before a hash is appended, in UTF-16 units.
const MAX_NAME_UNITS: usize = 200;

/// The working folder as the official tools spell it: resolved, NFC. If it is gone, the
/// part of it that exists is resolved.
pub fn canonical_cwd(cwd: &Path) -> String {
    let cwd = std::path::absolute(cwd).unwrap_or_else(|_| cwd.to_owned());
    let mut real = cwd.ancestors().filter_map(|there| {
        let gone: PathBuf = cwd.strip_prefix(there).ok()?.components().collect();
        let there = there.canonicalize().ok()?;
        Some(if gone.as_os_str().is_empty() { there } else { there.join(gone) })
    });
    real.next().unwrap_or_else(|| cwd.clone()).to_string_lossy().nfc().collect()
}

/// The folder name for a path as [`canonical_cwd`] spells it. CLI 2.1.329 counts UTF-16
/// units, so an emoji gives two dashes; the Python SDK 0.2.186 counts code points and
/// misses such sessions.
pub fn encoded_name(path: &str) -> String {
    let plain = |unit: u16| u8::try_from(unit).ok().filter(u8::is_ascii_alphanumeric).map_or('-', char::from);
    let name: String = path.encode_utf16().map(plain).collect();
    if name.len() <= MAX_NAME_UNITS {
        return name;
    }
    format!("{}-{}", &name[..MAX_NAME_UNITS], hash(path))
}

/// The name of the folder that the sessions of a working directory belong to; hosts' stores use it as a key.
pub fn project_key(cwd: &Path) -> String {
    encoded_name(&canonical_cwd(cwd))
}

/// The folders under `projects` that hold the sessions of one path: the exact one or, for
/// long names that another rule hashed (the native CLI and the Node SDK differ), those that
/// share its readable part.
pub fn existing_project_dirs(projects: &Path, path: &str) -> Vec<PathBuf> {
    let name = encoded_name(path);
    let exact = projects.join(&name);
    if exact.is_dir() {
        return vec![exact];
    }
    if name.len() <= MAX_NAME_UNITS {
        return Vec::new();
    }
    let readable = &name[..=MAX_NAME_UNITS];
    let Ok(entries) = projects.read_dir() else { return Vec::new() };
    let same = |folder: &PathBuf| {
        folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(readable))
    };
    entries.flatten().map(|entry| entry.path()).filter(same).collect()
}

/// Whether a transcript lies in the project folder of `cwd`.
pub fn belongs_to_cwd(transcript: &Path, cwd: &Path) -> bool {
    let Some(project) = transcript.parent().and_then(|folder| folder.file_name()?.to_str()) else {
        return false;
    };
    let name = encoded_name(&canonical_cwd(cwd));
    project == name || (name.len() > MAX_NAME_UNITS && project.starts_with(&name[..=MAX_NAME_UNITS]))
}

/// How many folders a search for an encoded name reads at most.
const MAX_FOLDERS_READ: usize = 2_000;

/// The folders on the disk whose encoded name is this one. Only folders whose own encoded path
/// starts the name are read, so the search goes down a few branches. Empty for hashed names.
pub fn existing_folders_named(name: &OsStr) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Some(name) = name.to_str().filter(|name| name.len() <= MAX_NAME_UNITS) else { return found };
    let mut pending = vec![PathBuf::from("/")];
    let mut read = 0;
    while let Some(folder) = pending.pop() {
        read += 1;
        if read > MAX_FOLDERS_READ {
            return Vec::new();
        }
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            // Links lead to folders that have a name of their own.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            let Some(encoded) = path.to_str().map(encoded_name) else { continue };
            if encoded == name {
                found.push(path);
            } else if name.strip_prefix(&encoded).is_some_and(|rest| rest.starts_with('-')) {
                pending.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The folder for new sessions of `cwd`; it need not exist yet.
pub fn project_dir_for(projects: &Path, cwd: &Path) -> PathBuf {
    let path = canonical_cwd(cwd);
    let existing = existing_project_dirs(projects, &path).into_iter().next();
    existing.unwrap_or_else(|| projects.join(encoded_name(&path)))
}

/// JavaScript's `h = (h << 5) - h + c | 0` over UTF-16 units, in base 36.
fn hash(path: &str) -> String {
    let hash =
        path.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let mut rest = hash.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(rest % 36, 36));
        rest /= 36;
        if rest == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, name: &str) {
        assert_eq!(encoded_name(path), name, "{path}");
    }

    #[test]
    fn everything_but_ascii_letters_and_digits_is_a_dash() {
        check("/home/me/my_app.rs", "-home-me-my-app-rs");
        check("/home/mé/x", "-home-m--x");
        check("/a/🦀", "-a---");
        check("", "");
    }

    #[test]
    fn a_long_name_is_cut_and_hashed() {
        let long = format!("/{}", "a".repeat(250));
        check(&long, &format!("-{}-feo44x", "a".repeat(199)));
        check(&long[..200], &format!("-{}", "a".repeat(199)));
        let crabs = format!("/{}", "🦀".repeat(100));
        check(&crabs, &format!("{}-h4b9jd", "-".repeat(200)));
    }

    #[test]
    fn both_ways_to_write_an_accent_are_one_folder() {
        assert_eq!(canonical_cwd(Path::new("/gone/e\u{301}")), canonical_cwd(Path::new("/gone/é")));
    }

    #[test]
    fn a_folder_that_is_gone_is_spelled_as_when_it_was_there() {
        let temp = tempfile::tempdir().unwrap();
        let (real, link) = (temp.path().join("real"), temp.path().join("link"));
        std::fs::create_dir_all(real.join("work")).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let before = canonical_cwd(&link.join("work/"));
        assert_eq!(before, canonical_cwd(&real.join("work")));
        std::fs::remove_dir(real.join("work")).unwrap();
        assert_eq!(before, canonical_cwd(&link.join("work/")));
    }

    #[test]
    fn a_transcript_is_at_home_in_one_project() {
        let long = format!("/{}", "a".repeat(250));
        for cwd in ["/w/x", "/w/🦀 é", &long] {
            let home = project_dir_for(Path::new("/projects"), Path::new(cwd)).join("id.jsonl");
            assert!(belongs_to_cwd(&home, Path::new(cwd)), "{cwd}");
            assert!(!belongs_to_cwd(&home, Path::new("/w/other")), "{cwd}");
        }
        assert!(!belongs_to_cwd(Path::new("memory:id"), Path::new("/w")));
    }

    #[test]
    fn folders_are_found_by_the_name_they_encode_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        for folder in ["a.b/deep", "a b/deep", "a-b", "other"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let found = |path: &str| {
            let name = encoded_name(root.join(path).to_str().unwrap());
            existing_folders_named(OsStr::new(&name))
        };
        assert_eq!(found("a.b/deep"), [root.join("a b/deep"), root.join("a.b/deep")]);
        assert_eq!(found("a_b"), ["a b", "a-b", "a.b"].map(|folder| root.join(folder)));
        assert_eq!(found("gone"), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_long_name_with_a_foreign_hash_is_found() {
        let projects = tempfile::tempdir().unwrap();
        let long = format!("/{}", "a".repeat(250));
        assert!(existing_project_dirs(projects.path(), &long).is_empty());
        let foreign = projects.path().join(format!("-{}-bunhash", "a".repeat(199)));
        std::fs::create_dir(&foreign).unwrap();
        assert_eq!(existing_project_dirs(projects.path(), &long), [foreign]);
    }
}
