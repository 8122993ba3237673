//! The task that owns the slot: it feeds the machine what happens and does what
//! the machine says. It waits for nobody: what cannot be handed on at once is
//! kept here, and while much is kept the agent's stdout is left unread.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::path::Path;

use chrono::Utc;
use futures_util::future::select_all;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep_until};

use super::driver::Line;
use super::handle::Command;
use super::lending::Lending;
use super::machine::{Effect, Ended, Input, Machine, Now, Which};
use super::process::{Output, Process};
use super::{Launch, SlotEvent};
use super::{lineage, log};

/// News that are kept for a slow reader before the agent has to wait.
const KEPT: usize = 64;
/// Lines of all processes that may wait to be understood.
const LINES: usize = 256;

/// Runs the slot until it is closed, or nobody holds a handle.
pub(super) async fn run(launch: Launch, mut commands: Receiver<Command>, news: Sender<SlotEvent>) {
    let (said_in, mut said) = channel(LINES);
    let (lending, mut lent) = Lending::new(launch.guard.clone());
    let mut actor = Actor {
        machine: Machine::new(launch, size, lineage::last_of, now()),
        processes: BTreeMap::new(),
        said: said_in,
        lending,
        news: VecDeque::new(),
        finished: false,
    };
    let mut abandoned = false;
    actor.step(Input::Begin);
    loop {
        actor.hand_on(&news);
        if actor.finished {
            return;
        }
        let deadline = actor.machine.deadline();
        let inputs = actor.full_inputs();
        tokio::select! {
            command = commands.recv(), if !abandoned => match command {
                Some(command) => actor.step(Input::Command(command)),
                None => {
                    abandoned = true;
                    actor.step(Input::Abandoned);
                }
            },
            Some((which, output)) = said.recv(), if actor.news.len() < KEPT => match output {
                Output::Line(line) => actor.step(Input::Line(which, line)),
                Output::Ended(ended) => {
                    actor.processes.remove(&which);
                    actor.lending.end(which);
                    actor.step(Input::Ended(which, ended));
                }
            },
            Some((which, news)) = lent.recv(), if actor.news.len() < KEPT => {
                actor.step(Input::Lent(which, news));
            }
            () = room(&news), if !actor.news.is_empty() => {}
            () = room_in_any(&inputs), if !inputs.is_empty() => {}
            () = at(deadline) => actor.step(Input::Tick),
        }
    }
}

struct Actor {
    machine: Machine,
    processes: BTreeMap<Which, Kept>,
    /// Where what processes say goes.
    said: Sender<(Which, Output)>,
    lending: Lending,
    /// News for which their reader has no room yet.
    news: VecDeque<SlotEvent>,
    finished: bool,
}

/// A process, and what is kept for it.
struct Kept {
    process: Process,
    /// Lines for which its stdin has no room yet.
    lines: VecDeque<Line>,
    /// Its stdin ends after these lines.
    input_ends: bool,
}

impl Actor {
    fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.machine.step(input, now()) {
                inputs.extend(self.perform(effect));
            }
        }
    }

    /// Does it; gives back what came of it at once.
    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Spawn { which, launch, origin, start } => {
                tracing::info!(program = %launch.program.display(), ?origin, "starting");
                match Process::spawn(&launch, &start, which, self.said.clone()) {
                    Ok(process) => {
                        let leader = process.leader();
                        let kept = Kept { process, lines: VecDeque::new(), input_ends: false };
                        self.processes.insert(which, kept);
                        return Some(Input::Started(which, leader));
                    }
                    Err(reason) => {
                        let ended = Ended { code: Some(127), reason, stderr: Vec::new() };
                        return Some(Input::Ended(which, ended));
                    }
                }
            }
            Effect::Send(which, line) => {
                if let Some(kept) = self.processes.get_mut(&which) {
                    kept.lines.push_back(line);
                }
            }
            Effect::EndInput(which) => {
                if let Some(kept) = self.processes.get_mut(&which) {
                    kept.input_ends = true;
                }
            }
            Effect::Signal(which, signal) => {
                if let Some(kept) = self.processes.get(&which) {
                    kept.process.signal(signal);
                }
            }
            Effect::Lend { which, ticket, folder, loan } => {
                let news = self.lending.lend(which, ticket, folder, loan);
                return news.map(|news| Input::Lent(which, news));
            }
            Effect::Tell(event) => {
                log::note(&event);
                self.news.push_back(*event);
            }
            Effect::Finish => self.finished = true,
        }
        None
    }

    /// Hands on as much as there is room for.
    fn hand_on(&mut self, news: &Sender<SlotEvent>) {
        hand_on(&mut self.news, news);
        for kept in self.processes.values_mut() {
            match &kept.process.input {
                Some(input) => hand_on(&mut kept.lines, input),
                None => kept.lines.clear(),
            }
            if kept.input_ends && kept.lines.is_empty() {
                kept.process.input = None;
            }
        }
    }

    /// The inputs that had no room for all that is kept for them.
    fn full_inputs(&self) -> Vec<Sender<Line>> {
        let full = self.processes.values().filter(|kept| !kept.lines.is_empty());
        full.filter_map(|kept| kept.process.input.clone()).collect()
    }
}

/// Where nobody reads any more, what was kept is of no use.
fn hand_on<T>(kept: &mut VecDeque<T>, to: &Sender<T>) {
    while let Some(item) = kept.pop_front() {
        match to.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(item)) => return kept.push_front(item),
            Err(TrySendError::Closed(_)) => return kept.clear(),
        }
    }
}

/// Returns when there is room, or nobody who reads.
async fn room<T>(to: &Sender<T>) {
    let _permit = to.reserve().await;
}

async fn room_in_any(inputs: &[Sender<Line>]) {
    select_all(inputs.iter().map(|input| Box::pin(room(input)))).await;
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

fn now() -> Now {
    Now { at: Instant::now(), wall: Utc::now() }
}

/// What is not there holds nothing.
fn size(transcript: &Path) -> u64 {
    std::fs::metadata(transcript).map_or(0, |file| file.len())
}
