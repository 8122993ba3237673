//! `hotseat --agent claude-tty`: the official interactive program in the
//! conversation pane, at a real screen.
//!
//! The tests of switches need that program; without it they say so and pass.
//! The others put a small program of their own in its place.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::claude;
use crate::support::pty::{Pty, hotseat};
use crate::support::script;
use crate::support::skip::skip;
use crate::support::stub_api::StubApi;

/// Back to the list of sessions.
const LEAVE: &str = "\x1d";

/// hotseat with this program as its `claude`, over an API on loopback.
struct Seat {
    pty: Pty,
    api: StubApi,
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Seat {
    /// `put` puts the program where it is given.
    fn with(put: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let bin = root.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        put(&bin.join("claude"));
        let api = StubApi::start();
        let mut command = hotseat(&root, &["--agent", "claude-tty"]);
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
        for (name, value) in claude::environment(&api.url) {
            command.env(name, value);
        }
        // As a person's own is after the first start: who they are and that they trust the folder.
        let trusted = json!({
            "hasCompletedOnboarding": true,
            "projects": {root.join("project").display().to_string(): {"hasTrustDialogAccepted": true}},
            "customApiKeyResponses": {"approved": [claude::KEY], "rejected": []},
        });
        std::fs::create_dir_all(root.join("claude")).unwrap();
        std::fs::write(root.join("claude/.claude.json"), trusted.to_string()).unwrap();
        let pty = Pty::start(command, 130, 34);
        Self { pty, api, root, _folder: folder }
    }

    /// With the official program, warm and with the keys; none where it is missing.
    fn official(test: &str) -> Option<Self> {
        let Some(claude) = claude::claude() else {
            skip(test, "there is no official claude", "python3 -m pip install claude-agent-sdk");
            return None;
        };
        let seat = Self::with(|at| std::os::unix::fs::symlink(claude, at).unwrap());
        seat.pty.wait_for("● warm");
        seat.pty.wait_for("manual mode on");
        seat.pty.wait_for("^] sessions");
        Some(seat)
    }

    /// With a shell script in its place.
    fn scripted(script: &str) -> Self {
        Self::with(|at| {
            let script = format!("#!/bin/sh\n[ \"$1\" = --version ] && exit\n{script}\n");
            script::write(at, &script);
        })
    }

    /// Types a prompt and waits until its answer is on disk, and no turn runs.
    fn says(&mut self, prompt: &str) {
        let before = self.api.asked().len();
        self.pty.keys(prompt);
        self.pty.wait_for(prompt);
        self.pty.keys("\r");
        self.pty.wait_until("an answer", |_| self.api.asked().len() > before);
        let is_answered = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.split_once(prompt).is_some_and(|(_, after)| after.contains("The stub read"))
        };
        self.pty.wait_until("the end of the turn", |screen| {
            screen.contains("● warm") && self.transcripts().iter().any(is_answered)
        });
    }

    /// The last request tells the model of this.
    fn model_was_told(&self, text: &str) -> bool {
        self.api.last_messages().to_string().contains(text)
    }

    fn transcripts(&self) -> Vec<PathBuf> {
        let projects = std::fs::read_dir(self.root.join("claude/projects")).into_iter().flatten().flatten();
        let files = projects.flat_map(|project| std::fs::read_dir(project.path()).unwrap().flatten());
        files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect()
    }
}

#[test]
fn one_process_clears_resumes_and_forks_and_keeps_the_draft() {
    let Some(mut seat) = Seat::official("one_process_clears_resumes_and_forks_and_keeps_the_draft") else {
        return;
    };
    let pid = seat.pty.agent_pid();
    seat.says("The word is PINEAPPLE");
    let told = seat.transcripts();
    assert_eq!(told.len(), 1);

    seat.pty.keys("half a thought");
    seat.pty.wait_for("half a thought");
    seat.pty.keys(LEAVE);
    seat.pty.wait_for("c clear");
    seat.pty.keys("c");
    seat.pty.wait_for("⇄ clear");
    seat.pty.wait_for("half a thought");
    seat.pty.keys("\x15");
    seat.says("What is the word?");
    assert!(!seat.model_was_told("PINEAPPLE"));

    let original = std::fs::read(&told[0]).unwrap();
    seat.pty.keys(LEAVE);
    seat.pty.wait_for("c clear");
    // The session that had the seat before, by its title.
    seat.pty.keys("/PINEAPPLE");
    seat.pty.wait_for("1 of ");
    seat.pty.keys("\r");
    seat.pty.wait_for("⇄ resume");
    // It says that it resumed before it reads keys again.
    seat.pty.wait_for("● The stub read");
    seat.pty.wait_for("? for shortcuts");
    seat.says("And the word was?");
    assert!(seat.model_was_told("PINEAPPLE"));

    let before = std::fs::read(&told[0]).unwrap();
    assert!(before.starts_with(&original), "a transcript only grows");
    seat.pty.keys(LEAVE);
    seat.pty.wait_for("c clear");
    seat.pty.keys("f");
    seat.pty.wait_for("⇄ fork");
    seat.pty.wait_for("? for shortcuts");
    seat.says("In the copy: which word?");
    assert!(seat.model_was_told("PINEAPPLE"));
    let after = std::fs::read_to_string(&told[0]).unwrap();
    assert!(after.as_bytes().starts_with(&before) && !after.contains("In the copy"), "the original stays");

    let screen = seat.pty.wait_for("same pid");
    assert_eq!(seat.pty.agent_pid(), pid, "{screen}");
    assert_eq!(seat.transcripts().len(), 3);
    seat.pty.keys(LEAVE);
    seat.pty.wait_for("c clear");
    seat.pty.keys("q");
    assert_eq!(seat.pty.wait_for_end(), 0);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it is closed with its seat");
}

#[test]
fn a_clear_of_the_persons_own_is_seen_too() {
    let Some(mut seat) = Seat::official("a_clear_of_the_persons_own_is_seen_too") else { return };
    seat.says("Something to leave");
    seat.pty.keys("/clear");
    seat.pty.wait_for("/clear");
    seat.pty.keys("\r");
    seat.pty.wait_for("⇄ clear");
    seat.pty.wait_for("New session");
}

#[test]
fn it_has_its_size_its_colours_and_nothing_of_it_acts_on_the_real_terminal() {
    let script = r#"
        stty -echo
        printf '\033]0;stolen title\007\033]52;c;c3RvbGVu\007\033[38;2;1;2;3mcoloured\033[0m\n'
        printf 'size %s\n' "$(stty size)"
        trap 'printf "size %s\n" "$(stty size)"' WINCH
        while read -r line; do printf 'read %s\n' "$line"; done
        while true; do sleep 0.05; done"#;
    let mut seat = Seat::scripted(script);
    seat.pty.wait_for("coloured");
    seat.pty.wait_until("its size", |screen| screen.contains("size 30 ") || screen.contains("size 31 "));
    let color = |screen: &vt100::Screen| {
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let cells = cells.filter_map(|(row, column)| screen.cell(row, column));
        cells.filter(|cell| cell.fgcolor() == vt100::Color::Rgb(1, 2, 3)).count()
    };
    assert_eq!(seat.pty.with_screen(color), "coloured".len());
    seat.pty.wait_for("^] sessions");
    seat.pty.keys("typed\r");
    seat.pty.wait_for("read typed");
    let raw = String::from_utf8_lossy(&seat.pty.raw()).into_owned();
    assert!(!raw.contains("stolen title") && !raw.contains("c3RvbGVu"));
}

#[test]
fn a_flood_does_not_take_the_keys_away() {
    let mut seat = Seat::scripted("yes flood");
    seat.pty.wait_for("flood");
    seat.pty.keys("\x1d");
    seat.pty.wait_for("Enter resume");
    seat.pty.keys("?");
    seat.pty.wait_for("In the browser");
    seat.pty.keys("\x1b");
    seat.pty.wait_until("the list alone", |screen| !screen.contains("In the browser"));
    seat.pty.keys("q");
    assert_eq!(seat.pty.wait_for_end(), 0);
}

#[test]
fn a_program_that_ends_at_once_has_its_last_words_shown() {
    let mut seat = Seat::scripted("echo 'Not logged in - run claude login'; exit 3");
    seat.pty.wait_for("✕ died (exit 3)");
    seat.pty.wait_for("Enter output");
    seat.pty.keys("\r");
    seat.pty.wait_for("Not logged in - run claude login");
}
