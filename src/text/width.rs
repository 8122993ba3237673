//! How wide a text is in a terminal: measuring, cutting, padding.
//!
//! The unit is one cell, the smallest part one grapheme (what a person takes
//! for a character). No grapheme is ever split, so wide and combining
//! characters cannot break a layout. The widths agree with those of ratatui,
//! which a test of the view holds against it.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The graphemes of a text with the cells each takes.
pub fn graphemes(text: &str) -> impl DoubleEndedIterator<Item = (&str, usize)> {
    text.graphemes(true).map(|grapheme| (grapheme, grapheme_width(grapheme)))
}

/// The cells one grapheme takes. Control characters take none: ratatui does not
/// draw them.
fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) {
        return 0;
    }
    // `unicode-width` counts the halfwidth Katakana sound marks as combining,
    // but terminals give each a cell of its own.
    let sound_marks = grapheme.chars().filter(|c| matches!(c, '\u{FF9E}' | '\u{FF9F}')).count();
    grapheme.width() + sound_marks
}

/// The cells a text takes on one line.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|byte| !byte.is_ascii_control()).count();
    }
    graphemes(text).map(|(_, cells)| cells).sum()
}

/// The beginning of a text in at most `max` cells, with `…` where it was cut.
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(1) else { return Cow::Borrowed("") };
    let kept = bytes_fitting(graphemes(text), room);
    Cow::Owned(format!("{}…", text[..kept].trim_end()))
}

/// The end of a text in at most `max` cells, with `…` where it was cut. For
/// paths, whose end says more than their beginning.
pub fn truncate_start(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(1) else { return Cow::Borrowed("") };
    let kept = bytes_fitting(graphemes(text).rev(), room);
    Cow::Owned(format!("…{}", &text[text.len() - kept..]))
}

/// How many bytes of the graphemes fit into `room` cells.
pub fn bytes_fitting<'a>(graphemes: impl Iterator<Item = (&'a str, usize)>, mut room: usize) -> usize {
    let mut bytes = 0;
    for (grapheme, cells) in graphemes {
        let Some(left) = room.checked_sub(cells) else { break };
        room = left;
        bytes += grapheme.len();
    }
    bytes
}

/// A text of exactly `cells`: cut, or with spaces after it.
pub fn pad(text: &str, cells: usize) -> String {
    let mut padded = truncate(text, cells).into_owned();
    let missing = cells.saturating_sub(width(&padded));
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// A text of exactly `cells`: cut, or with spaces before it.
pub fn pad_start(text: &str, cells: usize) -> String {
    let cut = truncate(text, cells);
    let missing = cells.saturating_sub(width(&cut));
    format!("{}{cut}", " ".repeat(missing))
}
