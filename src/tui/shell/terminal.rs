//! The terminal: acquired at the start, given back whole at the end, however
//! that comes about.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::output::{FrameBuffer, Output};

/// The terminal while it is ours: what a panic has to give back.
static ACQUIRED: Mutex<Option<Output>> = Mutex::new(None);
/// How long a terminal may take to read the last bytes. One that reads nothing
/// (its other end is stopped) must not hold up the end of the program.
const FAREWELL: Duration = Duration::from_millis(500);

type Tui = Terminal<CrosstermBackend<FrameBuffer>>;

/// A terminal that was acquired; dropping it gives it back.
pub(super) struct Screen {
    /// Never dropped: ratatui 0.30 then shows the cursor on a terminal that may
    /// be gone, and complains on a stderr that is gone with it.
    terminal: ManuallyDrop<Tui>,
    output: Output,
    mouse: bool,
    /// What is on the terminal is not known: the next frame draws everything.
    is_invalid: bool,
    /// The terminal's modes before the program started.
    initial_modes: Option<Termios>,
}

impl Screen {
    /// Takes the terminal over. A panic anywhere gives it back first, says what
    /// happened, and ends the program: a screen whose loop is gone helps nobody.
    pub(super) fn acquire(mouse: bool) -> io::Result<Self> {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore_terminal();
            report(panic);
            std::process::exit(101);
        }));
        let initial_modes = tcgetattr(io::stdin()).ok();
        let output = enter(mouse)?;
        let terminal = ManuallyDrop::new(Terminal::new(backend(&output))?);
        Ok(Self { terminal, output, mouse, is_invalid: false, initial_modes })
    }

    /// Draws a frame and hands it to the terminal. It never waits for that one.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if std::mem::take(&mut self.is_invalid) {
            // Clears, and forgets the last frame. (`Terminal::clear` would ask the
            // terminal where its cursor is, which not all answer.)
            let area = self.terminal.size()?.into();
            self.terminal.resize(area)?;
        }
        self.terminal.draw(render).map(drop)
    }

    /// The way to the terminal.
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Gives the terminal to somebody else: an editor, the shell.
    pub(super) fn release() {
        restore_terminal();
    }

    /// Takes it over again, and everything is drawn anew.
    pub(super) fn reacquire(&mut self) -> io::Result<()> {
        self.output = enter(self.mouse)?;
        *self.terminal.backend_mut() = backend(&self.output);
        self.invalidate();
        Ok(())
    }

    /// Has the next frame draw everything, whatever is on the terminal. The
    /// terminal's buffers are used again: making new ones for each resize leaked
    /// a screen each time.
    pub(super) fn invalidate(&mut self) {
        self.is_invalid = true;
    }

    /// Makes the terminal usable again after another program that had it was
    /// killed.
    pub(super) fn recover(&self) {
        if let Some(modes) = &self.initial_modes {
            // A terminal that is gone needs no modes.
            tcsetattr(io::stdin(), OptionalActions::Now, modes).ok();
        }
        if let Ok(output) = Output::start() {
            output.close(farewell(), FAREWELL);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_terminal();
    }
}

fn backend(output: &Output) -> CrosstermBackend<FrameBuffer> {
    CrosstermBackend::new(FrameBuffer::new(output.clone()))
}

fn enter(mouse: bool) -> io::Result<Output> {
    let output = Output::start()?;
    enable_raw_mode()?;
    *ACQUIRED.lock().unwrap_or_else(PoisonError::into_inner) = Some(output.clone());
    let mut frame = FrameBuffer::new(output.clone());
    queue!(frame, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        queue!(frame, EnableMouseCapture)?;
    }
    // Tells Shift-Enter from Enter where the terminal can; others ignore it.
    let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
    queue!(frame, PushKeyboardEnhancementFlags(flags))?;
    frame.flush()?;
    Ok(output)
}

/// Gives the terminal back, once. Nothing can be done about one that takes no
/// bytes, so errors are passed over: every step is tried.
fn restore_terminal() {
    let Some(output) = ACQUIRED.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    output.close(farewell(), FAREWELL);
    disable_raw_mode().ok();
}

/// What undoes everything that [`enter`] asked of the terminal.
fn farewell() -> Vec<u8> {
    let mut bytes = Vec::new();
    queue!(
        bytes,
        PopKeyboardEnhancementFlags,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    )
    .expect("a vector takes every byte");
    bytes
}
