//! What a switch takes on each agent: `cargo bench --bench drivers`. The tables
//! in README's "Which agent takes the seat".
//!
//! The real programs, each with a home of its own and a stub of a model on
//! loopback; one that is not installed is said to be not there. A switch is
//! measured from asking the slot to its answer. Beside it stands what the process
//! takes by itself, asked for the same by hand, in the same run.

#[path = "support/bare.rs"]
mod bare;
#[path = "../tests/support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod agent_bench;
    pub mod claude;
    pub mod codex;
    pub mod completions;
    pub mod model;
    pub mod npm;
    pub mod opencode;
    pub mod others;
    pub mod responses;
    pub mod skip;
    pub mod slot;
    pub mod stub_api;
}
#[path = "support/tty.rs"]
mod tty;

use std::time::{Duration, Instant};

use bare::Bare;
use hotseat::session::SessionId;
use hotseat::slot::{AGENTS, SlotEventKind, Switch, SwitchMethod, SwitchSupport};
use support::agent_bench::{Bench, Seated};

/// Switches of each kind, or twice as many.
const ROUNDS: usize = 20;

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
    for known in AGENTS {
        let another = || Bench::of(known.name, "the table of agents");
        match another() {
            Some(bench) => others.extend(measure(known.name, bench, another).await),
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

/// How long switches took.
#[derive(Default)]
struct Times {
    clears: Vec<Duration>,
    resumes: Vec<Duration>,
    forks: Vec<Duration>,
    /// Resumes for which nothing was ready.
    colds: Vec<Duration>,
}

/// Prints its row; gives back the one that says what its process takes by itself.
async fn measure(name: &str, bench: Bench, another: impl Fn() -> Option<Bench>) -> Option<String> {
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    let other = seated.switch(Switch::Clear).await.to;
    seated.slot.say("Hello").await;
    let abilities = seated.abilities();
    // The other switches are processes of their own, and nothing of the agent's.
    let all = [abilities.clear, abilities.resume, abilities.fork];
    let is_whole = all.iter().all(|ability| *ability == SwitchSupport::InProcess);
    let another = another().filter(|_| is_whole);
    let mut bare = another.as_ref().map(|bench| {
        let mut bare = Bare::start(&bench.launch());
        let told = bare.session;
        bare.says("Remember: the word is PINEAPPLE.");
        bare.switch(Switch::Clear);
        bare.says("Hello");
        (told, bare.session, bare)
    });
    let (mut ours, mut alone) = (Times::default(), Times::default());
    for round in 0..ROUNDS {
        // In turns, for both to have the same of whatever else the machine does.
        let to = if round % 2 == 0 { told } else { other };
        with_slot(&mut seated, to, told, &mut ours).await;
        if let Some((told, other, bare)) = &mut bare {
            let to = if round % 2 == 0 { *told } else { *other };
            by_itself(bare, to, *told, &mut alone);
        }
    }
    let cell = |ability, took: &[Duration]| match ability {
        SwitchSupport::InProcess => format!("in process, {}", milliseconds(median(took))),
        SwitchSupport::Standby => format!("standby, {}", milliseconds(median(took))),
        SwitchSupport::Unsupported(_) => "not there".to_owned(),
    };
    println!(
        "| `{name}` | {} | {} | {} | {} |",
        cell(abilities.clear, &ours.clears),
        cell(abilities.resume, &ours.resumes),
        cell(abilities.fork, &ours.forks),
        milliseconds(median(&ours.colds))
    );
    bare?;
    let pairs = [(ours.clears, alone.clears), (ours.resumes, alone.resumes), (ours.forks, alone.forks)];
    let cells = pairs.map(|(ours, alone)| {
        let (ours, alone) = (median(&ours), median(&alone));
        let more = ours.zip(alone).map_or(0.0, |(ours, alone)| ours - alone);
        format!(" {}, {more:+.1} |", milliseconds(alone))
    });
    Some(format!("| `{name}` |{}", cells.concat()))
}

/// One round of the slot.
async fn with_slot(seated: &mut Seated, to: SessionId, told: SessionId, times: &mut Times) {
    times.resumes.extend(ready(seated, Switch::Resume(to)).await);
    times.forks.extend(ready(seated, fork(told)).await);
    // After a fork some take twice as long for it: only those of one kind count.
    seated.switch(Switch::Clear).await;
    let (how, took) = timed(seated, Switch::Resume(to)).await;
    match how {
        SwitchMethod::Cold => times.colds.push(took),
        SwitchMethod::InProcess => times.resumes.push(took),
        SwitchMethod::Standby => {}
    }
    times.clears.push(timed(seated, Switch::Clear).await.1);
}

/// The same of a process without a slot.
fn by_itself(bare: &mut Bare, to: SessionId, told: SessionId, times: &mut Times) {
    times.resumes.push(bare.switch(Switch::Resume(to)));
    times.forks.push(bare.switch(fork(told)));
    bare.switch(Switch::Clear);
    times.resumes.push(bare.switch(Switch::Resume(to)));
    times.clears.push(bare.switch(Switch::Clear));
}

/// A switch for which all is ready that can be.
async fn ready(seated: &mut Seated, switch: Switch) -> Option<Duration> {
    match seated.abilities().switch_support(&switch) {
        SwitchSupport::Unsupported(_) => return None,
        SwitchSupport::InProcess => {}
        SwitchSupport::Standby => {
            seated.slot.handle.prewarm(switch.clone()).await;
            let prepared = Some(switch.clone());
            seated
                .slot
                .until("a standby", |event| match &event.kind {
                    SlotEventKind::Prewarmed(ready) if *ready == prepared => Some(()),
                    _ => None,
                })
                .await;
        }
    }
    Some(timed(seated, switch).await.1)
}

/// From asking the slot to its answer.
async fn timed(seated: &mut Seated, switch: Switch) -> (SwitchMethod, Duration) {
    let start = Instant::now();
    let switched = seated.switch(switch).await;
    (switched.method, start.elapsed())
}

fn fork(source: SessionId) -> Switch {
    Switch::Fork { source, at: None, title: None, cwd: None }
}

/// In milliseconds.
fn median(times: &[Duration]) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).map(|time| time.as_secs_f64() * 1000.0)
}

fn milliseconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} ms"))
}
