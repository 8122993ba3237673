//! Scrolling: finds the line at the top of the pane.

use super::ViewParams;
use super::cache::LayoutCache;
use crate::session::conversation::Item;
use crate::tui::app::ScrollAnchor;
use crate::tui::view::highlight::Highlighter;

/// A line of the conversation: an item, and a line counted from the blank row
/// before it. Ordered from the top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinePosition {
    /// The item's index.
    pub item: usize,
    /// The line within it.
    pub line: usize,
}

/// What scrolling needs to know: the items and their heights.
pub struct ScrollWindow<'a> {
    /// The items; at least one.
    pub items: &'a [Item],
    /// Size and scroll position.
    pub params: &'a ViewParams<'a>,
    /// Laid-out items.
    pub cache: &'a mut LayoutCache,
    /// Highlights code in items that have to be laid out.
    pub highlighter: &'a mut Highlighter,
}

impl ScrollWindow<'_> {
    /// The line at the top of the pane, and whether the pane follows the end.
    pub fn top(&mut self) -> (LinePosition, bool) {
        let height = usize::from(self.params.height);
        let end = self.end();
        let lowest = self.up(end, height);
        let scroll = self.params.scroll;
        let mut top = match scroll.anchor {
            ScrollAnchor::End => lowest,
            ScrollAnchor::At { item, line } => self.clamp(item, line),
        };
        top = if scroll.by < 0 {
            self.up(top, scroll.by.unsigned_abs())
        } else {
            self.down(top, scroll.by.unsigned_abs(), lowest)
        };
        if let (true, Some(selected)) = (scroll.reveal, self.params.selected) {
            top = self.revealing(top, selected.min(self.items.len() - 1));
        }
        (top.min(lowest), top >= lowest)
    }

    /// The position after the last line.
    fn end(&mut self) -> LinePosition {
        let item = self.items.len() - 1;
        LinePosition { item, line: self.height(item) }
    }

    fn height(&mut self, item: usize) -> usize {
        self.cache.item(self.items, item, self.params, self.highlighter).height()
    }

    /// A position of an earlier frame, or the nearest one that exists now.
    fn clamp(&mut self, item: usize, line: usize) -> LinePosition {
        let item = item.min(self.items.len() - 1);
        let last = self.height(item).saturating_sub(1);
        LinePosition { item, line: line.min(last) }
    }

    /// The position so many lines above, or the first one.
    fn up(&mut self, from: LinePosition, mut lines: usize) -> LinePosition {
        let mut place = from;
        while lines > place.line {
            let Some(before) = place.item.checked_sub(1) else { return LinePosition::default() };
            lines -= place.line;
            place = LinePosition { item: before, line: self.height(before) };
        }
        place.line -= lines;
        // An item that shows nothing has no line to stand at.
        while place.line > 0 && place.line == self.height(place.item) && place.item + 1 < self.items.len() {
            place = LinePosition { item: place.item + 1, line: 0 };
        }
        place
    }

    /// The position so many lines below, or `lowest`.
    fn down(&mut self, from: LinePosition, mut lines: usize, lowest: LinePosition) -> LinePosition {
        let mut place = from;
        while place < lowest {
            let left = self.height(place.item) - place.line.min(self.height(place.item));
            if lines < left {
                place.line += lines;
                return place.min(lowest);
            }
            lines -= left;
            place = LinePosition { item: place.item + 1, line: 0 };
        }
        lowest
    }

    /// The top moved by as little as makes the item visible: all of it, or its
    /// beginning if it is higher than the pane.
    fn revealing(&mut self, top: LinePosition, item: usize) -> LinePosition {
        let first = LinePosition { item, line: 0 };
        if top > first {
            return first;
        }
        let end = LinePosition { item, line: self.height(item) };
        let least = self.up(end, usize::from(self.params.height));
        top.max(least.min(first))
    }
}
