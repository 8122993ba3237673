//! The whole list beside the official Python function, and what a person at
//! the screen waits for.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use serde_json::json;

use super::peer::{median, megabytes, memory, percentile, show};
use super::support::pty::Pty;
use super::tree;

/// Rounds with everything known, and with nothing.
const WARM: usize = 20;
const COLD: usize = 3;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Prints the figures of this tree.
pub fn measure(root: &Path, scratch: &Path) {
    let listing = |cache: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotseat"));
        command.args(["sessions", "list", "--all", "--json"]);
        environment(root, &scratch.join(cache)).for_each(|(key, value)| {
            command.env(key, value);
        });
        command
    };
    let cold = median((0..COLD).map(|round| timed(&mut listing(&format!("cold-{round}")))).collect());
    let screen = Screen { root, home: scratch.join("screen") };
    let (first_cold, whole) = screen.index();
    let mut warm: Vec<_> = (0..WARM).map(|_| timed(&mut listing("screen"))).collect();
    let warm_99 = percentile(&mut warm, 99);
    let warm = median(warm);
    println!(
        "| 5,000 sessions, 2 GB | median | p99 | official `list_sessions()` |\n| --- | --- | --- | --- |"
    );
    let official = official(root);
    let beside = |time: Duration| {
        official.map_or_else(
            || "not found".to_owned(),
            |theirs| format!("{} ({:.0} ×)", show(theirs), theirs.as_secs_f64() / time.as_secs_f64()),
        )
    };
    println!("| the list, all known | {} | {} | {} |", show(warm), show(warm_99), beside(warm));
    println!("| the list, nothing known | {} | | {} |", show(cold), beside(cold));
    println!("| start to first row, nothing known | {} | | |", show(first_cold));
    match whole {
        Some((took, resident)) => println!(
            "| the whole index, text too, behind the screen | {:.1} s | {} resident | |",
            took.as_secs_f64(),
            megabytes(resident)
        ),
        None => println!("| the whole index, text too, behind the screen | not in {PATIENCE:?} | | |"),
    }
    let mut starts: Vec<_> = (0..WARM).map(|_| screen.start().1).collect();
    let p99 = percentile(&mut starts, 99);
    println!("| start to first row, all known | {} | {} | |", show(median(starts)), show(p99));
    screen.changes();
    println!();
}

/// A home of its own for what the program keeps, and these sessions.
fn environment(root: &Path, home: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    std::fs::create_dir_all(home).unwrap();
    [("CLAUDE_CONFIG_DIR", root.to_owned())].into_iter().chain(
        ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"].map(|key| (key, home.to_owned())),
    )
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    let took = start.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    took
}

/// The official function's time, its import not counted; none where it is not found.
fn official(root: &Path) -> Option<Duration> {
    let script = "import time, claude_agent_sdk as sdk\n\
                  def once():\n    start = time.perf_counter()\n    sdk.list_sessions()\n    return time.perf_counter() - start\n\
                  print(sorted(once() for _ in range(5))[2])";
    let output = Command::new("python3").args(["-c", script]).env("CLAUDE_CONFIG_DIR", root).output().ok()?;
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}

/// The program at a terminal.
struct Screen<'a> {
    root: &'a Path,
    home: PathBuf,
}

impl Screen<'_> {
    /// The screen, and the time to its first row.
    fn start(&self) -> (Pty, Duration) {
        let newest = tree::newest_title(self.root);
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_hotseat"));
        command.args(["--all"]);
        command.cwd(self.root);
        environment(self.root, &self.home).for_each(|(key, value)| command.env(key, value));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let start = Instant::now();
        let pty = Pty::start(command, 140, 40);
        pty.wait_for(&newest);
        let took = start.elapsed();
        (pty, took)
    }

    /// Indexes all: the time to the first row, and to the end of it with what
    /// was resident then. The end is when the text is found that was said in
    /// the session that is oldest, and so read last.
    fn index(&self) -> (Duration, Option<(Duration, u64)>) {
        let start = Instant::now();
        let (mut pty, first) = self.start();
        let needle = tree::oldest_needle(self.root);
        pty.keys("\x10\t");
        pty.keys(&needle);
        let sight = format!("mark is {needle}");
        while start.elapsed() < PATIENCE {
            if pty.screen().contains(&sight) {
                let resident = pty.child.process_id().map_or(0, memory);
                return (first, Some((start.elapsed(), resident)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        (first, None)
    }

    /// A session that grows, and a new one, seen at the screen.
    fn changes(&self) {
        let (pty, _) = self.start();
        let grown = tree::newest(self.root);
        let (before, modified) =
            (std::fs::read(&grown).unwrap(), grown.metadata().unwrap().modified().unwrap());
        let mut took = Vec::new();
        for round in 0..10 {
            let title = format!("Grown {round}");
            let line = json!({"type": "custom-title", "customTitle": title, "sessionId": grown.file_stem().unwrap().to_str()});
            writeln!(File::options().append(true).open(&grown).unwrap(), "{line}").unwrap();
            let start = Instant::now();
            pty.wait_for(&title);
            took.push(start.elapsed());
        }
        std::fs::write(&grown, before).unwrap();
        File::options().append(true).open(&grown).unwrap().set_modified(modified).unwrap();
        let p99 = percentile(&mut took, 99);
        println!(
            "| a line is appended, to its title on the screen | {} | {} | |",
            show(median(took)),
            show(p99)
        );
        let new = grown.with_file_name("5e550000-0000-4000-8000-00000000beef.jsonl");
        let entry = json!({"type": "user", "uuid": "5e550000-0000-4000-8000-00000000cafe", "parentUuid": null,
            "timestamp": "2030-01-01T00:00:00Z", "cwd": "/new", "message": {"role": "user", "content": "Brand new here"}});
        std::fs::write(&new, format!("{entry}\n")).unwrap();
        let start = Instant::now();
        pty.wait_for("Brand new");
        println!("| a session is new, to its row on the screen | {} | | |", show(start.elapsed()));
        std::fs::remove_file(new).unwrap();
    }
}
