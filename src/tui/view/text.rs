//! All arithmetic with widths: how wide a text is, cutting, padding, wrapping.
//!
//! One cell of the terminal is the unit, one grapheme (what a person takes for
//! a character) is the smallest part: none is ever split, so wide and combining
//! characters cannot break a layout. Widths are ratatui's own, so what is
//! measured here is what it draws.

mod clean;
mod wrap;

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

pub use clean::{clean, clean_line, strip};
pub use wrap::{hard_wrap, wrap, wrap_text};

/// The graphemes of a text with the cells each takes.
pub fn graphemes(text: &str) -> impl DoubleEndedIterator<Item = (&str, usize)> {
    text.graphemes(true).map(|grapheme| (grapheme, grapheme_width(grapheme)))
}

/// The cells a grapheme takes; ratatui draws no control characters.
fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) { 0 } else { usize::from(grapheme.cell_width()) }
}

/// The cells a text takes on one line.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|byte| !byte.is_ascii_control()).count();
    }
    graphemes(text).map(|(_, cells)| cells).sum()
}

/// The cells of several spans beside each other.
pub fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

/// The beginning of a text, at most `most` cells of it; what was cut shows as `…`.
pub fn truncate(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let Some(room) = most.checked_sub(1) else { return Cow::Borrowed("") };
    let kept: usize = bytes_fitting(graphemes(text), room);
    Cow::Owned(format!("{}…", text[..kept].trim_end()))
}

/// The end of a text, at most `most` cells of it; what was cut shows as `…`.
/// Of a path the end says more than the beginning.
pub fn truncate_start(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let Some(room) = most.checked_sub(1) else { return Cow::Borrowed("") };
    let kept = bytes_fitting(graphemes(text).rev(), room);
    Cow::Owned(format!("…{}", &text[text.len() - kept..]))
}

/// The bytes of the graphemes that fit into `room` cells.
fn bytes_fitting<'a>(graphemes: impl Iterator<Item = (&'a str, usize)>, mut room: usize) -> usize {
    let mut bytes = 0;
    for (grapheme, cells) in graphemes {
        let Some(left) = room.checked_sub(cells) else { break };
        room = left;
        bytes += grapheme.len();
    }
    bytes
}

/// A text of exactly `cells`: cut, or blanks behind it.
pub fn pad(text: &str, cells: usize) -> String {
    let mut padded = truncate(text, cells).into_owned();
    let missing = cells.saturating_sub(width(&padded));
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// A text of exactly `cells`: cut, or blanks in front of it.
pub fn pad_start(text: &str, cells: usize) -> String {
    let cut = truncate(text, cells);
    let missing = cells.saturating_sub(width(&cut));
    format!("{}{cut}", " ".repeat(missing))
}

/// Spans cut to at most `most` cells; what was cut shows as `…`.
pub fn clip(spans: Vec<Span<'static>>, most: usize) -> Vec<Span<'static>> {
    if spans_width(&spans) <= most {
        return spans;
    }
    let Some(mut room) = most.checked_sub(1) else { return Vec::new() };
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

/// A line with something at its left and something at its right end; where both
/// do not fit, the left is cut and the right stays.
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

/// A text with some of its characters lit, by position in characters; what is
/// lit is no longer dim.
pub fn highlight_positions(text: &str, lit: &[usize], base: Style, hit: Style) -> Vec<Span<'static>> {
    let hit = Style { add_modifier: base.add_modifier - Modifier::DIM, ..base }.patch(hit);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut at = 0;
    for grapheme in text.graphemes(true) {
        let end = at + grapheme.chars().count();
        let style = if lit.iter().any(|lit| (at..end).contains(lit)) { hit } else { base };
        match spans.last_mut().filter(|last| last.style == style) {
            Some(last) => last.content.to_mut().push_str(grapheme),
            None => spans.push(Span::styled(grapheme.to_owned(), style)),
        }
        at = end;
    }
    spans
}

/// Lights what matches `query`, whatever its case, over the styles that are there.
pub fn highlight_matches(line: Line<'static>, query: &str, style: Style) -> Line<'static> {
    let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let hits = find_all(&text, query);
    if hits.is_empty() {
        return line;
    }
    // What was dim is so no longer: it was looked for.
    let lit = |under: Style| Style { add_modifier: under.add_modifier - Modifier::DIM, ..under }.patch(style);
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
            spans.push(Span::styled(text[from..to].to_owned(), lit(span.style)));
            at = to;
        }
        if at < end {
            spans.push(Span::styled(text[at..end].to_owned(), span.style));
        }
        start = end;
    }
    Line { spans, ..line }
}

/// Where `query` stands in `text`, whatever its case, as byte ranges on
/// grapheme borders.
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
