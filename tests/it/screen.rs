//! The real program in a real pseudo-terminal, as a person has it: keys in,
//! the screen out, one agent process behind it all.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::pty::{Pty, hotseat};
use crate::support::sessions::Sample;
use tempfile::TempDir;

/// A scratch folder by its real path, which names the project.
struct Scratch {
    root: PathBuf,
    _folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: folder.path().canonicalize().unwrap(), _folder: folder }
    }

    /// hotseat at 120×34, warm.
    fn warm(&self) -> Pty {
        let pty = Pty::start(hotseat(&self.root, &[]), 120, 34);
        pty.wait_for("● warm");
        pty
    }

    /// A stored session of this project.
    fn session(&self, number: u32, title: &str) -> Sample {
        let sample = Sample {
            number,
            title: Some(title.to_owned()),
            cwd: self.root.join("project"),
            ..Sample::default()
        };
        sample.write(&self.root.join("claude")).unwrap();
        sample
    }

    /// The transcripts of the project.
    fn transcripts(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let projects = std::fs::read_dir(self.root.join("claude/projects")).unwrap();
        for project in projects {
            let files = std::fs::read_dir(project.unwrap().path()).unwrap();
            found.extend(files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some()));
        }
        found
    }
}

/// Says something to the session in the seat and waits for the end of the turn.
fn say(pty: &mut Pty, prompt: &str, reply: &str) -> String {
    pty.keys(&format!("{prompt}\r"));
    pty.wait_until(&format!("the reply “{reply}”"), |screen| {
        screen.contains(reply) && screen.contains("● warm")
    })
}

/// Esc, told apart from an Alt key by what it does.
fn leave_composer(pty: &mut Pty) {
    pty.keys("\x1b");
    pty.wait_for("Enter resume");
}

/// How the offline model begins an answer that it found in its conversation.
const RECALLED: &str = "Here is what this conversation says";

fn is_alive(pid: u32) -> bool {
    // A process that ended and was not waited for has no command line any more.
    std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

fn wait_until_gone(pid: u32) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(15);
    while is_alive(pid) {
        assert!(std::time::Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn one_process_clears_resumes_and_forks() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    let pid = pty.agent_pid();
    pty.compose();
    say(&mut pty, "Remember the secret is PINEAPPLE", "I will remember");
    let [told] = &scratch.transcripts()[..] else { panic!("one transcript") };
    let told = told.clone();

    leave_composer(&mut pty);
    pty.keys("c");
    pty.wait_for("⇄ clear");
    let screen = say(&mut pty, "What is the secret?", "does not tell me");
    assert!(!screen.contains(RECALLED), "{screen}");

    leave_composer(&mut pty);
    pty.keys("u");
    pty.wait_for("⇄ resume");
    say(&mut pty, "What is the secret?", RECALLED);

    let before = std::fs::read(&told).unwrap();
    leave_composer(&mut pty);
    pty.keys("f");
    pty.wait_for("⇄ fork");
    pty.wait_for("⑂2");
    say(&mut pty, "Say something to the copy", "messages");
    assert_eq!(std::fs::read(&told).unwrap(), before, "the original is untouched to the byte");

    assert_eq!(pty.agent_pid(), pid, "the same process did it all");
    assert_eq!(scratch.transcripts().len(), 3);
}

#[test]
fn a_secret_survives_the_end_of_everything() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    pty.compose();
    say(&mut pty, "Remember the secret is PINEAPPLE", "I will remember");
    leave_composer(&mut pty);
    pty.keys("q");
    assert_eq!(pty.wait_for_end(), 0);
    let transcripts = scratch.transcripts();
    let [told] = &transcripts[..] else { panic!("one transcript") };
    let id = told.file_stem().unwrap().to_str().unwrap().to_owned();

    let mut pty = Pty::start(hotseat(&scratch.root, &["--resume", &id]), 120, 34);
    pty.wait_for("● warm");
    pty.compose();
    say(&mut pty, "What is the secret?", RECALLED);
    assert_eq!(scratch.transcripts(), transcripts, "it is the same session");

    drop(pty);
    let mut pty = Pty::start(hotseat(&scratch.root, &["--continue"]), 120, 34);
    pty.wait_for("⇄ resume");
    let screen = say(&mut pty, "And what was the secret again?", RECALLED);
    assert!(screen.contains("PINEAPPLE"));
}

#[test]
fn a_highlighted_session_is_read_without_the_slot_and_seated_by_enter() {
    let scratch = Scratch::new();
    scratch.session(1, "An older talk");
    let mut pty = scratch.warm();
    pty.wait_for("An older talk");
    pty.browse();
    pty.keys("j");
    pty.wait_for("Preview. Enter resumes it");
    assert!(!pty.screen().contains("⇄"), "the slot was not touched");
    pty.keys("\r");
    pty.wait_for("⇄ resume");
    assert!(!pty.screen().contains("Preview. Enter resumes it"));
}

#[test]
fn the_filter_and_the_jump_find_a_session() {
    let scratch = Scratch::new();
    scratch.session(1, "Parser rewrite");
    scratch.session(2, "Flaky harbour");
    let mut pty = scratch.warm();
    pty.wait_for("Flaky harbour");
    pty.browse();
    pty.keys("/parw");
    pty.wait_until("only the match", |screen| screen.contains("1 of 2") && !screen.contains("Flaky"));
    pty.keys("\x1b");
    pty.wait_for("Flaky harbour");
    pty.keys("\x10flak\r");
    pty.wait_for("⇄ resume");
    pty.wait_for("Flaky harbour");
}

#[test]
fn a_permission_is_asked_where_one_works_and_denied() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    pty.compose();
    pty.keys("write: made.txt: hello\r");
    pty.wait_for("wants to change files");
    pty.wait_for("made.txt");
    // The request may be answered once a person could have seen it.
    std::thread::sleep(std::time::Duration::from_millis(400));
    pty.keys("r");
    pty.wait_for("Deny because");
    pty.keys("not in this folder\r");
    pty.wait_until("the end of the turn", |screen| {
        screen.contains("● warm") && screen.contains("not in this folder")
    });
    assert!(!scratch.root.join("project/made.txt").exists());

    pty.keys("write: made.txt: hello\r");
    pty.wait_for("wants to change files");
    std::thread::sleep(std::time::Duration::from_millis(400));
    pty.keys("y");
    pty.wait_for("● warm");
    assert_eq!(std::fs::read_to_string(scratch.root.join("project/made.txt")).unwrap().trim_end(), "hello");
}

#[test]
fn a_turn_is_interrupted_and_prompts_queue_behind_it() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    // The model repeats what it is to remember, word by word.
    pty.keys(&format!("\x1b[200~Remember{}\x1b[201~\r", " this".repeat(20_000)));
    pty.wait_for("◐ working");
    pty.keys("Remember to come second\r");
    pty.wait_for("↳ Remember to come second");
    pty.keys("\x1b");
    pty.wait_for("interrupted");
    pty.wait_for("❯ Remember to come second");
    pty.wait_for("● warm");
}

#[test]
fn a_killed_agent_comes_back_on_the_same_session() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    pty.compose();
    say(&mut pty, "Remember the secret is PINEAPPLE", "I will remember");
    let pid = pty.agent_pid();
    pty.keys("a draft that stays");
    pty.wait_for("a draft that stays");
    signal(pid, "-KILL");
    pty.wait_until("another pid", |screen| {
        screen.contains("● warm") && !screen.contains(&format!("pid {pid}"))
    });
    assert!(pty.screen().contains("❯ a draft that stays"), "{}", pty.screen());
    pty.keys("\x03");
    say(&mut pty, "What is the secret?", RECALLED);
}

#[test]
fn no_child_outlives_hotseat_however_it_ends() {
    for how in ["-KILL", "-TERM", "-HUP", "-INT"] {
        let scratch = Scratch::new();
        let mut pty = scratch.warm();
        let agent = pty.agent_pid();
        pty.compose();
        pty.keys("run: touch begun; sleep 1000\r");
        pty.wait_for("wants to run");
        std::thread::sleep(std::time::Duration::from_millis(400));
        pty.keys("y");
        pty.wait_for("◐ working");
        signal(pty.child.process_id().unwrap(), how);
        pty.child.wait().unwrap();
        wait_until_gone(agent);
    }
}

#[test]
fn the_terminal_is_given_back_whole() {
    for end in ["q", "term", "int"] {
        let scratch = Scratch::new();
        let mut pty = scratch.warm();
        assert!(pty.with_screen(vt100::Screen::alternate_screen));
        match end {
            "q" => pty.keys("\u{11}"),
            "term" => signal(pty.child.process_id().unwrap(), "-TERM"),
            _ => signal(pty.child.process_id().unwrap(), "-INT"),
        }
        assert_eq!(pty.wait_for_end(), 0, "{end}");
        pty.with_screen(|screen| {
            assert!(!screen.alternate_screen(), "{end}");
            assert!(!screen.hide_cursor(), "{end}");
            assert!(!screen.bracketed_paste(), "{end}");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{end}");
        });
    }
}

#[test]
fn it_suspends_to_the_shell_and_comes_back() {
    let scratch = Scratch::new();
    let mut shell = hotseat(&scratch.root, &[]);
    let program = shell.get_argv()[0].clone();
    *shell.get_argv_mut() = vec!["/bin/bash".into(), "--norc".into(), "-i".into()];
    shell.env("PS1", "shell> ");
    let mut pty = Pty::start(shell, 120, 34);
    pty.wait_for("shell>");
    pty.keys(&format!("{}\r", program.to_string_lossy()));
    pty.wait_for("● warm");
    let agent = pty.agent_pid();
    pty.keys("\x1a");
    pty.wait_until("the shell", |screen| screen.contains("Stopped"));
    assert!(is_alive(agent));
    pty.keys("fg\r");
    pty.wait_for("● warm");
    assert_eq!(pty.agent_pid(), agent, "it stayed warm");
}

#[test]
fn it_holds_up_at_every_size() {
    let scratch = Scratch::new();
    scratch.session(1, "An older talk");
    let mut pty = scratch.warm();
    for (columns, rows) in [(60, 15), (300, 100), (89, 20), (90, 20), (40, 10), (20, 5), (1, 1), (120, 34)] {
        pty.resize(columns, rows);
        let seen = if columns < 40 { "" } else { "●" };
        pty.wait_until(&format!("{columns}×{rows}"), |screen| screen.contains(seen));
    }
    pty.resize(20, 5);
    pty.wait_for("hotseat needs 40×10");
    pty.resize(60, 15);
    // A key that comes before the new size is one for a screen that shows nothing.
    pty.wait_for("❯");
    pty.keys("\x1b");
    pty.wait_for("● New session");
    pty.keys("\t");
    pty.wait_for("❯");
    pty.keys("\x10");
    pty.wait_for("jump");
}

#[test]
fn nothing_in_a_transcript_reaches_the_terminal_as_a_command() {
    let scratch = Scratch::new();
    let hostile =
        "\u{1b}]52;c;aGFja2Vk\u{7}\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred\u{9b}31m \u{202e}evil\u{8}\u{8}";
    let sample = Sample {
        number: 7,
        cwd: scratch.root.join("project"),
        title: Some(format!("T{hostile}")),
        ..Sample::default()
    };
    let path = sample.write(&scratch.root.join("claude")).unwrap();
    let line = serde_json::json!({
        "type": "user", "uuid": "00000000-0000-4000-8000-000000000001", "parentUuid": null,
        "timestamp": "2026-01-01T00:00:00Z", "sessionId": sample.id(), "cwd": scratch.root.join("project"),
        "message": {"role": "user", "content": format!("prompt {hostile}\n```sh\n{hostile}\n```")},
    });
    std::fs::write(
        &path,
        format!(
            "{line}\n{{\"type\":\"custom-title\",\"customTitle\":{}}}\n",
            serde_json::json!(format!("T{hostile}"))
        ),
    )
    .unwrap();
    let mut pty = scratch.warm();
    pty.wait_for(" 1 │");
    pty.browse();
    pty.keys("j");
    pty.wait_for("Preview. Enter resumes it");
    pty.wait_for("red");
    pty.keys("\r");
    pty.wait_for("⇄ resume");
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    for forbidden in ["\u{1b}]52", "\u{1b}]0;", "\u{9b}", "\u{202e}", "aGFja2Vk\u{7}", "\u{8}"] {
        assert!(!raw.contains(forbidden), "{forbidden:?} reached the terminal");
    }
}

#[test]
fn a_paste_of_many_lines_is_one_prompt() {
    let scratch = Scratch::new();
    let mut pty = scratch.warm();
    pty.compose();
    pty.keys("\x1b[200~Remember line one\nand line two\x1b[201~");
    pty.wait_for("and line two");
    assert!(pty.screen().contains("● warm"), "nothing was sent");
    pty.keys("\r");
    pty.wait_for("I will remember");
}

#[test]
fn a_deleted_session_comes_back_with_u() {
    let scratch = Scratch::new();
    scratch.session(1, "Keep me after all");
    let mut pty = scratch.warm();
    pty.wait_for("Keep me after");
    pty.browse();
    pty.keys("jd");
    pty.wait_for("deleted");
    assert!(scratch.transcripts().is_empty());
    pty.keys("u");
    pty.wait_for("restored");
    assert_eq!(scratch.transcripts().len(), 1);
    pty.wait_until("the row", |screen| {
        screen.lines().any(|line| line.contains("Keep me after") && line.contains('│'))
    });
}

#[test]
fn torn_foreign_and_empty_transcripts_stop_nothing() {
    let scratch = Scratch::new();
    let sample = Sample { torn: true, ..scratch.session(1, "A torn talk") };
    let path = sample.write(&scratch.root.join("claude")).unwrap();
    let folder = path.parent().unwrap();
    std::fs::write(folder.join("00000000-0000-4000-8000-00000000aaaa.jsonl"), "").unwrap();
    std::fs::write(
        folder.join("00000000-0000-4000-8000-00000000bbbb.jsonl"),
        "\u{0}\u{1}garbage\n{\"x\":1}\n",
    )
    .unwrap();
    std::fs::write(folder.join("not-a-session.jsonl"), "{}").unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut pty = scratch.warm();
    pty.wait_for("A torn talk");
    pty.browse();
    pty.keys("jj");
    pty.wait_for("1 unreadable line skipped");
    assert_eq!(std::fs::read(&path).unwrap(), before, "looking changes nothing");
    pty.keys("\r");
    pty.wait_for("continue in a repaired copy");
    pty.keys("r");
    pty.wait_for("⇄ resume");
    say(&mut pty, "Remember that it was mended", "I will remember");
    let after = std::fs::read(&path).unwrap();
    assert!(
        after.starts_with(&before) && after[before.len()] == b'\n',
        "the torn line stays, a new one begins"
    );
}

#[test]
fn without_a_terminal_it_says_so() {
    let scratch = Scratch::new();
    let output = Command::new(env!("CARGO_BIN_EXE_hotseat"))
        .env("HOME", scratch.root.join("home"))
        .env("CLAUDE_CONFIG_DIR", scratch.root.join("claude"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no terminal"));
}
