//! The terminal: taken over at the start, given back whole at the end, however
//! that comes about.

use std::io::{self, Stdout, Write, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// The terminal is ours at the moment: what a panic has to give back.
static TERMINAL_ACQUIRED: AtomicBool = AtomicBool::new(false);

/// A terminal that was taken over; dropping it gives it back.
pub(super) struct Screen {
    /// Never dropped: ratatui 0.30 then says on stderr what it could not do to a
    /// terminal that is gone, which panics because stderr is gone with it.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
    mouse: bool,
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
        enter(mouse)?;
        Ok(Self { terminal: ManuallyDrop::new(Terminal::new(CrosstermBackend::new(stdout()))?), mouse })
    }

    /// What draws.
    pub(super) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Gives the terminal to somebody else: an editor, the shell.
    pub(super) fn release() {
        restore_terminal();
    }

    /// Takes it over again.
    pub(super) fn reacquire(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.invalidate()
    }

    /// Forgets what is on it, so that the next frame draws everything. (The
    /// terminal's own `clear` asks where the cursor is, which not all answer.)
    pub(super) fn invalidate(&mut self) -> io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        self.terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(stdout()))?);
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_terminal();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TERMINAL_ACQUIRED.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        execute!(stdout(), EnableMouseCapture)?;
    }
    // Tells Shift-Enter from Enter where the terminal can; others ignore it.
    execute!(stdout(), PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES))
}

/// Nothing can be done about a terminal that cannot be written to, so errors
/// are passed over: every step is tried.
fn restore_terminal() {
    if !TERMINAL_ACQUIRED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ = execute!(out, PopKeyboardEnhancementFlags);
    let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}
