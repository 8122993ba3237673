//! The official `claude`, headless in hotseat's slot, at a real screen: it is
//! found, and a highlighted session is ready before Enter.
//!
//! Without the program the tests say so and pass.

use crate::support::claude;
use crate::support::pty::{Pty, unseated};
use crate::support::skip::skip;
use crate::support::stub_api;
use crate::support::stub_api::StubApi;

/// hotseat where `claude` is on the PATH, over an API on loopback.
struct Seat {
    pty: Pty,
    api: StubApi,
    _folder: tempfile::TempDir,
}

impl Seat {
    fn start(test: &str, key: bool) -> Option<Self> {
        let Some(claude) = claude::claude() else {
            skip(test, "there is no official claude", claude::REMEDY);
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let bin = root.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::os::unix::fs::symlink(claude, bin.join("claude")).unwrap();
        let api = StubApi::start();
        let mut command = unseated(&root, &[]);
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
        command.env("ANTHROPIC_BASE_URL", &api.url);
        if key {
            command.env("ANTHROPIC_API_KEY", stub_api::KEY);
        }
        for (name, value) in claude::QUIET {
            command.env(name, value);
        }
        Some(Self { pty: Pty::start(command, 150, 34), api, _folder: folder })
    }

    /// From the composer to the list, past the conversation.
    fn leave_composer(&mut self) {
        self.pty.keys("\t");
        self.pty.wait_for("o open");
        self.pty.keys("\t");
        self.pty.wait_for("c clear");
    }

    fn says(&mut self, prompt: &str) {
        let before = self.api.asked().len();
        self.pty.keys(prompt);
        self.pty.wait_for(prompt);
        self.pty.keys("\r");
        self.pty.wait_until("an answer", |_| self.api.asked().len() > before);
        self.pty.wait_until("the end of the turn", |screen| {
            screen.contains("● warm") && screen.contains("The stub read")
        });
    }
}

#[test]
fn the_first_start_says_which_agent_and_a_highlighted_session_is_ready() {
    let test = "the_first_start_says_which_agent_and_a_highlighted_session_is_ready";
    let Some(mut seat) = Seat::start(test, true) else { return };
    seat.pty.wait_for("using claude, the first of claude");
    seat.pty.wait_for("● warm");
    let pid = seat.pty.agent_pid();
    seat.pty.compose();
    seat.says("The word is PINEAPPLE");

    seat.leave_composer();
    seat.pty.keys("c");
    seat.pty.wait_for("⇄ clear");
    seat.pty.wait_for("same pid");
    assert_eq!(seat.pty.agent_pid(), pid);
    seat.says("What is the word?");
    assert!(!seat.api.last_messages().to_string().contains("PINEAPPLE"));

    seat.leave_composer();
    seat.pty.keys("j");
    seat.pty.wait_for("standby ready");
    seat.pty.keys("\r");
    let screen = seat.pty.wait_for("⇄ resume");
    assert!(screen.contains("ms, standby"), "{screen}");
    seat.pty.wait_for("PINEAPPLE");
    assert_ne!(seat.pty.agent_pid(), pid);
    seat.says("And what is the word now?");
    assert!(seat.api.last_messages().to_string().contains("PINEAPPLE"));
    seat.pty.keys("\u{11}");
    assert_eq!(seat.pty.wait_for_end(), 0);
}

#[test]
fn another_agent_goes_on_in_the_same_session() {
    let Some(mut seat) = Seat::start("another_agent_goes_on_in_the_same_session", true) else { return };
    seat.pty.wait_for("● warm");
    let pid = seat.pty.agent_pid();
    seat.pty.compose();
    seat.says("The word is PINEAPPLE");
    seat.leave_composer();
    seat.pty.keys("@");
    seat.pty.wait_for("clear in process · resume standby");
    seat.pty.keys("k\r");
    seat.pty.wait_until("the other agent", |screen| screen.contains("● warm │ hotseat ·"));
    assert_ne!(seat.pty.agent_pid(), pid);
    seat.pty.compose();
    seat.says("What is the word?");
    assert!(seat.api.last_messages().to_string().contains("PINEAPPLE"));
}

#[test]
fn who_is_not_logged_in_is_told_so() {
    let Some(mut seat) = Seat::start("who_is_not_logged_in_is_told_so", false) else { return };
    seat.pty.wait_for("● warm");
    seat.pty.wait_for("not logged in");
    seat.pty.compose();
    seat.pty.keys("hello");
    seat.pty.wait_for("hello");
    seat.pty.keys("\r");
    seat.pty.wait_for("Not logged in");
}
