//! What a switch takes on each agent: `cargo bench --bench drivers`. The tables
//! in README's "Which agent takes the seat".
//!
//! The real programs, each with a home of its own and a stub of a model on
//! loopback; one that is not installed is said to be not there. A switch is
//! measured from asking the slot to its answer. Beside it stands what the process
//! takes by itself, asked for the same by hand, in the same run.

#[path = "support/bare.rs"]
mod bare;
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
#[path = "support/tty.rs"]
mod tty;

use std::time::{Duration, Instant};

use bare::Bare;
use bench::{Bench, Seated};
use hotseat::session::SessionId;
use hotseat::slot::{Ability, How, KNOWN, Launch, News, Switch};

/// Switches of each kind, or twice as many.
const ROUNDS: usize = 10;

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs this too: then only to see that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "hotseat {}, {cores} cores, release build, medians of {ROUNDS} or {}\n",
        env!("CARGO_PKG_VERSION"),
        2 * ROUNDS
    );
    println!("| agent | clear | resume | fork | with nothing ready |\n| --- | --- | --- | --- | --- |");
    let mut others = Vec::new();
    for known in KNOWN {
        match Bench::of(known.name, "the table of agents") {
            Some(bench) => others.extend(measure(known.name, bench).await),
            None => println!("| {} | not there | | | |", known.name),
        }
    }
    tty::measure().await;
    println!("\nThe process by itself, and what the slot adds:\n");
    println!("| agent | clear | resume | fork |\n| --- | --- | --- | --- |");
    for row in others {
        println!("{row}");
    }
}

/// Medians in milliseconds, none where nothing was measured: clear, resume, fork.
type Medians = [Option<f64>; 3];

/// Prints its row; gives back the one that says what its process takes.
async fn measure(name: &str, bench: Bench) -> Option<String> {
    let launch = bench.launch();
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
        clears.push(timed(&mut seated, Switch::Clear).await.1);
        let (how, took) = timed(&mut seated, Switch::Resume(to)).await;
        match how {
            How::Cold => colds.push(took),
            How::InProcess => resumes.push(took),
            How::Standby => {}
        }
        clears.push(timed(&mut seated, Switch::Clear).await.1);
    }
    let abilities = seated.abilities();
    let ours = [median(clears), median(resumes), median(forks)];
    let cell = |ability, took| match ability {
        Ability::InProcess => format!("in process, {}", milliseconds(took)),
        Ability::Standby => format!("standby, {}", milliseconds(took)),
        Ability::Missing(_) => "not there".to_owned(),
    };
    println!(
        "| `{name}` | {} | {} | {} | {} |",
        cell(abilities.clear, ours[0]),
        cell(abilities.resume, ours[1]),
        cell(abilities.fork, ours[2]),
        milliseconds(median(colds))
    );
    seated.slot.handle.close().await;
    // The rest are processes of their own, and nothing of the agent's.
    let all = [abilities.clear, abilities.resume, abilities.fork];
    let is_whole = all.iter().all(|ability| *ability == Ability::InProcess);
    let by_itself = is_whole.then(|| alone(&launch, told, other))?;
    let cells = ours.iter().zip(by_itself).map(|(ours, alone)| {
        let more = ours.zip(alone).map_or(0.0, |(ours, alone)| ours - alone);
        format!(" {}, {more:+.1} |", milliseconds(alone))
    });
    Some(format!("| `{name}` |{}", cells.collect::<String>()))
}

/// The same switches, asked of a process without a slot.
fn alone(launch: &Launch, told: SessionId, other: SessionId) -> Medians {
    let mut bare = Bare::start(launch);
    let (mut clears, mut resumes, mut forks) = (Vec::new(), Vec::new(), Vec::new());
    // As the slot, it knows both before it is measured.
    bare.switch(Switch::Resume(told));
    bare.switch(Switch::Resume(other));
    for round in 0..ROUNDS {
        let to = if round % 2 == 0 { told } else { other };
        resumes.push(bare.switch(Switch::Resume(to)));
        forks.push(bare.switch(fork(told)));
        clears.push(bare.switch(Switch::Clear));
        resumes.push(bare.switch(Switch::Resume(to)));
        clears.push(bare.switch(Switch::Clear));
    }
    [median(clears), median(resumes), median(forks)]
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
    Some(timed(seated, switch).await.1)
}

/// From asking the slot to its answer.
async fn timed(seated: &mut Seated, switch: Switch) -> (How, Duration) {
    let start = Instant::now();
    let switched = seated.switch(switch).await;
    (switched.how, start.elapsed())
}

fn fork(source: SessionId) -> Switch {
    Switch::Fork { source, at: None, title: None, cwd: None }
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> Option<f64> {
    times.sort();
    times.get(times.len() / 2).map(|time| time.as_secs_f64() * 1000.0)
}

fn milliseconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} ms"))
}
