//! The jump: search for a session by title, or in all messages.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::theme::Theme;
use super::{composer, overlay, search_hits, spans};
use crate::index::TextHit;
use crate::text;
use crate::text::format::{age, grouped};
use crate::tui::app::{App, Jump, SearchScope};

/// Rows of the box at most, its border included.
const MAX_HEIGHT: u16 = 18;

/// Draws the box. Returns the screen row and hit index of each row, for the mouse.
pub fn draw(app: &App, jump: &Jump, frame: &mut Frame<'_>, theme: &Theme) -> Vec<(u16, usize)> {
    // No larger than its hits, so that the conversation behind it can be read.
    let wanted = jump.count().max(1) + jump.ranking.query().errors.len() + 3;
    let height = wanted.min(usize::from(MAX_HEIGHT)) as u16;
    let inner = overlay::open_shrunk_box(frame, &title(app, jump), (90, MAX_HEIGHT), height, theme);
    if inner.height < 2 {
        return Vec::new();
    }
    draw_query(jump, frame, Rect { height: 1, ..inner }, theme);
    let width = usize::from(inner.width);
    let mut lines = search_hits::query_errors(jump.query(), jump.ranking.query(), 2, width, theme);
    lines.truncate(usize::from(inner.height - 2));
    let list = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let height = usize::from(list.height) - lines.len();
    let first = jump.cursor.saturating_sub(height - 1);
    let mut rows = Vec::new();
    for at in (first..jump.count()).take(height) {
        rows.push((list.y + lines.len() as u16, at));
        lines.push(row(app, jump, at, width, theme));
    }
    if rows.is_empty() {
        lines.push(empty(app, jump, theme));
    }
    frame.render_widget(Paragraph::new(lines), list);
    rows
}

/// The box's title: hits, sessions searched, time taken, indexing progress.
fn title(app: &App, jump: &Jump) -> String {
    let found = &jump.text_search.results;
    let texts = jump.scope == SearchScope::Messages;
    let more = if texts && found.more { "+" } else { "" };
    let took = if texts && !found.hits.is_empty() {
        format!(" · {:.0} ms", (found.took.as_secs_f64() * 1000.0).ceil())
    } else {
        String::new()
    };
    let reading = match app.browser.indexing.filter(|_| texts) {
        Some((done, total)) => format!(" · {} of {} indexed", grouped(done), grouped(total)),
        None if jump.reading => " · loading all folders…".to_owned(),
        None => String::new(),
    };
    format!("jump · {}{more} of {}{took}{reading}", grouped(jump.count()), grouped(jump.rows.len()))
}

/// Draws the query and which of titles and messages it searches.
fn draw_query(jump: &Jump, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let of = |place, word: &'static str| {
        Span::styled(word, if jump.scope == place { theme.accent } else { theme.dim })
    };
    let mut places = vec![
        of(SearchScope::Titles, "titles"),
        Span::styled(" / ", theme.dim),
        of(SearchScope::Messages, "messages"),
    ];
    if jump.text_search.tools {
        places.push(of(SearchScope::Messages, " + tools"));
    }
    let cells = spans::spans_width(&places) as u16;
    // On a narrow screen what is typed comes first.
    let cells = if cells * 3 < area.width { cells } else { 0 };
    let typed = Rect { x: area.x + 2, width: area.width.saturating_sub(cells + 3), ..area };
    let mut line = jump.line.clone();
    line.set_cursor_line_style(Style::default());
    line.set_cursor_style(composer::cursor_style(true));
    frame.render_widget(Line::styled("❯ ", theme.accent), Rect { width: 2, ..area });
    frame.render_widget(&line, typed);
    if let Some(completion) = jump.completion() {
        let before = text::width(&text::clean_line(jump.query())) as u16 + 1;
        let rest =
            Rect { x: typed.x + before.min(typed.width), width: typed.width.saturating_sub(before), ..typed };
        let spans = search_hits::completion(jump.query(), &completion, theme);
        frame.render_widget(Line::from(spans::clip(spans, usize::from(rest.width))), rest);
    }
    frame.render_widget(Line::from(places), Rect { x: area.right() - cells, width: cells, ..area });
}

fn empty(app: &App, jump: &Jump, theme: &Theme) -> Line<'static> {
    let finding = &jump.text_search;
    if let Some(problem) = finding.problem.as_deref().filter(|_| jump.scope == SearchScope::Messages) {
        return Line::styled(format!("  {}", text::clean_line(problem)), theme.error);
    }
    let words = match jump.scope {
        SearchScope::Titles if jump.reading => "",
        SearchScope::Titles => "No titles match. Tab searches messages.",
        SearchScope::Messages if jump.ranking.query().words_text().is_empty() => {
            "words, \"a phrase\", begin*, -not; tag: branch: project: … narrow it"
        }
        SearchScope::Messages if app.browser.indexing.is_some() || finding.is_waiting() => "",
        SearchScope::Messages if finding.tools => "No messages or tool output match.",
        SearchScope::Messages => "No messages match. Ctrl-T includes tool input and output.",
    };
    Line::styled(format!("  {words}"), theme.dim)
}

fn row(app: &App, jump: &Jump, at: usize, width: usize, theme: &Theme) -> Line<'static> {
    let selected = at == jump.cursor;
    let mut left = vec![Span::styled(if selected { "▸ " } else { "  " }, theme.accent)];
    let active = jump.row(at).map(|row| age(app.now, row.active_at())).unwrap_or_default();
    let mut right = vec![Span::styled(text::pad_start(&active, 6), theme.dim)];
    if let Some(hit) = jump.hit(at) {
        left.extend(text_hit(jump, at, hit, width.saturating_sub(10), theme));
    } else if let Some(row) = jump.row(at) {
        let folder = text::clean_line(row.facts.cwd.as_deref().unwrap_or_default());
        right.insert(0, Span::styled(text::truncate_start(&folder, width / 4).into_owned(), theme.dim));
        if let Some(agent) = &row.facts.agent {
            right.insert(0, Span::styled(format!("{} ", text::clean_line(agent)), theme.accent));
        }
        let room = width.saturating_sub(spans::spans_width(&right) + 3);
        left.extend(search_hits::matched_title(row, jump.ranking.query(), room, Style::default(), theme));
    }
    let line = spans::left_and_right(left, right, width);
    if selected { spans::selected(line, theme) } else { line }
}

/// A session's title and the sentence that matched.
fn text_hit(jump: &Jump, at: usize, hit: &TextHit, room: usize, theme: &Theme) -> Vec<Span<'static>> {
    let title = jump.row(at).map_or("(not listed)", |row| row.facts.title_text());
    let title_room = room / 3;
    let mut spans = vec![Span::raw(text::pad(&text::clean_line(title), title_room)), Span::raw("  ")];
    let others = if hit.others > 0 { format!(" +{}", hit.others) } else { String::new() };
    let room = room.saturating_sub(title_room + 2 + others.len());
    let snippet = &hit.snippet;
    let mark = if hit.subagent.is_some() { "└ " } else { "" };
    let room = room.saturating_sub(mark.chars().count());
    spans.push(Span::styled(mark, theme.dim));
    spans.extend(search_hits::excerpt(
        &text::clean_line(&snippet.text),
        &snippet.match_positions,
        room,
        theme.dim,
        theme,
    ));
    spans.push(Span::styled(others, theme.dim));
    spans
}
