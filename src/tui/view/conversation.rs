//! The conversation pane's rows: what of a conversation is in sight.
//!
//! Items are laid out from where the pane stands, and no further than it is
//! high, so that a conversation of ten thousand items costs what is to be seen
//! of it. What was laid out is kept in the [`LayoutCache`] and only made anew when
//! the item or its look changed.

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
use serde_json::Value;

use super::highlight::Highlighter;
use super::spans;
use super::theme::Theme;
use crate::session::conversation::Item;
use crate::tui::app::{ScrollAnchor, ScrollState};

pub use cache::LayoutCache;

/// How a conversation is looked at.
#[derive(Debug, Clone, Copy)]
pub struct ViewParams<'a> {
    /// The colours.
    pub theme: &'a Theme,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Items whose fold is not the default one.
    pub unfolded: &'a BTreeSet<usize>,
    /// Show when things were said and what turns cost.
    pub show_timestamps: bool,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The folder the session works in.
    pub folder: &'a str,
    /// What is searched for, and lit.
    pub highlighted: Option<&'a [String]>,
    /// The selected item.
    pub selected: Option<usize>,
    /// The pane has the keys.
    pub focused: bool,
    /// How far it is scrolled.
    pub scroll: ScrollState,
    /// Nothing older is left to read.
    pub is_complete: bool,
}

/// What is in sight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VisibleRows {
    /// The visible rows, as many as the pane has at most.
    pub lines: Vec<Line<'static>>,
    /// The item of each row; none for the blank rows between items.
    pub items: Vec<Option<usize>>,
    /// Where scrolling came to rest.
    pub anchor: ScrollAnchor,
    /// The first line there is, is in sight.
    pub at_top: bool,
    /// There is more above.
    pub above: bool,
    /// There is more below.
    pub below: bool,
}

/// Lines of a change in one file that are shown where it lies over the panes.
const MAX_PATCH_LINES: usize = 500;

/// The column in front of every row, for the mark of the selected item.
const GUTTER: usize = 1;
/// The column behind every row, so that text keeps clear of the screen's edge.
const MARGIN: usize = 1;

/// Lays out what is in sight.
pub fn layout_visible(
    items: &[Item],
    look: &ViewParams<'_>,
    cache: &mut LayoutCache,
    painter: &mut Highlighter,
) -> VisibleRows {
    if items.is_empty() || look.height == 0 || look.width == 0 {
        return VisibleRows { at_top: true, ..VisibleRows::default() };
    }
    cache.begin_frame(look);
    let mut pane = window::ScrollWindow { items, params: look, cache, highlighter: painter };
    let (top, follows) = pane.top();
    let mut seen = VisibleRows {
        anchor: if follows { ScrollAnchor::End } else { ScrollAnchor::At { item: top.item, line: top.line } },
        at_top: top == window::LinePosition::default(),
        above: top != window::LinePosition::default(),
        ..VisibleRows::default()
    };
    let height = usize::from(look.height);
    let mut skip = top.line;
    for at in top.item..items.len() {
        let laid_out = pane.cache.item(items, at, look, pane.highlighter);
        for row in skip..laid_out.height() {
            if seen.lines.len() == height {
                seen.below = true;
                break;
            }
            let (line, belongs) = laid_out.row(row);
            seen.lines.push(with_gutter(line.cloned(), belongs && look.selected == Some(at), look));
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

/// A change of a file, given as hunks of the official `structuredPatch`, in
/// this width, and what to say of lines there is no room for; hostile text. Made
/// anew for each frame, so of a large change only the beginning is looked at.
pub fn patch_lines(hunks: &[Value], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let (diff, beyond) = diff::FileDiff::from_patch(hunks, MAX_PATCH_LINES);
    let mut lines = diff.lines(excerpt::OPEN, width, theme);
    if beyond > 0 {
        lines.push(Line::styled(format!("  … {beyond} more lines change"), theme.dim));
    }
    lines
}

/// A row as it stands on the screen: the gutter in front, search hits lit.
fn with_gutter(line: Option<Line<'static>>, selected: bool, look: &ViewParams<'_>) -> Line<'static> {
    let mut line = line.unwrap_or_default();
    for word in look.highlighted.unwrap_or_default() {
        line = spans::highlight_matches(line, word, look.theme.hit);
    }
    if usize::from(look.width) <= GUTTER {
        return line;
    }
    let mark = match (selected, look.focused) {
        (true, true) => Span::styled("▌", look.theme.accent),
        (true, false) => Span::styled("▌", look.theme.dim),
        (false, _) => Span::styled(" ", Style::new()),
    };
    line.spans.insert(0, mark);
    line
}

#[cfg(test)]
mod tests;
