//! Lays parsed Markdown blocks out as lines of a width.

use pulldown_cmark::HeadingLevel;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::highlight::Highlighter;
use super::parse::{InlineLines, ListItem, MarkdownBlock};
use super::{MarkdownFormat, code, table};
use crate::text::pad_start;
use crate::tui::view::spans::{spans_width, wrap};

/// Columns that must remain inside an indented container; a narrower one is not indented.
const MIN_CONTENT_WIDTH: usize = 8;

/// Appends a block, after a blank line if there are lines already.
pub fn append(
    lines: &mut Vec<Line<'static>>,
    block: &MarkdownBlock,
    format: MarkdownFormat<'_>,
    highlighter: &mut Highlighter,
) {
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(block_lines(block, format, highlighter, 0));
}

fn block_lines(
    block: &MarkdownBlock,
    format: MarkdownFormat<'_>,
    highlighter: &mut Highlighter,
    depth: usize,
) -> Vec<Line<'static>> {
    match block {
        MarkdownBlock::Paragraph(text) => paragraph(text, format),
        MarkdownBlock::Heading(level, text) => heading(*level, text, format),
        MarkdownBlock::Code { language, text } => code::code_lines(language, text, format, highlighter),
        MarkdownBlock::Quote(blocks) => {
            let mark = || vec![Span::styled("│ ", format.theme.quote)];
            let inner = MarkdownFormat { base: format.base.patch(format.theme.quote), ..format };
            indent(inner, mark(), &mark(), |format| blocks_lines(blocks, format, highlighter, depth, true))
        }
        MarkdownBlock::List { start, loose, items } => {
            list(*start, *loose, items, format, highlighter, depth)
        }
        MarkdownBlock::Table(table) => table::table_lines(table, format),
        MarkdownBlock::Rule => vec![Line::styled("─".repeat(format.width), format.theme.dim)],
    }
}

/// Several blocks, with blank lines between them if they are `apart`.
fn blocks_lines(
    blocks: &[MarkdownBlock],
    format: MarkdownFormat<'_>,
    highlighter: &mut Highlighter,
    depth: usize,
    apart: bool,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for block in blocks {
        if apart && !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(block_lines(block, format, highlighter, depth));
    }
    lines
}

fn paragraph(text: &InlineLines, format: MarkdownFormat<'_>) -> Vec<Line<'static>> {
    text.iter().flat_map(|line| wrap(line, format.width)).collect()
}

fn heading(level: HeadingLevel, text: &InlineLines, format: MarkdownFormat<'_>) -> Vec<Line<'static>> {
    let style = match level {
        HeadingLevel::H1 => format.theme.heading.underlined(),
        HeadingLevel::H2 => format.theme.heading,
        HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => {
            format.theme.heading.italic()
        }
    };
    let mut lines = paragraph(text, format);
    for span in lines.iter_mut().flat_map(|line| &mut line.spans) {
        span.style = style.patch(span.style);
    }
    lines
}

fn list(
    start: Option<u64>,
    loose: bool,
    items: &[ListItem],
    format: MarkdownFormat<'_>,
    highlighter: &mut Highlighter,
    depth: usize,
) -> Vec<Line<'static>> {
    let last = start.unwrap_or(0).saturating_add(items.len().saturating_sub(1) as u64);
    let digits = last.to_string().len();
    let mut lines = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let mark = match (item.done, start) {
            (Some(done), _) => task(done, format),
            (None, Some(start)) => {
                let number = start.saturating_add(at as u64).to_string();
                Span::styled(format!("{}.", pad_start(&number, digits)), format.theme.dim)
            }
            (None, None) => Span::styled(if depth.is_multiple_of(2) { "•" } else { "◦" }, format.theme.dim),
        };
        // Lists stand out from the text around them; lists in lists are indented already.
        let margin = if depth == 0 { "  " } else { "" };
        let first = vec![Span::raw(margin), mark, Span::raw(" ")];
        let rest = vec![Span::raw(" ".repeat(spans_width(&first)))];
        if loose && at > 0 {
            lines.push(Line::default());
        }
        lines.extend(indent(format, first, &rest, |format| {
            blocks_lines(&item.blocks, format, highlighter, depth + 1, loose)
        }));
    }
    lines
}

fn task(done: bool, format: MarkdownFormat<'_>) -> Span<'static> {
    if done { Span::styled("[x]", format.theme.ok) } else { Span::styled("[ ]", format.theme.dim) }
}

/// Lines with a prefix: `first` before the first one, `rest` before the others.
/// Without any prefix if fewer than [`MIN_CONTENT_WIDTH`] columns would remain.
pub fn indent(
    format: MarkdownFormat<'_>,
    first: Vec<Span<'static>>,
    rest: &[Span<'static>],
    inner: impl FnOnce(MarkdownFormat<'_>) -> Vec<Line<'static>>,
) -> Vec<Line<'static>> {
    let room = format.width.saturating_sub(spans_width(&first));
    if room < MIN_CONTENT_WIDTH {
        return inner(format);
    }
    let mut lines = inner(MarkdownFormat { width: room, ..format });
    if lines.is_empty() {
        lines.push(Line::default());
    }
    let mut mark = Some(first);
    for line in &mut lines {
        let front = mark.take().unwrap_or_else(|| rest.to_vec());
        let blank = line.spans.is_empty() && front.iter().all(|span| span.content.trim().is_empty());
        if !blank {
            line.spans.splice(0..0, front);
        }
    }
    lines
}

/// A line in one style.
pub fn styled(text: impl Into<String>, style: Style) -> Line<'static> {
    Line::from(Span::styled(text.into(), style))
}
