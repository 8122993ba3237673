//! Breaks styled text into lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans_width;
use crate::text::graphemes;

/// Breaks a line between words. A word longer than a line is broken between
/// graphemes. Spaces at a break are dropped, so this is not for text of which
/// every byte counts. There is always at least one line, and none is wider than
/// `width` (at least 1).
pub fn wrap(spans: &[Span<'_>], width: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    let mut wrapper = LineWrapper::new(width);
    for span in spans {
        for (grapheme, cells) in graphemes(&span.content) {
            if grapheme == " " {
                wrapper.blank(span.style);
            } else if cells > width {
                wrapper.letter("…", 1, span.style);
            } else {
                wrapper.letter(grapheme, cells, span.style);
            }
        }
    }
    wrapper.finish()
}

/// Wraps plain text of several lines in one style.
pub fn wrap_text(text: &str, style: Style, width: usize) -> Vec<Line<'static>> {
    text.split('\n').flat_map(|line| wrap(&[Span::styled(line, style)], width)).collect()
}

/// Breaks a line between graphemes wherever it is full, for code: every space
/// stays.
pub fn hard_wrap(spans: Vec<Span<'static>>, width: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    if spans_width(&spans) <= width {
        return vec![Line::from(spans)];
    }
    let mut lines = Vec::new();
    let mut line = StyledRun::default();
    for span in &spans {
        for (grapheme, cells) in graphemes(&span.content) {
            let (grapheme, cells) = if cells > width { ("…", 1) } else { (grapheme, cells) };
            if line.cells + cells > width {
                lines.push(std::mem::take(&mut line).into_line());
            }
            line.push(grapheme, cells, span.style);
        }
    }
    lines.push(line.into_line());
    lines
}

/// Graphemes in as few spans as their styles allow.
#[derive(Default)]
struct StyledRun {
    spans: Vec<(String, Style)>,
    cells: usize,
}

impl StyledRun {
    fn push(&mut self, text: &str, cells: usize, style: Style) {
        self.cells += cells;
        match self.spans.last_mut() {
            Some((last, last_style)) if *last_style == style => last.push_str(text),
            _ => self.spans.push((text.to_owned(), style)),
        }
    }

    fn append(&mut self, other: &mut Self) {
        self.cells += std::mem::take(&mut other.cells);
        for (text, style) in other.spans.drain(..) {
            match self.spans.last_mut() {
                Some((last, last_style)) if *last_style == style => last.push_str(&text),
                _ => self.spans.push((text, style)),
            }
        }
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.cells = 0;
    }

    fn into_line(self) -> Line<'static> {
        self.spans.into_iter().map(|(text, style)| Span::styled(text, style)).collect()
    }
}

/// The line being filled, with the spaces and the word that may still join it.
struct LineWrapper {
    width: usize,
    lines: Vec<Line<'static>>,
    line: StyledRun,
    blanks: StyledRun,
    word: StyledRun,
}

impl LineWrapper {
    fn new(width: usize) -> Self {
        Self {
            width,
            lines: Vec::new(),
            line: StyledRun::default(),
            blanks: StyledRun::default(),
            word: StyledRun::default(),
        }
    }

    fn blank(&mut self, style: Style) {
        self.end_word();
        self.blanks.push(" ", 1, style);
    }

    fn letter(&mut self, grapheme: &str, cells: usize, style: Style) {
        if self.word.cells + cells > self.width {
            self.end_word();
            self.break_line();
        }
        self.word.push(grapheme, cells, style);
        // Scripts written without blanks may break behind any character.
        if cells > 1 {
            self.end_word();
        }
    }

    fn end_word(&mut self) {
        if self.word.cells == 0 && self.word.spans.is_empty() {
            return;
        }
        if self.line.cells + self.blanks.cells + self.word.cells > self.width {
            if self.line.cells > 0 {
                self.break_line();
            } else {
                // An indentation so deep that nothing fits behind it.
                self.blanks.clear();
            }
        }
        self.line.append(&mut self.blanks);
        self.line.append(&mut self.word);
    }

    fn break_line(&mut self) {
        self.blanks.clear();
        if !self.line.spans.is_empty() {
            self.lines.push(std::mem::take(&mut self.line).into_line());
        }
    }

    fn finish(mut self) -> Vec<Line<'static>> {
        self.end_word();
        if !self.line.spans.is_empty() || self.lines.is_empty() {
            self.lines.push(self.line.into_line());
        }
        self.lines
    }
}
