//! The conversation's visible lines.

use std::collections::BTreeSet;

use ratatui::text::Line;

use super::text;
use super::theme::Theme;
use crate::session::conversation::{Body, Item};
use crate::tui::app::{Anchor, Scroll, text_of};

/// How a conversation is looked at.
pub struct Look<'a> {
    /// The colours.
    pub theme: &'a Theme,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Items whose fold is not the default one.
    pub unfolded: &'a BTreeSet<usize>,
    /// Show when things were said and what turns cost.
    pub times: bool,
    /// The person's time zone.
    pub offset: chrono::FixedOffset,
    /// What is searched for.
    pub query: Option<&'a str>,
    /// The selected item.
    pub selected: Option<usize>,
    /// The pane has the keys.
    pub focused: bool,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// Nothing older is left to read.
    pub whole: bool,
}

/// What is to be seen.
pub struct Seen {
    /// The visible rows.
    pub lines: Vec<Line<'static>>,
    /// The item of each row.
    pub items: Vec<Option<usize>>,
    /// Where scrolling came to rest.
    pub anchor: Anchor,
    /// The first line there is, is in sight.
    pub at_top: bool,
    /// There is more above.
    pub above: bool,
    /// There is more below.
    pub below: bool,
}

/// Lines that were laid out before.
#[derive(Default)]
pub struct Cache;

/// Lays out what is visible.
pub fn lay_out(items: &[Item], look: &Look<'_>, _: &mut Cache) -> Seen {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let mark = if matches!(item.body, Body::Prompt(_)) { "❯ " } else { "" };
        for line in text::wrap_text(
            &text::clean(&format!("{mark}{}", text_of(item))),
            look.theme.reply,
            usize::from(look.width),
        ) {
            lines.push(line);
            rows.push(Some(at));
        }
    }
    let from = lines.len().saturating_sub(usize::from(look.height));
    Seen {
        above: from > 0,
        at_top: from == 0,
        below: false,
        anchor: Anchor::End,
        lines: lines.split_off(from),
        items: rows.split_off(from),
    }
}
