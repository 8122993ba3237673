//! The browser: the list of sessions with its header and filter.
//!
//! Owns where in a row each fact stands and what gives way on a narrow screen.
//! Start at [`draw`]; a row is [`SessionRow::line`].

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::theme::Theme;
use super::{header, search_hits, spans};
use crate::index::SessionRow;
use crate::text;
use crate::text::format::{age, grouped, pluralize};
use crate::tui::app::{App, BrowserLine, Command, Focus, HealthBadge, KeyContext};

/// Cells that a title keeps before a fact gets its place.
const MIN_TITLE_WIDTH: usize = 10;

/// Draws the list. Returns the screen row and the index into `Browser::lines` of
/// each row, for the mouse.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, theme: &Theme) -> Vec<(u16, usize)> {
    if area.is_empty() {
        return Vec::new();
    }
    frame.render_widget(Clear, area);
    let width = usize::from(area.width);
    let mut top = vec![list_header(app, width, theme), filter_line(app, width, theme)];
    let query = app.browser.ranking.query();
    top.extend(search_hits::query_errors(app.browser.query(), query, 3, width, theme));
    top.truncate(usize::from(area.height));
    let body_height = usize::from(area.height).saturating_sub(top.len());
    let browser = &app.browser;
    let cursor = browser.cursor();
    // A blank line before each heading but the first belongs to the heading.
    let height_of =
        |at: usize| 1 + usize::from(at > 0 && matches!(browser.lines[at], BrowserLine::Heading(_)));
    let lines_before = |end: usize| (0..end).map(height_of).sum::<usize>();
    let count = lines_before(browser.lines.len());
    let cursor_line = cursor.map_or(0, |at| lines_before(at + 1) - 1);
    let first = first_line(cursor_line, count, body_height);
    let rows_from = area.y + top.len() as u16;
    let mut rows = Vec::new();
    let mut row = 0;
    // Of thousands only those in sight are made.
    for (at, visible) in browser.lines.iter().enumerate() {
        for of_heading in (0..height_of(at)).rev() {
            if (first..first + body_height).contains(&row) {
                rows.push((rows_from + rows.len() as u16, at));
                let blank = of_heading > 0;
                top.push(if blank {
                    Line::default()
                } else {
                    line(app, visible, cursor == Some(at), width, theme)
                });
            }
            row += 1;
        }
        if rows.len() == body_height {
            break;
        }
    }
    if browser.matches() == 0 {
        top.push(Line::default());
        top.extend(empty_list(app, width, theme));
    }
    frame.render_widget(Paragraph::new(top), area);
    rows
}

/// The first line to show so that the cursor stays in the middle.
fn first_line(cursor: usize, count: usize, height: usize) -> usize {
    cursor.saturating_sub(height / 2).min(count.saturating_sub(height))
}

fn list_header(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let browser = &app.browser;
    let scope = if browser.all { "all folders" } else { folder_name(&app.folder) };
    let focused = if app.focus == Focus::Browser { theme.focused() } else { Style::default() };
    let left = vec![
        Span::styled(" Sessions ", focused),
        Span::styled(format!("· {}", text::clean_line(scope)), theme.dim),
    ];
    let count = match (browser.progress, browser.query().is_empty()) {
        (Some((_, 0)), _) => String::new(),
        (Some((done, total)), _) => format!("loading {} of {} ", grouped(done), grouped(total)),
        (None, true) => {
            let indexing =
                browser.indexing.map(|(done, all)| format!("indexing {} % · ", done * 100 / all.max(1)));
            let hidden = browser.hidden_rows();
            let key = app.keymap.key(KeyContext::Browser, Command::ToggleEmpty);
            let hidden = key.filter(|_| hidden > 0 && !browser.shows_empty && indexing.is_none());
            let hidden = hidden.map(|key| format!(" · {key} {} hidden", grouped(browser.hidden_rows())));
            let (indexing, hidden) = (indexing.unwrap_or_default(), hidden.unwrap_or_default());
            format!("{indexing}{}{hidden} ", grouped(browser.rows.len()))
        }
        (None, false) => format!("{} of {} ", grouped(browser.matches()), grouped(browser.rows.len())),
    };
    spans::left_and_right(left, vec![Span::styled(count, theme.dim)], width)
}

fn folder_name(folder: &str) -> &str {
    folder.rsplit('/').find(|part| !part.is_empty()).unwrap_or(folder)
}

fn filter_line(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let browser = &app.browser;
    if !browser.filtering && browser.query().is_empty() {
        return Line::default();
    }
    let mark = if browser.filtering { theme.accent } else { theme.dim };
    let mut spans = vec![Span::styled(" / ", mark)];
    spans.extend(search_hits::query_spans(browser.query(), browser.ranking.query(), theme));
    if browser.filtering {
        spans.push(Span::styled("▏", theme.accent));
    }
    if let Some(completion) = browser.completion() {
        spans.extend(search_hits::completion(browser.query(), &completion, theme));
    }
    Line::from(spans::clip(spans, width))
}

fn empty_list(app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let browser = &app.browser;
    let words = if let Some(problem) = &browser.problem {
        format!("Cannot list the sessions: {problem}")
    } else if browser.progress.is_some() {
        "Loading sessions…".to_owned()
    } else if !browser.query().is_empty() {
        format!("No sessions match “{}”. Ctrl-F searches messages, Esc clears the filter.", browser.query())
    } else if let Some((folder, count)) = &app.environment.former_folder
        && !browser.all
    {
        let key = app.keymap.key(KeyContext::Browser, Command::MoveHere);
        let key = key.map(|key| key.to_string()).unwrap_or_default();
        let count = pluralize(*count, "session");
        format!(
            "No sessions in this folder yet, but {count} of {folder}, which is gone. {key} moves them here."
        )
    } else if browser.all {
        "No sessions yet. Type below to start one.".to_owned()
    } else {
        "No sessions in this folder yet. Type below to start one; a shows all folders.".to_owned()
    };
    let style = if browser.problem.is_some() { theme.error } else { theme.dim };
    let mut lines = spans::wrap_text(&text::clean(&words), style, width.saturating_sub(3));
    for line in &mut lines {
        line.spans.insert(0, Span::raw("  "));
    }
    lines
}

fn line(app: &App, visible: &BrowserLine, under_cursor: bool, width: usize, theme: &Theme) -> Line<'static> {
    let line = match visible {
        BrowserLine::Heading(day) => Line::styled(format!(" {day}"), theme.dim),
        BrowserLine::New => {
            let mark = if under_cursor { "▸" } else { " " };
            let left = vec![
                Span::styled(format!("{mark} "), theme.accent),
                Span::styled("● ", theme.accent),
                Span::raw(
                    text::truncate(
                        &text::clean_line(app.display_name(app.agent.active)),
                        width.saturating_sub(10),
                    )
                    .into_owned(),
                ),
            ];
            spans::left_and_right(left, vec![Span::styled("now ", theme.dim)], width)
        }
        BrowserLine::Session { row, depth, dim } => {
            let row = &app.browser.rows[*row];
            let badges = HealthBadge::all_for_row(row, &app.environment);
            let session = SessionLine { app, row, theme, depth: *depth, dim: *dim, under_cursor, badges };
            session.line(width)
        }
    };
    if under_cursor && app.focus == Focus::Browser {
        return spans::selected(line, theme);
    }
    line
}

/// A session's row and what it is drawn from.
struct SessionLine<'a> {
    app: &'a App,
    row: &'a SessionRow,
    theme: &'a Theme,
    depth: usize,
    dim: bool,
    under_cursor: bool,
    badges: Vec<HealthBadge>,
}

impl SessionLine<'_> {
    fn line(&self, width: usize) -> Line<'static> {
        let theme = self.theme;
        let mark = if self.under_cursor { "▸" } else { " " };
        let (sign, sign_style) = self.sign();
        let mut left = vec![
            Span::styled(format!("{mark} "), theme.accent),
            Span::styled(format!("{sign} "), sign_style),
        ];
        if self.depth > 0 {
            let indent = "  ".repeat(self.depth.min(4) - 1);
            left.push(Span::styled(format!("{indent}└ "), theme.dim));
        }
        // Every fact has a place of its own, counted from the right end, so that a
        // column can be read down the list. A title may go on over empty places.
        let columns = self.columns();
        let room = width.saturating_sub(spans::spans_width(&left) + spans::spans_width(&columns) + 1);
        let mut right: Vec<Span<'static>> = Vec::new();
        let (mut taken, mut filled) = (0, 0);
        // What it was found by says more than the rest.
        let by = if self.dim { None } else { self.app.browser.ranking.query().matched_field(self.row) };
        for (cells, fact) in self.extra_columns().into_iter().filter(|_| by.is_none()) {
            let empty = taken - filled;
            taken += cells + 1;
            if room < taken + MIN_TITLE_WIDTH {
                break;
            }
            if let Some((fact, style)) = fact {
                right.insert(0, Span::raw(" ".repeat(empty)));
                right.insert(0, Span::styled(format!("{} ", text::pad_start(&fact, cells)), style));
                filled = taken;
            }
        }
        right.extend(columns);
        let title_room = width.saturating_sub(spans::spans_width(&right) + spans::spans_width(&left) + 1);
        left.extend(self.title(title_room));
        spans::left_and_right(left, right, width)
    }

    fn columns(&self) -> Vec<Span<'static>> {
        let active = self.app.agent.active == Some(self.row.stored.id);
        let age = if active { "now".to_owned() } else { age(self.app.now, self.row.active_at()) };
        let turns = self.row.facts.turns;
        let turns = if self.row.partial { format!("{turns}+") } else { turns.to_string() };
        let words = format!("{} {} ", text::pad_start(&age, 5), text::pad_start(&turns, 4));
        vec![Span::styled(words, self.theme.dim)]
    }

    /// The sign before the title: active, open in another program, or unhealthy.
    fn sign(&self) -> (&'static str, Style) {
        let theme = self.theme;
        if self.app.agent.active == Some(self.row.stored.id) {
            return ("●", theme.accent);
        }
        match self.app.open_elsewhere(self.row) {
            Some(holder) if holder.status == "busy" => ("◐", theme.warn),
            Some(_) => ("◌", theme.warn),
            None if self.badges.iter().any(|badge| !badge.is_harmless()) => ("⚠", theme.warn),
            None => (" ", theme.dim),
        }
    }

    /// The title in `room` cells, with the letters that the filter matched.
    fn title(&self, room: usize) -> Vec<Span<'static>> {
        if self.dim {
            let title = text::clean_line(self.row.facts.title_text());
            return vec![Span::styled(text::truncate(&title, room).into_owned(), self.theme.dim)];
        }
        search_hits::matched_title(
            self.row,
            self.app.browser.ranking.query(),
            room,
            Style::default(),
            self.theme,
        )
    }

    /// The facts that get a place if there is room, from the right end, each with
    /// the width of its place: cost, what needs attention or else the tag, and
    /// where the session belongs.
    fn extra_columns(&self) -> [(usize, Option<(String, Style)>); 3] {
        let theme = self.theme;
        let facts = &self.row.facts;
        let tag = facts.tag.as_ref().map(|tag| (format!("#{}", text::clean_line(tag)), theme.accent));
        let agent = facts.agent.as_deref().map(|agent| (agent, theme.accent));
        let folder = facts.cwd.as_deref().filter(|cwd| self.app.browser.all && *cwd != self.app.folder);
        let folder = folder.map(|folder| (folder_name(folder), theme.dim));
        let branch = facts.branch.as_deref().map(|branch| (branch, theme.dim));
        let aside = self.row.aside().map(|why| (why, theme.warn));
        let place = aside.or(agent).or(folder).or(branch);
        let place = place.map(|(place, style)| (text::clean_line(place).into_owned(), style));
        [
            (7, header::cost(self.app, self.row).map(|cost| (cost, theme.dim))),
            (9, self.badge().or(tag)),
            (10, place),
        ]
    }

    /// The most urgent thing about the session's file: deletion, damage, a pin.
    fn badge(&self) -> Option<(String, Style)> {
        let theme = self.theme;
        let environment = &self.app.environment;
        if let Some(days) = environment.cleanup_warning(self.row, self.app.now) {
            return Some((format!("†{days} d"), theme.warn));
        }
        if let Some(badge) = self.badges.first() {
            return Some((badge.label(), theme.warn));
        }
        environment.is_pinned(self.row).then(|| ("⚑".to_owned(), theme.dim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_sight() {
        assert_eq!(first_line(0, 100, 10), 0);
        assert_eq!(first_line(50, 100, 10), 45);
        assert_eq!(first_line(99, 100, 10), 90);
        assert_eq!(first_line(3, 4, 10), 0);
    }
}
