//! Where the last frame drew what.
//!
//! Only the view knows how high a message is and where a row ended up. It says
//! so here after each frame, and the next mouse click, scroll or permission
//! key is understood by it.

use ratatui::layout::{Position, Rect};

use super::conversation_page::ScrollAnchor;

/// Where the last frame drew what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Geometry {
    /// The list of sessions; empty where it is hidden.
    pub browser: Rect,
    /// The column of the divider, where there is one.
    pub divider: Option<u16>,
    pub conversation: Rect,
    pub composer: Rect,
    /// The agent's terminal; empty where it is not shown.
    pub terminal: Rect,
    /// Screen row and the index into `Browser::lines` of each row of the list.
    pub rows: Vec<(u16, usize)>,
    /// Screen row and item index of each row of the conversation.
    pub items: Vec<(u16, usize)>,
    /// Where the conversation's scroll came to rest.
    pub anchor: ScrollAnchor,
    /// The first item there is was in sight: older ones may have to be read.
    pub at_top: bool,
    /// The permission request that a person could see.
    pub permission: Option<String>,
    /// The last line of that request was in sight.
    pub permission_end: bool,
    /// Lines that its text can be scrolled down by.
    pub permission_max_scroll: usize,
    /// Rows of its text that fit.
    pub permission_rows: usize,
    /// Screen row and the index of each row of an overlay's list.
    pub choices: Vec<(u16, usize)>,
    /// Lines that an overlay can be scrolled by.
    pub max_scroll: usize,
}

/// What stands at a place on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitTarget {
    /// A row of the browser, by its index into `Browser::lines`.
    Row(usize),
    /// The browser, beside its rows.
    Browser,
    /// The line between browser and conversation.
    Divider,
    /// An item of the conversation.
    Item(usize),
    /// The conversation, beside its items.
    Conversation,
    Composer,
    /// A row of an overlay.
    Choice(usize),
    /// Nothing that can be clicked.
    Nothing,
}

impl Geometry {
    /// What stands at a place. An overlay lies over everything else.
    pub fn hit_test(&self, column: u16, row: u16, overlaid: bool) -> HitTarget {
        let at = Position::new(column, row);
        let find = |rows: &[(u16, usize)]| rows.iter().find(|(y, _)| *y == row).map(|(_, index)| *index);
        if overlaid {
            return find(&self.choices).map_or(HitTarget::Nothing, HitTarget::Choice);
        }
        if self.divider == Some(column) && row < self.browser.bottom() {
            HitTarget::Divider
        } else if self.browser.contains(at) {
            find(&self.rows).map_or(HitTarget::Browser, HitTarget::Row)
        } else if self.conversation.contains(at) {
            find(&self.items).map_or(HitTarget::Conversation, HitTarget::Item)
        } else if self.composer.contains(at) {
            HitTarget::Composer
        } else {
            HitTarget::Nothing
        }
    }
}
