//! The git repository that a folder is in: its worktrees and the current branch.
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

/// The checked-out branch; `HEAD` if it is detached, `None` outside a repository.
pub fn current_branch(folder: &Path) -> Option<String> {
    let git = folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let git = if git.is_file() {
        // In a worktree, `.git` is a file that names the folder.
        let pointer = fs::read_to_string(&git).ok()?;
        git.parent()?.join(pointer.strip_prefix("gitdir:")?.trim())
    } else {
        git
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    Some(head.trim().strip_prefix("ref: refs/heads/").unwrap_or("HEAD").to_owned())
}

#[cfg(test)]
#[path = "../../tests/support/skip.rs"]
mod skip;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A repository with one linked worktree, laid out as git 2.39 does.
    fn repository(root: &Path) -> (PathBuf, PathBuf) {
        let (main, other) = (root.join("main"), root.join("other"));
        let linked = main.join(".git/worktrees/other");
        for folder in [&linked, &main.join("deep/er"), &other] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(linked.join("gitdir"), format!("{}\n", other.join(".git").display())).unwrap();
        fs::write(linked.join("commondir"), "../..\n").unwrap();
        fs::write(other.join(".git"), format!("gitdir: {}\n", linked.display())).unwrap();
        (main, other)
    }

    #[test]
    fn every_worktree_knows_the_others() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (main, other) = repository(&root);
        for from in [&main, &other, &main.join("deep/er")] {
            assert_eq!(worktree_roots(from), [main.clone(), other.clone()], "{}", from.display());
        }
        fs::remove_dir_all(main.join(".git/worktrees")).unwrap();
        assert!(worktree_roots(&main).is_empty(), "one worktree needs no list");
    }

    #[test]
    fn worktrees_that_git_itself_made_are_found() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (main, other) = (root.join("main"), root.join("other"));
        fs::create_dir_all(&main).unwrap();
        let git = |words: &str| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(words.split(' '));
            git.current_dir(&main).output().is_ok_and(|output| output.status.success())
        };
        if !git("init -q") {
            return skip::skip("worktrees_that_git_itself_made_are_found", "no git", "apt install git");
        }
        assert!(git("commit -q --allow-empty -m x") && git("worktree add -q ../other"));
        assert_eq!(worktree_roots(&other), [main.clone(), other.clone()]);
    }

    #[test]
    fn a_folder_outside_a_repository_has_none() {
        assert!(worktree_roots(Path::new("/")).is_empty());
    }

    #[test]
    fn the_branch_is_found_from_below_and_through_a_worktree() {
        let temp = tempfile::tempdir().unwrap();
        let (git, tree) = (temp.path().join("a/.git"), temp.path().join("b"));
        fs::create_dir_all(git.join("worktrees/b")).unwrap();
        fs::create_dir_all(temp.path().join("a/deep")).unwrap();
        fs::create_dir_all(&tree).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/feature/x\n").unwrap();
        fs::write(git.join("worktrees/b/HEAD"), "0123abc\n").unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", git.join("worktrees/b").display())).unwrap();
        assert_eq!(current_branch(&temp.path().join("a/deep")).as_deref(), Some("feature/x"));
        assert_eq!(current_branch(&tree).as_deref(), Some("HEAD"));
    }
}
