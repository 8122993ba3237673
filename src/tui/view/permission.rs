//! The permission card: a tool that waits for an answer, and the keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use serde_json::Value;

use super::spans;
use super::theme::Theme;
use crate::slot::PermissionRequest;
use crate::text;
use crate::tui::app::{App, Command, Focus, KeyContext};

/// Rows of the detail; the last one says how many more there are.
const MAX_DETAIL_ROWS: usize = 12;

/// The first request as lines of at most this width.
pub fn lines(app: &App, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let Some(first) = app.permissions.front() else { return Vec::new() };
    let request = &first.request;
    let width = usize::from(width);
    let focused = app.focus == Focus::Permission;
    let bar = if focused { theme.warn } else { theme.dim };
    let tool = text::clean_line(&request.tool).into_owned();
    let title = vec![Span::styled("┃ ", bar), Span::styled(tool, theme.tool), Span::raw(" wants to run")];
    let count = Span::styled(format!("1 of {} ", app.permissions.len()), theme.dim);
    let mut lines = vec![Line::default(), spans::left_and_right(title, vec![count], width)];
    let mut detail = detail(request, theme, width.saturating_sub(4));
    if detail.len() > MAX_DETAIL_ROWS {
        let more = detail.len() - MAX_DETAIL_ROWS + 1;
        detail.truncate(MAX_DETAIL_ROWS - 1);
        detail.push(Line::styled(format!("… {more} more lines"), theme.dim));
    }
    if let Some(description) = &request.description {
        detail.push(Line::styled(text::clean_line(description).into_owned(), theme.dim));
    }
    for mut line in detail {
        line.spans.insert(0, Span::styled("┃   ", bar));
        lines.push(Line::from(spans::clip(line.spans, width)));
    }
    let mut keys = vec![Span::styled("┃ ", bar)];
    if focused {
        for (command, words) in [
            (Command::AllowOnce, "once"),
            (Command::AllowSession, "this session"),
            (Command::Deny, "no"),
            (Command::DenyBecause, "no, because…"),
        ] {
            let Some(key) = app.keymap.key(KeyContext::Permission, command) else { continue };
            if keys.len() > 1 {
                keys.push(Span::styled(" · ", theme.dim));
            }
            keys.push(Span::styled(key.to_string(), theme.accent));
            keys.push(Span::raw(format!(" {words}")));
        }
    } else if let Some(key) = app.keymap.key(KeyContext::Composer, Command::FocusNext) {
        keys.push(Span::styled(format!("{key} to answer"), theme.dim));
    }
    lines.push(Line::from(spans::clip(keys, width)));
    lines
}

/// Draws the request.
pub fn draw(lines: &[Line<'static>], frame: &mut Frame<'_>, area: Rect) {
    // Where there is not room for all, the keys are the last thing to go.
    let surplus = lines.len().saturating_sub(usize::from(area.height));
    let kept = lines.len().saturating_sub(1 + surplus);
    let shown: Vec<_> = lines.iter().take(kept).chain(lines.last()).cloned().collect();
    frame.render_widget(Paragraph::new(shown), area);
}

/// What will run: the command, the file and its new content, or the input as JSON.
fn detail(request: &PermissionRequest, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let field = |name: &str| request.input.get(name).and_then(Value::as_str);
    let wrapped = |words: &str, style| spans::wrap_text(&text::clean(words), style, width.max(1));
    let plain = ratatui::style::Style::default();
    if let Some(command) = field("command") {
        return wrapped(command, plain);
    }
    if let Some(path) = field("file_path") {
        let mut lines = wrapped(path, plain);
        for (name, style, sign) in [
            ("old_string", theme.remove, "- "),
            ("new_string", theme.add, "+ "),
            ("content", theme.add, "+ "),
        ] {
            let added = field(name).into_iter().flat_map(str::lines);
            lines.extend(added.flat_map(|line| wrapped(&format!("{sign}{line}"), style)));
        }
        return lines;
    }
    let pretty = serde_json::to_string_pretty(&request.input).unwrap_or_default();
    wrapped(&pretty, plain)
}
