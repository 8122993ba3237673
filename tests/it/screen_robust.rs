//! What the screen must bear: floods of keys, endless resizes, a terminal that
//! nobody reads, an editor that stays open.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use portable_pty::{PtySize, native_pty_system};

use crate::support::pty::{Pty, hotseat};
use crate::support::script;

fn scratch() -> (PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (folder.path().canonicalize().unwrap(), folder)
}

fn signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Resident memory in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn a_thousand_resizes_and_redraws_leave_memory_flat() {
    let (root, _folder) = scratch();
    let mut pty = Pty::start(hotseat(&root, &[]), 120, 34);
    pty.wait_for("● warm");
    let pid = pty.child.process_id().unwrap();
    // Buffers of the largest size are made once.
    let mut turn = |count: u16| {
        for step in 0..count {
            pty.resize(120 - step % 3, 34 - step % 2);
            pty.keys("\x0c");
            std::thread::sleep(Duration::from_millis(2));
        }
        pty.resize(120, 34);
        pty.wait_for("● warm");
        resident(pid)
    };
    let before = turn(50);
    let after = turn(1000);
    let grown = after.saturating_sub(before);
    assert!(grown < 10 << 20, "{} KB before, {} KB after", before >> 10, after >> 10);
}

#[test]
fn a_burst_of_keys_without_brackets_is_taken_in_to_its_end() {
    let (root, _folder) = scratch();
    let mut pty = Pty::start(hotseat(&root, &[]), 100, 24);
    pty.wait_for("● warm");
    pty.compose();
    for (round, length) in [1025, 3007, 100_000].into_iter().enumerate() {
        // A word of its own, which no wrapping cuts.
        let end = format!("THEEND{round}");
        pty.keys(&format!("{} {end}", "x".repeat(length)));
        // No other key is pressed.
        pty.wait_for(&end);
        pty.keys("\x03");
        pty.wait_until("an empty composer", |screen| !screen.contains(&end));
    }
}

/// A reply of so many words, each a frame of its own.
fn long_reply(words: usize) -> String {
    format!("\x1b[200~Remember{}\x1b[201~\r", " this".repeat(words))
}

fn transcript(root: &Path) -> String {
    let projects = std::fs::read_dir(root.join("claude/projects")).into_iter().flatten().flatten();
    let files = projects.flat_map(|project| std::fs::read_dir(project.path()).unwrap().flatten());
    let files = files.map(|file| file.path()).filter(|path| path.extension().is_some());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_turn_goes_on_while_the_editor_is_open() {
    let (root, _folder) = scratch();
    let editor = root.join("editor.sh");
    let wait =
        "#!/bin/sh\ntouch ../open\nwhile [ ! -e ../close ]; do sleep 0.05; done\nprintf edited > \"$1\"\n";
    script::write(&editor, wait);
    let mut command = hotseat(&root, &[]);
    command.env("EDITOR", &editor);
    command.env("HOTSEAT_OFFLINE_DELAY_MS", "0");
    let mut pty = Pty::start(command, 120, 34);
    pty.wait_for("● warm");
    pty.compose();
    pty.keys(&long_reply(20_000));
    pty.wait_for("◐ working");
    pty.keys("\x07");
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < deadline, "waited in vain for {what}:\n{}", pty.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the editor", &|| root.join("open").exists());
    until("the reply on disk", &|| transcript(&root).contains("\"role\":\"assistant\""));
    std::fs::write(root.join("close"), "").unwrap();
    pty.wait_for("❯ edited");
    pty.wait_for("● warm");
    pty.keys("\x03");
    pty.wait_until("keys again", |screen| !screen.contains("❯ edited"));
}

#[test]
fn it_ends_while_the_editor_is_open_and_leaves_none_behind() {
    let (root, _folder) = scratch();
    let editor = root.join("editor.sh");
    script::write(&editor, "#!/bin/sh\nstty raw -echo\necho $$ > ../pid\nexec sleep 1000\n");
    let mut command = hotseat(&root, &[]);
    command.env("EDITOR", &editor);
    let mut pty = Pty::start(command, 120, 34);
    pty.wait_for("● warm");
    pty.compose();
    pty.keys("\x07");
    let pid = loop {
        match std::fs::read_to_string(root.join("pid")).ok().and_then(|pid| pid.trim().parse::<u32>().ok()) {
            Some(pid) => break pid,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    signal(pty.child.process_id().unwrap(), "-TERM");
    assert_eq!(pty.wait_for_end(), 0);
    let is_alive = || std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    let deadline = Instant::now() + Duration::from_secs(5);
    while is_alive() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!is_alive(), "the editor is still there");
    pty.with_screen(|screen| assert!(!screen.hide_cursor() && !screen.alternate_screen()));
}

#[test]
fn a_terminal_that_nobody_reads_does_not_hold_up_the_end() {
    for how in ["-TERM", "-HUP"] {
        let (root, _folder) = scratch();
        let size = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut child = pair.slave.spawn_command(hotseat(&root, &[])).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let mut keys = pair.master.take_writer().unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("● warm") {
            let mut bytes = [0; 4096];
            let count = output.read(&mut bytes).unwrap();
            assert!(count > 0, "it ended");
            seen.extend_from_slice(&bytes[..count]);
        }
        // From here on nobody reads. Each of these draws a whole screen.
        for _ in 0..40 {
            keys.write_all(b"\x0c").unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        signal(child.process_id().unwrap(), how);
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(8), "{how}: it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn the_keys_that_quit_anywhere_quit_everywhere() {
    for (place, keys) in [
        ("the jump", "\x10"),
        ("the help", "\x1bOP"),
        ("the agents", "\x1b[27u@"),
        ("the filter", "\x1b[27u/"),
        ("a title", "\x1b[27ujr"),
    ] {
        for quit in ["\x11", "\x03\x03"] {
            let (root, _folder) = scratch();
            let mut pty = Pty::start(hotseat(&root, &[]), 120, 34);
            pty.wait_for("● warm");
            pty.keys(keys);
            std::thread::sleep(Duration::from_millis(200));
            pty.keys(quit);
            assert_eq!(pty.wait_for_end(), 0, "{place} {quit:?}");
        }
    }
}

#[test]
fn too_few_open_files_leave_the_terminal_whole() {
    for files in [12, 16, 20, 24] {
        let (root, _folder) = scratch();
        let mut command = hotseat(&root, &[]);
        let program = command.get_argv().clone();
        *command.get_argv_mut() =
            [vec!["prlimit".into(), format!("--nofile={files}:{files}").into()], program].concat();
        let mut pty = Pty::start(command, 120, 34);
        std::thread::sleep(Duration::from_millis(600));
        // It may run, or have ended with an error.
        let _gone_or_quits = signal_quit(&mut pty);
        pty.wait_for_end();
        pty.with_screen(|screen| {
            let shown = screen.contents();
            assert!(!screen.hide_cursor() && !screen.alternate_screen(), "{files} files:\n{shown}");
        });
    }
}

fn signal_quit(pty: &mut Pty) -> Option<()> {
    let pid = pty.child.process_id()?;
    Command::new("kill").args(["-TERM", &pid.to_string()]).status().ok().map(drop)
}
