//! The one answer to: which folder does a session work in, and why?
//!
//! A transcript is filed under its folder's encoded name, which cannot be turned
//! back into a path. The `cwd`s inside are hints, and whoever wrote the file chose
//! them, so each is checked: it counts only if it encodes to the name that the
//! transcript is filed under. The same holds for a `relocated` entry: the official
//! `/cd` writes one and moves the file along (Claude Code 2.1.332). Where no hint
//! counts, because a person moved the files, the disk is searched for a folder of
//! that name. Everything that lists, shows, asks about, prepares or starts a
//! session's folder asks here; lists do so through [`FolderLookup`], which remembers.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::project_dir::{belongs_to_cwd, canonical_cwd, existing_folders_named};
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
    let hints = Hints::of(store, session)?;
    Ok(FolderLookup::default().decide(&hints, &transcript, Some(opened)))
}

/// Answers for many sessions; remembers what it found out about their folders.
#[derive(Debug, Default)]
pub struct FolderLookup {
    /// The folder of each project folder's name, where the disk knows exactly one.
    by_name: HashMap<OsString, Option<PathBuf>>,
    /// Whether transcripts in this project folder belong to this working folder.
    belongs: HashMap<(OsString, PathBuf), bool>,
}

impl FolderLookup {
    /// The folder of a listed session, by what its row knows: folders that its entries
    /// name, the first one first, and the one of its last `relocated` entry.
    pub fn listed<'a>(
        &mut self,
        transcript: &Path,
        cwds: impl Iterator<Item = &'a Path>,
        relocated: Option<&Path>,
    ) -> WorkingFolder {
        let cwds = cwds.map(Path::to_owned).collect();
        let hints = Hints { cwds, relocated: relocated.map(Path::to_owned), is_external: false };
        self.decide(&hints, transcript, None)
    }

    fn is_filed_under(&mut self, transcript: &Path, cwd: &Path) -> bool {
        let Some(name) = transcript.parent().and_then(Path::file_name) else { return false };
        let key = (name.to_owned(), cwd.to_owned());
        *self.belongs.entry(key).or_insert_with(|| belongs_to_cwd(transcript, cwd))
    }

    /// The one folder on the disk that a transcript is filed under.
    fn named(&mut self, transcript: &Path) -> Option<PathBuf> {
        let name = transcript.parent()?.file_name()?;
        let find = || match <[PathBuf; 1]>::try_from(existing_folders_named(name)) {
            Ok([folder]) => Some(folder),
            Err(_) => None,
        };
        self.by_name.entry(name.to_owned()).or_insert_with(find).clone()
    }

    /// The folder, by what a transcript says. `opened` is the folder that the person
    /// opened, if that is known.
    fn decide(&mut self, hints: &Hints, transcript: &Path, opened: Option<&Path>) -> WorkingFolder {
        let folder = |path: &Path, reason| WorkingFolder { path: path.to_owned(), reason };
        let first = hints.cwds.first().map(PathBuf::as_path);
        let somewhere = first.or(opened).unwrap_or(Path::new("/"));
        if hints.is_external {
            let is_reported = first.is_some();
            let reason = if is_reported { FolderReason::ReportedByAgent } else { FolderReason::Unverified };
            return folder(somewhere, reason);
        }
        if let Some(relocated) = hints.relocated.as_ref().filter(|to| self.is_filed_under(transcript, to)) {
            return folder(relocated, FolderReason::Relocated);
        }
        let homes: Vec<_> = hints.cwds.iter().filter(|cwd| self.is_filed_under(transcript, cwd)).collect();
        // Two folders can have one encoded name: the transcript says which.
        let names_opened =
            |cwd: &&&PathBuf| opened.is_some_and(|opened| canonical_cwd(cwd) == canonical_cwd(opened));
        if let Some(home) = homes.iter().find(names_opened).or(homes.first()) {
            return folder(home, FolderReason::FiledUnder);
        }
        if let Some(opened) = opened.filter(|opened| self.is_filed_under(transcript, opened)) {
            return folder(opened, FolderReason::FiledUnder);
        }
        match self.named(transcript) {
            Some(found) => folder(&found, FolderReason::FiledUnder),
            None => folder(somewhere, FolderReason::Unverified),
        }
    }
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
    /// Those of a stored session.
    fn of(store: &dyn SessionStore, session: SessionId) -> Result<Self, StoreError> {
        let (head, tail) = (store.read_head(session, HINT_BYTES)?, store.read_tail(session, HINT_BYTES)?);
        let mut hints = Self::default();
        hints.read(&head);
        hints.read(&tail.bytes);
        Ok(hints)
    }

    fn read(&mut self, lines: &[u8]) {
        for entry in Transcript::read(&crate::transcript::TranscriptText::read(lines)).entries {
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
        let decided = FolderLookup::default().decide(&hints, &transcript, Some(Path::new(opened)));
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

    #[test]
    fn a_moved_transcript_works_where_it_was_moved_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("here")).unwrap();
        let here = root.join("here").display().to_string();
        // By an entry of another folder, of the root, of one that is gone, and by none.
        for lines in [entry("/w/other"), entry("/"), entry("/gone") + &entry("/"), String::new()] {
            check(&here, &lines, "/w/opened", (&here, FolderReason::FiledUnder));
        }
        // Two folders of that name: none is it, and what the transcript says does not count.
        std::fs::create_dir_all(root.join("a.b")).unwrap();
        std::fs::create_dir_all(root.join("a-b")).unwrap();
        let name = root.join("a b").display().to_string();
        check(&name, &entry("/"), "/w/opened", ("/", FolderReason::Unverified));
        let named = root.join("a.b").display().to_string();
        check(&name, &entry(&named), "/w/opened", (&named, FolderReason::FiledUnder));
        let other = root.join("a-b").display().to_string();
        check(&name, &entry("/"), &other, (&other, FolderReason::FiledUnder));
    }

    #[test]
    fn a_list_answers_as_the_question_does() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let store = crate::store::LocalStore::new(root.join("claude"));
        for folder in ["old", "new", "evil"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let path = |name: &str| root.join(name).display().to_string();
        let relocated = |to: &str| format!("{{\"type\":\"relocated\",\"relocatedCwd\":\"{}\"}}\n", path(to));
        for (filed, lines) in [
            ("new", entry(&path("old")) + &relocated("new")),
            ("old", entry(&path("old")) + &relocated("new")),
            ("old", entry(&path("evil")) + &entry(&path("old"))),
            ("old", entry(&path("old")) + &entry("/")),
            ("new", entry(&path("evil"))),
        ] {
            let name = super::super::project_dir::encoded_name(&path(filed));
            let id = SessionId::random();
            let transcript = root.join("claude/projects").join(name).join(format!("{id}.jsonl"));
            std::fs::create_dir_all(transcript.parent().unwrap()).unwrap();
            std::fs::write(&transcript, &lines).unwrap();
            let asked = working_folder(&store, id, &root.join("evil")).unwrap();
            let mut hints = Hints::default();
            hints.read(lines.as_bytes());
            let cwds = hints.cwds.iter().map(PathBuf::as_path);
            let listed = FolderLookup::default().listed(&transcript, cwds, hints.relocated.as_deref());
            assert_eq!((&listed, &asked.path), (&asked, &root.join(filed)), "{filed}: {lines}");
        }
    }
}
