//! Whether a repository's own configuration makes `git` run programs.
//!
//! `git status` and its kind only read, unless the repository says otherwise: its
//! configuration comes with it, from whoever made it, and can name programs that even
//! these start. Such a command is asked about like any other. Reads a few files of
//! `.git` and runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a configuration that are read; a longer one may say anything.
const MAX_CONFIG: u64 = 256 * 1024;
/// Submodules that are looked at; more may hold anything.
const MAX_SUBMODULES: usize = 200;
/// Hooks that commands which only read start.
const HOOKS: [&str; 2] = ["post-index-change", "reference-transaction"];
/// Settings whose value is a program that these commands start, by their last part.
const PROGRAMS: [&str; 10] = [
    "fsmonitor",
    "external",
    "textconv",
    "command",
    "clean",
    "smudge",
    "process",
    "hookspath",
    "program",
    "alternaterefscommand",
];

/// Whether the repository that a folder is in, or a submodule of it, names programs.
/// What cannot be read counts as if it did.
pub fn names_programs(folder: &Path) -> bool {
    let Some(git_dir) = folder.ancestors().find_map(git_dir) else { return false };
    let common = match fs::read_to_string(git_dir.join("commondir")) {
        Ok(path) => git_dir.join(path.trim()),
        Err(_) => git_dir.clone(),
    };
    let mut left = MAX_SUBMODULES;
    is_suspect(&git_dir) || is_suspect(&common) || modules_are_suspect(&common.join("modules"), &mut left)
}

/// The folder with a repository's files, if `root` is the root of one, with or
/// without a worktree.
fn git_dir(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    if let Ok(text) = fs::read_to_string(&dot_git) {
        return Some(root.join(text.strip_prefix("gitdir:")?.trim()));
    }
    let is_bare = root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir();
    is_bare.then(|| root.to_owned())
}

fn is_suspect(git_dir: &Path) -> bool {
    let configs = ["config", "config.worktree"].map(|name| git_dir.join(name));
    configs.iter().any(|config| config_names_programs(config))
        || HOOKS.iter().any(|hook| git_dir.join("hooks").join(hook).exists())
}

/// `modules/NAME`, where a name may have slashes in it.
fn modules_are_suspect(folder: &Path, left: &mut usize) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir()) {
        if *left == 0 {
            return true;
        }
        *left -= 1;
        let path = entry.path();
        let suspect = if path.join("HEAD").is_file() {
            is_suspect(&path) || modules_are_suspect(&path.join("modules"), left)
        } else {
            modules_are_suspect(&path, left)
        };
        if suspect {
            return true;
        }
    }
    false
}

fn config_names_programs(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    if metadata.len() > MAX_CONFIG || !metadata.is_file() {
        return true;
    }
    fs::read(path).map_or(true, |bytes| text_names_programs(&String::from_utf8_lossy(&bytes)))
}

fn text_names_programs(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut includes = false;
    text.lines().any(|line| {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            let (section, behind) = rest.rsplit_once(']').unwrap_or((rest, ""));
            includes = section.starts_with("include");
            line = behind.trim();
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        let is_switch = matches!(value, "" | "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1");
        // Git continues a line that ends with a backslash.
        includes && key == "path" || PROGRAMS.contains(&key) && (!is_switch || line.ends_with('\\'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_programs_or_does_not() {
        for text in [
            "[core]\n\tfsmonitor = ./evil\n",
            "[CORE]\n\tFSMonitor=./evil",
            "[core] fsmonitor = ./evil",
            "[core]\nfsmonitor = \"./evil\"",
            "[core]\nfsmonitor = \\\n./evil",
            "[diff]\nexternal = x",
            "[diff \"a]b\"]\ncommand = x",
            "[diff \"x\"]\ntextconv = x",
            "[filter \"x\"]\nclean = x",
            "[filter \"x\"] process = x",
            "[core]\nhooksPath = ../hooks",
            "[include]\npath = ../evil",
            "[includeIf \"gitdir:/\"] path = /tmp/evil",
            "[gpg]\nprogram = x",
        ] {
            assert!(text_names_programs(text), "{text}");
        }
        for text in [
            "",
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n",
            "[core]\nfsmonitor = true",
            "[remote \"origin\"]\nurl = https://x/y\nfetch = +refs/heads/*:refs/remotes/origin/*",
            "[branch \"main\"]\nremote = origin\n# fsmonitor = x",
            "[user]\nname = external",
            // As git writes it for a submodule.
            "[core]\nworktree = ../../../sub",
        ] {
            assert!(!text_names_programs(text), "{text}");
        }
    }

    #[test]
    fn a_repository_is_found_from_below_in_its_forms() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let evil = "[core]\nfsmonitor = ./evil\n";
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("plain/.git/config", "[core]\nbare = false\n");
        fs::create_dir_all(root.join("plain/deep")).unwrap();
        assert!(!names_programs(&root.join("plain/deep")));
        write("plain/.git/hooks/post-index-change", "");
        assert!(names_programs(&root.join("plain/deep")));
        write("own/.git/config", evil);
        assert!(names_programs(&root.join("own")));
        write("main/.git/config.worktree", evil);
        write("main/.git/worktrees/tree/commondir", "../..\n");
        write("tree/.git", &format!("gitdir: {}\n", root.join("main/.git/worktrees/tree").display()));
        assert!(names_programs(&root.join("tree")));
        write("bare/HEAD", "ref: x\n");
        write("bare/config", evil);
        fs::create_dir_all(root.join("bare/objects")).unwrap();
        fs::create_dir_all(root.join("bare/refs")).unwrap();
        assert!(names_programs(&root.join("bare")));
        write("super/.git/config", "");
        write("super/.git/modules/a/b/HEAD", "ref: x\n");
        assert!(!names_programs(&root.join("super")));
        write("super/.git/modules/a/b/config", evil);
        assert!(names_programs(&root.join("super")));
        assert!(!names_programs(Path::new("/")));
    }
}
