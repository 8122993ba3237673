//! One agent process and the tasks around it: one writes its stdin, one reads
//! its stdout, one drains its stderr, one waits for its exit.
//!
//! Owns the pipes. It must never interpret a line.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::driver::{JsonLine, SpawnArgs};
use super::machine::{ExitDetails, ProcessId};
use super::stderr_tail::StderrTail;
use super::terminal::AgentTerminal;
use super::{Launch, Transport};
use crate::agent_api::PtyInput;
use crate::protocol::{Incoming, LineReader, MAX_LINE_BYTES, write_frame};
use crate::sys::process_group::{ProcessGroupGuard, signal_group};

/// Lines that may wait to be written.
const LINE_QUEUE: usize = 256;
/// How long to read on after the process has ended. A descendant that left the
/// group may hold the pipe open for ever.
const PIPE_DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes that are read at once.
const READ_BUFFER: usize = 64 * 1024;

/// A running process.
#[derive(Debug)]
pub(super) struct AgentProcess {
    /// Lines to its stdin, which is closed when this is dropped.
    pub input: Option<mpsc::Sender<JsonLine>>,
    /// The pid of the process that leads the group.
    leader: u32,
    kind: ProcessKind,
}

/// How a process is spoken to.
#[derive(Debug)]
enum ProcessKind {
    Pipes {
        group: Pid,
        exit: watch::Receiver<Option<ExitStatus>>,
    },
    /// The program of this terminal.
    Pty(AgentTerminal),
}

#[derive(Debug)]
pub(super) enum ProcessOutput {
    /// A line on its stdout.
    Line(JsonLine),
    /// It has ended; nothing follows.
    Ended(ExitDetails),
}

impl AgentProcess {
    /// Starts an agent under the guard. If the program itself cannot be started,
    /// the guard reports that on stderr. The error is for a person.
    pub(super) fn spawn(
        launch: &Launch,
        start: &SpawnArgs,
        id: ProcessId,
        output_tx: mpsc::Sender<(ProcessId, ProcessOutput)>,
    ) -> Result<Self, String> {
        let program = launch.program.display();
        let failed = |error: io::Error| format!("could not start {program}: {error}");
        if !launch.cwd.is_dir() {
            return Err(format!(
                "could not start {program}: the folder {} does not exist",
                launch.cwd.display()
            ));
        }
        if let Transport::Pty(terminal) = &launch.transport {
            let leader = terminal.start(launch, start, id, output_tx)?;
            return Ok(Self { input: None, leader, kind: ProcessKind::Pty(terminal.clone()) });
        }
        let guard = hotseat_executable(launch.guard.clone()).map_err(failed)?;
        let mut child = Command::new(guard)
            .args(["guard", "--owner", &std::process::id().to_string(), "--"])
            .arg(&launch.program)
            .args(&launch.args)
            .args(&start.args)
            .envs(start.env.iter().map(|(name, value)| (name, value)))
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let leader = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let (Some(group), Some(stdin), Some(stdout), Some(stderr)) =
            (leader, child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(format!("could not start {program}: its pipes are missing"));
        };
        let (input, to_write) = mpsc::channel(LINE_QUEUE);
        let (ended, exit) = watch::channel(None);
        let tail = Arc::new(Mutex::new(StderrTail::default()));
        tokio::spawn(wait_for_exit(child, ProcessGroupGuard::new(group), ended));
        tokio::spawn(write_stdin(stdin, to_write));
        let errors = tokio::spawn(drain_stderr(stderr, Arc::clone(&tail)));
        tokio::spawn(read_stdout(stdout, id, output_tx, exit.clone(), errors, tail));
        let leader = group.as_raw_nonzero().get().cast_unsigned();
        Ok(Self { input: Some(input), leader, kind: ProcessKind::Pipes { group, exit } })
    }

    /// The pid of the process that leads the group: the guard, or the program in a
    /// terminal.
    pub(super) fn leader_pid(&self) -> u32 {
        self.leader
    }

    /// Signals the process and everything in its group.
    pub(super) fn signal(&self, signal: Signal) {
        match &self.kind {
            ProcessKind::Pipes { group, exit } if exit.borrow().is_none() => signal_group(*group, signal),
            ProcessKind::Pipes { .. } => {}
            ProcessKind::Pty(terminal) => terminal.signal(signal),
        }
    }

    /// Has the program in the terminal read this.
    pub(super) fn send_keys(&self, keys: PtyInput) {
        if let ProcessKind::Pty(terminal) = &self.kind {
            terminal.send_input(keys);
        }
    }

    /// A program in a terminal does not notice that nobody types: it is told.
    pub(super) fn close_terminal(&self) {
        if let ProcessKind::Pty(terminal) = &self.kind {
            terminal.signal(Signal::TERM);
        }
    }
}

/// The hotseat executable: `named` if given, else the running one.
pub(super) fn hotseat_executable(named: Option<PathBuf>) -> io::Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named);
    }
    let running = std::env::current_exe()?;
    // If an update has replaced the file, this link still leads to the running one.
    let replaced = cfg!(target_os = "linux") && !running.exists();
    Ok(if replaced { format!("/proc/{}/exe", std::process::id()).into() } else { running })
}

async fn wait_for_exit(mut child: Child, leash: ProcessGroupGuard, ended: watch::Sender<Option<ExitStatus>>) {
    match child.wait().await {
        Ok(status) => {
            if status.signal().is_none() {
                leash.disarm();
            } else {
                leash.kill_orphaned();
            }
            ended.send_replace(Some(status));
        }
        Err(error) => tracing::error!(%error, "could not wait for the agent"),
    }
}

async fn write_stdin(mut stdin: ChildStdin, mut lines: mpsc::Receiver<JsonLine>) {
    while let Some(line) = lines.recv().await {
        if let Err(error) = write_frame(&mut stdin, &line).await {
            // It is ending or hangs; the exit and the request timeouts notice that.
            tracing::warn!(%error, "could not write to the agent's stdin");
            return;
        }
    }
}

async fn drain_stderr(mut stderr: ChildStderr, tail: Arc<Mutex<StderrTail>>) {
    let mut chunk = vec![0; READ_BUFFER];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        tail.lock().unwrap_or_else(PoisonError::into_inner).push(&chunk[..count]);
    }
}

async fn read_stdout(
    stdout: ChildStdout,
    id: ProcessId,
    output_tx: mpsc::Sender<(ProcessId, ProcessOutput)>,
    mut exit: watch::Receiver<Option<ExitStatus>>,
    errors: JoinHandle<()>,
    tail: Arc<Mutex<StderrTail>>,
) {
    let mut lines = LineReader::new(BufReader::with_capacity(READ_BUFFER, stdout));
    let mut exited = false;
    let mut garbage = 0_u64;
    loop {
        let incoming = if exited {
            timeout(PIPE_DRAIN_TIMEOUT, lines.next()).await.unwrap_or(Ok(None))
        } else {
            tokio::select! {
                incoming = lines.next() => incoming,
                _ = exit.wait_for(Option::is_some) => { exited = true; continue }
            }
        };
        match incoming {
            Ok(Some(Incoming::Frame(line))) => {
                if output_tx.send((id, ProcessOutput::Line(line))).await.is_err() {
                    return;
                }
            }
            Ok(Some(Incoming::TooLong)) => {
                let limit = MAX_LINE_BYTES >> 20;
                tracing::error!(limit, "dropped a line that is too long");
                let note = format!("hotseat: dropped a line of its output longer than {limit} MiB\n");
                tail.lock().unwrap_or_else(PoisonError::into_inner).push(note.as_bytes());
            }
            Ok(Some(Incoming::Garbage(start))) => {
                garbage += 1;
                if garbage.is_power_of_two() {
                    // Enough to recognise it, too little to reveal a conversation.
                    let start: String = start.chars().take(24).collect();
                    tracing::warn!(garbage, ?start, "dropped a line that is not JSON");
                }
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "could not read the agent's stdout");
                break;
            }
        }
    }
    let status = exit.wait_for(Option::is_some).await.ok().and_then(|status| *status);
    let _ = timeout(PIPE_DRAIN_TIMEOUT, errors).await;
    let stderr = tail.lock().unwrap_or_else(PoisonError::into_inner).lines();
    let (code, reason) = status.map_or((None, "lost".to_owned()), describe_exit);
    // The slot may be gone by now, which is as well.
    output_tx.send((id, ProcessOutput::Ended(ExitDetails { code, reason, stderr }))).await.ok();
}

/// How a program under the guard ended: its exit code, and a text for a person.
fn describe_exit(status: ExitStatus) -> (Option<i32>, String) {
    let (code, signal) = code_and_signal(status);
    let exit = || format!("exit {}", code.unwrap_or_default());
    (code, signal.map_or_else(exit, |signal| format!("killed by {signal}")))
}

/// The exit code, and the name of the signal that killed the program. The guard
/// exits as its program did, with 128 + the signal.
pub(super) fn code_and_signal(status: ExitStatus) -> (Option<i32>, Option<String>) {
    let code = status.code();
    let signal = status.signal().or(code.filter(|code| (129..160).contains(code)).map(|code| code - 128));
    (code, signal.map(signal_name))
}

/// Names of the signals whose numbers are the same on every Unix.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
