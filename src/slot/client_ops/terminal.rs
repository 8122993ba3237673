//! A terminal that is lent: a program in a process group of its own, and the
//! last of what it said. (Agents ask for its output as text, so it is pipes.)
//!
//! It lives as long as it is held: then its whole group is killed. The guard
//! does so should hotseat itself be killed.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep_until};

use super::output_ring::{OutputRing, complete_chars};
use crate::slot::driver::{ClientOpEvent, ClientOpResult, CreateTerminal, TerminalExit};
use crate::slot::machine::ProcessId;
use crate::slot::process::code_and_signal;
use crate::slot::process_group::ProcessGroupGuard;

/// Between two pieces of news of what it says.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes that each of them holds at most, the last ones.
const MAX_OUTPUT_EVENT: usize = 16 * 1024;
/// Bytes that are read at once.
const READ_BUFFER: usize = 64 * 1024;
/// How long its output may stay open after its end: something that left the
/// group may hold it for ever.
const PIPE_DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// Orders that may wait.
const COMMAND_QUEUE: usize = 64;

/// What a terminal is told, each under the ticket of its answer.
#[derive(Debug)]
pub(super) enum TerminalCommand {
    /// Say what the program said.
    Output(u64),
    /// Say when it has ended, and how.
    WaitForExit(u64),
    /// End it.
    Kill(u64),
}

/// Holds a terminal.
#[derive(Debug)]
pub(super) struct ClientTerminal {
    commands_tx: Sender<TerminalCommand>,
}

impl ClientTerminal {
    /// Runs the program. That it is not there it says itself, and ends.
    pub fn open(
        guard: &Path,
        cwd: &Path,
        run: CreateTerminal,
        which: ProcessId,
        told: Sender<(ProcessId, ClientOpEvent)>,
    ) -> io::Result<Self> {
        let (child, output) = spawn_program(guard, cwd, &run)?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let group = group.ok_or_else(|| io::Error::other("it has no process"))?;
        let (orders, obeyed) = channel(COMMAND_QUEUE);
        let task = TerminalTask {
            process: which,
            name: run.terminal,
            group_guard: Some(ProcessGroupGuard::new(group)),
            ring: OutputRing::new(run.output_limit),
            unsent: Vec::new(),
            flush_at: None,
            exit: None,
            exit_waiters: Vec::new(),
            events_tx: told,
        };
        tokio::spawn(task.run(child, output, obeyed));
        Ok(Self { commands_tx: orders })
    }

    pub fn send(&self, order: TerminalCommand) -> Result<(), String> {
        self.commands_tx.try_send(order).map_err(|_| "this terminal is asked too much at once".to_owned())
    }
}

/// One pipe for both streams, so that what is said stays in order.
fn spawn_program(guard: &Path, cwd: &Path, run: &CreateTerminal) -> io::Result<(Child, ChildStdout)> {
    let (read, written) = io::pipe()?;
    let child = Command::new(guard)
        .args(["guard", "--grace", "0", "--owner", &std::process::id().to_string(), "--"])
        .args(&run.command)
        .envs(run.env.iter().map(|(name, value)| (name, value)))
        .current_dir(cwd)
        .stdin(Stdio::null())
        .stdout(written.try_clone()?)
        .stderr(written)
        .process_group(0)
        .spawn()?;
    Ok((child, ChildStdout::from_std(OwnedFd::from(read).into())?))
}

struct TerminalTask {
    process: ProcessId,
    name: String,
    /// None: it ended, or it was killed.
    group_guard: Option<ProcessGroupGuard>,
    ring: OutputRing,
    /// Said, and not yet told as news.
    unsent: Vec<u8>,
    flush_at: Option<Instant>,
    exit: Option<TerminalExit>,
    /// Tickets of those who wait for its end.
    exit_waiters: Vec<u64>,
    events_tx: Sender<(ProcessId, ClientOpEvent)>,
}

impl TerminalTask {
    async fn run(mut self, mut child: Child, output: ChildStdout, mut orders: Receiver<TerminalCommand>) {
        let mut output = Some(output);
        let mut ending = None;
        let mut silence = None;
        let mut chunk = vec![0; READ_BUFFER];
        loop {
            if output.is_none()
                && let Some(ending) = ending.take_if(|_| self.exit.is_none())
            {
                self.finish(ending).await;
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.handle_command(order).await,
                    None => break,
                },
                read = read_output(&mut output, &mut chunk), if output.is_some() => match read {
                    Ok(count @ 1..) => self.push_output(&chunk[..count]),
                    Ok(0) | Err(_) => output = None,
                },
                status = child.wait(), if silence.is_none() => {
                    ending = Some(self.terminal_exit(status));
                    silence = Some(Instant::now() + PIPE_DRAIN_TIMEOUT);
                }
                () = sleep_until_deadline(silence), if output.is_some() && silence.is_some() => output = None,
                () = sleep_until_deadline(self.flush_at), if self.flush_at.is_some() => self.flush_output(false).await,
            }
        }
        // Released: it is killed, and whoever waits hears how it ended.
        self.group_guard = None;
        if self.exit.is_none() {
            let ending = match ending {
                Some(ending) => ending,
                None => self.terminal_exit(child.wait().await),
            };
            self.finish(ending).await;
        }
    }

    /// It ended. Its number may be given to others from here on, unless only
    /// the guard was killed, and others of the group live.
    fn terminal_exit(&mut self, status: io::Result<ExitStatus>) -> TerminalExit {
        if let Some(leash) = self.group_guard.take()
            && status.as_ref().is_ok_and(|status| status.signal().is_none())
        {
            leash.disarm();
        }
        let (code, signal) = status.map_or((None, None), code_and_signal);
        TerminalExit { code: code.filter(|_| signal.is_none()).map(i32::cast_unsigned), signal }
    }

    async fn handle_command(&mut self, order: TerminalCommand) {
        match order {
            TerminalCommand::Output(ticket) => {
                let (text, truncated) = self.ring.text();
                self.complete(
                    ticket,
                    ClientOpResult::TerminalOutput { text, truncated, ended: self.exit.clone() },
                )
                .await;
            }
            TerminalCommand::WaitForExit(ticket) => match self.exit.clone() {
                Some(ended) => self.complete(ticket, ClientOpResult::Exited(ended)).await,
                None if self.exit_waiters.len() < COMMAND_QUEUE => self.exit_waiters.push(ticket),
                None => {
                    let outcome = Err("too many wait for the end of this terminal".to_owned());
                    self.emit(ClientOpEvent::Completed { ticket, outcome }).await;
                }
            },
            TerminalCommand::Kill(ticket) => {
                self.group_guard = None;
                self.complete(ticket, ClientOpResult::Done).await;
            }
        }
    }

    fn push_output(&mut self, said: &[u8]) {
        self.ring.push(said);
        self.unsent.extend(said);
        let late = self.unsent.len().saturating_sub(MAX_OUTPUT_EVENT);
        self.unsent.drain(..late);
        self.flush_at.get_or_insert_with(|| Instant::now() + OUTPUT_INTERVAL);
    }

    /// Tells what is new; at the end also a character that is torn.
    async fn flush_output(&mut self, all: bool) {
        self.flush_at = None;
        let count = if all { self.unsent.len() } else { complete_chars(&self.unsent) };
        if count == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&self.unsent.drain(..count).collect::<Vec<_>>()).into_owned();
        self.emit(ClientOpEvent::TerminalOutput { terminal: self.name.clone(), text }).await;
    }

    async fn finish(&mut self, ended: TerminalExit) {
        self.flush_output(true).await;
        self.exit = Some(ended.clone());
        for ticket in std::mem::take(&mut self.exit_waiters) {
            self.complete(ticket, ClientOpResult::Exited(ended.clone())).await;
        }
    }

    async fn complete(&self, ticket: u64, lent: ClientOpResult) {
        self.emit(ClientOpEvent::Completed { ticket, outcome: Ok(lent) }).await;
    }

    /// The slot may be gone by now, which is as well.
    async fn emit(&self, news: ClientOpEvent) {
        let _heard = self.events_tx.send((self.process, news)).await;
    }
}

async fn read_output(output: &mut Option<ChildStdout>, chunk: &mut [u8]) -> io::Result<usize> {
    match output {
        Some(output) => output.read(chunk).await,
        None => Ok(0),
    }
}

async fn sleep_until_deadline(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
