//! The permission card: a tool call that waits for an answer.
//!
//! What a person approves must be what runs, so the card never shortens what it
//! is about: the body holds every field of the input, every byte visible, and
//! scrolls if it does not fit; only its frame (who asks, what the answers cover)
//! is ours. It never decides whether an answer counts: the state does that, from
//! the [`CardExtent`] of the last frame. Start at [`card`].

mod body;

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use self::body::{BodyRow, BodyWriter};
use super::spans;
use super::theme::Theme;
use crate::slot::{PermissionRequest, PermissionTarget};
use crate::text::{self, Fragment};
use crate::tui::app::{App, Command, Focus, KeyContext, PermissionCard};

/// Columns of the card's edge.
const EDGE_WIDTH: usize = 4;
/// Rows of the body that a card asks for unless it is on the full screen.
const MAX_BODY_ROWS: usize = 16;

/// A card laid out at a width.
#[derive(Debug, Default)]
pub struct Card {
    header: Vec<Line<'static>>,
    body: Vec<BodyRow>,
    footer: Vec<Line<'static>>,
    edge: Style,
    note: Style,
    scroll: usize,
    is_full_screen: bool,
}

/// How much of a card was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardExtent {
    /// The last row of the body was visible.
    pub end: bool,
    /// Rows that the body can be scrolled down by.
    pub max_scroll: usize,
    /// Rows of the body that were visible.
    pub rows: usize,
}

impl Card {
    /// The rows it would like to have; 0 if nothing waits for an answer.
    pub fn height(&self) -> u16 {
        let body = if self.is_full_screen { self.body.len() } else { self.body.len().min(MAX_BODY_ROWS) };
        // One more row says how much is out of sight.
        let more = usize::from(self.body.len() > body);
        (self.header.len() + body + more + self.footer.len()).min(usize::from(u16::MAX)) as u16
    }

    /// It wants the whole conversation pane.
    pub fn is_full_screen(&self) -> bool {
        self.is_full_screen
    }
}

/// Lays out the first request; empty if nothing waits for an answer.
pub fn card(app: &App, width: u16, theme: &Theme) -> Card {
    let Some(first) = app.permissions.front() else { return Card::default() };
    let width = usize::from(width);
    let edge = if app.focus == Focus::Permission { theme.warn } else { theme.dim };
    Card {
        header: header(app, &first.request, width, edge, theme),
        body: body(app, &first.request, width.saturating_sub(EDGE_WIDTH), theme),
        footer: footer(app, first, width, edge, theme),
        edge,
        note: theme.dim,
        scroll: first.scroll,
        is_full_screen: first.full_screen,
    }
}

/// Who asks, for which tool, in which session.
fn header(
    app: &App,
    request: &PermissionRequest,
    width: usize,
    edge: Style,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let title = vec![
        Span::styled("┃ ", edge),
        Span::raw(wish(app, request, width)),
        Span::styled(text::clean_line(&request.tool).into_owned(), theme.tool),
    ];
    let count = Span::styled(count(app), theme.dim);
    let session = format!("in the session “{}”", text::clean_line(app.display_name(app.agent.active)));
    let session = vec![Span::styled("┃ ", edge), Span::styled(session, theme.dim)];
    vec![
        Line::default(),
        spans::left_and_right(title, vec![count], width),
        Line::from(spans::clip(session, width)),
    ]
}

/// Who wants what, before the tool's name: in few words where the name would not
/// fit behind more.
fn wish(app: &App, request: &PermissionRequest, width: usize) -> String {
    let agent = app.agent.info.as_ref().map_or(app.agent.name.as_str(), |info| info.name.as_str());
    let agent = text::clean_line(agent);
    let whole = format!("{agent} wants to {} ", intent(request));
    if fits_header(app, &whole, &request.tool, width) { whole } else { format!("{agent} wants to use ") }
}

fn count(app: &App) -> String {
    format!("1 of {} ", app.permissions.len())
}

fn fits_header(app: &App, wish: &str, tool: &str, width: usize) -> bool {
    // The edge before the title, and a blank behind it.
    [wish, tool, &count(app)].map(text::width).iter().sum::<usize>() + 3 <= width
}

/// Whether the header shows the tool's name as it is.
fn header_names_tool(app: &App, request: &PermissionRequest, width: usize) -> bool {
    matches!(text::reveal(&request.tool).as_slice(), [Fragment::Plain(_)])
        && fits_header(app, &wish(app, request, width), &request.tool, width)
}

/// What the tool does, as a verb before its name.
fn intent(request: &PermissionRequest) -> &'static str {
    match request.tool.as_str() {
        "Bash" => "run a command with",
        "Write" | "NotebookEdit" | "Edit" | "MultiEdit" => "change files with",
        "Read" | "Glob" | "Grep" | "LS" => "read files with",
        "WebFetch" | "WebSearch" => "use the network with",
        _ => "use",
    }
}

/// All that would run, and on what.
fn body(app: &App, request: &PermissionRequest, width: usize, theme: &Theme) -> Vec<BodyRow> {
    let mut writer = BodyWriter::new(width, theme);
    let primary = writer.primary_field(&request.input);
    let folder = app.agent.folder.as_deref().unwrap_or_else(|| app.opened_folder());
    for target in request.targets.iter().filter(|target| says_more(target, folder)) {
        let outside = if target.inside { "" } else { ", outside the folder" };
        let protected = if target.protected { ", a protected file" } else { "" };
        let words = format!("→ {} is {}{outside}{protected}", target.named, target.real.display());
        writer.note(&words, theme.warn);
    }
    if let Some(cwd) = &request.cwd {
        writer.note(&format!("runs in {}", cwd.display()), theme.warn);
    }
    if let Some(path) = &request.blocked_path {
        writer.note(&format!("concerns {path}"), theme.warn);
    }
    if let Some(reason) = &request.reason {
        writer.note(&format!("asked because: {reason}"), theme.warn);
    }
    // ACP agents may have no name for a tool but the title.
    let is_named = request.description.as_ref() == Some(&request.tool);
    if !is_named && !header_names_tool(app, request, width + EDGE_WIDTH) {
        writer.labelled("tool", &request.tool);
    }
    writer.other_fields(&request.input, primary);
    if let Some(description) = &request.description {
        writer.labelled("the agent says", description);
    }
    writer.into_rows()
}

/// Whether a file is not simply the one that its name says.
fn says_more(target: &PermissionTarget, folder: &Path) -> bool {
    target.is_redirected(folder) || !target.inside || target.protected
}

/// The keys, and what each answer covers.
fn footer(app: &App, card: &PermissionCard, width: usize, edge: Style, theme: &Theme) -> Vec<Line<'static>> {
    let key = |context, command| app.keymap.key(context, command).map(|key| key.to_string());
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut hint = |command, words: String| {
        parts.extend(key(KeyContext::Permission, command).map(|key| (key, words)));
    };
    if app.focus != Focus::Permission {
        let answer = key(KeyContext::Composer, Command::FocusNext);
        parts.extend(answer.map(|key| (key, "answer".to_owned())));
    } else if card.end_seen {
        hint(Command::AllowOnce, "allow once".to_owned());
        if let Some(scope) = &card.request.session_scope {
            let scope = text::clean_line(&scope.to_string()).into_owned();
            hint(Command::AllowSession, format!("allow {scope} until the session is left"));
        }
        hint(Command::Deny, "deny".to_owned());
        hint(Command::DenyBecause, "deny with a reason".to_owned());
    } else {
        hint(Command::PageDown, "read to the end to allow".to_owned());
        hint(Command::ToggleFullScreen, "full screen".to_owned());
        hint(Command::Deny, "deny".to_owned());
    }
    let mut lines = Vec::new();
    let mut line = vec![Span::styled("┃ ", edge)];
    for (key, words) in parts {
        let cells = text::width(&key) + 1 + text::width(&words);
        let is_first = line.len() == 1;
        if !is_first && spans::spans_width(&line) + 3 + cells > width {
            lines.push(Line::from(std::mem::replace(&mut line, vec![Span::styled("┃ ", edge)])));
        } else if !is_first {
            line.push(Span::styled(" · ", theme.dim));
        }
        line.push(Span::styled(key, theme.accent));
        line.push(Span::raw(format!(" {words}")));
    }
    lines.push(Line::from(line));
    lines.into_iter().flat_map(|line| spans::wrap(&line.spans, width)).collect()
}

/// Draws the card. On a small screen the frame around the body gives way first.
pub fn draw(card: &Card, frame: &mut Frame<'_>, area: Rect) -> CardExtent {
    let height = usize::from(area.height);
    if height == 0 || card.footer.is_empty() {
        return CardExtent::default();
    }
    let footer = card.footer.len().min((height / 3).max(1)).min(height - 1);
    // The blank row goes first, then the session, then the title.
    let header: &[Line<'static>] = match (height - footer).saturating_sub(card.body.len().min(3)) {
        0 => &[],
        1 => &card.header[1..2],
        2 => &card.header[1..],
        _ => &card.header,
    };
    let room = height - footer - header.len();
    let fits = card.body.len() <= room;
    let rows = if fits { card.body.len() } else { room.saturating_sub(1).max(1) };
    let max_scroll = card.body.len() - rows;
    let above = card.scroll.min(max_scroll);
    let mut lines = header.to_vec();
    lines.extend(card.body.iter().skip(above).take(rows).map(|row| {
        let edge = if row.is_continuation { "┃ ↪ " } else { "┃   " };
        let mut line = row.line.clone();
        line.spans.insert(0, Span::styled(edge, card.edge));
        line
    }));
    if !fits && rows < room {
        let below = max_scroll - above;
        let note = format!("… {above} rows above, {below} below");
        lines.push(Line::from(vec![Span::styled("┃ ", card.edge), Span::styled(note, card.note)]));
    }
    lines.extend(card.footer.iter().take(footer).cloned());
    frame.render_widget(Paragraph::new(lines), area);
    CardExtent { end: above == max_scroll, max_scroll, rows }
}

#[cfg(test)]
mod tests;
