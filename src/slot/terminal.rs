//! A slot whose program runs in a pseudo-terminal: the official interactive
//! `claude`, one process for all sessions.
//!
//! Owns the process, its screen and the task around both. Everybody else holds a
//! [`SlotHandle`], as for any slot, and an [`AgentTerminal`] to draw the screen
//! and to forward keys. Switches are typed as the program's own commands; hooks
//! confirm them, and the screen is never parsed.

mod hooks;
mod machine;
mod pty;

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command as Program;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use self::hooks::{HookListener, HookReport};
use self::machine::{TerminalEffect, TerminalMachine, TerminalSlotInput};
use self::pty::{Emulator, Pty};
use super::handle::SlotCommand;
use super::machine::Now;
use super::process::hotseat_executable;
use super::{Launch, SlotEvent, SlotHandle, log};
use crate::session::SessionId;
use crate::sys::guarded::{guarded_command, guarded_stdout};

/// Commands, reports and keys that may wait for the slot's task.
const QUEUE: usize = 256;
/// Timeout of `--version`.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of its answer that are read.
const VERSION_BYTES: u64 = 4096;

/// The terminal of a slot; cheap to clone.
#[derive(Clone)]
pub struct AgentTerminal {
    screen: Arc<Mutex<TerminalScreen>>,
    inputs: mpsc::Sender<TerminalSlotInput>,
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
        if self.inputs.try_send(TerminalSlotInput::Typed(keys)).is_err() {
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

    fn scroll_to_end(&self) {
        if let Some(emulator) = &self.lock_screen().emulator {
            pty::lock(emulator).screen_mut().set_scrollback(0);
        }
    }

    fn lock_screen(&self) -> std::sync::MutexGuard<'_, TerminalScreen> {
        self.screen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Starts a program in a terminal of this size (rows, columns) and the task that
/// owns it. `painted` is called from another thread whenever the screen changed.
/// Must be called within a tokio runtime.
pub fn spawn(
    launch: Launch,
    size: (u16, u16),
    repaint: impl Fn() + Send + Sync + 'static,
) -> (SlotHandle, mpsc::Receiver<SlotEvent>, AgentTerminal) {
    let (commands, commands_rx) = mpsc::channel(QUEUE);
    let (events_tx, events_rx) = mpsc::channel(QUEUE);
    let (inputs, waiting) = mpsc::channel(QUEUE);
    let shown = TerminalScreen { emulator: None, size, pty: None };
    let terminal = AgentTerminal { screen: Arc::new(Mutex::new(shown)), inputs };
    let actor = TerminalActor {
        launch,
        terminal: terminal.clone(),
        events_tx,
        on_repaint: Arc::new(repaint),
        hooks: None,
    };
    tokio::spawn(actor.run(commands_rx, waiting));
    (SlotHandle::new(commands), events_rx, terminal)
}

/// Executes the effects of the state machine.
struct TerminalActor {
    launch: Launch,
    terminal: AgentTerminal,
    events_tx: mpsc::Sender<SlotEvent>,
    on_repaint: Arc<dyn Fn() + Send + Sync>,
    /// Reports of the running program; those of a former one are dropped.
    hooks: Option<mpsc::Receiver<HookReport>>,
}

impl TerminalActor {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<SlotCommand>,
        mut inputs: mpsc::Receiver<TerminalSlotInput>,
    ) {
        let mut machine = TerminalMachine::new(self.launch.clone(), is_stored, now());
        let mut steps = VecDeque::from([TerminalSlotInput::Start]);
        let mut handles_dropped = false;
        loop {
            while let Some(input) = steps.pop_front() {
                for effect in machine.step(input, now()) {
                    if matches!(effect, TerminalEffect::Finish) {
                        return;
                    }
                    steps.extend(self.execute(effect).await);
                }
            }
            let deadline = machine.deadline();
            steps.push_back(tokio::select! {
                command = commands.recv(), if !handles_dropped => {
                    handles_dropped = command.is_none();
                    command.map_or(TerminalSlotInput::HandlesDropped, TerminalSlotInput::Command)
                }
                Some(input) = inputs.recv() => input,
                Some(report) = next_report(&mut self.hooks) => TerminalSlotInput::Report(report),
                () = sleep_until_deadline(deadline) => TerminalSlotInput::Tick,
            });
        }
    }

    /// Executes an effect; returns the input that results at once, if any.
    async fn execute(&mut self, effect: TerminalEffect) -> Option<TerminalSlotInput> {
        match effect {
            TerminalEffect::Spawn(session) => {
                return Some(match self.start(session) {
                    Ok(pid) => TerminalSlotInput::Started(pid),
                    Err(reason) => TerminalSlotInput::Ended(reason, Vec::new()),
                });
            }
            TerminalEffect::SendKeys(keys) => {
                if let Some(pty) = &self.terminal.lock_screen().pty {
                    pty.send(keys);
                }
            }
            TerminalEffect::Signal(signal) => {
                if let Some(pty) = &self.terminal.lock_screen().pty {
                    pty.signal(signal);
                }
            }
            TerminalEffect::Emit(event) => {
                log::log_event(&event);
                // Nobody who reads: then nobody wants to know.
                self.events_tx.send(*event).await.ok();
            }
            // The loop ends with it.
            TerminalEffect::Finish => {}
        }
        None
    }

    /// Starts the program and returns its pid; an error is for a person.
    fn start(&mut self, session: Option<SessionId>) -> Result<u32, String> {
        let launch = &self.launch;
        let failed = |error: &dyn std::fmt::Display| {
            format!("could not start {}: {error:#}", launch.program.display())
        };
        if !launch.cwd.is_dir() {
            return Err(failed(&format!("the folder {} does not exist", launch.cwd.display())));
        }
        let reporter = launch.guard.clone().map_or_else(std::env::current_exe, Ok);
        let hooks =
            HookListener::new(&reporter.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        let mut program = Program::new(&launch.program);
        program.args(&launch.args).arg("--settings").arg(hooks.settings_path());
        program.args(["--permission-mode", launch.permission_mode.wire_name()]);
        if let Some(model) = &launch.model {
            program.args(["--model", model]);
        }
        if let Some(session) = session {
            program.arg(format!("--resume={session}"));
        }
        program.envs(launch.env.iter().map(|(name, value)| (name, value))).current_dir(&launch.cwd);
        let size = self.terminal.lock_screen().size;
        let (repaint, inputs) = (Arc::clone(&self.on_repaint), self.terminal.inputs.clone());
        let ended = move |reason, screen| {
            // The task may have ended before its program.
            inputs.blocking_send(TerminalSlotInput::Ended(reason, screen)).ok();
        };
        let (pty, emulator) = Pty::start(&program, size, move || repaint(), ended)?;
        tracing::info!(program = %launch.program.display(), pid = pty.pid, "started in a terminal");
        let pid = pty.pid;
        tokio::spawn(probe_version(launch.clone(), self.terminal.inputs.clone()));
        let (reports, events) = mpsc::channel(QUEUE);
        tokio::spawn(hooks.listen(reports));
        self.hooks = Some(events);
        let mut shown = self.terminal.lock_screen();
        (shown.pty, shown.emulator) = (Some(pty), Some(emulator));
        Ok(pid)
    }
}

/// Runs `--version` and reports the result, if any.
async fn probe_version(launch: Launch, inputs: mpsc::Sender<TerminalSlotInput>) {
    let Ok(guard) = hotseat_executable(launch.guard) else { return };
    let mut program = guarded_command(&guard, 0, &launch.program);
    program.args(&launch.args).arg("--version").envs(launch.env).current_dir(launch.cwd);
    if let Ok(Ok(output)) = timeout(VERSION_TIMEOUT, guarded_stdout(&mut program, VERSION_BYTES)).await {
        let said = String::from_utf8_lossy(&output);
        let version = said.split_whitespace().next().unwrap_or_default().to_owned();
        // The task may have ended meanwhile.
        inputs.send(TerminalSlotInput::Version(version)).await.ok();
    }
}

async fn next_report(hooks: &mut Option<mpsc::Receiver<HookReport>>) -> Option<HookReport> {
    match hooks {
        Some(hooks) => hooks.recv().await,
        None => None,
    }
}

async fn sleep_until_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn now() -> Now {
    Now { at: Instant::now(), wall: Utc::now() }
}

/// A session without any entry on disk cannot be resumed.
fn is_stored(transcript: &Path) -> bool {
    std::fs::metadata(transcript).is_ok_and(|file| file.len() > 0)
}
