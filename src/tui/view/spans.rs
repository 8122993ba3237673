//! Styled text: measuring, cutting, aligning, highlighting and wrapping spans.
//!
//! The unit is one terminal cell and no grapheme is ever split; the arithmetic is
//! that of [`crate::text`]. Text must be cleaned before it becomes a span.

mod wrap;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::theme::Theme;
use crate::text::{bytes_fitting, graphemes, width};

pub use wrap::{hard_wrap, wrap, wrap_text};

/// The cells of several spans beside each other.
pub fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

/// Spans cut to at most `max` cells, with `…` where they were cut.
pub fn clip(spans: Vec<Span<'static>>, max: usize) -> Vec<Span<'static>> {
    if spans_width(&spans) <= max {
        return spans;
    }
    let Some(mut room) = max.checked_sub(1) else { return Vec::new() };
    let mut kept = Vec::new();
    for span in spans {
        let cells = width(&span.content);
        if cells <= room {
            room -= cells;
            kept.push(span);
            continue;
        }
        let bytes = bytes_fitting(graphemes(&span.content), room);
        kept.push(Span::styled(format!("{}…", &span.content[..bytes]), span.style));
        break;
    }
    kept
}

/// A line with something at each end. If both do not fit, the left is cut.
pub fn left_and_right(left: Vec<Span<'static>>, right: Vec<Span<'static>>, cells: usize) -> Line<'static> {
    let right = clip(right, cells);
    let right_cells = spans_width(&right);
    let gap = usize::from(right_cells > 0);
    let left = clip(left, cells.saturating_sub(right_cells + gap));
    let blanks = cells.saturating_sub(spans_width(&left) + right_cells);
    let mut spans = left;
    if right_cells > 0 {
        spans.push(Span::raw(" ".repeat(blanks)));
        spans.extend(right);
    }
    Line::from(spans)
}

/// A line as the selected one. Dim text is not dim in it: reversed, it could not
/// be read on many terminals.
pub fn selected(mut line: Line<'static>, theme: &Theme) -> Line<'static> {
    for span in &mut line.spans {
        if span.style == theme.dim {
            span.style = Style::default();
        }
        span.style.add_modifier.remove(Modifier::DIM);
    }
    line.style(theme.selection)
}

/// A text with some of its characters highlighted, given by their positions (in
/// characters). Highlighted text is not dim, so that it stands out in dim text.
pub fn highlight_positions(text: &str, positions: &[usize], base: Style, hit: Style) -> Vec<Span<'static>> {
    let hit = Style { add_modifier: base.add_modifier - Modifier::DIM, ..base }.patch(hit);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut at = 0;
    for grapheme in text.graphemes(true) {
        let end = at + grapheme.chars().count();
        let style = if positions.iter().any(|position| (at..end).contains(position)) { hit } else { base };
        match spans.last_mut().filter(|last| last.style == style) {
            Some(last) => last.content.to_mut().push_str(grapheme),
            None => spans.push(Span::styled(grapheme.to_owned(), style)),
        }
        at = end;
    }
    spans
}

/// Highlights every match of `query`, ignoring case, over the styles of the line.
pub fn highlight_matches(line: Line<'static>, query: &str, style: Style) -> Line<'static> {
    let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let hits = find_all(&text, query);
    if hits.is_empty() {
        return line;
    }
    let highlighted =
        |under: Style| Style { add_modifier: under.add_modifier - Modifier::DIM, ..under }.patch(style);
    let mut spans = Vec::new();
    let mut start = 0;
    for span in line.spans {
        let end = start + span.content.len();
        let mut at = start;
        for hit in hits.iter().filter(|hit| hit.start < end && hit.end > start) {
            let (from, to) = (hit.start.max(start), hit.end.min(end));
            if from > at {
                spans.push(Span::styled(text[at..from].to_owned(), span.style));
            }
            spans.push(Span::styled(text[from..to].to_owned(), highlighted(span.style)));
            at = to;
        }
        if at < end {
            spans.push(Span::styled(text[at..end].to_owned(), span.style));
        }
        start = end;
    }
    Line { spans, ..line }
}

/// The matches of `query` in `text`, ignoring case, as byte ranges on grapheme
/// boundaries.
fn find_all(text: &str, query: &str) -> Vec<std::ops::Range<usize>> {
    let query: Vec<String> = query.graphemes(true).map(str::to_lowercase).collect();
    if query.is_empty() {
        return Vec::new();
    }
    let lowered: Vec<(usize, usize, String)> = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| (at, at + grapheme.len(), grapheme.to_lowercase()))
        .collect();
    let mut hits = Vec::new();
    let mut at = 0;
    while at + query.len() <= lowered.len() {
        let window = &lowered[at..at + query.len()];
        if window.iter().zip(&query).all(|((_, _, text), query)| text == query) {
            hits.push(window[0].0..window[window.len() - 1].1);
            at += query.len();
        } else {
            at += 1;
        }
    }
    hits
}

#[cfg(test)]
mod tests;
