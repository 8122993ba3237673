//! Divides the screen between the panes.

use ratatui::layout::Rect;

use crate::tui::app::{App, Focus};

/// The smallest screen that shows anything useful, in columns and rows.
pub const MIN_SCREEN: (u16, u16) = (40, 10);
/// The least and the largest width of the browser, in columns.
const BROWSER_WIDTHS: (u16, u16) = (34, 60);
/// Rows that a permission card gets even if nothing is left of the conversation.
const MIN_CARD_ROWS: u16 = 8;
/// The composer grows with its text up to this share of the screen's height.
const MAX_COMPOSER_PERCENT: u16 = 40;

/// The areas of the screen. The area of a hidden part is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScreenLayout {
    /// The list of sessions. On a narrow screen it lies over the conversation.
    pub browser: Rect,
    /// The line between browser and conversation.
    pub divider: Rect,
    /// The header above the conversation.
    pub head: Rect,
    /// The conversation. Its first column marks the selected item.
    pub conversation: Rect,
    /// The permission card.
    pub permission: Rect,
    /// The rule above the composer.
    pub rule: Rect,
    pub composer: Rect,
    /// Queued prompts and the toast.
    pub notes: Rect,
    /// The status bar.
    pub bar: Rect,
    /// The hint line.
    pub hints: Rect,
}

/// The rows that parts which grow with their content would like to have.
#[derive(Debug, Clone, Copy, Default)]
pub struct DesiredHeights {
    /// The header: one line, or two if there is a note.
    pub head: u16,
    /// The permission card; 0 without one.
    pub permission: u16,
    /// It gets the whole pane.
    pub full_permission: bool,
    /// The composer's text.
    pub composer: u16,
    /// Queued prompts and the toast.
    pub notes: u16,
}

/// The width of the browser's column; 0 if it has no column of its own.
pub fn browser_width(app: &App, screen: Rect) -> u16 {
    if app.is_narrow() || app.browser.hidden {
        return 0;
    }
    let wanted = app.browser.width.unwrap_or(screen.width * 2 / 5);
    wanted.clamp(BROWSER_WIDTHS.0, BROWSER_WIDTHS.1).min(screen.width / 2)
}

impl ScreenLayout {
    /// Divides the screen. If the rows do not suffice, the least important part gives
    /// way first: notes, then the permission card, then the composer.
    pub fn of(app: &App, screen: Rect, wants: DesiredHeights) -> Self {
        let mut left = screen;
        let hints = take_bottom(&mut left, 1);
        let bar = take_bottom(&mut left, 1);
        let mut layout = Self { bar, hints, ..Self::default() };
        let width = browser_width(app, screen);
        if width > 0 {
            layout.browser = Rect { width, ..left };
            layout.divider = Rect { x: left.x + width, width: 1, ..left };
            left = Rect { x: left.x + width + 1, width: left.width - width - 1, ..left };
        } else if app.is_narrow() && app.focus == Focus::Browser {
            layout.browser = left;
        }
        // Everything but the marks of the conversation keeps clear of the edge.
        let margin = Rect { width: 1, ..left };
        left = Rect { x: left.x + 1, width: left.width.saturating_sub(1), ..left };
        layout.head = take_top(&mut left, wants.head);
        let composer = wants.composer.clamp(1, (screen.height * MAX_COMPOSER_PERCENT / 100).max(1));
        layout.composer = take_bottom(&mut left, composer);
        layout.rule = take_bottom(&mut left, 1);
        let notes = wants.notes.min(left.height / 4);
        layout.notes = take_bottom(&mut left, notes);
        let most = if wants.full_permission { left.height } else { (left.height * 2 / 3).max(MIN_CARD_ROWS) };
        let permission = wants.permission.min(most).min(left.height);
        layout.permission = take_bottom(&mut left, permission);
        layout.conversation = Rect { x: margin.x, width: margin.width + left.width, ..left };
        layout
    }
}

fn take_top(from: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(from.height);
    let taken = Rect { height: rows, ..*from };
    from.y += rows;
    from.height -= rows;
    taken
}

fn take_bottom(from: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(from.height);
    from.height -= rows;
    Rect { y: from.y + from.height, height: rows, ..*from }
}
