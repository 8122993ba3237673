//! The files that a search goes through: ripgrep's walk without the files that
//! are hidden from the model.
//!
//! Owns where a search starts and what it skips. Never opens a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use ignore::{DirEntry, WalkBuilder};

use super::{ToolContext, ToolFuture, ToolOutcome, canonical, run_blocking, string_argument};

/// Folders of version control, which searches skip.
const VCS_FOLDERS: [&str; 6] = [".git", ".svn", ".hg", ".bzr", ".jj", ".sl"];

pub struct FileSearch<'a> {
    /// The folder, or file, to search.
    pub root: PathBuf,
    /// Patterns as in `.gitignore` that a file must match; empty for all files.
    pub globs: Vec<&'a str>,
    /// A file type of ripgrep's.
    pub file_type: Option<&'a str>,
    /// Include what `.gitignore` names.
    pub include_ignored: bool,
}

impl FileSearch<'_> {
    /// The files, ordered by path, until the search is cancelled. The error is for
    /// the model.
    pub fn files(&self, place: &ToolContext, stopped: &SearchCancellation) -> Result<Vec<DirEntry>, String> {
        let mut walk = WalkBuilder::new(&self.root);
        walk.hidden(false).sort_by_file_path(Ord::cmp);
        if self.include_ignored {
            walk.standard_filters(false);
        }
        let mut globs = OverrideBuilder::new(&self.root);
        for glob in &self.globs {
            globs.add(glob).map_err(rejected_pattern)?;
        }
        walk.overrides(globs.build().map_err(rejected_pattern)?);
        if let Some(kind) = self.file_type {
            let types = TypesBuilder::new().add_defaults().select(kind).build();
            walk.types(types.map_err(rejected_pattern)?);
        }
        let hidden = place.hidden_files.clone();
        walk.filter_entry(move |entry| {
            entry.depth() == 0
                || !VCS_FOLDERS.iter().any(|name| entry.file_name() == *name)
                    && !hidden.contains(entry.path())
        });
        let entries = walk.build().take_while(|_| !stopped.is_cancelled()).filter_map(Result::ok);
        Ok(entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())).collect())
    }
}

/// The error for a pattern that is not valid.
pub fn rejected_pattern(error: impl std::fmt::Display) -> String {
    format!(
        "Search failed — ripgrep rejected the pattern, glob, or file type without searching:\nrg: {error}"
    )
}

/// Where a call searches: its `path`, or the session's folder.
pub fn search_root(input: &serde_json::Value, place: &ToolContext) -> PathBuf {
    canonical(string_argument(input, "path").map_or_else(|| place.cwd.clone(), |path| place.resolve(path)))
}

/// A path as results show it: relative if it lies in the session's folder.
pub fn display_path(path: &Path, place: &ToolContext) -> String {
    path.strip_prefix(canonical(&place.cwd)).unwrap_or(path).display().to_string()
}

/// Whether a search is cancelled.
#[derive(Debug, Clone, Default)]
pub struct SearchCancellation(Arc<AtomicBool>);

impl SearchCancellation {
    /// The search was dropped.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a search off the loop; dropping it stops the search at the next file.
pub fn run_search(search: impl FnOnce(&SearchCancellation) -> ToolOutcome + Send + 'static) -> ToolFuture {
    struct StopsWhenDropped(SearchCancellation);
    impl Drop for StopsWhenDropped {
        fn drop(&mut self) {
            self.0.0.store(true, Ordering::Relaxed);
        }
    }
    let stopped = SearchCancellation::default();
    let stops = StopsWhenDropped(stopped.clone());
    Box::pin(async move {
        let outcome = run_blocking(move || search(&stopped)).await;
        drop(stops);
        outcome
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::agent::tool::HiddenFiles;

    /// A folder with some files, one of them hidden from the model.
    pub fn sample() -> (tempfile::TempDir, ToolContext) {
        let temp = tempfile::tempdir().unwrap();
        let cwd = temp.path().canonicalize().unwrap();
        for (name, content) in [
            ("src/a.rs", "fn one() {}\nlet two = 2;\nfn three() {\n}\n"),
            ("src/deep/b.rs", "fn four() {}\n"),
            ("c.py", "one = 1\ntwo = one\n"),
            (".gitignore", "ignored/\n"),
            ("ignored/x.rs", "fn no() {}\n"),
            (".hidden.rs", "fn hid() {}\n"),
            (".git/config", "fn no() {}\n"),
            ("secret/key", "hush\n"),
            ("secret.txt", "hush\n"),
            ("program", "binary\0binary\n"),
            ("long.txt", &format!("{} needle\n", "x".repeat(3000))),
        ] {
            let path = cwd.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let hidden = HiddenFiles::new(|path| path.to_string_lossy().contains("secret"));
        (temp, ToolContext { hidden_files: hidden, ..ToolContext::new(cwd, "unused".into()) })
    }
}
