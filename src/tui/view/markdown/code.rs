//! Lays out code blocks: a thin rule on the left, the language above.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::highlight::Highlighter;
use super::MarkdownFormat;
use super::layout::indent;
use crate::tui::view::spans::hard_wrap;

/// Lays out one block. `text` must be cleaned.
pub fn code_lines(
    language: &str,
    text: &str,
    format: MarkdownFormat<'_>,
    highlighter: &mut Highlighter,
) -> Vec<Line<'static>> {
    let rule = |mark| vec![Span::styled(mark, format.theme.dim)];
    let mut lines = Vec::new();
    if !language.is_empty() {
        let label = vec![Span::styled(language.to_owned(), format.theme.dim)];
        lines.extend(indent(format, rule("┌ "), &rule("│ "), |format| hard_wrap(label, format.width)));
    }
    for spans in highlighter.highlight(language, text, format.growing, format.theme) {
        let spans = with_base_style(format.base, spans);
        // A line too long for the screen goes on behind a broken rule.
        lines.extend(indent(format, rule("│ "), &rule("┊ "), |format| hard_wrap(spans, format.width)));
    }
    lines
}

/// Puts a base style under the spans' own.
fn with_base_style(base: Style, mut spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    for span in &mut spans {
        span.style = base.patch(span.style);
    }
    spans
}
