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

use super::client_ops::ClientOps;
use super::driver::JsonLine;
use super::handle::SlotCommand;
use super::machine::{ExitDetails, Now, ProcessId, SlotEffect, SlotInput, SlotMachine};
use super::process::{AgentProcess, ProcessOutput};
use super::{Launch, SlotEvent};
use super::{agent_pid, log};

/// News that are kept for a slow reader before the agent has to wait.
const EVENT_BACKLOG: usize = 64;
/// Lines of all processes that may wait to be understood.
const LINE_QUEUE: usize = 256;

/// Runs the slot until it is closed, or nobody holds a handle.
pub(super) async fn run(launch: Launch, mut commands: Receiver<SlotCommand>, news: Sender<SlotEvent>) {
    let (said_in, mut said) = channel(LINE_QUEUE);
    let (lending, mut lent) = ClientOps::new(launch.guard.clone());
    let mut actor = SlotActor {
        machine: SlotMachine::new(launch, file_size, agent_pid::find_leaf_process, now()),
        processes: BTreeMap::new(),
        output_tx: said_in,
        client_ops: lending,
        pending_events: VecDeque::new(),
        finished: false,
    };
    let mut abandoned = false;
    actor.step(SlotInput::Start);
    loop {
        actor.flush(&news);
        if actor.finished {
            return;
        }
        let deadline = actor.machine.deadline();
        let inputs = actor.backlogged_inputs();
        tokio::select! {
            command = commands.recv(), if !abandoned => match command {
                Some(command) => actor.step(SlotInput::Command(command)),
                None => {
                    abandoned = true;
                    actor.step(SlotInput::HandlesDropped);
                }
            },
            Some((which, output)) = said.recv(), if actor.pending_events.len() < EVENT_BACKLOG => match output {
                ProcessOutput::Line(line) => actor.step(SlotInput::Line(which, line)),
                ProcessOutput::Ended(ended) => {
                    actor.processes.remove(&which);
                    actor.client_ops.end_process(which);
                    actor.step(SlotInput::ProcessEnded(which, ended));
                }
            },
            Some((which, news)) = lent.recv(), if actor.pending_events.len() < EVENT_BACKLOG => {
                actor.step(SlotInput::ClientOpEvent(which, news));
            }
            () = wait_writable(&news), if !actor.pending_events.is_empty() => {}
            () = wait_any_writable(&inputs), if !inputs.is_empty() => {}
            () = sleep_until_deadline(deadline) => actor.step(SlotInput::Tick),
        }
    }
}

struct SlotActor {
    machine: SlotMachine,
    processes: BTreeMap<ProcessId, RunningProcess>,
    /// Where what processes say goes.
    output_tx: Sender<(ProcessId, ProcessOutput)>,
    client_ops: ClientOps,
    /// News for which their reader has no room yet.
    pending_events: VecDeque<SlotEvent>,
    finished: bool,
}

/// A process, and what is kept for it.
struct RunningProcess {
    process: AgentProcess,
    /// Lines for which its stdin has no room yet.
    pending_lines: VecDeque<JsonLine>,
    /// Its stdin ends after these lines.
    close_stdin: bool,
}

impl SlotActor {
    fn step(&mut self, input: SlotInput) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.machine.step(input, now()) {
                inputs.extend(self.execute(effect));
            }
        }
    }

    /// Does it; gives back what came of it at once.
    fn execute(&mut self, effect: SlotEffect) -> Option<SlotInput> {
        match effect {
            SlotEffect::Spawn { which, launch, origin, start } => {
                tracing::info!(program = %launch.program.display(), ?origin, "starting");
                match AgentProcess::spawn(&launch, &start, which, self.output_tx.clone()) {
                    Ok(process) => {
                        let leader = process.leader_pid();
                        let kept =
                            RunningProcess { process, pending_lines: VecDeque::new(), close_stdin: false };
                        self.processes.insert(which, kept);
                        return Some(SlotInput::ProcessStarted(which, leader));
                    }
                    Err(reason) => {
                        let ended = ExitDetails { code: Some(127), reason, stderr: Vec::new() };
                        return Some(SlotInput::ProcessEnded(which, ended));
                    }
                }
            }
            SlotEffect::SendLine(which, line) => {
                if let Some(kept) = self.processes.get_mut(&which) {
                    kept.pending_lines.push_back(line);
                }
            }
            SlotEffect::CloseStdin(which) => {
                if let Some(kept) = self.processes.get_mut(&which) {
                    kept.close_stdin = true;
                }
            }
            SlotEffect::Signal(which, signal) => {
                if let Some(kept) = self.processes.get(&which) {
                    kept.process.signal(signal);
                }
            }
            SlotEffect::ClientOp { which, ticket, folder, loan } => {
                let news = self.client_ops.execute(which, ticket, folder, loan);
                return news.map(|news| SlotInput::ClientOpEvent(which, news));
            }
            SlotEffect::Emit(event) => {
                log::log_event(&event);
                self.pending_events.push_back(*event);
            }
            SlotEffect::Finish => self.finished = true,
        }
        None
    }

    /// Hands on as much as there is room for.
    fn flush(&mut self, news: &Sender<SlotEvent>) {
        drain_into(&mut self.pending_events, news);
        for kept in self.processes.values_mut() {
            match &kept.process.input {
                Some(input) => drain_into(&mut kept.pending_lines, input),
                None => kept.pending_lines.clear(),
            }
            if kept.close_stdin && kept.pending_lines.is_empty() {
                kept.process.input = None;
            }
        }
    }

    /// The inputs that had no room for all that is kept for them.
    fn backlogged_inputs(&self) -> Vec<Sender<JsonLine>> {
        let full = self.processes.values().filter(|kept| !kept.pending_lines.is_empty());
        full.filter_map(|kept| kept.process.input.clone()).collect()
    }
}

/// Where nobody reads any more, what was kept is of no use.
fn drain_into<T>(kept: &mut VecDeque<T>, to: &Sender<T>) {
    while let Some(item) = kept.pop_front() {
        match to.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(item)) => return kept.push_front(item),
            Err(TrySendError::Closed(_)) => return kept.clear(),
        }
    }
}

/// Returns when there is room, or nobody who reads.
async fn wait_writable<T>(to: &Sender<T>) {
    let _permit = to.reserve().await;
}

async fn wait_any_writable(inputs: &[Sender<JsonLine>]) {
    select_all(inputs.iter().map(|input| Box::pin(wait_writable(input)))).await;
}

async fn sleep_until_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

fn now() -> Now {
    Now { at: Instant::now(), wall: Utc::now() }
}

/// What is not there holds nothing.
fn file_size(transcript: &Path) -> u64 {
    std::fs::metadata(transcript).map_or(0, |file| file.len())
}
