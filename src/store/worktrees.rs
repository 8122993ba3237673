//! The worktrees of the git repository that a folder is in.
//!
//! Reads the files that gitrepository-layout(5) describes, so it needs no git, starts no
//! process and cannot hang on one. Never writes.

use std::fs;
use std::path::{Path, PathBuf};

/// The roots of all worktrees, the main one first; empty if the folder is in no repository
/// or the repository has only one.
pub fn worktree_roots(folder: &Path) -> Vec<PathBuf> {
    let Some(common) = folder.ancestors().find_map(common_dir) else { return Vec::new() };
    let Ok(linked) = common.join("worktrees").read_dir() else { return Vec::new() };
    let main = common.parent().filter(|_| common.ends_with(".git")).map(Path::to_owned);
    let linked = linked.flatten().filter_map(|entry| {
        let dot_git = read_path_file(&entry.path().join("gitdir"), "")?;
        dot_git.parent().map(Path::to_owned)
    });
    let roots: Vec<_> = main.into_iter().chain(linked).collect();
    if roots.len() > 1 { roots } else { Vec::new() }
}

/// The folder that all worktrees of a repository share, if `root` is the root of one.
fn common_dir(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let git_dir = read_path_file(&dot_git, "gitdir: ")?;
    let common = read_path_file(&git_dir.join("commondir"), "").unwrap_or(git_dir);
    common.canonicalize().ok()
}

/// The path in a one-line file, relative to that file's folder.
fn read_path_file(file: &Path, prefix: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    let path = text.strip_prefix(prefix)?.trim_end_matches(['\n', '\r']);
    Some(file.parent()?.join(path))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs git in a folder; false where there is none.
    fn git(folder: &Path, words: &str) -> bool {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(words.split(' ')).current_dir(folder);
        git.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    #[test]
    fn every_working_tree_knows_the_others() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (main, other) = (root.join("main"), root.join("other"));
        fs::create_dir_all(main.join("deep/er")).unwrap();
        if !git(&main, "init -q") {
            eprintln!("skipped: every_working_tree_knows_the_others needs git (apt install git)");
            return;
        }
        assert!(git(&main, "commit -q --allow-empty -m x"));
        assert!(worktree_roots(&main).is_empty());
        assert!(git(&main, "worktree add -q ../other"));
        for from in [&main, &other, &main.join("deep/er")] {
            assert_eq!(worktree_roots(from), [main.clone(), other.clone()], "{}", from.display());
        }
    }

    #[test]
    fn a_folder_outside_a_repository_has_none() {
        assert!(worktree_roots(Path::new("/")).is_empty());
    }
}
