//! The figures in README's "Measured": `cargo bench --bench measured`.
//!
//! A switch in the warm process stands beside its peers of the same run: a new
//! process of our own agent for each session, and the official `claude` where
//! it is found. Everything happens in a scratch folder, without a network.

#[path = "support/peer.rs"]
mod peer;
#[path = "../tests/support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod pty;
    pub mod sessions;
}

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;
use hotseat::index::SessionRow;
use hotseat::index::query::SessionQuery;
use hotseat::session::summary::{SessionTitle, TitleSource};
use hotseat::session::{SessionId, SessionSummary};
use hotseat::store::StoredSession;
use peer::{Agent, median, megabytes, memory, official, ours, percentile, show};
use serde_json::json;
use support::pty::{Pty, hotseat};
use support::sessions::Sample;

/// Rounds of each measurement.
const ROUNDS: usize = 30;
/// Rounds of what takes a new process.
const COLD_ROUNDS: usize = 10;
/// Sessions in the list of the first frame.
const LISTED: u32 = 1_000;
/// Titles that a filter goes through.
const TITLES: usize = 50_000;
/// What is typed into the filter.
const TYPED: [&str; 3] = ["parser rewrite", "fx login", "tag:keep cache -test"];
/// Bytes of a transcript that is only looked at.
const LARGE: usize = 40_000_000;
/// Keys pressed while a reply streams.
const KEYS: usize = 200;

fn main() {
    // `cargo test --benches` runs this too: then only to see that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("project")).unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("hotseat {}, {cores} cores, release build\n", env!("CARGO_PKG_VERSION"));
    switches(&root);
    let resident = screen(&root);
    preview(&root);
    filter();
    println!("\n{resident}");
}

/// A switch, request to answer, beside a new process for the same session.
fn switches(root: &Path) {
    let sizes = [
        ("10 messages", 2, 0),
        ("200 messages", 40, 0),
        ("5,000 messages", 1_000, 0),
        ("10 MB", 400, 10 << 20),
    ];
    let samples: Vec<(&str, Sample)> = sizes
        .iter()
        .zip(1..)
        .map(|((name, turns, bytes), number)| (*name, sample(root, number, *turns, *bytes)))
        .collect();
    for (_, sample) in &samples {
        sample.write(&root.join("claude")).unwrap();
    }
    let claude = official();
    println!(
        "| switch to a session of | in the warm process | p99 | a new `hotseat agent` | a new `claude` |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let mut warm = Agent::start(root, &ours(), &[]);
    for (name, sample) in &samples {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            warm.ask(&json!({"subtype": "clear"}));
            times.push(warm.ask(&json!({"subtype": "resume", "session_id": sample.id()})));
        }
        // It gives the session up, or nobody else could take it.
        warm.ask(&json!({"subtype": "clear"}));
        let resume = format!("--resume={}", sample.id());
        let cold = median((0..COLD_ROUNDS).map(|_| Agent::cold(root, &ours(), &resume)).collect());
        let theirs = claude
            .as_ref()
            .map(|claude| median((0..3).map(|_| Agent::cold(root, claude, &resume)).collect()));
        let p99 = percentile(&mut times, 99);
        let switch = median(times);
        let ratio = |other: Duration| {
            format!("{} ({:.0} ×)", show(other), other.as_secs_f64() / switch.as_secs_f64())
        };
        let theirs = theirs.map_or_else(|| "not found".to_owned(), ratio);
        println!("| {name} | {} | {} | {} | {theirs} |", show(switch), show(p99), ratio(cold));
    }
    warm.ask(&json!({"subtype": "resume", "session_id": samples[1].1.id()}));
    println!("\nagent, resident after these switches: {}\n", megabytes(memory(warm.child.id())));
}

/// What a person waits for: the first frame, and a key while a reply streams.
/// Gives back what is to be said of memory, once the table is whole.
fn screen(root: &Path) -> String {
    for number in 0..LISTED {
        sample(root, 1_000 + number, 4, 16 << 10).write(&root.join("claude")).unwrap();
    }
    let mut first = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut pty = Pty::start(hotseat(root, &[]), 120, 40);
        pty.wait_for("Sessions");
        first.push(start.elapsed());
        pty.wait_for("● warm");
        pty.keys("q");
        pty.wait_for_end();
    }
    let start = Instant::now();
    let mut command = hotseat(root, &[]);
    command.env("HOTSEAT_OFFLINE_DELAY_MS", "10");
    let mut pty = Pty::start(command, 120, 40);
    pty.wait_for(&format!("{} ", LISTED + 4));
    let listed = start.elapsed();
    pty.wait_for("● warm");
    println!("| of the screen, {LISTED} sessions | median | p99 |");
    println!("| --- | --- | --- |");
    let p99 = percentile(&mut first, 99);
    println!("| start to first frame | {} | {} |", show(median(first)), show(p99));
    println!("| start to the whole list | {} | |", show(listed));
    // The offline model repeats what it is to remember, word by word.
    let long = "\nand some more words of a long reply that is laid out again and again".repeat(150);
    pty.keys(&format!("i\x1b[200~Remember this{long}\x1b[201~\r"));
    pty.wait_for("◐ working");
    let mut keys = Vec::new();
    for _ in 0..KEYS / 2 {
        pty.keys("#");
        keys.push(until(&pty, |screen| screen.contains("❯ #")));
        pty.keys("\x7f");
        keys.push(until(&pty, |screen| !screen.contains("❯ #")));
    }
    assert!(pty.screen().contains("◐ working"), "the reply ended before the keys did");
    let p99 = percentile(&mut keys, 99);
    println!("| key to frame while a reply streams | {} | {} |", show(median(keys)), show(p99));
    let own = pty.child.process_id().map_or(0, memory);
    format!("the program, resident: {}; its agent: {}", megabytes(own), megabytes(memory(pty.agent_pid())))
}

/// The time until the screen is as wanted, from now.
/// From the key that puts the cursor on a large session to its end on the screen.
fn preview(root: &Path) {
    let home = root.join("large");
    std::fs::create_dir_all(home.join("project")).unwrap();
    let started = Utc::now() - chrono::Duration::days(3);
    let (small, large) = (sample(&home, 1, 4, 0), Sample { started, ..sample(&home, 2, 400, LARGE) });
    for sample in [small, large] {
        sample.write(&home.join("claude")).unwrap();
    }
    let mut pty = Pty::start(hotseat(&home, &[]), 120, 40);
    pty.wait_for("● warm");
    pty.wait_for("Sample 2");
    // Past the new session and the small one.
    pty.keys("jj");
    let shown = until(&pty, |screen| screen.contains("Turn 399:"));
    println!("| a preview of a transcript of {} MB | {} | |", LARGE / 1_000_000, show(shown));
}

/// A key in the filter over many titles, all of them ranked anew.
fn filter() {
    let words =
        ["parser", "rewrite", "login", "cache", "fix", "test", "flaky", "index", "screen", "theme", "登录"];
    let rows: Vec<SessionRow> = (0..TITLES)
        .map(|number| {
            let word = |by: usize| words[(number / by) % words.len()];
            let text = format!("{} the {} of {} {number}", word(1), word(11), word(121));
            let title = SessionTitle { text, source: TitleSource::Custom };
            let tag = number.is_multiple_of(7).then(|| "keep".to_owned());
            let facts =
                SessionSummary { title: Some(title), tag, turns: number % 40, ..SessionSummary::default() };
            let stored = StoredSession {
                side_modified: None,
                id: SessionId::random(),
                path: "/none".into(),
                size: 1,
                modified: SystemTime::UNIX_EPOCH,
                inode: number as u64,
            };
            SessionRow { stored, facts: Arc::new(facts), holder: None, partial: false, read_error: None }
        })
        .collect();
    let mut keys = Vec::new();
    for typed in TYPED {
        for (end, letter) in typed.char_indices() {
            let query = SessionQuery::parse(&typed[..end + letter.len_utf8()], Utc::now().fixed_offset());
            let start = Instant::now();
            std::hint::black_box(query.rank_all(&rows, None));
            keys.push(start.elapsed());
        }
    }
    let p99 = percentile(&mut keys, 99);
    println!("| a key in the filter over {TITLES} titles | {} | {} |", show(median(keys)), show(p99));
}

fn until(pty: &Pty, wanted: impl Fn(&str) -> bool) -> Duration {
    let start = Instant::now();
    pty.wait_until("the key's effect", wanted);
    start.elapsed()
}

fn sample(root: &Path, number: u32, turns: usize, bytes: usize) -> Sample {
    Sample {
        number,
        turns,
        bytes,
        cwd: root.join("project"),
        title: Some(format!("Sample {number}")),
        started: Utc::now() - chrono::Duration::minutes(i64::from(number) * 7),
        ..Sample::default()
    }
}
