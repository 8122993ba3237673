//! A pseudo-terminal as the transport of a slot: the official interactive
//! `claude`, one process for all sessions.
//!
//! Owns the program's screen, its keys and the listener for its hooks. Everybody
//! else holds a [`SlotHandle`], as for any slot, and an [`AgentTerminal`] to draw
//! the screen and to forward keys. It must never know what is typed: the driver
//! decides that, and the screen is never parsed.

mod hooks;
mod pty;

use std::fmt;
use std::process::Command as Program;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::hooks::HookListener;
use self::pty::{Emulator, Pty};
use super::driver::{SpawnArgs, claude_tty};
use super::machine::{ExitDetails, ProcessId};
use super::process::{ProcessOutput, hotseat_executable};
use super::{COMMAND_QUEUE, EVENT_QUEUE, Launch, SlotEvent, SlotHandle, Transport, actor};
use crate::agent_api::PtyInput;
use crate::sys::guarded::{guarded_command, guarded_stdout};

/// Pieces of typed input that may wait for the slot's task.
const TYPED_QUEUE: usize = 256;
/// Timeout of `--version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of its answer that are read.
const VERSION_BYTES: u64 = 4096;

/// The terminal of a slot; cheap to clone.
#[derive(Clone)]
pub struct AgentTerminal {
    screen: Arc<Mutex<TerminalScreen>>,
    typed_tx: mpsc::Sender<Vec<u8>>,
    on_repaint: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for AgentTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentTerminal")
    }
}

/// The screen and its size.
struct TerminalScreen {
    /// `None` until the program is first started.
    emulator: Option<Arc<Mutex<Emulator>>>,
    /// Rows and columns.
    size: (u16, u16),
    /// The pseudo-terminal, for its size, input and signals.
    pty: Option<Pty>,
}

impl AgentTerminal {
    /// Reads the screen; `None` before the program is started.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> Option<T> {
        let emulator = self.lock_screen().emulator.clone()?;
        let emulator = pty::lock(&emulator);
        Some(look(emulator.screen()))
    }

    /// Forwards typed keys, as a terminal would send them.
    pub fn send(&self, keys: Vec<u8>) {
        self.scroll_to_end();
        if self.typed_tx.try_send(keys).is_err() {
            tracing::debug!("the agent's terminal takes no keys");
        }
    }

    /// Scrolls back by `lines`, or forward if negative.
    pub fn scroll(&self, lines: isize) {
        if let Some(emulator) = &self.lock_screen().emulator {
            let mut emulator = pty::lock(emulator);
            let at = emulator.screen().scrollback().saturating_add_signed(lines);
            emulator.screen_mut().set_scrollback(at);
        }
    }

    /// Resizes the screen. Does nothing if it has that size already.
    pub fn resize(&self, rows: u16, columns: u16) {
        let mut shown = self.lock_screen();
        if shown.size == (rows, columns) || rows == 0 || columns == 0 {
            return;
        }
        shown.size = (rows, columns);
        if let Some(emulator) = &shown.emulator {
            pty::lock(emulator).set_size(pty::cells(rows), pty::cells(columns));
        }
        if let Some(pty) = &shown.pty
            && let Err(error) = pty.resize(rows, columns)
        {
            tracing::warn!(%error, "the agent's terminal could not be resized");
        }
    }

    /// Starts the program of a launch, with hooks that report as lines of the
    /// process with this id. Returns its pid; an error is for a person.
    pub(super) fn start(
        &self,
        launch: &Launch,
        start: &SpawnArgs,
        id: ProcessId,
        output_tx: mpsc::Sender<(ProcessId, ProcessOutput)>,
    ) -> Result<u32, String> {
        let failed =
            |error: &dyn fmt::Display| format!("could not start {}: {error:#}", launch.program.display());
        let reporter = hotseat_executable(launch.guard.clone()).map_err(|error| failed(&error))?;
        let hooks = HookListener::new(&reporter).map_err(|error| failed(&error))?;
        let mut program = Program::new(&launch.program);
        program.args(&launch.args).arg("--settings").arg(hooks.settings_path()).args(&start.args);
        program.envs(start.env.iter().chain(&launch.env).map(|(name, value)| (name, value)));
        program.current_dir(&launch.cwd);
        let size = self.lock_screen().size;
        let (repaint, ended_tx) = (Arc::clone(&self.on_repaint), output_tx.clone());
        let (is_running, has_ended) = oneshot::channel();
        let ended = move |code, reason, stderr| {
            drop(is_running);
            // The slot may have ended before its program.
            ended_tx.blocking_send((id, ProcessOutput::Ended(ExitDetails { code, reason, stderr }))).ok();
        };
        let (pty, emulator) = Pty::start(&program, size, move || repaint(), ended)?;
        let pid = pty.pid;
        tokio::spawn(probe_version(launch.clone(), id, output_tx.clone()));
        tokio::spawn(hooks.listen(id, output_tx, has_ended));
        let mut shown = self.lock_screen();
        (shown.pty, shown.emulator) = (Some(pty), Some(emulator));
        Ok(pid)
    }

    /// Has the program read this.
    pub(super) fn send_input(&self, input: PtyInput) {
        if let Some(pty) = &self.lock_screen().pty {
            pty.send(input);
        }
    }

    /// Signals the program and all that it started.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pty) = &self.lock_screen().pty {
            pty.signal(signal);
        }
    }

    fn scroll_to_end(&self) {
        if let Some(emulator) = &self.lock_screen().emulator {
            pty::lock(emulator).screen_mut().set_scrollback(0);
        }
    }

    fn lock_screen(&self) -> std::sync::MutexGuard<'_, TerminalScreen> {
        self.screen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Starts the official program in a terminal of this size (rows, columns) and the
/// task that owns it. `repaint` is called from another thread whenever the screen
/// changed. Must be called within a tokio runtime.
pub fn spawn(
    launch: Launch,
    size: (u16, u16),
    repaint: impl Fn() + Send + Sync + 'static,
) -> (SlotHandle, mpsc::Receiver<SlotEvent>, AgentTerminal) {
    let (commands_tx, commands_rx) = mpsc::channel(COMMAND_QUEUE);
    let (events_tx, events_rx) = mpsc::channel(EVENT_QUEUE);
    let (typed_tx, typed_rx) = mpsc::channel(TYPED_QUEUE);
    let shown = TerminalScreen { emulator: None, size, pty: None };
    let screen = Arc::new(Mutex::new(shown));
    let terminal = AgentTerminal { screen, typed_tx, on_repaint: Arc::new(repaint) };
    let transport = Transport::Pty(terminal.clone());
    let launch = Launch { driver: claude_tty, transport, ..launch };
    tokio::spawn(actor::run(launch, commands_rx, events_tx, Some(typed_rx)));
    (SlotHandle::new(commands_tx), events_rx, terminal)
}

/// Runs `--version` and reports the result as a line, if any.
async fn probe_version(launch: Launch, id: ProcessId, output_tx: mpsc::Sender<(ProcessId, ProcessOutput)>) {
    let Ok(guard) = hotseat_executable(launch.guard) else { return };
    let mut program = guarded_command(&guard, 0, &launch.program);
    program.args(&launch.args).arg("--version").envs(launch.env).current_dir(launch.cwd);
    if let Ok(Ok(output)) = timeout(VERSION_TIMEOUT, guarded_stdout(&mut program, VERSION_BYTES)).await {
        let said = String::from_utf8_lossy(&output);
        let version = said.split_whitespace().next().unwrap_or_default().to_owned();
        // The slot may have ended meanwhile.
        output_tx.send((id, ProcessOutput::Line(json!({"version": version})))).await.ok();
    }
}
