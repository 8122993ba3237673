//! The task that owns the slot: it feeds the machine what happens and does what
//! the machine says. It waits for nobody: what cannot be handed on at once is
//! kept here, and while much is kept the agent's stdout is left unread.

use std::collections::VecDeque;
use std::future::pending;
use std::path::Path;

use chrono::Utc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, sleep_until};

use super::driver::Line;
use super::handle::Command;
use super::log;
use super::machine::{Effect, Ended, Input, Machine, Now};
use super::process::{Output, Process};
use super::{Launch, SlotEvent};

/// News that are kept for a slow reader before the agent has to wait.
const KEPT: usize = 64;

/// Runs the slot until it is closed, or nobody holds a handle.
pub(super) async fn run(launch: Launch, mut commands: Receiver<Command>, news: Sender<SlotEvent>) {
    let mut actor = Actor {
        machine: Machine::new(launch, is_stored, now()),
        process: None,
        lines: VecDeque::new(),
        news: VecDeque::new(),
        input_ends: false,
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
        let input = actor.process.as_ref().and_then(|process| process.input.clone());
        tokio::select! {
            command = commands.recv(), if !abandoned => match command {
                Some(command) => actor.step(Input::Command(command)),
                None => {
                    abandoned = true;
                    actor.step(Input::Abandoned);
                }
            },
            output = next(&mut actor.process), if actor.news.len() < KEPT => match output {
                Output::Line(line) => actor.step(Input::Line(line)),
                Output::Ended(ended) => {
                    actor.lose_process();
                    actor.step(Input::Ended(ended));
                }
            },
            () = room(&news), if !actor.news.is_empty() => {}
            () = room_in(input), if !actor.lines.is_empty() => {}
            () = at(deadline) => actor.step(Input::Tick),
        }
    }
}

struct Actor {
    machine: Machine,
    process: Option<Process>,
    /// Lines for which its stdin has no room yet.
    lines: VecDeque<Line>,
    /// News for which their reader has no room yet.
    news: VecDeque<SlotEvent>,
    /// Its stdin ends after these lines.
    input_ends: bool,
    finished: bool,
}

impl Actor {
    fn step(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            for effect in self.machine.step(input, now()) {
                next = self.perform(effect).or(next);
            }
        }
    }

    /// Does it; gives back what came of it at once.
    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Spawn { launch, origin, start } => {
                self.lose_process();
                tracing::info!(program = %launch.program.display(), ?origin, "starting");
                match Process::spawn(&launch, &start) {
                    Ok(process) => self.process = Some(process),
                    Err(reason) => {
                        return Some(Input::Ended(Ended { code: Some(127), reason, stderr: Vec::new() }));
                    }
                }
            }
            Effect::Send(line) => self.lines.push_back(line),
            Effect::EndInput => self.input_ends = true,
            Effect::Signal(signal) => {
                if let Some(process) = &self.process {
                    process.signal(signal);
                }
            }
            Effect::Tell(event) => {
                log::note(&event);
                self.news.push_back(*event);
            }
            Effect::Finish => self.finished = true,
        }
        None
    }

    fn lose_process(&mut self) {
        self.process = None;
        self.lines.clear();
        self.input_ends = false;
    }

    /// Hands on as much as there is room for.
    fn hand_on(&mut self, news: &Sender<SlotEvent>) {
        hand_on(&mut self.news, news);
        let Some(process) = &mut self.process else { return };
        match &process.input {
            Some(input) => hand_on(&mut self.lines, input),
            None => self.lines.clear(),
        }
        if self.input_ends && self.lines.is_empty() {
            process.input = None;
        }
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

async fn next(process: &mut Option<Process>) -> Output {
    match process {
        Some(process) => match process.output.recv().await {
            Some(output) => output,
            None => pending().await,
        },
        None => pending().await,
    }
}

/// Returns when there is room, or nobody who reads.
async fn room<T>(to: &Sender<T>) {
    let _permit = to.reserve().await;
}

async fn room_in(input: Option<Sender<Line>>) {
    match input {
        Some(input) => room(&input).await,
        None => pending().await,
    }
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

/// A session without any entry on disk cannot be resumed.
fn is_stored(transcript: &Path) -> bool {
    std::fs::metadata(transcript).is_ok_and(|file| file.len() > 0)
}
