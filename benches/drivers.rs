//! What a switch takes on each agent: `cargo bench --bench drivers`. The table
//! in README's "Which agent takes the seat".
//!
//! The real programs, each with a home of its own and a stub of a model on
//! loopback; one that is not installed is said to be not there. A switch is
//! measured from asking the slot to its answer.

#[path = "../tests/drivers/bench.rs"]
mod bench;
#[path = "../tests/support/claude.rs"]
mod claude_program;
#[path = "../tests/support/codex.rs"]
mod codex_program;
#[path = "../tests/drivers/model.rs"]
mod model;
#[path = "../tests/support/npm.rs"]
mod npm;
#[path = "../tests/support/opencode.rs"]
mod opencode;
#[path = "../tests/drivers/responses.rs"]
mod responses;
#[path = "../tests/support/slot.rs"]
mod seat;
#[path = "../tests/support/skip.rs"]
mod skip;
#[path = "../tests/support/stub_api.rs"]
mod stub_api;

use std::time::Duration;

use bench::{Bench, Seated};
use hotseat::session::SessionId;
use hotseat::slot::{Ability, How, KNOWN, News, Switch};

/// Switches of each kind.
const ROUNDS: usize = 10;

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs this too: then only to see that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("hotseat {}, {cores} cores, release build, medians of {ROUNDS}\n", env!("CARGO_PKG_VERSION"));
    println!("| agent | clear | resume | fork | with nothing ready |\n| --- | --- | --- | --- | --- |");
    for known in KNOWN {
        match Bench::of(known.name, "the table of agents") {
            Some(bench) => measure(known.name, bench).await,
            None => println!("| {} | not there | | | |", known.name),
        }
    }
}

async fn measure(name: &str, bench: Bench) {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    let other = seated.switch(Switch::Clear).await.to;
    seated.slot.say("Hello").await;
    let (mut clears, mut resumes, mut forks, mut colds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let to = if round % 2 == 0 { told } else { other };
        resumes.extend(ready(&mut seated, Switch::Resume(to)).await);
        forks.extend(ready(&mut seated, fork(told)).await);
        clears.push(seated.switch(Switch::Clear).await.took);
        let switched = seated.switch(Switch::Resume(to)).await;
        if switched.how == How::Cold {
            colds.push(switched.took);
        }
        clears.push(seated.switch(Switch::Clear).await.took);
    }
    let abilities = seated.abilities();
    let cell = |ability, times| match ability {
        Ability::InProcess => format!("in process, {}", median(times)),
        Ability::Standby => format!("standby, {}", median(times)),
        Ability::Missing(_) => "not there".to_owned(),
    };
    println!(
        "| `{name}` | {} | {} | {} | {} |",
        cell(abilities.clear, clears),
        cell(abilities.resume, resumes),
        cell(abilities.fork, forks),
        median(colds)
    );
}

/// A switch for which all is ready that can be.
async fn ready(seated: &mut Seated, switch: Switch) -> Option<Duration> {
    match seated.abilities().of(&switch) {
        Ability::Missing(_) => return None,
        Ability::InProcess => {}
        Ability::Standby => {
            seated.slot.handle.prepare(switch.clone()).await;
            let prepared = Some(switch.clone());
            seated
                .slot
                .until("a standby", |event| match &event.news {
                    News::Prepared(ready) if *ready == prepared => Some(()),
                    _ => None,
                })
                .await;
        }
    }
    Some(seated.switch(switch).await.took)
}

fn fork(source: SessionId) -> Switch {
    Switch::Fork { source, at: None, title: None, cwd: None }
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort();
    times
        .get(times.len() / 2)
        .map_or_else(|| "-".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
}
