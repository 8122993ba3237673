//! Our own agent beside the official CLI, on the same stub model in one run:
//! `cargo bench --bench agent`. The figures in README's "Measured".
//!
//! Everything happens in a scratch folder, without a network.

#[path = "support/peer.rs"]
mod peer;
#[path = "../tests/support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod sessions;
    pub mod stub_api;
}

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use peer::{Agent, median, megabytes, memory, official, ours, show};
use serde_json::json;
use support::sessions::Sample;
use support::stub_api::StubApi;

/// Starts of each program.
const STARTS: usize = 10;
/// Turns of each kind.
const TURNS: usize = 20;
/// Words of a long reply.
const WORDS: u32 = 2_000;
/// What of a streamed word's time can be told from what turns vary by.
const LEAST: Duration = Duration::from_micros(1);
/// Sessions served by one process, for its memory.
const SERVED: u32 = 200;

fn main() {
    // `cargo test --benches` runs this too: then only to see that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("project")).unwrap();
    let api = StubApi::start();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("hotseat {}, {cores} cores, release build\n", env!("CARGO_PKG_VERSION"));
    let sample = Sample {
        number: 1,
        turns: 40,
        cwd: root.join("project"),
        title: Some("Sample".to_owned()),
        started: Utc::now() - chrono::Duration::minutes(7),
        ..Sample::default()
    };
    sample.write(&root.join("claude")).unwrap();
    let resume = format!("--resume={}", sample.id());

    let own = Figures::of(&api.url, &root, &ours(), &resume);
    let theirs = official().map(|claude| Figures::of(&api.url, &root, &claude, &resume));
    let mut warm = Agent::start_on(&api.url, &root, &ours(), &[]);
    let switch = median(
        (0..TURNS)
            .map(|_| {
                warm.ask(&json!({"subtype": "clear"}));
                warm.ask(&json!({"subtype": "resume", "session_id": sample.id()}))
            })
            .collect(),
    );
    drop(warm);

    println!("| | `hotseat agent` | `claude` | |\n| --- | --- | --- | --- |");
    let time = |name: &str, own: Duration, theirs: Option<Duration>| {
        let ratio = |theirs: Duration| format!("{:.0} ×", theirs.as_secs_f64() / own.as_secs_f64());
        let (theirs, ratio) =
            theirs.map_or(("not found".to_owned(), String::new()), |theirs| (show(theirs), ratio(theirs)));
        println!("| {name} | {} | {theirs} | {ratio} |", show(own));
    };
    let of = |figure: fn(&Figures) -> Duration| (figure(&own), theirs.as_ref().map(figure));
    let (ours_, theirs_) = of(|figures| figures.start);
    time("start to `initialize` answered", ours_, theirs_);
    time(
        "a switch to 200 messages, against a start with `--resume`",
        switch,
        theirs.as_ref().map(|of| of.resume),
    );
    let (ours_, theirs_) = of(|figures| figures.turn);
    time("a turn, the stub's time included", ours_, theirs_);
    // Less than that drowns in what a turn varies by.
    let word = |time: Duration| time.max(LEAST);
    let micros = |time: Duration| {
        let less = if time <= LEAST { "less than " } else { "" };
        format!("{less}{:.1} µs", word(time).as_secs_f64() * 1e6)
    };
    let theirs_ = theirs.as_ref().map_or("not found".to_owned(), |theirs| micros(theirs.word));
    let ratio = theirs.as_ref().map(|theirs| word(theirs.word).as_secs_f64() / word(own.word).as_secs_f64());
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.1} ×"));
    println!("| each streamed word more | {} | {theirs_} | {ratio} |", micros(own.word));
    let ratio = theirs
        .as_ref()
        .map_or(String::new(), |theirs| format!("{:.0} ×", theirs.idle as f64 / own.idle as f64));
    let theirs_ = theirs.as_ref().map_or("not found".to_owned(), |theirs| megabytes(theirs.idle));
    println!("| resident after a turn, idle | {} | {theirs_} | {ratio} |", megabytes(own.idle));

    let (before, after) = served(&api.url, &root);
    println!(
        "\n{SERVED} sessions served through one process: {} after the first 20, {} after all.",
        megabytes(before),
        megabytes(after)
    );
}

/// What is measured of a program.
struct Figures {
    /// From the start to the answer to `initialize`.
    start: Duration,
    /// The same, in a stored session.
    resume: Duration,
    /// A prompt to its result.
    turn: Duration,
    /// What each streamed word adds to that.
    word: Duration,
    /// Resident memory when idle, in bytes.
    idle: u64,
}

impl Figures {
    fn of(api: &str, root: &Path, program: &[PathBuf], resume: &str) -> Self {
        let starts = |args: &[&str]| {
            let each = (0..STARTS).map(|_| {
                let began = Instant::now();
                let agent = Agent::start_on(api, root, program, args);
                let took = began.elapsed();
                drop(agent);
                took
            });
            median(each.collect())
        };
        let (start, resume) = (starts(&[]), starts(&[resume]));
        let mut agent = Agent::start_on(api, root, program, &["--include-partial-messages"]);
        // The first turn pays for what is made once.
        agent.turn("hello");
        let idle = memory(agent.child.id());
        let mut turns = |prompt: &str| median((0..TURNS).map(|_| agent.turn(prompt)).collect());
        let turn = turns("hello");
        let long = turns(&format!("WORDS {WORDS}"));
        Self { start, resume, turn, word: long.saturating_sub(turn) / WORDS, idle }
    }
}

/// Resident memory after the first sessions, and after all of them.
fn served(api: &str, root: &Path) -> (u64, u64) {
    let mut agent = Agent::start_on(api, root, &ours(), &[]);
    let mut before = 0;
    for number in 1..=SERVED {
        agent.turn("hello");
        agent.turn("WORDS 200");
        agent.ask(&json!({"subtype": "clear"}));
        if number == 20 {
            before = memory(agent.child.id());
        }
    }
    (before, memory(agent.child.id()))
}
