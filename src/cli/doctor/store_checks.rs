//! Checks the transcripts. Each kind of issue is reported once, with a count and the
//! first path, since there may be thousands.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, access};

use super::DoctorFindings;
use crate::cli::paths::Paths;
use crate::index::{Catalog, SessionRow};
use crate::session::SessionId;
use crate::store::{LocalStore, Scope, SessionStore};

/// Warn about the official clean-up this many days ahead.
const CLEANUP_WARNING_DAYS: u64 = 7;

/// What can be wrong with a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StoreIssue {
    /// No permission to read it.
    Unreadable,
    /// A symbolic link that is dangling or circular.
    DeadLink,
    /// A pipe, socket, device or folder with the name of a session.
    NotAFile,
    /// Lines that are not JSON, or not entries.
    MalformedLines,
    /// Entries are missing in the conversation.
    Gap,
    /// An empty file.
    Empty,
    /// A file name that is not UTF-8.
    NonUtf8Name,
    /// The same session id in two projects.
    Duplicate,
}

impl StoreIssue {
    /// Singular and plural.
    fn description(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("a transcript cannot be read", "transcripts cannot be read"),
            Self::DeadLink => ("a link is broken", "links are broken"),
            Self::NotAFile => ("a transcript is not a regular file", "transcripts are not regular files"),
            Self::MalformedLines => ("a transcript has damaged lines", "transcripts have damaged lines"),
            Self::Gap => ("a conversation has gaps", "conversations have gaps"),
            Self::Empty => ("a transcript is empty", "transcripts are empty"),
            Self::NonUtf8Name => ("a file name is not UTF-8", "file names are not UTF-8"),
            Self::Duplicate => ("a session is in two projects", "sessions are in two projects"),
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Unreadable => "If it is yours: chmod u+rw",
            Self::DeadLink | Self::NotAFile | Self::Empty | Self::NonUtf8Name => {
                "hotseat skips it; move it away if nothing needs it."
            }
            Self::MalformedLines => {
                "The other lines are used; `hotseat sessions fork REF --repair` makes a repaired copy."
            }
            Self::Gap => {
                "They are bridged to the message before; `hotseat sessions fork REF` makes a copy without them."
            }
            Self::Duplicate => {
                "Each folder opens its own; elsewhere the newer one is used. `hotseat sessions fork REF` gives \
                 one another id."
            }
        }
    }
}

pub fn examine(places: &Paths, findings: &mut DoctorFindings) {
    let store = Arc::new(LocalStore::new(&places.claude));
    let broken = damaged_transcripts(&store, &places.index());
    for (oddity, paths) in find_issues(&places.projects()).into_iter().chain(broken) {
        let (one, several) = oddity.description();
        let first = format!("{:?}", paths[0].display().to_string());
        let what = match paths.len() {
            1 => format!("sessions: {one}: {first}"),
            count => format!("sessions: {count} {several}, first: {first}"),
        };
        if oddity == StoreIssue::Unreadable {
            findings.problem(what, oddity.remedy());
        } else {
            findings.note(what, oddity.remedy());
        }
    }
    super::leftovers::examine(&store, findings);
    check_cleanup(&store, findings);
}

/// Transcripts with damaged lines or gaps, as far as the index knows. Reading all of them
/// takes too long here, and the doctor does not write an index.
fn damaged_transcripts(store: &Arc<LocalStore>, index: &Path) -> Vec<(StoreIssue, Vec<PathBuf>)> {
    if !index.exists() {
        return Vec::new();
    }
    let catalog = Catalog::open(store.clone(), index, true);
    // If the list cannot be read, the folder checks say why.
    let rows = catalog.read(&Scope::All, |_, _| ()).unwrap_or_default();
    let of = |issue, is_one: &dyn Fn(&SessionRow) -> bool| {
        let paths = rows.iter().filter(|row| is_one(row)).map(|row| row.stored.path.clone());
        (issue, paths.collect::<Vec<_>>())
    };
    let found = [
        of(StoreIssue::MalformedLines, &|row| !row.facts.health.is_good()),
        of(StoreIssue::Gap, &|row| row.facts.gaps > 0),
    ];
    found.into_iter().filter(|(_, paths)| !paths.is_empty()).collect()
}

/// Notes how many sessions the official clean-up is about to delete.
fn check_cleanup(store: &LocalStore, findings: &mut DoctorFindings) {
    let (Some(period), Ok(sessions)) = (store.cleanup_period(), store.list(&Scope::All)) else { return };
    let soon = Duration::from_secs(CLEANUP_WARNING_DAYS * 86_400);
    let now = SystemTime::now();
    let age = |modified| now.duration_since(modified).unwrap_or_default();
    let going = sessions.iter().filter(|stored| age(stored.modified) + soon > period);
    let count = going.filter(|stored| !store.is_pinned(stored.id)).count();
    if count > 0 {
        let sessions = if count == 1 { "session" } else { "sessions" };
        findings.note(
            format!(
                "the official clean-up deletes {count} {sessions} within {CLEANUP_WARNING_DAYS} days (it keeps them for {} days)",
                period.as_secs() / 86_400
            ),
            "Protect them with `hotseat sessions pin REF`, or set cleanupPeriodDays in Claude's settings.json.",
        );
    }
}

fn find_issues(projects: &Path) -> BTreeMap<StoreIssue, Vec<PathBuf>> {
    let mut found: BTreeMap<StoreIssue, Vec<PathBuf>> = BTreeMap::new();
    let mut seen: HashMap<SessionId, PathBuf> = HashMap::new();
    for folder in projects.read_dir().into_iter().flatten().flatten() {
        for entry in folder.path().read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                found.entry(StoreIssue::NonUtf8Name).or_default().push(path);
                continue;
            };
            let Some(id) = name.strip_suffix(".jsonl").and_then(|id| id.parse().ok()) else { continue };
            let oddity =
                file_issue(&path).or_else(|| seen.insert(id, path.clone()).map(|_| StoreIssue::Duplicate));
            if let Some(oddity) = oddity {
                found.entry(oddity).or_default().push(path);
            }
        }
    }
    found
}

fn file_issue(path: &Path) -> Option<StoreIssue> {
    let Ok(there) = fs::metadata(path) else { return Some(StoreIssue::DeadLink) };
    if !there.is_file() {
        return Some(StoreIssue::NotAFile);
    }
    if access(path, Access::READ_OK).is_err() {
        return Some(StoreIssue::Unreadable);
    }
    (there.len() == 0).then_some(StoreIssue::Empty)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_kind_is_reported_once() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        let places = Paths { claude: root.into(), ..Paths::from_env() };
        let (one, other) = (places.projects().join("-one"), places.projects().join("-other"));
        let session = |folder: &Path| folder.join(format!("{}.jsonl", SessionId::random()));
        for folder in [&one, &other] {
            fs::create_dir_all(folder).unwrap();
            fs::write(session(folder), "{\"type\":\"x\"}\n").unwrap();
            symlink("loop", folder.join("loop")).unwrap();
            symlink(folder.join("loop"), session(folder)).unwrap();
            fs::create_dir(session(folder)).unwrap();
            fs::write(session(folder), "").unwrap();
            fs::write(folder.join(OsStr::from_bytes(b"\xff.jsonl")), "").unwrap();
        }
        let twice = session(&one);
        fs::write(&twice, "{\"type\":\"x\"}\n").unwrap();
        fs::copy(&twice, other.join(twice.file_name().unwrap())).unwrap();

        let counts: Vec<_> =
            find_issues(&places.projects()).into_iter().map(|(odd, at)| (odd, at.len())).collect();
        let expected = [
            (StoreIssue::DeadLink, 2),
            (StoreIssue::NotAFile, 2),
            (StoreIssue::Empty, 2),
            (StoreIssue::NonUtf8Name, 2),
            (StoreIssue::Duplicate, 1),
        ];
        assert_eq!(counts, expected);
        let mut findings = DoctorFindings::default();
        examine(&places, &mut findings);
        assert_eq!((findings.problems.len(), findings.notes.len()), (0, 5));
        assert!(findings.notes[0].what.starts_with("sessions: 2 links are broken, first: "));
    }

    #[test]
    fn the_clean_up_is_announced_except_for_pinned_sessions() {
        let scratch = tempfile::tempdir().unwrap();
        let store = LocalStore::new(scratch.path());
        let id = SessionId::random();
        store.open(id, Path::new("/w")).unwrap().append(&["{}".into()]).unwrap();
        let notes = || {
            let mut findings = DoctorFindings::default();
            check_cleanup(&store, &mut findings);
            findings.notes.into_iter().map(|note| note.what).collect::<Vec<_>>()
        };
        assert!(notes().is_empty());
        let old = SystemTime::now() - Duration::from_hours(25 * 24);
        let file = fs::File::options().append(true).open(store.find(id).unwrap().path).unwrap();
        file.set_modified(old).unwrap();
        assert_eq!(
            notes(),
            ["the official clean-up deletes 1 session within 7 days (it keeps them for 30 days)"]
        );
        store.pin(id).unwrap();
        assert!(notes().is_empty());
    }
}
