//! What nobody thought of: transcripts and queries at random, for as long as
//! `HOTSEAT_FUZZ_SECONDS` says (one second each by default, a minute in
//! `.ci/run`). A failure prints the number of its case; `HOTSEAT_FUZZ_CASE`
//! tries that one alone.
//!
//! Plain loops over mutated samples: coverage-guided fuzzers want a nightly
//! compiler, and without one their engines only draw random bytes, which never
//! get past the first brace. Mutations of real entries reach all of the reader.

#[path = "../support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod chance;
    pub mod sessions;
}

mod query;
mod reader;
mod request;

use std::time::{Duration, Instant};

use support::chance::Chance;

/// Tries cases until the time is up.
fn fuzz(name: &str, mut one: impl FnMut(&mut Chance)) {
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    if let Some(case) = number("HOTSEAT_FUZZ_CASE") {
        one(&mut Chance::of(case));
        return;
    }
    let seconds = number("HOTSEAT_FUZZ_SECONDS").unwrap_or(1);
    let start = Instant::now();
    // Each run goes on elsewhere, and what it finds can be tried again.
    let first = uuid::Uuid::new_v4().as_u64_pair().0 >> 16;
    let mut tried = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let _told = Told { name, case: first + tried };
        one(&mut Chance::of(first + tried));
        tried += 1;
    }
    eprintln!("{name}: {tried} cases in {seconds} s");
}

/// Says which case it was, should it panic.
struct Told<'a> {
    name: &'a str,
    case: u64,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to try it again: HOTSEAT_FUZZ_CASE={} cargo test --test fuzz {}",
                self.case, self.name
            );
        }
    }
}
