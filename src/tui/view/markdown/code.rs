//! Blocks of code: a thin rule beside them, the language over them, colours
//! where its grammar is known.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::highlight::Highlighter;
use super::super::text::chop;
use super::Format;
use super::layout::indent;

/// Lays blocks of code out, and goes on where it was when a block has only
/// grown since: a block that streams in is not coloured again from its top at
/// every frame.
#[derive(Debug, Default)]
pub struct Code {
    last: Option<Coloured>,
}

/// The whole lines of a block, coloured.
#[derive(Debug)]
struct Coloured {
    language: String,
    /// The source of those lines, with their newlines.
    source: String,
    lines: Vec<Vec<Span<'static>>>,
    highlighter: Highlighter,
}

impl Code {
    /// One block. Its text is clean.
    pub fn lay_out(&mut self, language: &str, text: &str, format: Format<'_>) -> Vec<Line<'static>> {
        let coloured = self.colour(language, text, format);
        let rule = |mark| vec![Span::styled(mark, format.theme.dim)];
        let mut lines = Vec::new();
        if !language.is_empty() {
            let label = vec![Span::styled(language.to_owned(), format.theme.dim)];
            lines.extend(indent(format, rule("┌ "), &rule("│ "), |format| chop(label, format.width)));
        }
        for spans in coloured {
            // A line too long for the screen goes on behind a broken rule.
            lines.extend(indent(format, rule("│ "), &rule("┊ "), |format| chop(spans, format.width)));
        }
        lines
    }

    fn colour(&mut self, language: &str, text: &str, format: Format<'_>) -> Vec<Vec<Span<'static>>> {
        let plain = |line: &str| vec![Span::styled(line.to_owned(), format.base)];
        let goes_on =
            self.last.take().filter(|last| last.language == language && text.starts_with(&last.source));
        let begun = || {
            let highlighter = Highlighter::new(language)?;
            Some(Coloured {
                language: language.to_owned(),
                source: String::new(),
                lines: Vec::new(),
                highlighter,
            })
        };
        let Some(mut coloured) = goes_on.or_else(begun) else {
            return text.split('\n').map(plain).collect();
        };
        let mut rest = &text[coloured.source.len()..];
        while let Some((line, after)) = rest.split_once('\n') {
            coloured.lines.push(over(format.base, coloured.highlighter.line(line, format.theme)));
            rest = after;
        }
        let known = coloured.source.len();
        coloured.source.push_str(&text[known..text.len() - rest.len()]);
        let mut lines = coloured.lines.clone();
        lines.push(over(format.base, coloured.highlighter.clone().line(rest, format.theme)));
        self.last = Some(coloured);
        lines
    }
}

/// Spans with a style under their own.
fn over(base: Style, mut spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    for span in &mut spans {
        span.style = base.patch(span.style);
    }
    spans
}
