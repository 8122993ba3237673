//! Blocks of code: a thin rule beside them, the language over them.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::highlight::Painter;
use super::super::text::chop;
use super::Format;
use super::layout::indent;

/// One block. Its text is clean.
pub fn lay_out(language: &str, text: &str, format: Format<'_>, painter: &mut Painter) -> Vec<Line<'static>> {
    let rule = |mark| vec![Span::styled(mark, format.theme.dim)];
    let mut lines = Vec::new();
    if !language.is_empty() {
        let label = vec![Span::styled(language.to_owned(), format.theme.dim)];
        lines.extend(indent(format, rule("┌ "), &rule("│ "), |format| chop(label, format.width)));
    }
    for spans in painter.paint(language, text, format.growing, format.theme) {
        let spans = over(format.base, spans);
        // A line too long for the screen goes on behind a broken rule.
        lines.extend(indent(format, rule("│ "), &rule("┊ "), |format| chop(spans, format.width)));
    }
    lines
}

/// Spans with a style under their own.
fn over(base: Style, mut spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    for span in &mut spans {
        span.style = base.patch(span.style);
    }
    spans
}
