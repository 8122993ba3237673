//! Keys and mouse over the agent's own terminal: all but a few go to the agent.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::super::command::Command;
use super::super::effect::{Effect, TerminalInput};
use super::super::key::Key;
use super::super::keymap::KeyContext;
use super::super::state::{App, Focus};

/// Takes one key.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let screen = isize::from(i16::try_from(app.geometry.terminal.height).unwrap_or(i16::MAX));
    match app.keymap.command_in(KeyContext::Terminal, Key::from(event)) {
        Some(Command::LeaveTerminal) => {
            app.browser.hidden = false;
            app.focus = Focus::Browser;
            Vec::new()
        }
        Some(Command::PageUp) => vec![Effect::ScrollTerminal(screen - 1)],
        Some(Command::PageDown) => vec![Effect::ScrollTerminal(1 - screen)],
        _ => {
            let control_c = event.code == KeyCode::Char('c') && event.modifiers == KeyModifiers::CONTROL;
            app.agent.interrupt_unconfirmed |= app.is_busy() && (event.code == KeyCode::Esc || control_c);
            vec![Effect::TerminalInput(TerminalInput::Key(event))]
        }
    }
}

/// Takes what the mouse did over it; `None` if it happened elsewhere.
pub(super) fn mouse(app: &mut App, mouse: MouseEvent) -> Option<Vec<Effect>> {
    let area = app.geometry.terminal;
    let over = area.contains(Position::new(mouse.column, mouse.row));
    if !over || app.dragging || !app.shows_terminal() || app.overlay.is_some() {
        return None;
    }
    if matches!(mouse.kind, MouseEventKind::Down(_)) {
        app.focus = Focus::Composer;
    }
    let at = (mouse.column - area.x, mouse.row - area.y);
    Some(vec![Effect::TerminalInput(TerminalInput::Mouse { mouse, at })])
}
