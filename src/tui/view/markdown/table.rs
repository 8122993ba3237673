//! Lays out tables: wide columns shrink and their cells wrap. A table that does
//! not fit even then is shown as a list of cells for each row.

use pulldown_cmark::Alignment;
use ratatui::text::{Line, Span};

use super::MarkdownFormat;
use super::layout::{indent, styled};
use super::parse::{InlineLines, MarkdownTable};
use crate::text::width;
use crate::tui::view::spans::{spans_width, wrap};

/// Drawn between two columns.
const SEPARATOR: &str = " │ ";
/// A column shrinks no further than this.
const MIN_COLUMN_WIDTH: usize = 8;

/// Lays out a table.
pub fn table_lines(table: &MarkdownTable, format: MarkdownFormat<'_>) -> Vec<Line<'static>> {
    let columns = table.alignments.len();
    let Some((head, body)) = table.rows.split_first().filter(|_| columns > 0) else { return Vec::new() };
    let Some(widths) = column_widths(table, format.width) else { return rows_as_lists(head, body, format) };
    let mut lines = row(head, &widths, &table.alignments, format);
    for span in lines.iter_mut().flat_map(|line| &mut line.spans) {
        span.style = format.theme.heading.patch(span.style);
    }
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    lines.push(styled(rule.join("─┼─"), format.theme.dim));
    for cells in body {
        lines.extend(row(cells, &widths, &table.alignments, format));
    }
    lines
}

/// The width of each column; `None` if the table does not fit at all.
fn column_widths(table: &MarkdownTable, most: usize) -> Option<Vec<usize>> {
    let columns = table.alignments.len();
    let room = most.checked_sub(width(SEPARATOR) * (columns - 1))?;
    let widest = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        cells.flatten().map(|line| spans_width(line)).max().unwrap_or(0).max(1)
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    let least: usize = widths.iter().map(|width| MIN_COLUMN_WIDTH.min(*width)).sum();
    if least > room {
        return None;
    }
    // The widest columns give way first, to a common width: lower it until all fits.
    let total = |widths: &[usize], limit: usize| widths.iter().map(|width| limit.min(*width)).sum::<usize>();
    let limit =
        (MIN_COLUMN_WIDTH..=room.max(MIN_COLUMN_WIDTH)).rev().find(|limit| total(&widths, *limit) <= room)?;
    let mut left = room - total(&widths, limit);
    for width in &mut widths {
        let more = usize::from(left > 0 && *width > limit);
        left -= more;
        *width = (*width).min(limit + more);
    }
    Some(widths)
}

/// Lays out one row, as high as its highest cell.
fn row(
    cells: &[InlineLines],
    widths: &[usize],
    alignments: &[Alignment],
    format: MarkdownFormat<'_>,
) -> Vec<Line<'static>> {
    let wrapped: Vec<Vec<Line<'static>>> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| {
            let lines = cells.get(column).into_iter().flatten();
            lines.flat_map(|line| wrap(line, *width)).collect()
        })
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0).max(1);
    (0..height)
        .map(|at| {
            let mut spans = Vec::new();
            for (column, lines) in wrapped.iter().enumerate() {
                if column > 0 {
                    spans.push(Span::styled(SEPARATOR, format.theme.dim));
                }
                let cell = lines.get(at).map(|line| line.spans.clone()).unwrap_or_default();
                let missing = widths[column].saturating_sub(spans_width(&cell));
                let before = match alignments[column] {
                    Alignment::None | Alignment::Left => 0,
                    Alignment::Center => missing / 2,
                    Alignment::Right => missing,
                };
                spans.push(Span::raw(" ".repeat(before)));
                spans.extend(cell);
                if column + 1 < widths.len() {
                    spans.push(Span::raw(" ".repeat(missing - before)));
                }
            }
            spans.retain(|span| !span.content.is_empty());
            Line::from(spans)
        })
        .collect()
}

/// Lays out each row as a list of `heading: cell`.
fn rows_as_lists(
    head: &[InlineLines],
    body: &[Vec<InlineLines>],
    format: MarkdownFormat<'_>,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for cells in body {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        for (column, cell) in cells.iter().enumerate() {
            let mut spans: Vec<Span<'static>> =
                head.get(column).into_iter().flatten().flatten().cloned().collect();
            for span in &mut spans {
                span.style = format.theme.heading.patch(span.style);
            }
            spans.push(Span::styled(": ", format.theme.dim));
            spans.extend(cell.iter().flatten().cloned());
            let rest = vec![Span::raw("  ")];
            lines.extend(indent(format, Vec::new(), &rest, |format| {
                wrap(&spans, format.width.saturating_sub(2))
            }));
        }
    }
    lines
}
