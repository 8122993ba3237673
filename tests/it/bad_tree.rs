//! A tree of transcripts that everything went wrong with: what is whole still
//! lists and is found, nothing blocks, and the doctor tells what is odd.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::shell::Home;

/// Longer than any command may take here.
const PATIENCE: Duration = Duration::from_mins(1);

fn id(number: u32) -> String {
    format!("{number:08}-0000-4000-8000-000000000000")
}

fn file(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{}.jsonl", id(number)))
}

/// A session of one prompt, and whatever follows it.
fn put(folder: &Path, number: u32, more: &[u8]) {
    let entry = json!({
        "type": "user", "uuid": format!("{number:08}-1111-4111-8111-111111111111"), "parentUuid": null,
        "sessionId": id(number), "timestamp": "2026-11-20T10:00:00Z", "cwd": "/w", "isSidechain": false,
        "message": {"role": "user", "content": format!("grammar {number}")},
    });
    fs::create_dir_all(folder).unwrap();
    fs::write(file(folder, number), [format!("{entry}\n").as_bytes(), more].concat()).unwrap();
}

/// Everything that can lie in a tree; the sessions that are whole in it.
fn spoil(projects: &Path) -> Vec<String> {
    let folder = projects.join("-w");
    put(&folder, 1, b"");
    let odd = projects.join(OsStr::from_bytes(b"\xff\xfe-odd"));
    put(&odd, 2, b"");
    let long =
        [br#"{"type":"user","message":{"content":""#.to_vec(), vec![b'x'; 70 << 20], b"\"}}\n".to_vec()];
    let titled = br#"{"type":"custom-title","customTitle":"After the long line","sessionId":"x"}"#;
    put(&folder, 3, &[long.concat(), titled.to_vec(), b"\n".to_vec()].concat());
    put(&folder, 4, &[b"[".repeat(200_000), b"\n".to_vec(), br#"{"a":"#.repeat(200_000)].concat());
    put(&folder, 5, &[vec![0; 5_000], b"\n\xff\xfe\n".to_vec()].concat());
    symlink(".", projects.join("loop")).unwrap();
    symlink("/nowhere", projects.join("dangling")).unwrap();
    fs::write(projects.join("-file"), "where a folder is expected").unwrap();
    File::create(file(&folder, 11)).unwrap();
    fs::create_dir(file(&folder, 12)).unwrap();
    symlink("nowhere", file(&folder, 13)).unwrap();
    symlink("/dev/zero", file(&folder, 14)).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"\xff.jsonl")), "x").unwrap();
    assert!(Command::new("mkfifo").arg(file(&folder, 15)).status().unwrap().success());
    (1..=5).map(id).collect()
}

/// Runs a command to its end, which must come.
fn run(mut command: Command, words: &[&str]) -> Output {
    command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    // What it says fits in a pipe.
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            let _gone = child.kill();
            panic!("{words:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn ids(output: &Output, field: &str) -> Vec<String> {
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let mut ids: Vec<_> = listed.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn what_is_whole_is_listed_and_found_beside_what_is_not() {
    let home = Home::new();
    let whole = spoil(&home.path("claude").join("projects"));
    let hotseat = || home.command(env!("CARGO_BIN_EXE_hotseat"));
    for _with_an_index_and_without in 0..2 {
        let listed = run(hotseat(), &["sessions", "list", "--all", "--json"]);
        assert_eq!(ids(&listed, "session_id"), whole);
        let found = run(hotseat(), &["sessions", "search", "grammar", "--json"]);
        assert_eq!(ids(&found, "session_id"), whole);
    }
    let shown = run(hotseat(), &["sessions", "info", "After the long line", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["session_id"], &shown["turns"]), (&json!(id(3)), &json!(1)));

    let doctor = run(hotseat(), &["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout);
    for sign in [
        "a link is broken",
        "are not regular files",
        "not UTF-8",
        "a transcript is empty",
        "3 transcripts have damaged lines",
    ] {
        assert_eq!(said.matches(sign).count(), 1, "{sign}: {said}");
    }
    assert!(!said.contains('\u{1b}'));
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let home = Home::new();
    let projects = home.path("claude").join("projects");
    put(&projects.join("-w"), 1, b"");
    fs::write(home.path("cache"), "a file is in the way").unwrap();
    let small = |words: &str| {
        // Writing stops after 8 KB, as on a disk that is full.
        let mut shell = home.command("sh");
        let script = format!("ulimit -f 16; trap '' XFSZ; exec {} {words}", env!("CARGO_BIN_EXE_hotseat"));
        shell.args(["-c", &script]);
        shell
    };
    for _in_the_way_and_full in 0..2 {
        let listed = run(small("sessions list --all --json"), &[]);
        assert_eq!(ids(&listed, "session_id"), [id(1)]);
        let found = run(small("sessions search grammar --json"), &[]);
        assert_eq!(ids(&found, "session_id"), [id(1)]);
        if home.path("cache").is_file() {
            fs::remove_file(home.path("cache")).unwrap();
        }
    }
}

#[test]
fn sessions_that_come_and_go_while_they_are_read_stop_nothing() {
    let home = Home::new();
    let folder = home.path("claude").join("projects/-w");
    put(&folder, 1, b"");
    let churned = folder.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let churn = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            for number in 2..20 {
                put(&churned, number, &b"{\"type\":\"x\"}\n".repeat(200));
            }
            for number in 2..20 {
                let _gone = File::create(file(&churned, number)).and_then(|file| file.set_len(7));
                let _gone = fs::remove_file(file(&churned, number));
            }
        }
    });
    for _round in 0..8 {
        let listed =
            run(home.command(env!("CARGO_BIN_EXE_hotseat")), &["sessions", "list", "--all", "--json"]);
        assert!(ids(&listed, "session_id").contains(&id(1)));
        let found =
            run(home.command(env!("CARGO_BIN_EXE_hotseat")), &["sessions", "search", "grammar", "--json"]);
        assert!(ids(&found, "session_id").contains(&id(1)));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    churn.join().unwrap();
}

#[test]
fn an_index_whose_writer_was_killed_is_gone_on_with() {
    let home = Home::new();
    let folder = home.path("claude").join("projects/-w");
    for number in 1..=400 {
        put(&folder, number, &b"{\"type\":\"x\"}\n".repeat(50));
    }
    let search = || {
        let mut command = home.command(env!("CARGO_BIN_EXE_hotseat"));
        command.args(["sessions", "search", "grammar", "--limit", "1000", "--json"]);
        command
    };
    for wait in [5, 15, 40, 80] {
        let mut child = search().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Wherever it is by then.
        std::thread::sleep(Duration::from_millis(wait));
        let _killed_or_done = child.kill();
        let _ended = child.wait();
    }
    let two: Vec<_> = (0..2).map(|_| search().stdout(Stdio::piped()).spawn().unwrap()).collect();
    for child in two {
        assert_eq!(ids(&child.wait_with_output().unwrap(), "session_id").len(), 400);
    }
}
