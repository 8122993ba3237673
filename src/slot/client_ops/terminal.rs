//! A client terminal: a program in a process group of its own and the last of
//! its output. (Agents want the output as text, so it runs on pipes.)
//!
//! Dropping it kills the whole group. If hotseat itself is killed, the guard
//! does that.

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

use crate::slot::driver::{ClientOpEvent, ClientOpResult, CreateTerminal, TerminalExit};
use crate::slot::machine::ProcessId;
use crate::slot::process::code_and_signal;
use crate::sys::process_group::ProcessGroupGuard;
use crate::text::output_tail::OutputTail;

/// Minimum time between two output events.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum size of an output event; of more, the last bytes are sent.
const MAX_OUTPUT_EVENT: usize = 16 * 1024;
/// Bytes that are read at once.
const READ_BUFFER: usize = 64 * 1024;
/// How long to read on after the program has ended. A descendant that left the
/// group may hold the pipe open for ever.
const PIPE_DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// Commands that may wait.
const COMMAND_QUEUE: usize = 64;

/// A command to a terminal, with the id of the operation to answer.
#[derive(Debug)]
pub(super) enum TerminalCommand {
    /// Report the output so far.
    Output(u64),
    /// Report the exit once it happens.
    WaitForExit(u64),
    /// Kill the program.
    Kill(u64),
}

/// Owns a terminal: dropping it kills the program.
#[derive(Debug)]
pub(super) struct ClientTerminal {
    commands_tx: Sender<TerminalCommand>,
}

impl ClientTerminal {
    /// Runs the program. If it does not exist, its output says so and it exits.
    pub fn open(
        guard: &Path,
        cwd: &Path,
        run: CreateTerminal,
        process: ProcessId,
        reported: Sender<(ProcessId, ClientOpEvent)>,
    ) -> io::Result<Self> {
        let (child, output) = spawn_program(guard, cwd, &run)?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let group = group.ok_or_else(|| io::Error::other("the program has no pid"))?;
        let (orders, commands_rx) = channel(COMMAND_QUEUE);
        let task = TerminalTask {
            process,
            name: run.terminal,
            group_guard: Some(ProcessGroupGuard::new(group)),
            output: OutputTail::new(run.output_limit),
            unsent: OutputTail::new(MAX_OUTPUT_EVENT),
            flush_at: None,
            exit: None,
            exit_waiters: Vec::new(),
            events_tx: reported,
        };
        tokio::spawn(task.run(child, output, commands_rx));
        Ok(Self { commands_tx: orders })
    }

    pub fn send(&self, order: TerminalCommand) -> Result<(), String> {
        self.commands_tx.try_send(order).map_err(|_| "too many requests to this terminal at once".to_owned())
    }
}

/// Starts the program with one pipe for both streams, which keeps their order.
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
    /// `None` once it has ended or was killed.
    group_guard: Option<ProcessGroupGuard>,
    output: OutputTail,
    /// Output not yet sent as an event.
    unsent: OutputTail,
    flush_at: Option<Instant>,
    exit: Option<TerminalExit>,
    /// Operations that wait for the exit.
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
        // Released: kill it, then report the exit to whoever waits.
        self.group_guard = None;
        if self.exit.is_none() {
            let ending = match ending {
                Some(ending) => ending,
                None => self.terminal_exit(child.wait().await),
            };
            self.finish(ending).await;
        }
    }

    /// How it ended. Disarms the group guard, because the number may be reused from
    /// here on, unless the guard process itself was killed and its group lives on.
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
            TerminalCommand::Output(op_id) => {
                let (text, truncated) = self.output.text();
                self.complete(
                    op_id,
                    ClientOpResult::TerminalOutput { text, truncated, ended: self.exit.clone() },
                )
                .await;
            }
            TerminalCommand::WaitForExit(op_id) => match self.exit.clone() {
                Some(ended) => self.complete(op_id, ClientOpResult::Exited(ended)).await,
                None if self.exit_waiters.len() < COMMAND_QUEUE => self.exit_waiters.push(op_id),
                None => {
                    let outcome = Err("too many requests wait for this terminal to exit".to_owned());
                    self.emit(ClientOpEvent::Completed { op_id, outcome }).await;
                }
            },
            TerminalCommand::Kill(op_id) => {
                self.group_guard = None;
                self.complete(op_id, ClientOpResult::Done).await;
            }
        }
    }

    fn push_output(&mut self, said: &[u8]) {
        self.output.push(said);
        self.unsent.push(said);
        self.flush_at.get_or_insert_with(|| Instant::now() + OUTPUT_INTERVAL);
    }

    /// Sends the unsent output; with `all` also an incomplete character.
    async fn flush_output(&mut self, all: bool) {
        self.flush_at = None;
        let text = if all { self.unsent.take_rest() } else { self.unsent.take_text() };
        if text.is_empty() {
            return;
        }
        self.emit(ClientOpEvent::TerminalOutput { terminal: self.name.clone(), text }).await;
    }

    async fn finish(&mut self, ended: TerminalExit) {
        self.flush_output(true).await;
        self.exit = Some(ended.clone());
        for op_id in std::mem::take(&mut self.exit_waiters) {
            self.complete(op_id, ClientOpResult::Exited(ended.clone())).await;
        }
    }

    async fn complete(&self, op_id: u64, result: ClientOpResult) {
        self.emit(ClientOpEvent::Completed { op_id, outcome: Ok(result) }).await;
    }

    /// The slot may have ended; then nobody needs the event.
    async fn emit(&self, event: ClientOpEvent) {
        self.events_tx.send((self.process, event)).await.ok();
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
