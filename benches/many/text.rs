//! The full-text engine by itself: taking in all that was said, and finding it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use hotseat::index::text::{self, FullTextQuery, Passage, SessionPassages};
use hotseat::session::raw_entry::RawEntry;
use rayon::prelude::*;
use rusqlite::Connection;

use super::peer::{median, megabytes, percentile, show};
use super::tree;

/// Bytes of transcripts that are taken in at once.
const BATCH: u64 = 64 << 20;

/// Sessions that a screen asks for.
const WANTED: usize = 50;

/// Rounds of each query.
const ROUNDS: usize = 9;

/// What is asked, as it is typed: rare and common, words and beginnings,
/// phrases, code, Chinese, and what is nowhere.
const QUERIES: [&str; 36] = [
    "the",
    "a ",
    "error ",
    "config",
    "the of",
    "to the",
    "this tha",
    "the -to",
    "error -the",
    "con",
    "the*",
    "pre",
    "sub",
    "conf",
    "grammar flag",
    "grammar fla",
    "the old grammar",
    "pure lexer",
    "\"to the\"",
    "\"error in the",
    "parser",
    "pars",
    "needle00042",
    "needle0",
    "needle049",
    "cargo test failed",
    "\"not found\"",
    "not a number",
    "修复登录",
    "登录",
    "页面 error",
    "foo_bar::baz",
    "src/parse.rs",
    "let_the::config",
    "unver",
    "zzz",
];

/// Transcripts, newest first; a session's row is its place from the end.
struct Newest(Vec<(SystemTime, u64, PathBuf)>);

/// Builds the index of a tree in a scratch file, asks it, and prints both.
pub fn measure(root: &Path, scratch: &Path) {
    let newest = Newest::of(root);
    let path = scratch.join("text.db");
    let mut connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-32000;",
        )
        .unwrap();
    text::schema(&connection).unwrap();
    let took = newest.take_in(&mut connection);
    drop(connection);
    let size = std::fs::metadata(&path).unwrap().len();
    println!("| full text alone | |\n| --- | --- |");
    println!("| all that was said in 2 GB, taken in | {:.1} s |", took.as_secs_f64());
    println!("| its file | {} |", megabytes(size));
    println!("| resident at most meanwhile | {} |", megabytes(resident_at_most()));
    let connection = Connection::open(&path).unwrap();
    for (name, tools, step) in
        [("what was said", false, 1), ("one project of 40", false, 40), ("tools too", true, 1)]
    {
        newest.ask(&connection, name, tools, step);
    }
    println!();
}

impl Newest {
    fn of(root: &Path) -> Self {
        let transcripts = tree::transcripts(root).unwrap().into_iter();
        let dated = |(size, path): (u64, PathBuf)| (path.metadata().unwrap().modified().unwrap(), size, path);
        let mut newest: Vec<_> = transcripts.map(dated).collect();
        newest.sort();
        newest.reverse();
        Self(newest)
    }

    /// One thread parses ahead while this one writes.
    fn take_in(&self, connection: &mut Connection) -> Duration {
        let start = Instant::now();
        std::thread::scope(|scope| {
            let (parsed, batches) = mpsc::sync_channel::<Vec<SessionPassages>>(1);
            scope.spawn(move || {
                let mut at = 0;
                while at < self.0.len() {
                    let mut bytes = 0;
                    let batch = self.0[at..].iter().take_while(|(_, size, _)| {
                        bytes += size;
                        bytes - size < BATCH
                    });
                    let end = at + batch.count();
                    let text = |at: usize| self.text(at);
                    parsed.send((at..end).into_par_iter().map(text).collect()).unwrap();
                    at = end;
                }
            });
            for batch in batches {
                let transaction = connection.transaction().unwrap();
                text::ingest(&transaction, batch).unwrap();
                transaction.commit().unwrap();
            }
        });
        start.elapsed()
    }

    fn text(&self, at: usize) -> SessionPassages {
        let (modified, _, path) = &self.0[at];
        let bytes = std::fs::read(path).unwrap();
        let mut passages = Vec::new();
        let mut offset = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let entry = RawEntry::parse(std::str::from_utf8(line).unwrap().trim_end()).unwrap();
            passages.extend(Passage::from_line(&entry, offset));
            offset += line.len() as u64;
        }
        let active = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
        SessionPassages { session: (self.0.len() - at) as i64, active, passages }
    }

    fn read(&self, session: i64, range: Range<u64>) -> Option<Vec<u8>> {
        let file = File::open(&self.0[self.0.len() - session as usize].2).ok()?;
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start).ok()?;
        Some(bytes)
    }

    /// Asks everything; each `step`th session is in scope.
    fn ask(&self, connection: &Connection, name: &str, tools: bool, step: i64) {
        let mut all = Vec::new();
        let mut slowest = (Duration::ZERO, "");
        for typed in QUERIES {
            let query = FullTextQuery::typing(typed).with_tools(tools);
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let start = Instant::now();
                let read = |session, range| self.read(session, range);
                text::search(connection, &query, |session| session % step == 0, WANTED, read).unwrap();
                times.push(start.elapsed());
            }
            all.extend(&times);
            slowest = slowest.max((median(times), typed));
        }
        let p95 = percentile(&mut all, 95);
        let (time, typed) = slowest;
        println!(
            "| a query, first {WANTED} sessions, {name}: median, p95, slowest | {}, {}, {} (“{typed}”) |",
            show(median(all)),
            show(p95),
            show(time)
        );
    }
}

/// The most bytes this process ever had resident; 0 where the system does not say.
fn resident_at_most() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
