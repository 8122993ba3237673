//! The one answer to: which folder does a session work in, and why?
//!
//! A transcript is filed under its folder's encoded name, which cannot be turned
//! back into a path. The `cwd`s inside are hints, and whoever wrote the file chose
//! them, so each is checked: it counts only if it encodes to the name that the
//! transcript is filed under. The same holds for a `relocated` entry: the official
//! `/cd` writes one and moves the file along (Claude Code 2.1.332). Everything
//! that shows, asks about, prepares or starts a session's folder asks here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::project_dir::{belongs_to_cwd, canonical_cwd};
use super::{SessionStore, StoreError};
use crate::session::{SessionId, Transcript};

/// Bytes at each end of a transcript that are searched for hints.
const HINT_BYTES: u64 = 64 * 1024;

/// The folder that an agent works in when it continues a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingFolder {
    /// Its path. It need not exist any more.
    pub path: PathBuf,
    /// Why it is this one.
    pub reason: FolderReason,
}

/// Why a session works in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderReason {
    /// The transcript is filed under it.
    FiledUnder,
    /// An entry moved the session there, and the transcript is filed under it.
    Relocated,
    /// The agent that owns the session reported it.
    ReportedByAgent,
    /// The transcript names it but is filed elsewhere, so nothing vouches for it.
    Unverified,
}

/// The folder of a stored session. `opened` is the folder the person opened: it is
/// the answer wherever the transcript may be filed under it.
pub fn working_folder(
    store: &dyn SessionStore,
    session: SessionId,
    opened: &Path,
) -> Result<WorkingFolder, StoreError> {
    let transcript = store.find(session)?.path;
    let (head, tail) = (store.read_head(session, HINT_BYTES)?, store.read_tail(session, HINT_BYTES)?);
    let mut hints = Hints::default();
    hints.read(&head);
    hints.read(&tail.bytes);
    Ok(hints.decide(&transcript, opened))
}

/// What a transcript says about its folder.
#[derive(Debug, Default)]
struct Hints {
    /// The folders of its entries, each once, the first one first.
    cwds: Vec<PathBuf>,
    /// The folder of its last `relocated` entry.
    relocated: Option<PathBuf>,
    /// It is a copy of what another agent stores.
    is_external: bool,
}

#[derive(Deserialize)]
struct RelocatedEntry {
    #[serde(rename = "relocatedCwd")]
    cwd: PathBuf,
}

impl Hints {
    fn read(&mut self, lines: &[u8]) {
        for entry in Transcript::parse(lines).entries {
            self.is_external |= entry.agent().is_some();
            if entry.json().contains("relocatedCwd")
                && let Ok(relocated) = serde_json::from_str::<RelocatedEntry>(entry.json())
            {
                self.relocated = Some(relocated.cwd);
            }
            let cwd = entry.cwd().map(|cwd| PathBuf::from(&*cwd)).filter(|cwd| cwd.is_absolute());
            if let Some(cwd) = cwd.filter(|cwd| !self.cwds.contains(cwd)) {
                self.cwds.push(cwd);
            }
        }
    }

    fn decide(self, transcript: &Path, opened: &Path) -> WorkingFolder {
        let folder = |path: &Path, reason| WorkingFolder { path: path.to_owned(), reason };
        if self.is_external {
            let reported = self.cwds.first().map(|cwd| folder(cwd, FolderReason::ReportedByAgent));
            return reported.unwrap_or_else(|| folder(opened, FolderReason::Unverified));
        }
        let is_home = |cwd: &&PathBuf| belongs_to_cwd(transcript, cwd);
        if let Some(relocated) = self.relocated.as_ref().filter(is_home) {
            return folder(relocated, FolderReason::Relocated);
        }
        let mut homes = self.cwds.iter().filter(is_home).peekable();
        // Two folders can have one encoded name: the transcript says which.
        let names_opened = |cwd: &&PathBuf| canonical_cwd(cwd) == canonical_cwd(opened);
        let first = homes.peek().copied();
        if let Some(home) = homes.find(names_opened).or(first) {
            return folder(home, FolderReason::FiledUnder);
        }
        if belongs_to_cwd(transcript, opened) {
            return folder(opened, FolderReason::FiledUnder);
        }
        folder(self.cwds.first().map_or(opened, PathBuf::as_path), FolderReason::Unverified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer for a transcript with these lines, filed under a folder.
    fn check(filed_under: &str, lines: &str, opened: &str, expected: (&str, FolderReason)) {
        let name = super::super::project_dir::encoded_name(filed_under);
        let transcript = Path::new("/projects").join(name).join("x.jsonl");
        let mut hints = Hints::default();
        hints.read(lines.as_bytes());
        let decided = hints.decide(&transcript, Path::new(opened));
        assert_eq!(decided, WorkingFolder { path: expected.0.into(), reason: expected.1 }, "{lines}");
    }

    fn entry(cwd: &str) -> String {
        format!("{{\"type\":\"user\",\"uuid\":\"u\",\"cwd\":\"{cwd}\",\"message\":{{\"content\":\"x\"}}}}\n")
    }

    #[test]
    fn a_cwd_counts_only_where_the_transcript_is_filed_under_it() {
        use FolderReason::{FiledUnder, Unverified};
        check("/w/proj", &entry("/w/proj"), "/w/other", ("/w/proj", FiledUnder));
        // The last folder is the root: no boundary at all.
        let escape = entry("/w/proj") + &entry("/");
        check("/w/proj", &escape, "/w/proj", ("/w/proj", FiledUnder));
        check("/w/proj", &escape, "/w/other", ("/w/proj", FiledUnder));
        // The first folder is a hostile project.
        let lured = entry("/w/evil") + &entry("/w/proj");
        check("/w/proj", &lured, "/w/proj", ("/w/proj", FiledUnder));
        check("/w/proj", &entry("/w/evil"), "/w/proj", ("/w/proj", FiledUnder));
        check("/w/proj", &entry("/w/evil"), "/w/other", ("/w/evil", Unverified));
        check("/w/proj", &entry("relative"), "/w/proj", ("/w/proj", FiledUnder));
    }

    #[test]
    fn of_two_folders_with_one_name_the_transcript_says_which() {
        check("/w/a-b", &entry("/w/a/b"), "/w/a-b", ("/w/a/b", FolderReason::FiledUnder));
        let both = entry("/w/a/b") + &entry("/w/a-b");
        check("/w/a-b", &both, "/w/a-b", ("/w/a-b", FolderReason::FiledUnder));
    }

    #[test]
    fn a_relocation_counts_once_the_file_moved_along() {
        let moved = entry("/w/old") + "{\"type\":\"relocated\",\"relocatedCwd\":\"/w/new\"}\n";
        check("/w/new", &moved, "/w/old", ("/w/new", FolderReason::Relocated));
        check("/w/old", &moved, "/w/old", ("/w/old", FolderReason::FiledUnder));
        let lured = entry("/w/proj") + "{\"type\":\"relocated\",\"relocatedCwd\":\"/\"}\n";
        check("/w/proj", &lured, "/w/other", ("/w/proj", FolderReason::FiledUnder));
    }
}
