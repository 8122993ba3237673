//! The task that owns a slot: it feeds inputs to the state machine and executes
//! the effects.
//!
//! It never waits for a reader or a pipe. Events and lines that cannot be sent
//! at once are queued here; while too many events are queued, the agents'
//! stdout is not read (backpressure).

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
use super::machine::{ExitDetails, Now, ProcessId, SlotEffect, SlotInput, SlotMachine, SystemProbes};
use super::process::{AgentProcess, ProcessOutput};
use super::{Launch, SlotEvent};
use super::{agent_pid, log};
use crate::agent_api::resolve_targets;

/// Queued events at which the agents' output is no longer read.
const EVENT_BACKLOG: usize = 64;
/// Lines of all processes that may wait to be handled.
const LINE_QUEUE: usize = 256;

const PROBES: SystemProbes =
    SystemProbes { transcript_size: file_size, find_leaf: agent_pid::find_leaf_process, resolve_targets };

/// Runs the slot until it is closed or the last handle is dropped.
pub(super) async fn run(
    launch: Launch,
    mut commands_rx: Receiver<SlotCommand>,
    events_tx: Sender<SlotEvent>,
    mut typed_rx: Option<Receiver<Vec<u8>>>,
) {
    let (output_tx, mut output_rx) = channel(LINE_QUEUE);
    let (client_ops, mut op_events_rx) = ClientOps::new(launch.guard.clone());
    let mut actor = SlotActor {
        machine: SlotMachine::new(launch, PROBES, now()),
        processes: BTreeMap::new(),
        output_tx,
        client_ops,
        pending_events: VecDeque::new(),
        finished: false,
    };
    let mut handles_dropped = false;
    actor.step(SlotInput::Start);
    loop {
        actor.flush(&events_tx);
        if actor.finished {
            return;
        }
        let deadline = actor.machine.deadline();
        let inputs = actor.backlogged_inputs();
        tokio::select! {
            command = commands_rx.recv(), if !handles_dropped => match command {
                Some(command) => actor.step(SlotInput::Command(command)),
                None => {
                    handles_dropped = true;
                    actor.step(SlotInput::HandlesDropped);
                }
            },
            Some((id, output)) = output_rx.recv(), if actor.pending_events.len() < EVENT_BACKLOG => match output {
                ProcessOutput::Line(line) => actor.step(SlotInput::Line(id, line)),
                ProcessOutput::Ended(ended) => {
                    actor.processes.remove(&id);
                    actor.client_ops.end_process(id);
                    actor.step(SlotInput::ProcessEnded(id, ended));
                }
            },
            Some(keys) = next_keys(&mut typed_rx) => actor.step(SlotInput::Typed(keys)),
            Some((id, event)) = op_events_rx.recv(), if actor.pending_events.len() < EVENT_BACKLOG => {
                actor.step(SlotInput::ClientOpEvent(id, event));
            }
            () = wait_writable(&events_tx), if !actor.pending_events.is_empty() => {}
            () = wait_any_writable(&inputs), if !inputs.is_empty() => {}
            () = sleep_until_deadline(deadline) => actor.step(SlotInput::Tick),
        }
    }
}

struct SlotActor {
    machine: SlotMachine,
    processes: BTreeMap<ProcessId, RunningProcess>,
    /// Cloned into each process's reader.
    output_tx: Sender<(ProcessId, ProcessOutput)>,
    client_ops: ClientOps,
    /// Events that the reader's channel had no room for.
    pending_events: VecDeque<SlotEvent>,
    finished: bool,
}

/// A process and the lines that wait to be written to it.
struct RunningProcess {
    process: AgentProcess,
    /// Lines that its stdin channel had no room for.
    pending_lines: VecDeque<JsonLine>,
    /// Close stdin once `pending_lines` is empty.
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

    /// Executes an effect; returns the input that results at once, if any.
    fn execute(&mut self, effect: SlotEffect) -> Option<SlotInput> {
        match effect {
            SlotEffect::Spawn { process: id, launch, origin, start } => {
                tracing::info!(program = %launch.program.display(), ?origin, "starting");
                match AgentProcess::spawn(&launch, &start, id, self.output_tx.clone()) {
                    Ok(process) => {
                        let leader = process.leader_pid();
                        let running =
                            RunningProcess { process, pending_lines: VecDeque::new(), close_stdin: false };
                        self.processes.insert(id, running);
                        return Some(SlotInput::ProcessStarted(id, leader));
                    }
                    Err(reason) => {
                        let ended = ExitDetails { code: Some(127), reason, stderr: Vec::new() };
                        return Some(SlotInput::ProcessEnded(id, ended));
                    }
                }
            }
            SlotEffect::SendLine(id, line) => {
                if let Some(running) = self.processes.get_mut(&id) {
                    running.pending_lines.push_back(line);
                }
            }
            SlotEffect::SendKeys(id, keys) => {
                if let Some(running) = self.processes.get(&id) {
                    running.process.send_keys(keys);
                }
            }
            SlotEffect::CloseStdin(id) => {
                if let Some(running) = self.processes.get_mut(&id) {
                    running.process.close_terminal();
                    running.close_stdin = true;
                }
            }
            SlotEffect::Signal(id, signal) => {
                if let Some(running) = self.processes.get(&id) {
                    running.process.signal(signal);
                }
            }
            SlotEffect::ClientOp { process: id, op_id, folder, op } => {
                let event = self.client_ops.execute(id, op_id, folder, op);
                return event.map(|event| SlotInput::ClientOpEvent(id, event));
            }
            SlotEffect::Emit(event) => {
                log::log_event(&event);
                self.pending_events.push_back(*event);
            }
            SlotEffect::Finish => self.finished = true,
        }
        None
    }

    /// Sends queued events and lines as far as their channels have room.
    fn flush(&mut self, events_tx: &Sender<SlotEvent>) {
        drain_into(&mut self.pending_events, events_tx);
        for running in self.processes.values_mut() {
            match &running.process.input {
                Some(input) => drain_into(&mut running.pending_lines, input),
                None => running.pending_lines.clear(),
            }
            if running.close_stdin && running.pending_lines.is_empty() {
                running.process.input = None;
            }
        }
    }

    /// The stdin channels that still have lines queued.
    fn backlogged_inputs(&self) -> Vec<Sender<JsonLine>> {
        let full = self.processes.values().filter(|running| !running.pending_lines.is_empty());
        full.filter_map(|running| running.process.input.clone()).collect()
    }
}

/// Moves queued items into a channel until it is full. Without a reader the
/// queue is discarded.
fn drain_into<T>(queue: &mut VecDeque<T>, to: &Sender<T>) {
    while let Some(item) = queue.pop_front() {
        match to.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(item)) => return queue.push_front(item),
            Err(TrySendError::Closed(_)) => return queue.clear(),
        }
    }
}

/// The keys that the person typed for the program in the terminal, if it is in one.
async fn next_keys(typed_rx: &mut Option<Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match typed_rx {
        Some(typed_rx) => typed_rx.recv().await,
        None => None,
    }
}

/// Returns when the channel has room or is closed.
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

/// Size of a transcript in bytes; 0 if it does not exist.
fn file_size(transcript: &Path) -> u64 {
    std::fs::metadata(transcript).map_or(0, |file| file.len())
}
