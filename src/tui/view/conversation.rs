//! The conversation pane: which rows of a conversation are visible.
//!
//! Only visible items are laid out, so ten thousand items cost as much as one
//! screen of them. The [`LayoutCache`] keeps layouts until an item or the
//! [`ViewParams`] change. Start at [`layout_visible`].

mod cache;
mod diff;
mod excerpt;
mod item;
mod tool;
mod window;

use std::collections::BTreeSet;

use chrono::FixedOffset;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::highlight::Highlighter;
use super::spans;
use super::theme::Theme;
use crate::session::conversation::Item;
use crate::text::diff::Hunk;
use crate::tui::app::{ScrollAnchor, ScrollState};

pub use cache::LayoutCache;

/// How to show a conversation.
#[derive(Debug, Clone, Copy)]
pub struct ViewParams<'a> {
    /// The colours.
    pub theme: &'a Theme,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Items whose fold differs from the default.
    pub unfolded: &'a BTreeSet<usize>,
    /// Show timestamps and what turns cost.
    pub show_timestamps: bool,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The folder the session works in.
    pub folder: &'a str,
    /// Search words to highlight.
    pub highlighted: Option<&'a [String]>,
    /// The selected item.
    pub selected: Option<usize>,
    /// The pane has the focus.
    pub focused: bool,
    /// The scroll position.
    pub scroll: ScrollState,
    /// The whole transcript is loaded.
    pub is_complete: bool,
}

/// The visible part of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VisibleRows {
    /// The visible rows, at most as many as the pane has.
    pub lines: Vec<Line<'static>>,
    /// The item of each row; `None` for blank rows between items.
    pub items: Vec<Option<usize>>,
    /// The scroll position after clamping.
    pub anchor: ScrollAnchor,
    /// The first line of the conversation is visible.
    pub at_top: bool,
    /// There is more above.
    pub above: bool,
    /// There is more below.
    pub below: bool,
}

/// Lines of one file's diff that a viewer shows.
const MAX_PATCH_LINES: usize = 500;

/// Columns before every row, for the mark of the selected item.
const GUTTER: usize = 1;
/// Columns after every row, so that text keeps clear of the screen's edge.
const MARGIN: usize = 1;

/// Lays out the visible rows.
pub fn layout_visible(
    items: &[Item],
    params: &ViewParams<'_>,
    cache: &mut LayoutCache,
    highlighter: &mut Highlighter,
) -> VisibleRows {
    if items.is_empty() || params.height == 0 || params.width == 0 {
        return VisibleRows { at_top: true, ..VisibleRows::default() };
    }
    cache.begin_frame(params);
    let mut pane = window::ScrollWindow { items, params, cache, highlighter };
    let (top, follows) = pane.top();
    let mut seen = VisibleRows {
        anchor: if follows { ScrollAnchor::End } else { ScrollAnchor::At { item: top.item, line: top.line } },
        at_top: top == window::LinePosition::default(),
        above: top != window::LinePosition::default(),
        ..VisibleRows::default()
    };
    let height = usize::from(params.height);
    let mut skip = top.line;
    for at in top.item..items.len() {
        let laid_out = pane.cache.item(items, at, params, pane.highlighter);
        for row in skip..laid_out.height() {
            if seen.lines.len() == height {
                seen.below = true;
                break;
            }
            let (line, belongs) = laid_out.row(row);
            seen.lines.push(with_gutter(line.cloned(), belongs && params.selected == Some(at), params));
            seen.items.push(belongs.then_some(at));
        }
        if seen.below {
            break;
        }
        skip = 0;
    }
    cache.end_frame();
    seen
}

/// A file's diff in this width.
/// Its lines are hostile text. This runs once a frame, so it looks only at the
/// beginning of a large diff and says how much more there is.
pub fn patch_lines(hunks: &[Hunk], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (diff, beyond) = diff::FileDiff::from_hunks(hunks, MAX_PATCH_LINES);
    let mut lines = diff.lines(excerpt::OPEN, width, theme);
    if beyond > 0 {
        lines.push(Line::styled(format!("  … {beyond} more lines change"), theme.dim));
    }
    lines
}

/// A row with its gutter and with search matches highlighted.
fn with_gutter(line: Option<Line<'static>>, selected: bool, params: &ViewParams<'_>) -> Line<'static> {
    let mut line = line.unwrap_or_default();
    for word in params.highlighted.unwrap_or_default() {
        line = spans::highlight_matches(line, word, params.theme.hit);
    }
    if usize::from(params.width) <= GUTTER {
        return line;
    }
    let mark = match (selected, params.focused) {
        (true, true) => Span::styled("▌", params.theme.accent),
        (true, false) => Span::styled("▌", params.theme.dim),
        (false, _) => Span::styled(" ", Style::new()),
    };
    line.spans.insert(0, mark);
    line
}

#[cfg(test)]
mod tests;
