//! The quickest of the field beside hotseat, each in a pseudo-terminal over the
//! same sessions: how long until the first row, and from the last key of a
//! text to its hit.
//!
//! They are taken from the PATH, or from where `HOTSEAT_CLAUDE_HISTORY` and
//! `HOTSEAT_FAST_RESUME` say; one that is not there is said to be not found.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::peer::{median, megabytes, memory, percentile, show};
use super::support::pty::Pty;
use super::tree;

/// Starts that are measured of each.
const ROUNDS: usize = 10;

/// How long each may take to index all, once, before it is measured.
const PATIENCE: Duration = Duration::from_mins(2);

/// After so long a screen shows what it will show.
const SETTLED: Duration = Duration::from_millis(700);

/// Ticks that a program may take between two looks and still be said to do nothing.
const IDLE: u64 = 5;

/// A program that lists sessions and searches them.
struct Program {
    name: &'static str,
    path: PathBuf,
    args: &'static [&'static str],
    /// The keys that lead to where a text is typed.
    to_search: &'static str,
}

/// Measures all that are found, over this tree.
pub fn measure(root: &Path, scratch: &Path) {
    println!("| {} | start to first row | p99 | last key to the hit | p99 | resident |", root.display());
    println!("| --- | --- | --- | --- | --- | --- |");
    let newest = tree::newest_title(root);
    for program in programs() {
        let home = scratch.join(program.name);
        std::fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::symlink(root, home.join(".claude")).unwrap();
        program.measure(root, &home, &newest);
    }
    println!();
}

fn programs() -> Vec<Program> {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_hotseat"));
    let hotseat = Program { name: "hotseat", path: ours, args: &["--all"], to_search: "\x10\t" };
    let others = [
        ("claude-history", "HOTSEAT_CLAUDE_HISTORY", "claude-history", &[][..]),
        ("fast-resume", "HOTSEAT_FAST_RESUME", "fr", &["--no-images"][..]),
    ];
    let found = others.into_iter().filter_map(|(name, variable, file, args)| {
        let path = std::env::var_os(variable).map(PathBuf::from).or_else(|| on_path(file));
        if path.is_none() {
            println!("{name}: not found; install it, or say where it is with {variable}\n");
        }
        Some(Program { name, path: path?, args, to_search: "" })
    });
    [hotseat].into_iter().chain(found).collect()
}

fn on_path(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(file)).find(|path| path.is_file())
}

impl Program {
    fn measure(&self, root: &Path, home: &Path, newest: &str) {
        let name = self.name;
        let has_rows = |screen: &str| screen.contains("project-") || screen.contains(newest);
        let mut pty = self.start(root, home);
        if within(&pty, PATIENCE, has_rows).is_none() {
            println!("| {name} | shows no row | | | | |\n\n```text\n{}\n```\n", pty.screen());
            return;
        }
        // Once all is indexed, any session is found by what only it holds.
        std::thread::sleep(SETTLED);
        pty.keys(self.to_search);
        std::thread::sleep(SETTLED);
        pty.keys(&tree::needle(0));
        if within(&pty, PATIENCE, |screen| has_hit(screen, 0)).is_none() {
            println!("| {name} | finds no text | | | | |\n\n```text\n{}\n```\n", pty.screen());
            return;
        }
        // What is left to be indexed is not left to the rounds.
        let mut before = 0;
        while let Some(worked) =
            pty.child.process_id().and_then(work).filter(|worked| *worked > before + IDLE)
        {
            before = worked;
            std::thread::sleep(SETTLED);
        }
        drop(pty);
        let (mut starts, mut searches, mut resident) = (Vec::new(), Vec::new(), 0);
        for round in 0..ROUNDS {
            let start = Instant::now();
            let mut pty = self.start(root, home);
            starts.extend(within(&pty, PATIENCE, has_rows).map(|_| start.elapsed()));
            std::thread::sleep(SETTLED);
            pty.keys(self.to_search);
            std::thread::sleep(SETTLED);
            let number = 421 + round * 10;
            let needle = tree::needle(number);
            let (beginning, last) = needle.split_at(needle.len() - 1);
            pty.keys(beginning);
            std::thread::sleep(SETTLED);
            pty.keys(last);
            searches.extend(within(&pty, Duration::from_secs(10), |screen| has_hit(screen, number)));
            resident = resident.max(pty.child.process_id().map_or(0, memory));
        }
        let [(start, start_99), (search, search_99)] = [starts, searches].map(|mut times| {
            if times.is_empty() {
                return ("-".to_owned(), "-".to_owned());
            }
            let p99 = percentile(&mut times, 99);
            (show(median(times)), show(p99))
        });
        println!("| {name} | {start} | {start_99} | {search} | {search_99} | {} |", megabytes(resident));
    }

    fn start(&self, root: &Path, home: &Path) -> Pty {
        let mut command = CommandBuilder::new(&self.path);
        command.args(self.args);
        command.cwd(home);
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home);
        command.env("CLAUDE_CONFIG_DIR", root);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        // None of them has anything to ask of a network.
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        command.env("HTTP_PROXY", "http://127.0.0.1:9");
        Pty::start(command, 140, 40)
    }
}

/// The ticks of the clock a process has worked for.
fn work(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name in brackets, which may hold anything: user's and system's time.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// The sentence of this needle is on the screen, and that of its neighbour,
/// which a beginning of it finds too, is not.
fn has_hit(screen: &str, number: usize) -> bool {
    let said = |number| screen.contains(&format!("mark is {}", tree::needle(number)));
    said(number) && !said(number + 1)
}

/// The time until the screen is as wanted; none if that takes too long.
fn within(pty: &Pty, patience: Duration, wanted: impl Fn(&str) -> bool) -> Option<Duration> {
    let start = Instant::now();
    while start.elapsed() < patience {
        if wanted(&pty.screen()) {
            return Some(start.elapsed());
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    None
}
