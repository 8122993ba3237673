//! Drafts and prompt history on disk.
//!
//! One file per draft and an append-only history, so that two running hotseats
//! cannot overwrite each other's.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::session::SessionId;
use crate::sys::private_files::private_dir;

/// Prompts that are read back at the start.
const MAX_HISTORY: usize = 500;

/// The folder of drafts and history.
#[derive(Debug, Clone)]
pub(super) struct Persistence {
    folder: PathBuf,
}

impl Persistence {
    /// In the state folder; nothing is made before there is something to keep.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The drafts of former runs. What cannot be read is left where it is.
    pub(super) fn drafts(&self) -> HashMap<SessionId, String> {
        let Ok(files) = fs::read_dir(self.folder.join("drafts")) else { return HashMap::new() };
        let read = |file: fs::DirEntry| {
            let session = file.file_name().to_str()?.strip_suffix(".txt")?.parse().ok()?;
            Some((session, fs::read_to_string(file.path()).ok()?))
        };
        files.flatten().filter_map(read).collect()
    }

    /// The prompts of former runs, oldest first, each once.
    pub(super) fn history(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("history.jsonl")).unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        let newest = text.lines().rev().filter_map(|line| serde_json::from_str::<String>(line).ok());
        let mut history: Vec<String> =
            newest.filter(|prompt| seen.insert(prompt.clone())).take(MAX_HISTORY).collect();
        history.reverse();
        history
    }

    /// Keeps a draft, whole or not at all; an empty one is removed.
    pub(super) fn save_draft(&self, session: SessionId, text: &str) -> io::Result<()> {
        let folder = self.folder.join("drafts");
        let file = folder.join(format!("{session}.txt"));
        if text.is_empty() {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        private_dir(&folder)?;
        let partial = folder.join(format!("{session}.{}.partial", std::process::id()));
        private_file().write(true).create(true).truncate(true).open(&partial)?.write_all(text.as_bytes())?;
        fs::rename(partial, file)
    }

    /// Appends a prompt to the history.
    pub(super) fn append_history(&self, prompt: &str) -> io::Result<()> {
        private_dir(&self.folder)?;
        let line = serde_json::to_string(prompt)? + "\n";
        private_file()
            .append(true)
            .create(true)
            .open(self.folder.join("history.jsonl"))?
            .write_all(line.as_bytes())
    }
}

/// Options that make a file only its owner can read.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_and_prompts_survive() {
        let scratch = tempfile::tempdir().unwrap();
        let keepsakes = Persistence::new(scratch.path());
        let (one, two) = (SessionId::random(), SessionId::random());
        keepsakes.save_draft(one, "a\nb").unwrap();
        keepsakes.save_draft(two, "gone").unwrap();
        keepsakes.save_draft(two, "").unwrap();
        keepsakes.save_draft(two, "").unwrap();
        for prompt in ["x", "y\nz", "x"] {
            keepsakes.append_history(prompt).unwrap();
        }
        assert_eq!(keepsakes.drafts(), HashMap::from([(one, "a\nb".to_owned())]));
        assert_eq!(keepsakes.history(), ["y\nz", "x"]);
    }
}
