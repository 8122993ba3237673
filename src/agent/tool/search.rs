//! Which files a search goes through: ripgrep's own walk, without what is
//! hidden from the model.
//!
//! Owns where a search starts and what it passes over. Never opens a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use ignore::{DirEntry, WalkBuilder};

use super::{Outcome, Place, Running, argument, off_the_loop, real};

/// Folders of version control; nobody looks for anything in them.
const PASSED_OVER: [&str; 6] = [".git", ".svn", ".hg", ".bzr", ".jj", ".sl"];

/// What to go through.
pub struct Search<'a> {
    /// A folder, or one file.
    pub root: PathBuf,
    /// Patterns that a file must fit, as `.gitignore` writes them; none: all.
    pub globs: Vec<&'a str>,
    /// One of ripgrep's file types.
    pub kind: Option<&'a str>,
    /// What `.gitignore` names is gone through, too.
    pub ignored_too: bool,
}

impl Search<'_> {
    /// The files, by their paths in order, until it is stopped. The error is
    /// for the model.
    pub fn files(&self, place: &Place, stopped: &Stopped) -> Result<Vec<DirEntry>, String> {
        let mut walk = WalkBuilder::new(&self.root);
        walk.hidden(false).sort_by_file_path(Ord::cmp);
        if self.ignored_too {
            walk.standard_filters(false);
        }
        let mut globs = OverrideBuilder::new(&self.root);
        for glob in &self.globs {
            globs.add(glob).map_err(refused)?;
        }
        walk.overrides(globs.build().map_err(refused)?);
        if let Some(kind) = self.kind {
            let types = TypesBuilder::new().add_defaults().select(kind).build();
            walk.types(types.map_err(refused)?);
        }
        let hidden = place.hidden.clone();
        walk.filter_entry(move |entry| {
            entry.depth() == 0
                || !PASSED_OVER.iter().any(|name| entry.file_name() == *name) && !hidden.is(entry.path())
        });
        let entries = walk.build().take_while(|_| !stopped.is()).filter_map(Result::ok);
        Ok(entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())).collect())
    }
}

/// What the model is told of a pattern that is none.
pub fn refused(error: impl std::fmt::Display) -> String {
    format!(
        "Search failed — ripgrep rejected the pattern, glob, or file type without searching:\nrg: {error}"
    )
}

/// Where a call wants to search: its `path`, or the session's folder.
pub fn root(input: &serde_json::Value, place: &Place) -> PathBuf {
    real(argument(input, "path").map_or_else(|| place.cwd.clone(), |path| place.path(path)))
}

/// A path as results name it: from the session's folder on where it lies there.
pub fn shown(path: &Path, place: &Place) -> String {
    path.strip_prefix(real(&place.cwd)).unwrap_or(path).display().to_string()
}

/// Whether nobody wants a search's result any more.
#[derive(Debug, Clone, Default)]
pub struct Stopped(Arc<AtomicBool>);

impl Stopped {
    /// It was dropped.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a search off the loop; dropping it stops the search at the next file.
pub fn running(search: impl FnOnce(&Stopped) -> Outcome + Send + 'static) -> Running {
    struct StopsWhenDropped(Stopped);
    impl Drop for StopsWhenDropped {
        fn drop(&mut self) {
            self.0.0.store(true, Ordering::Relaxed);
        }
    }
    let stopped = Stopped::default();
    let stops = StopsWhenDropped(stopped.clone());
    Box::pin(async move {
        let outcome = off_the_loop(move || search(&stopped)).await;
        drop(stops);
        outcome
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::agent::tool::Hidden;

    /// A folder with some files, one of them hidden from the model.
    pub fn sample() -> (tempfile::TempDir, Place) {
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
        let hidden = Hidden::new(|path| path.to_string_lossy().contains("secret"));
        (temp, Place { hidden, ..Place::new(cwd, "unused".into()) })
    }
}
