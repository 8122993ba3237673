//! The composer: the prompt being written, queued prompts, the toast, completions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::spans;
use super::theme::Theme;
use crate::slot::SlotState;
use crate::text;
use crate::tui::app::{App, Command, Focus, KeyContext, completions};

/// Columns of the `❯` before the text.
const PROMPT_MARK_WIDTH: u16 = 2;
/// Queued prompts listed; the rest are counted.
const MAX_QUEUED_SHOWN: usize = 3;
/// Rows of the completion list.
const MAX_COMPLETIONS: usize = 8;

/// The rows that the text takes at a width, soft wraps included.
pub fn height(app: &App, width: u16) -> u16 {
    let room = usize::from(width.saturating_sub(PROMPT_MARK_WIDTH + 1)).max(1);
    let rows = app.composer.area.lines().iter().map(|line| (text::width(line) / room) + 1).sum::<usize>();
    rows.min(usize::from(u16::MAX)) as u16
}

/// Queued prompts, one line each, then the toast.
pub fn notes(app: &App, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let waits = !matches!(app.agent.state, SlotState::Idle(_));
    let queued = &app.composer.queued;
    if waits && !queued.is_empty() {
        let room = usize::from(width).saturating_sub(4);
        for prompt in queued.iter().take(MAX_QUEUED_SHOWN) {
            let line = text::clean_line(&prompt.text).into_owned();
            lines.push(Line::styled(format!("  ↳ {}", text::truncate(&line, room)), theme.dim));
        }
        let more = queued.len().saturating_sub(MAX_QUEUED_SHOWN);
        if more > 0 {
            lines.push(Line::styled(format!("  ↳ and {more} more"), theme.dim));
        }
    }
    lines.extend(toast_lines(app, width, theme));
    lines
}

/// The toast, on up to three lines.
pub fn toast_lines(app: &App, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let Some(toast) = &app.toast else { return Vec::new() };
    let style = if toast.is_error { theme.error } else { theme.accent };
    let sign = if toast.is_error { "✕ " } else { "· " };
    let spans = [Span::styled(format!("{sign}{}", text::clean_line(&toast.text)), style)];
    spans::wrap(&spans, usize::from(width).max(1)).into_iter().take(3).collect()
}

/// The rule above the composer, heavy and in the accent color while the composer has the focus.
pub fn draw_rule(app: &App, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let (mark, style) = if app.focus == Focus::Composer { ("━", theme.accent) } else { ("─", theme.dim) };
    frame.render_widget(Line::styled(mark.repeat(usize::from(area.width)), style), area);
}

/// Draws the text with its cursor.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let focused = app.focus == Focus::Composer && app.overlay.is_none();
    let mark = if focused { theme.accent } else { theme.dim };
    frame.render_widget(
        Line::styled("❯ ", mark),
        Rect { width: PROMPT_MARK_WIDTH.min(area.width), height: 1, ..area },
    );
    let inner = Rect {
        x: area.x + PROMPT_MARK_WIDTH.min(area.width),
        width: area.width.saturating_sub(PROMPT_MARK_WIDTH),
        ..area
    };
    if app.composer.is_empty() && !focused {
        frame.render_widget(Line::styled(placeholder(app), theme.dim), inner);
        return;
    }
    // The widget's style is its own state: a copy takes the theme's.
    let mut shown = app.composer.area.clone();
    shown.set_cursor_line_style(Style::default());
    shown.set_cursor_style(cursor_style(focused));
    shown.set_placeholder_text(placeholder(app));
    shown.set_placeholder_style(theme.dim);
    frame.render_widget(&shown, inner);
}

/// The cursor: reversed, which every theme can show.
pub fn cursor_style(focused: bool) -> Style {
    if focused { Style::default().add_modifier(Modifier::REVERSED) } else { Style::default() }
}

fn placeholder(app: &App) -> String {
    match &app.agent.state {
        _ if app.agent.replacing_since.is_some() => {
            format!("Sends when {} is ready", text::clean_line(&app.agent.name))
        }
        SlotState::Starting => "Sends when the agent is ready".to_owned(),
        SlotState::Exited(_) => "Sends when the agent runs again (/restart)".to_owned(),
        SlotState::Busy { .. } => "Type to queue a message".to_owned(),
        SlotState::Idle(_) | SlotState::Switching { .. } if app.shows_active() => {
            let jump = app.keymap.key(KeyContext::Composer, Command::Jump);
            jump.map_or_else(String::new, |key| {
                format!("Type a prompt, / for commands, {key} for another session")
            })
        }
        SlotState::Idle(_) | SlotState::Switching { .. } => "Sending resumes this session".to_owned(),
    }
}

/// Draws the completions of a slash command above the composer.
pub fn draw_completions(app: &App, frame: &mut Frame<'_>, composer: Rect, theme: &Theme) {
    let offered = completions(app);
    if app.focus != Focus::Composer || offered.is_empty() || composer.y < 3 {
        return;
    }
    let selected = app.composer.completion.min(offered.len() - 1);
    let height = offered.len().min(MAX_COMPLETIONS).min(usize::from(composer.y - 2));
    let first = selected.saturating_sub(height - 1);
    let area = Rect { y: composer.y - 1 - height as u16, height: height as u16, ..composer };
    let width = usize::from(area.width);
    let lines: Vec<Line<'static>> = offered
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(at, command)| {
            let name = format!("  /{} {}", text::clean_line(&command.name), command.takes);
            let spans = vec![
                Span::styled(text::pad(&name, 28), theme.accent),
                Span::styled(text::clean_line(&command.help).into_owned(), theme.dim),
            ];
            let line = Line::from(spans::clip(spans, width));
            if at == selected { spans::selected(line, theme) } else { line }
        })
        .collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
