//! The search for a session, from anywhere.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::figures::age;
use super::theme::Theme;
use super::{composer, overlay, text};
use crate::tui::app::{App, Jump};

/// Draws the search and returns the screen row and hit index of each of its rows.
pub fn draw(app: &App, jump: &Jump, frame: &mut Frame<'_>, theme: &Theme) -> Vec<(u16, usize)> {
    let reading = if jump.reading { " · reading all folders…" } else { "" };
    let title = format!("jump · {} of {}{reading}", jump.hits.len(), jump.rows.len());
    let inner = overlay::open(frame, &title, (90, 18), theme);
    if inner.height < 2 {
        return Vec::new();
    }
    let mut line = jump.line.clone();
    line.set_cursor_line_style(Style::default());
    line.set_cursor_style(composer::cursor(true));
    frame.render_widget(Line::styled("❯ ", theme.accent), Rect { width: 2, height: 1, ..inner });
    frame.render_widget(
        &line,
        Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), height: 1, ..inner },
    );
    let list = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let height = usize::from(list.height);
    let first = jump.cursor.saturating_sub(height - 1);
    let shown = jump.hits.iter().enumerate().skip(first).take(height);
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for (at, (row, lit)) in shown {
        rows.push((list.y + lines.len() as u16, at));
        lines.push(hit(app, jump, *row, lit, at == jump.cursor, usize::from(list.width), theme));
    }
    if jump.hits.is_empty() && !jump.reading {
        lines.push(Line::styled("  no title matches", theme.dim));
    }
    frame.render_widget(Paragraph::new(lines), list);
    rows
}

fn hit(
    app: &App,
    jump: &Jump,
    row: usize,
    lit: &[usize],
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let row = &jump.rows[row];
    let mut left = vec![Span::styled(if selected { "▸ " } else { "  " }, theme.accent)];
    let folder = row.facts.cwd.as_deref().unwrap_or_default();
    let right = vec![
        Span::styled(text::truncate_start(&text::clean_line(folder), 24).into_owned(), theme.dim),
        Span::styled(text::pad_start(&age(app.now, row.active()), 6), theme.dim),
    ];
    let room = width.saturating_sub(text::width_of(&right) + 3);
    let title = text::clean_line(row.facts.title_text()).into_owned();
    let spans = title.chars().enumerate().map(|(at, character)| {
        let style = if lit.contains(&at) { theme.hit } else { Style::default() };
        Span::styled(character.to_string(), style)
    });
    left.extend(text::clip(spans.collect(), room));
    let line = text::spread(left, right, width);
    if selected { line.style(theme.selection) } else { line }
}
