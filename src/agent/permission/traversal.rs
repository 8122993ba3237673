//! Commands that go through all of a folder: `grep -r`, `tar`, `cp -r`, `rm -r`.
//!
//! A rule that denies a file holds for what takes the whole folder with the file in
//! it, as far as the file is there to be seen. Such a command is asked about and not
//! refused, since the rest of what it does is allowed. Looks at names only.

use std::collections::HashSet;
use std::path::PathBuf;

use super::command_files::{FileEffect, NamedFiles, operands};
use super::path_pattern::PathDenial;
use super::shell::{ShellWord, SimpleCommand};

/// Entries looked at in one folder and below; what has more may hold anything.
const MAX_ENTRIES: usize = 100_000;

/// A folder that a command goes through, with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraversedFolder {
    folder: PathBuf,
    /// What becomes of the files.
    pub effect: FileEffect,
    skips_hidden: bool,
    follows_links: bool,
}

/// What a folder has of the files that a rule denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeniedInside {
    File(PathBuf),
    /// The folder has too many files to look at.
    Unknown(PathBuf),
}

/// How a command goes through folders.
struct Recursion {
    effect: FileEffect,
    skips_hidden: bool,
    follows_links: bool,
}

/// The folders that a command goes through. `folders` are those that its relative
/// paths may start from.
pub fn gone_through(
    command: &SimpleCommand,
    named: &NamedFiles,
    folders: &[PathBuf],
) -> Vec<TraversedFolder> {
    let Some(name) = command.name() else { return Vec::new() };
    let arguments = command.arguments();
    let texts: Vec<String> = arguments.iter().map(ShellWord::text).collect();
    let Some(recursion) = recursion(&name, &texts) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        named.files.iter().filter(|file| file.path.is_dir()).map(|file| file.path.clone()).collect();
    let is_find = matches!(name.as_str(), "find" | "bfs");
    // These have a pattern among their operands.
    let has_pattern = matches!(name.as_str(), "ag" | "ack" | "pt" | "ugrep");
    let has_operand = if has_pattern {
        !found.is_empty()
    } else if is_find {
        texts.first().is_some_and(|text| !text.starts_with(['-', '(', '!']))
    } else {
        !operands(&name, arguments).is_empty()
    };
    if !has_operand {
        found.extend(folders.iter().cloned());
    }
    found.sort();
    found.dedup();
    let contents = |folder| TraversedFolder {
        folder,
        effect: recursion.effect,
        skips_hidden: recursion.skips_hidden,
        follows_links: recursion.follows_links,
    };
    found.into_iter().map(contents).collect()
}

/// How a program goes through folders; `None` if it does not.
fn recursion(name: &str, texts: &[String]) -> Option<Recursion> {
    let letter = |letters: &[char]| {
        texts.iter().any(|text| text.starts_with('-') && !text.starts_with("--") && text.contains(letters))
    };
    let long = |names: &[&str]| {
        texts.iter().any(|text| {
            let given = text.split('=').next().unwrap_or_default();
            given.len() > 3 && names.iter().any(|name| name.starts_with(given))
        })
    };
    let recursive = || letter(&['r', 'R', 'a']) || long(&["--recursive", "--archive", "--recurse-paths"]);
    let follows_links = letter(&['R', 'L', 'h']) || long(&["--dereference", "--follow", "--copy-links"]);
    let mut skips_hidden = false;
    let effect = match name {
        "grep" | "egrep" | "fgrep" | "zgrep" | "ugrep" => {
            let recurses = texts.iter().any(|text| text.ends_with("recurse"));
            let is_recursive =
                letter(&['r', 'R']) || long(&["--recursive", "--dereference-recursive"]) || recurses;
            is_recursive.then_some(FileEffect::Reads)
        }
        "rg" | "ag" => {
            skips_hidden = !letter(&['u', '.', 'a']) && !long(&["--hidden", "--unrestricted"]);
            Some(FileEffect::Reads)
        }
        "ack" | "pt" | "diff" | "http-server" | "serve" => Some(FileEffect::Reads),
        "cp" | "gcp" | "scp" | "rsync" => recursive().then_some(FileEffect::Reads),
        "mv" => Some(FileEffect::Writes),
        "tar" | "bsdtar" | "gtar" | "jar" => {
            let first = texts.first().filter(|text| !text.starts_with("--"));
            let makes = first.is_some_and(|text| text.contains(['c', 'r', 'u']));
            let makes = makes || letter(&['c', 'r', 'u']) || long(&["--create", "--append", "--update"]);
            makes.then_some(FileEffect::Reads)
        }
        "7z" | "7za" | "7zz" | "rar" => {
            texts.first().is_some_and(|text| matches!(text.as_str(), "a" | "u")).then_some(FileEffect::Reads)
        }
        "pax" => letter(&['w']).then_some(FileEffect::Reads),
        "find" | "bfs" | "fd" | "fdfind" | "gfind" => {
            let starts = |text: &String| {
                text.starts_with("-exec") || text.starts_with("-ok") || text.starts_with("--exec")
            };
            let starts = texts.iter().any(starts) || matches!(name, "fd" | "fdfind") && letter(&['x', 'X']);
            let removes = texts.iter().any(|text| text == "-delete");
            if starts { Some(FileEffect::Unknown) } else { removes.then_some(FileEffect::Writes) }
        }
        "rm" | "chmod" | "chown" | "chgrp" | "setfacl" | "chattr" => {
            (letter(&['r', 'R']) || long(&["--recursive"])).then_some(FileEffect::Writes)
        }
        "git" => {
            let searches = texts.iter().any(|text| text == "grep");
            (searches && long(&["--no-index", "--untracked"])).then_some(FileEffect::Reads)
        }
        // These list names, and read nothing.
        "ls" | "dir" | "vdir" | "du" | "tree" | "mkdir" | "echo" | "printf" | "sort" | "uniq" => None,
        _ => (letter(&['r', 'R']) || long(&["--recursive"])).then_some(FileEffect::Unknown),
    }?;
    Some(Recursion { effect, skips_hidden, follows_links })
}

impl TraversedFolder {
    /// What is in it of the files that a rule denies.
    pub fn denied_by(&self, denial: &PathDenial) -> Option<DeniedInside> {
        let (mut waiting, mut visited) = (vec![self.folder.clone()], HashSet::new());
        let mut looked_at = 0;
        while let Some(folder) = waiting.pop() {
            if self.follows_links && !visited.insert(folder.clone()) {
                continue;
            }
            // What cannot be listed cannot be gone through.
            let Ok(entries) = folder.read_dir() else { continue };
            for entry in entries.filter_map(Result::ok) {
                looked_at += 1;
                if looked_at > MAX_ENTRIES {
                    return Some(DeniedInside::Unknown(self.folder.clone()));
                }
                if self.skips_hidden && entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let mut path = entry.path();
                if kind.is_symlink() {
                    match path.canonicalize() {
                        Ok(target) if self.follows_links => path = target,
                        _ => continue,
                    }
                }
                // The folders above it were looked at before.
                if denial.names(&path) {
                    return Some(DeniedInside::File(path));
                }
                if kind.is_dir() || kind.is_symlink() && path.is_dir() {
                    waiting.push(path);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recurses(line: &str) -> Option<FileEffect> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        recursion(&words[0], &words[1..]).map(|recursion| recursion.effect)
    }

    #[test]
    fn a_command_goes_through_folders_if_it_is_told_to() {
        for line in [
            "grep -rn x .",
            "grep -d recurse x",
            "rg x",
            "cp -a . y",
            "rsync -r . y",
            "tar cf x .",
            "tar -czf x .",
            "tar --create .",
            "zip -r x .",
            "diff a b",
            "7z a x .",
            "git grep --no-index x",
            "scp -r . h:",
        ] {
            assert!(recurses(line).is_some(), "{line}");
        }
        assert_eq!(recurses("rm -rf x"), Some(FileEffect::Writes));
        assert_eq!(recurses("find . -delete"), Some(FileEffect::Writes));
        assert_eq!(recurses("find . -exec cat {} +"), Some(FileEffect::Unknown));
        for line in [
            "grep x a",
            "cp a b",
            "tar xf x",
            "tar -tf x",
            "find . -name x",
            "ls -R",
            "git grep x",
            "zip x a",
        ] {
            assert_eq!(recurses(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_denied_in_a_folder_is_found_at_any_depth() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir_all(root.join("c")).unwrap();
        std::fs::write(root.join("a/b/.env"), "").unwrap();
        std::os::unix::fs::symlink("../a/b/.env", root.join("c/link")).unwrap();
        let denial = PathDenial::new(".env", &root);
        let check = |folder: &str, skips_hidden: bool, follows_links: bool, found: bool| {
            let folder = root.join(folder);
            let contents = TraversedFolder { folder, effect: FileEffect::Reads, skips_hidden, follows_links };
            let expected = found.then(|| DeniedInside::File(root.join("a/b/.env")));
            assert_eq!(contents.denied_by(&denial), expected, "{contents:?}");
        };
        check("", false, false, true);
        check("a", false, false, true);
        check("a", true, false, false);
        check("c", false, false, false);
        check("c", false, true, true);
    }
}
