//! A slot whose program runs in a terminal of its own: the official interactive
//! `claude`, one process for all sessions.
//!
//! Owns that process, its screen and the task around both. Everybody else holds
//! a [`SlotHandle`], as for any slot, and a [`Terminal`] to show the screen and
//! to hand on keys. Switches are the program's own commands, typed into it; that
//! they happened is known from its hooks, never from its screen.

mod hooks;
mod machine;
mod pty;

use std::path::Path;
use std::process::{Command as Program, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use self::hooks::{Hooks, Report};
use self::machine::{Effect, Input, Machine};
use self::pty::{Emulator, Pty};
use super::handle::Command;
use super::{Launch, SlotEvent, SlotHandle, log};
use crate::session::SessionId;

/// Commands, reports and keys that may wait for the slot's task.
const WAITING: usize = 256;
/// How long a program may take to say its version.
const VERSION: Duration = Duration::from_secs(5);

/// The terminal of a slot; cheap to clone.
#[derive(Clone)]
pub struct Terminal {
    shown: Arc<Mutex<Shown>>,
    inputs: mpsc::UnboundedSender<Input>,
}

/// What is on the screen, and how large it is to be.
struct Shown {
    /// None until the program was started once.
    emulator: Option<Arc<Mutex<Emulator>>>,
    /// Rows and columns.
    size: (u16, u16),
    /// Tells the program's terminal its size.
    pty: Option<Pty>,
}

impl Terminal {
    /// Looks at the screen; none before the program is started.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> Option<T> {
        let emulator = self.shown().emulator.clone()?;
        let emulator = pty::lock(&emulator);
        Some(look(emulator.screen()))
    }

    /// Hands on what the person typed, as a terminal would send it.
    pub fn send(&self, keys: Vec<u8>) {
        self.scroll_to_end();
        // The task ends with the program.
        let _read_or_gone = self.inputs.send(Input::Typed(keys));
    }

    /// Scrolls back by so many lines, or forth.
    pub fn scroll(&self, lines: isize) {
        if let Some(emulator) = &self.shown().emulator {
            let mut emulator = pty::lock(emulator);
            let at = emulator.screen().scrollback().saturating_add_signed(lines);
            emulator.screen_mut().set_scrollback(at);
        }
    }

    /// Gives the screen another size, in rows and columns; costs nothing where
    /// it has that size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let mut shown = self.shown();
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
        if let Some(emulator) = &self.shown().emulator {
            pty::lock(emulator).screen_mut().set_scrollback(0);
        }
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Starts a program in a terminal of this size (rows and columns) and the task
/// that owns it. `painted` is called, from another thread, when its screen changed. Must be called within
/// a tokio runtime.
pub fn spawn(
    launch: Launch,
    size: (u16, u16),
    painted: impl Fn() + Send + Sync + 'static,
) -> (SlotHandle, mpsc::Receiver<SlotEvent>, Terminal) {
    let (commands, obeyed) = mpsc::channel(WAITING);
    let (told, news) = mpsc::channel(WAITING);
    let (inputs, waiting) = mpsc::unbounded_channel();
    let shown = Shown { emulator: None, size, pty: None };
    let terminal = Terminal { shown: Arc::new(Mutex::new(shown)), inputs };
    let actor = Actor { launch, terminal: terminal.clone(), told, painted: Arc::new(painted), hooks: None };
    tokio::spawn(actor.run(obeyed, waiting));
    (SlotHandle::new(commands), news, terminal)
}

/// Does what the machine says.
struct Actor {
    launch: Launch,
    terminal: Terminal,
    told: mpsc::Sender<SlotEvent>,
    painted: Arc<dyn Fn() + Send + Sync>,
    /// Reports of the program that runs; those of a former one are nobody's.
    hooks: Option<mpsc::Receiver<Report>>,
}

impl Actor {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut inputs: mpsc::UnboundedReceiver<Input>,
    ) {
        let mut machine = Machine::new(self.launch.clone(), is_stored, Instant::now());
        let mut next = Some(Input::Begin);
        let mut abandoned = false;
        loop {
            if let Some(input) = next.take() {
                for effect in machine.step(input, Instant::now()) {
                    if !self.perform(effect).await {
                        return;
                    }
                }
            }
            let deadline = machine.deadline();
            next = tokio::select! {
                command = commands.recv(), if !abandoned => {
                    abandoned = command.is_none();
                    Some(command.map_or(Input::Abandoned, Input::Command))
                }
                Some(input) = inputs.recv() => Some(input),
                Some(report) = reported(&mut self.hooks) => Some(Input::Report(report)),
                () = at(deadline) => Some(Input::Tick),
            };
        }
    }

    /// Does it; `false` after the last one.
    async fn perform(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Spawn(session) => {
                if let Err(reason) = self.start(session) {
                    // The task itself reads them.
                    let _told = self.terminal.inputs.send(Input::Ended(reason, Vec::new()));
                }
            }
            Effect::Send(keys) => {
                if let Some(pty) = &self.terminal.shown().pty {
                    pty.send(keys);
                }
            }
            Effect::Signal(signal) => {
                if let Some(pty) = &self.terminal.shown().pty {
                    pty.signal(signal);
                }
            }
            Effect::Tell(event) => {
                log::note(&event);
                // Nobody who reads: then nobody wants to know.
                let _read_or_gone = self.told.send(*event).await;
            }
            Effect::Finish => return false,
        }
        true
    }

    /// Starts the program; an error is for a person.
    fn start(&mut self, session: Option<SessionId>) -> Result<(), String> {
        let launch = &self.launch;
        let failed = |error: &dyn std::fmt::Display| {
            format!("could not start {}: {error:#}", launch.program.display())
        };
        if !launch.cwd.is_dir() {
            return Err(failed(&format!("the folder {} does not exist", launch.cwd.display())));
        }
        let reporter = launch.guard.clone().map_or_else(std::env::current_exe, Ok);
        let hooks = Hooks::new(&reporter.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        let mut program = Program::new(&launch.program);
        program.args(&launch.args).arg("--settings").arg(hooks.settings());
        program.args(["--permission-mode", launch.permission_mode.wire_name()]);
        if let Some(model) = &launch.model {
            program.args(["--model", model]);
        }
        if let Some(session) = session {
            program.arg(format!("--resume={session}"));
        }
        program.envs(launch.env.iter().map(|(name, value)| (name, value))).current_dir(&launch.cwd);
        let size = self.terminal.shown().size;
        let (painted, inputs) = (Arc::clone(&self.painted), self.terminal.inputs.clone());
        let ended = move |reason, screen| {
            // The task may have ended before its program.
            let _told_or_over = inputs.send(Input::Ended(reason, screen));
        };
        let (pty, emulator) = Pty::start(&program, size, move || painted(), ended)?;
        tracing::info!(program = %launch.program.display(), pid = pty.pid, "started in a terminal");
        let _told = self.terminal.inputs.send(Input::Started(pty.pid));
        tokio::spawn(ask_version(launch.clone(), self.terminal.inputs.clone()));
        let (reports, heard) = mpsc::channel(WAITING);
        tokio::spawn(hooks.listen(reports));
        self.hooks = Some(heard);
        let mut shown = self.terminal.shown();
        (shown.pty, shown.emulator) = (Some(pty), Some(emulator));
        Ok(())
    }
}

/// Asks a program for its version, which is told if it has one.
async fn ask_version(launch: Launch, inputs: mpsc::UnboundedSender<Input>) {
    let mut program = tokio::process::Command::new(&launch.program);
    program.args(&launch.args).arg("--version").envs(launch.env).current_dir(launch.cwd);
    program.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    if let Ok(Ok(output)) = timeout(VERSION, program.output()).await {
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.split_whitespace().next().unwrap_or_default().to_owned();
        // The task may have ended meanwhile.
        let _told_or_over = inputs.send(Input::Version(version));
    }
}

async fn reported(hooks: &mut Option<mpsc::Receiver<Report>>) -> Option<Report> {
    match hooks {
        Some(hooks) => hooks.recv().await,
        None => None,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A session without any entry on disk cannot be resumed.
fn is_stored(transcript: &Path) -> bool {
    std::fs::metadata(transcript).is_ok_and(|file| file.len() > 0)
}
