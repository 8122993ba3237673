//! Draws the terminal of an agent that runs in one, cell by cell.
//!
//! A cell's text is as hostile as any other: it is cleaned and drawn in a style,
//! never passed on as a sequence.

use ratatui::Frame;
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

use crate::slot::terminal::AgentTerminal;
use crate::text;
use crate::tui::app::App;

/// Draws the terminal; nothing before its program started.
pub fn draw(app: &App, terminal: Option<&AgentTerminal>, frame: &mut Frame<'_>, area: Rect) {
    let focused = app.in_terminal();
    if let Some(terminal) = terminal {
        terminal.with_screen(|screen| draw_screen(screen, focused, frame, area));
    }
}

fn draw_screen(screen: &vt100::Screen, focused: bool, frame: &mut Frame<'_>, area: Rect) {
    let buffer = frame.buffer_mut();
    for row in 0..area.height {
        for column in 0..area.width {
            let Some(cell) = screen.cell(row, column) else { continue };
            let at = Position::new(area.x + column, area.y + row);
            if let Some(shown) = buffer.cell_mut(at) {
                draw_cell(cell, shown);
            }
        }
    }
    let (row, column) = screen.cursor_position();
    let live = screen.scrollback() == 0 && !screen.hide_cursor() && focused;
    if live && let Some(cursor) = buffer.cell_mut(Position::new(area.x + column, area.y + row)) {
        cursor.set_style(Style::new().add_modifier(Modifier::REVERSED));
    }
}

fn draw_cell(cell: &vt100::Cell, shown: &mut Cell) {
    let symbol = text::clean_line(cell.contents());
    // The right half of a wide character belongs to the left half.
    shown.set_symbol(if symbol.is_empty() && !cell.is_wide_continuation() { " " } else { &symbol });
    let held = [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ];
    let modifiers = held.iter().filter(|(held, _)| *held).map(|(_, modifier)| *modifier).collect();
    shown.set_style(Style::new().fg(color(cell.fgcolor())).bg(color(cell.bgcolor())).add_modifier(modifiers));
}

fn color(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}
