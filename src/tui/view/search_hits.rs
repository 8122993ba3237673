//! Draws search results: titles with the matched letters highlighted, the other
//! field a session was found by, errors in the query and its completion.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans;
use super::theme::Theme;
use crate::index::SessionRow;
use crate::index::query::{QueryCompletion, SessionField, SessionQuery};
use crate::text;

/// Characters kept before the first match when the beginning is cut.
const EXCERPT_LEAD: usize = 12;

/// Cells that a title keeps when it makes room for the field that matched.
const MIN_TITLE_WIDTH: usize = 12;

/// A session's title in `room` cells, followed by the field that matched if that
/// is not the title.
pub fn matched_title(
    row: &SessionRow,
    query: &SessionQuery,
    room: usize,
    base: Style,
    theme: &Theme,
) -> Vec<Span<'static>> {
    let title = text::clean_line(row.facts.title_text());
    if !query.has_words() {
        return vec![Span::styled(text::truncate(&title, room).into_owned(), base)];
    }
    let lit = query.match_positions(row, SessionField::Title, &title);
    let title = spans::highlight_positions(&title, &lit, base, theme.hit);
    let other = query.matched_field(row).and_then(|field| Some((field, field.of(row)?)));
    let Some((say, other)) = other else { return spans::clip(title, room) };
    let other = text::clean_line(other);
    let lit = query.match_positions(row, say, &other);
    let other = excerpt(&other, &lit, room.saturating_sub(MIN_TITLE_WIDTH + 2), theme.dim, theme);
    let mut spans =
        spans::clip(title, room.saturating_sub(spans::spans_width(&other) + 2).max(MIN_TITLE_WIDTH));
    spans.push(Span::raw("  "));
    spans.extend(other);
    spans::clip(spans, room)
}

/// The part of a text around its matches. `lit` counts in characters.
pub fn excerpt(shown: &str, lit: &[usize], room: usize, base: Style, theme: &Theme) -> Vec<Span<'static>> {
    let first = lit.first().copied().unwrap_or(0);
    let before = EXCERPT_LEAD.min(room / 4);
    if text::width(shown) <= room || first <= room / 2 {
        return spans::clip(spans::highlight_positions(shown, lit, base, theme.hit), room);
    }
    // No further than it takes for the rest to fill the room.
    let count = shown.chars().count();
    let mut cut = (first - before).min((count + 1).saturating_sub(room));
    // From the next word on, where one begins before the hit.
    cut +=
        shown.chars().skip(cut).take(first - cut).position(char::is_whitespace).map_or(0, |blank| blank + 1);
    let rest: String = shown.chars().skip(cut).collect();
    let lit: Vec<usize> = lit.iter().filter_map(|at| at.checked_sub(cut)).collect();
    let mut spans = if cut == 0 { Vec::new() } else { vec![Span::styled("…", base)] };
    spans.extend(spans::highlight_positions(&rest, &lit, base, theme.hit));
    spans::clip(spans, room)
}

/// The query as typed, with its errors marked.
pub fn query_spans(typed: &str, query: &SessionQuery, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut from = 0;
    // The query may be that of a moment ago.
    for (at, mistake) in
        query.errors.iter().filter_map(|mistake| Some((&mistake.span, typed.get(mistake.span.clone())?)))
    {
        spans.push(Span::raw(text::clean_line(typed.get(from..at.start).unwrap_or_default()).into_owned()));
        spans.push(Span::styled(text::clean_line(mistake).into_owned(), theme.error));
        from = at.end;
    }
    spans.push(Span::raw(text::clean_line(typed.get(from..).unwrap_or_default()).into_owned()));
    spans
}

/// The errors of a query, each below the word it is about if there is room.
pub fn query_errors(
    typed: &str,
    query: &SessionQuery,
    indent: usize,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for mistake in &query.errors {
        let before = text::width(&text::clean_line(typed.get(..mistake.span.start).unwrap_or_default()));
        let problem = text::clean_line(&mistake.message).into_owned();
        let fitting = width.saturating_sub(text::width(&problem) + 2);
        let indent = (indent + before).min(fitting).max(1.min(width));
        let problem = spans::wrap_text(&problem, theme.warn, width.saturating_sub(indent + 2).max(1));
        for (at, mut line) in problem.into_iter().enumerate() {
            let mark = if at == 0 { "↑ " } else { "  " };
            line.spans.insert(0, Span::styled(format!("{}{mark}", " ".repeat(indent)), theme.warn));
            lines.push(line);
        }
    }
    lines
}

/// The completion of the word being typed: the rest of the first candidate, then the others.
pub fn completion(typed: &str, completion: &QueryCompletion, theme: &Theme) -> Vec<Span<'static>> {
    let begun = typed.get(completion.span.clone()).unwrap_or_default();
    let shown = completion.candidates.iter().enumerate().map(|(at, candidate)| {
        match candidate.strip_prefix(begun).filter(|_| at == 0) {
            Some(rest) => rest.to_owned(),
            None => format!("  {candidate}"),
        }
    });
    shown.map(|shown| Span::styled(text::clean_line(&shown).into_owned(), theme.dim)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn what_is_lit_stays_in_sight() {
        let theme = Theme::mono();
        let check = |shown: &str, lit: &[usize], room, expected: &str| {
            let spans = excerpt(shown, lit, room, theme.dim, &theme);
            assert_eq!(text_of(&spans), expected);
        };
        check("short", &[0], 10, "short");
        check("0123456789abcdefghijklmnopqrstuvwxyz", &[30], 20, "…hijklmnopqrstuvwxyz");
        check("0123456789abcdefghijklmnopqrstuvwxyz", &[20], 16, "…ghijklmnopqrst…");
        check("0123456789abcdefghi jklmnopqrstuvwxyz", &[22], 16, "…jklmnopqrstuvw…");
        check("0123456789abcdefghijklmnopqrstuvwxyz", &[3], 10, "012345678…");
    }

    #[test]
    fn mistakes_stand_under_their_place() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let check = |typed: &str, width, expected: &[&str]| {
            let query = SessionQuery::parse(typed, now);
            let lines = query_errors(typed, &query, 3, width, &Theme::mono());
            let lines: Vec<String> = lines.iter().map(|line| text_of(&line.spans)).collect();
            assert_eq!(lines, expected);
        };
        check("ab cost:x", 60, &["      ↑ “x” is not a number (try cost:>1)"]);
        check("some long words cost:x", 39, &["    ↑ “x” is not a number (try cost:>1)"]);
        check("cost:x", 16, &[" ↑ “x” is not a", "   number (try", "   cost:>1)"]);
        check("fine", 30, &[]);
    }
}
