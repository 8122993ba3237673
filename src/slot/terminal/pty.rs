//! A program in a pseudo-terminal and its emulated screen.
//!
//! Owns the process, both directions of its terminal, and the emulator. Its
//! output reaches nothing else: clipboard, title and bell sequences are dropped.
//! It must not depend on which program it is.

use std::io::{self, Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc as thread_channel;
use std::sync::{Arc, Mutex, PoisonError};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::agent_api::PtyInput;

/// Lines of scrollback.
const SCROLLBACK: usize = 5_000;
/// Pieces of input that may wait for a program that does not read.
const INPUT_QUEUE: usize = 1024;
/// Bytes that are read at once.
const READ_BUFFER: usize = 64 * 1024;

/// A program in a terminal. When it is dropped, the terminal hangs up.
pub(super) struct Pty {
    /// The program itself.
    pub pid: u32,
    keys: thread_channel::SyncSender<PtyInput>,
    master: Box<dyn MasterPty + Send>,
}

/// The screen of a program: rows, columns, colours, modes.
pub(super) type Emulator = vt100::Parser<PtyResponder>;

/// Answers the terminal queries of the program: device attributes, status and
/// cursor position.
pub(super) struct PtyResponder {
    keys: thread_channel::SyncSender<PtyInput>,
}

impl Pty {
    /// Starts a program in a terminal of this size. `painted` is called, from
    /// another thread, when its screen changed; `ended` once, at its
    /// end, with its exit code, the reason and the lines of its screen. An error is
    /// for a person.
    pub(super) fn start(
        command: &std::process::Command,
        (rows, columns): (u16, u16),
        on_repaint: impl Fn() + Send + 'static,
        ended: impl FnOnce(Option<i32>, String, Vec<String>) + Send + 'static,
    ) -> Result<(Self, Arc<Mutex<Emulator>>), String> {
        let program = Path::new(command.get_program()).display().to_string();
        let failed = |error: &dyn std::fmt::Display| format!("could not start {program}: {error}");
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|error| failed(&error))?;
        let mut child = pair.slave.spawn_command(command_builder(command)).map_err(|error| failed(&error))?;
        // Ours would keep the terminal open after its program ended.
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().map_err(|error| failed(&error))?;
        let input = pair.master.take_writer().map_err(|error| failed(&error))?;
        let pid = child.process_id().unwrap_or_default();
        let (keys, waiting) = thread_channel::sync_channel(INPUT_QUEUE);
        std::thread::spawn(move || write_input(input, &waiting));
        let answers = PtyResponder { keys: keys.clone() };
        let emulator = vt100::Parser::new_with_callbacks(cells(rows), cells(columns), SCROLLBACK, answers);
        let emulator = Arc::new(Mutex::new(emulator));
        let painting = Arc::clone(&emulator);
        std::thread::spawn(move || {
            let mut chunk = vec![0; READ_BUFFER];
            // The end of its program reads as an error on Linux.
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                lock(&painting).process(&chunk[..count]);
                on_repaint();
            }
            let status = child.wait();
            let code = status.as_ref().ok().and_then(|status| i32::try_from(status.exit_code()).ok());
            let reason = status.map_or_else(|error| error.to_string(), |status| describe_exit(&status));
            ended(code, reason, screen_lines(lock(&painting).screen()));
        });
        Ok((Self { pid, keys, master: pair.master }, emulator))
    }

    /// Gives the program something to read.
    pub(super) fn send(&self, keys: PtyInput) {
        queue_input(&self.keys, keys);
    }

    /// The terminal has another size now.
    pub(super) fn resize(&self, rows: u16, columns: u16) -> io::Result<()> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).map_err(io::Error::other)
    }

    /// Signals the program and all that it started: it leads a group of its own.
    pub(super) fn signal(&self, signal: Signal) {
        let Some(group) = Pid::from_raw(self.pid.cast_signed()) else { return };
        if let Err(error) = kill_process_group(group, signal) {
            tracing::debug!(pid = self.pid, ?signal, %error, "no process left to signal");
        }
    }
}

impl vt100::Callbacks for PtyResponder {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let answer = match (first, last, params.first().and_then(|param| param.first())) {
            // Who are you? A VT220 with colours.
            (None, 'c', _) => "\x1b[?62;22c".to_owned(),
            (None, 'n', Some(5)) => "\x1b[0n".to_owned(),
            (None, 'n', Some(6)) => {
                let (row, column) = screen.cursor_position();
                format!("\x1b[{};{}R", row + 1, column + 1)
            }
            _ => return,
        };
        queue_input(&self.keys, PtyInput::Bytes(answer.into_bytes()));
    }
}

/// Locks the emulator. If another thread panicked while drawing, the next output
/// repairs the screen, so poisoning is ignored.
pub(super) fn lock(emulator: &Mutex<Emulator>) -> std::sync::MutexGuard<'_, Emulator> {
    emulator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A terminal has at least one row and one column.
pub(super) fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap_or(NonZero::<u16>::MIN)
}

/// The same command for a terminal that has all colours.
fn command_builder(command: &std::process::Command) -> CommandBuilder {
    let mut built = CommandBuilder::new(command.get_program());
    built.args(command.get_args());
    built.env("TERM", "xterm-256color");
    built.env("COLORTERM", "truecolor");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => built.env(name, value),
            None => built.env_remove(name),
        }
    }
    if let Some(folder) = command.get_current_dir() {
        built.cwd(folder);
    }
    built
}

/// Queues input. A program that does not read, or is gone, loses it; its end is
/// reported elsewhere.
fn queue_input(keys: &thread_channel::SyncSender<PtyInput>, input: PtyInput) {
    if keys.try_send(input).is_err() {
        tracing::debug!("the program in the terminal does not read");
    }
}

fn write_input(mut input: impl Write, waiting: &thread_channel::Receiver<PtyInput>) {
    for keys in waiting {
        match keys {
            PtyInput::Bytes(bytes) => {
                if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
            PtyInput::Pause(pause) => std::thread::sleep(pause),
        }
    }
}

/// The lines of a screen that hold something.
fn screen_lines(screen: &vt100::Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).filter(|line| !line.trim().is_empty()).collect()
}

fn describe_exit(status: &ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("killed by {signal}"),
        None => format!("exit {}", status.exit_code()),
    }
}
