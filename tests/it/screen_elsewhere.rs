//! Sessions of other folders at a real screen: going there, forking here, and
//! folders whose names make trouble or that are gone.

use std::path::{Path, PathBuf};

use crate::support::pty::{Pty, hotseat};
use crate::support::sessions::Sample;
use hotseat::session::SessionId;
use hotseat::store::{LocalStore, SessionStore, belongs_to_cwd};

/// A session of a folder, as hotseat itself stores it there.
fn session(root: &Path, number: u32, title: &str, cwd: &Path) -> PathBuf {
    let sample = Sample { number, title: Some(title.to_owned()), cwd: cwd.to_owned(), ..Sample::default() };
    let store = LocalStore::new(root.join("claude"));
    let id: SessionId = sample.id().parse().unwrap();
    let mut writer = store.open(id, cwd).unwrap();
    let lines: Vec<String> = sample.text().lines().map(str::to_owned).collect();
    writer.append(&lines).unwrap();
    writer.path().to_owned()
}

fn scratch() -> (PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (folder.path().canonicalize().unwrap(), folder)
}

/// hotseat over the sessions of all folders, warm, with the cursor on the one
/// that bears this title.
fn on(root: &Path, title: &str) -> Pty {
    let mut pty = Pty::start(hotseat(root, &["--all"]), 120, 34);
    pty.wait_for("● warm");
    pty.wait_for(title);
    pty.browse();
    pty.keys(&format!("/{title}"));
    pty.wait_for("1 of ");
    pty
}

/// The last entry of a transcript that says where it was written.
fn last_folder(transcript: &Path) -> String {
    let text = std::fs::read_to_string(transcript).unwrap();
    let mut entries =
        text.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    entries.find_map(|entry| Some(entry["cwd"].as_str()?.to_owned())).unwrap()
}

#[test]
fn the_agent_goes_to_a_folder_of_any_name_and_works_there() {
    let (root, _folder) = scratch();
    let long = "long/".repeat(50);
    for (number, name) in (1..).zip(["with a space", "müsli 🥣 e\u{301}", &long]) {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let title = format!("Talk {number}");
        let transcript = session(&root, number, &title, &folder);
        let mut pty = on(&root, &title);
        pty.keys("\r");
        pty.wait_for("This session works in");
        // Nobody said that they trust it: Enter goes there without its settings.
        pty.wait_for("work there without its own settings");
        pty.keys("\r");
        pty.wait_for("⇄ resume");
        pty.keys("Remember where we are\r");
        pty.wait_for("I will remember");
        assert_eq!(Path::new(&last_folder(&transcript)), folder);
    }
}

#[test]
fn a_session_of_a_renamed_folder_goes_on_in_a_copy_here() {
    let (root, _folder) = scratch();
    let folder = root.join("old name 🦀");
    std::fs::create_dir(&folder).unwrap();
    let transcript = session(&root, 1, "Moved talk", &folder);
    std::fs::rename(&folder, root.join("new name")).unwrap();
    let before = std::fs::read(&transcript).unwrap();

    let mut pty = on(&root, "Moved talk");
    pty.wait_for("no folder");
    pty.keys("\r");
    pty.wait_for("fork it here");
    pty.keys("\r");
    pty.wait_for("⇄ fork");
    pty.wait_for("⑂2");
    pty.keys("Remember where we are\r");
    pty.wait_for("I will remember");
    assert_eq!(std::fs::read(&transcript).unwrap(), before, "the original is untouched to the byte");

    let project = root.join("project");
    let store = LocalStore::new(root.join("claude"));
    let copies: Vec<_> = store.list(&hotseat::store::Scope::Project(project.clone())).unwrap();
    let [copy] = &copies[..] else { panic!("one copy, here: {copies:?}") };
    assert!(belongs_to_cwd(&copy.path, &project));
    assert_eq!(Path::new(&last_folder(&copy.path)), project);
}

#[test]
fn a_pin_keeps_a_copy_and_its_details_say_so() {
    let (root, _folder) = scratch();
    let transcript = session(&root, 1, "Precious talk", &root.join("project"));
    let mut pty = Pty::start(hotseat(&root, &[]), 120, 34);
    pty.wait_for("● warm");
    pty.wait_for("Precious talk");
    pty.browse();
    pty.keys("G");
    pty.wait_for("Preview. Enter resumes it");
    pty.keys("I");
    pty.wait_for("p pins it");
    pty.keys("p");
    pty.wait_for("pinned: protected from clean-up");
    std::fs::remove_file(&transcript).unwrap();
    let store = LocalStore::new(root.join("claude"));
    let pinned = store.pinned().unwrap();
    assert!(pinned.len() == 1 && pinned[0].original_missing, "{pinned:?}");
}
