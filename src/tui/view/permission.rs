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

/// Rows of the request's text that are shown at once where it has not the whole
/// pane.
const DETAIL_ROWS: usize = 12;

/// The request that comes first, as lines of one width.
#[derive(Debug, Default)]
pub struct CardLines {
    title: Vec<Line<'static>>,
    detail: Vec<Line<'static>>,
    keys: Line<'static>,
    scroll: usize,
    full_screen: bool,
}

/// How much of a request was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardExtent {
    /// Its last line was in sight.
    pub end: bool,
    /// Lines that it can be scrolled down by.
    pub max_scroll: usize,
    /// Rows of its text that fit.
    pub rows: usize,
}

impl CardLines {
    /// The rows it wants.
    pub fn height(&self) -> u16 {
        if self.keys.spans.is_empty() {
            return 0;
        }
        let rows = if self.full_screen { usize::from(u16::MAX) } else { DETAIL_ROWS };
        (self.title.len() + self.detail.len().min(rows) + 1).min(usize::from(u16::MAX)) as u16
    }

    /// It wants the whole pane.
    pub fn is_full_screen(&self) -> bool {
        self.full_screen
    }
}

/// The request that comes first, if there is one.
pub fn lines(app: &App, width: u16, theme: &Theme) -> CardLines {
    let Some(first) = app.permissions.front() else { return CardLines::default() };
    let request = &first.request;
    let width = usize::from(width);
    let focused = app.focus == Focus::Permission;
    let bar = if focused { theme.warn } else { theme.dim };
    let tool = text::clean_line(&request.tool).into_owned();
    let session = text::clean_line(app.display_name(app.agent.active)).into_owned();
    let title = vec![
        Span::styled("┃ ", bar),
        Span::styled(tool, theme.tool),
        Span::raw(" wants to run in "),
        Span::raw(format!("“{session}”")),
    ];
    let count = Span::styled(format!("1 of {} ", app.permissions.len()), theme.dim);
    let title = vec![Line::default(), spans::left_and_right(title, vec![count], width)];
    let mut detail = detail(request, theme, width.saturating_sub(4));
    if let Some(description) = &request.description {
        detail.push(Line::styled(text::clean_line(description).into_owned(), theme.dim));
    }
    for line in &mut detail {
        line.spans.insert(0, Span::styled("┃   ", bar));
        *line = Line::from(spans::clip(std::mem::take(&mut line.spans), width));
    }
    let mut keys = vec![Span::styled("┃ ", bar)];
    let mut hint = |command, words: &str| {
        let Some(key) = app.keymap.key(KeyContext::Permission, command) else { return };
        if keys.len() > 1 {
            keys.push(Span::styled(" · ", theme.dim));
        }
        keys.push(Span::styled(key.to_string(), theme.accent));
        keys.push(Span::raw(format!(" {words}")));
    };
    if focused && first.end_seen {
        hint(Command::AllowOnce, "once");
        hint(Command::AllowSession, "until the session is left");
        hint(Command::Deny, "no");
        hint(Command::DenyBecause, "deny with a reason");
    } else if focused {
        hint(Command::PageDown, "read on: its end was not on screen yet");
        hint(Command::ToggleFullScreen, "full screen");
        hint(Command::Deny, "no");
    } else if let Some(key) = app.keymap.key(KeyContext::Composer, Command::FocusNext) {
        keys.push(Span::styled(format!("{key} to answer"), theme.dim));
    }
    let keys = Line::from(spans::clip(keys, width));
    CardLines { title, detail, keys, scroll: first.scroll, full_screen: first.full_screen }
}

/// Draws the request. Where there is not room for all, its text scrolls, and says
/// how much is above and below.
pub fn draw(card: &CardLines, frame: &mut Frame<'_>, area: Rect, theme: &Theme) -> CardExtent {
    let height = usize::from(area.height);
    if height == 0 || card.keys.spans.is_empty() {
        return CardExtent::default();
    }
    let title = card.title.len().min(height.saturating_sub(2));
    let room = height.saturating_sub(title + 1);
    let fits = card.detail.len() <= room;
    // One row says what is out of sight.
    let rows = if fits { card.detail.len() } else { room.saturating_sub(1) };
    let max_scroll = card.detail.len() - rows;
    let above = card.scroll.min(max_scroll);
    let below = max_scroll - above;
    let mut shown: Vec<_> = card.title[card.title.len() - title..].to_vec();
    shown.extend(card.detail.iter().skip(above).take(rows).cloned());
    if !fits {
        shown.push(Line::styled(format!("┃   … {above} lines above, {below} below"), theme.dim));
    }
    shown.push(card.keys.clone());
    frame.render_widget(Paragraph::new(shown), area);
    CardExtent { end: below == 0 && rows > 0, max_scroll, rows }
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
