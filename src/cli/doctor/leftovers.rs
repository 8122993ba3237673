//! Leftovers of killed runs and misplaced files, each kind reported once.

use std::path::Path;

use super::DoctorFindings;
use crate::store::{LocalStore, StoreLeftover};

/// Reports what is out of place in the store. Changes nothing.
pub fn examine(store: &LocalStore, findings: &mut DoctorFindings) {
    let mut kinds: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for leftover in store.leftovers() {
        let (what, mend, path) = describe(&leftover);
        match kinds.iter_mut().find(|(other, ..)| *other == what) {
            Some((.., paths)) => paths.push(path),
            None => kinds.push((what, mend, vec![path])),
        }
    }
    for (what, mend, paths) in kinds {
        let more = match paths.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        findings.note(format!("sessions: {what}: {}{more}", paths[0]), mend);
    }
}

/// What it is, what to do about it, and where it is.
fn describe(leftover: &StoreLeftover) -> (&'static str, &'static str, String) {
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    match leftover {
        StoreLeftover::InterruptedMove(from, to) => (
            "a move was interrupted",
            "Any `hotseat sessions` command finishes it.",
            format!("{} to {}", quoted(from), quoted(to)),
        ),
        StoreLeftover::StagingFolder(path) => (
            "an interrupted import, fork or purge left a folder",
            "Nothing needs it; the next import or fork removes it, or remove it yourself.",
            quoted(path),
        ),
        StoreLeftover::PartialFile(path) => (
            "a file was not written to its end",
            "It is ignored; remove it if no program is writing it.",
            quoted(path),
        ),
        StoreLeftover::OrphanSideFolder(path) => (
            "a side folder has no transcript",
            "Its session was deleted elsewhere; keep it for its subagents' transcripts or remove it.",
            quoted(path),
        ),
        StoreLeftover::StraySideFolder(path) => (
            "a side folder lies in another project than its transcript",
            "Move it beside its transcript: the official tools look for it only there.",
            quoted(path),
        ),
        StoreLeftover::NestedTranscript(path) => (
            "a transcript lies inside a folder of a project, where no tool finds it",
            "Move it into a project with `hotseat sessions import FILE --to DIR`.",
            quoted(path),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_reported_once_with_its_count_and_a_remedy() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("projects/-p/-p");
        std::fs::create_dir_all(&folder).unwrap();
        for _ in 0..2 {
            let name = format!("{}.jsonl", crate::session::SessionId::random());
            std::fs::write(folder.join(name), "{}\n").unwrap();
        }
        let mut findings = DoctorFindings::default();
        examine(&LocalStore::new(temp.path()), &mut findings);
        let [note] = &findings.notes[..] else { panic!("{:?}", findings.notes) };
        assert!(note.what.starts_with("sessions: a transcript lies inside a folder"), "{}", note.what);
        assert!(note.what.ends_with("(and 1 more)") && note.mend.contains("import"), "{note:?}");
    }
}
