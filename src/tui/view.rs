//! Draws the program: a function from [`App`] to a frame.
//!
//! Owns layout and looks. It never changes state, reads a file or asks a process;
//! only laid-out lines are cached between frames. Text of transcripts and agents
//! is hostile and reaches the terminal only through [`crate::text`]. What was drawn
//! where comes back as a [`Geometry`], so that the next click or scroll can be
//! understood. Start at [`view`].

mod browser;
mod composer;
mod context_usage;
mod conversation;
mod details;
mod header;
pub mod highlight;
mod hints;
mod jump;
mod layout;
pub mod markdown;
mod overlay;
mod permission;
mod search_hits;
mod spans;
mod status_bar;
mod terminal;
pub mod theme;

use std::collections::HashMap;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use self::highlight::Highlighter;
use self::layout::{DesiredHeights, ScreenLayout};
use self::permission::CardExtent;
pub use self::theme::Theme;
use crate::session::SessionId;
use crate::slot::terminal::AgentTerminal;
use crate::text;
use crate::tui::app::{App, Focus, Geometry, LoadState, Overlay};

/// Caches that outlive a frame: laid-out conversations and highlighted code.
#[derive(Default)]
pub struct ViewCaches {
    conversations: HashMap<SessionId, conversation::LayoutCache>,
    highlighter: Highlighter,
    terminal: Option<AgentTerminal>,
}

impl ViewCaches {
    /// Empty caches. `wake` is called from another thread when code has been
    /// highlighted and a new frame would show it.
    pub fn new(wake: impl Fn() + Send + 'static) -> Self {
        Self { highlighter: Highlighter::start(wake), ..Self::default() }
    }

    /// The terminal of an agent that runs in one (`claude-tty`).
    pub fn terminal(&self) -> Option<&AgentTerminal> {
        self.terminal.as_ref()
    }

    /// These caches with the terminal of an agent that runs in one.
    #[must_use]
    pub fn with_terminal(self, terminal: Option<AgentTerminal>) -> Self {
        Self { terminal, ..self }
    }
}

/// Draws a frame.
pub fn view(app: &App, frame: &mut Frame<'_>, caches: &mut ViewCaches, theme: &Theme) -> Geometry {
    let screen = frame.area();
    if screen.width < layout::MIN_SCREEN.0 || screen.height < layout::MIN_SCREEN.1 {
        draw_too_small(frame, theme);
        return Geometry::default();
    }
    // The panes' widths are known first; heights depend on what has to be shown.
    let width =
        ScreenLayout::of(app, screen, DesiredHeights { head: 1, composer: 1, ..DesiredHeights::default() })
            .composer
            .width;
    let head = header::lines(app, width, theme);
    let card = permission::card(app, width, theme);
    let notes = composer::notes(app, width, theme);
    let wants = DesiredHeights {
        head: head.len() as u16 + 1,
        permission: card.height(),
        full_permission: card.is_full_screen(),
        composer: composer::height(app, width),
        notes: notes.len() as u16,
    };
    let layout = ScreenLayout::of(app, screen, wants);

    frame.render_widget(Paragraph::new(head), layout.head);
    let mut extent = CardExtent::default();
    let seen = if app.shows_terminal() {
        let area = layout.conversation.union(layout.composer);
        terminal::draw(app, caches.terminal.as_ref(), frame, area);
        // News lies over its last lines rather than changing its size.
        draw_over(notes, frame, area);
        Geometry { terminal: area, ..Geometry::default() }
    } else {
        let seen = draw_conversation(app, frame, layout.conversation, caches, theme);
        extent = permission::draw(&card, frame, layout.permission);
        frame.render_widget(Paragraph::new(notes), layout.notes);
        composer::draw_rule(app, frame, layout.rule, theme);
        composer::draw(app, frame, layout.composer, theme);
        composer::draw_completions(app, frame, layout.composer, theme);
        Geometry { conversation: layout.conversation, composer: layout.composer, ..seen }
    };
    frame.render_widget(status_bar::line(app, layout.bar.width, theme), layout.bar);
    frame.render_widget(hints::line(app, layout.hints.width, theme), layout.hints);
    let divider = (0..layout.divider.height).map(|_| Line::styled("│", theme.dim)).collect::<Vec<_>>();
    frame.render_widget(Paragraph::new(divider), layout.divider);
    let rows = browser::draw(app, frame, layout.browser, theme);
    let is_read = matches!(app.overlay, Some(Overlay::Viewer(..)));
    if app.is_narrow() && !layout.browser.is_empty() && !is_read {
        // The list lies over the place of the news.
        let area = Rect { x: layout.browser.x + 1, width: layout.browser.width - 1, ..layout.browser };
        draw_over(composer::toast_lines(app, width, theme), frame, area);
    }
    let (choices, scrolls) = match &app.overlay {
        Some(Overlay::Jump(search)) => (jump::draw(app, search, frame, theme), 0),
        _ => overlay::draw(app, frame, theme),
    };
    let hidden = app.overlay.is_some() || layout.permission.is_empty();
    let permission = app.permissions.front().filter(|_| !hidden).map(|pending| pending.request.id.clone());
    Geometry {
        browser: layout.browser,
        divider: (!layout.divider.is_empty()).then_some(layout.divider.x),
        rows,
        permission,
        permission_end: extent.end && !hidden,
        permission_max_scroll: extent.max_scroll,
        permission_rows: extent.rows,
        choices,
        max_scroll: scrolls,
        ..seen
    }
}

/// Draws lines over the bottom of an area.
fn draw_over(lines: Vec<Line<'static>>, frame: &mut Frame<'_>, area: Rect) {
    let height = (lines.len() as u16).min(area.height);
    let over = Rect { y: area.bottom() - height, height, ..area };
    frame.render_widget(Clear, over);
    frame.render_widget(Paragraph::new(lines), over);
}

/// Draws the conversation, or why there is none.
fn draw_conversation(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    caches: &mut ViewCaches,
    theme: &Theme,
) -> Geometry {
    let (Some(shown), Some(page)) = (app.shown, app.page()) else {
        draw_centered("○ starting the agent… You can already type and browse.", frame, area, theme);
        return Geometry::default();
    };
    caches.highlighter.receive();
    caches.conversations.retain(|session, _| app.pages.contains_key(session));
    if page.conversation.is_empty() {
        let words = match page.load_state {
            LoadState::NotLoaded | LoadState::Loading => "loading…",
            LoadState::Failed(_) => "This session cannot be shown.",
            // It has a title, so something was.
            LoadState::Loaded { .. }
                if app.browser.row(shown).is_some_and(|row| row.facts.agent.is_some()) =>
            {
                "Its agent keeps the messages itself. Enter resumes the session and loads them."
            }
            LoadState::Loaded { .. } => {
                "No messages yet. Type below to start, or pick a session on the left."
            }
        };
        draw_centered(words, frame, area, theme);
        return Geometry::default();
    }
    let params = conversation::ViewParams {
        theme,
        width: area.width,
        height: area.height,
        unfolded: &page.unfolded,
        show_timestamps: app.show_timestamps,
        offset: app.offset,
        folder: app.browser.row(shown).and_then(|row| row.facts.cwd.as_deref()).unwrap_or(&app.folder),
        highlighted: page.search.as_ref().map(|search| search.words.as_slice()),
        selected: page.selected,
        focused: app.focus == Focus::Conversation,
        scroll: page.scroll,
        is_complete: matches!(page.load_state, LoadState::Loaded { whole: true, .. }),
    };
    let cache = caches.conversations.entry(shown).or_default();
    let seen =
        conversation::layout_visible(page.conversation.items(), &params, cache, &mut caches.highlighter);
    let items = seen.items.iter().enumerate();
    let items = items.filter_map(|(at, item)| Some((area.y + at as u16, (*item)?))).collect();
    frame.render_widget(Paragraph::new(seen.lines), area);
    if seen.below {
        let mark = Line::styled(" ↓ more below · G goes to the end ", theme.dim).right_aligned();
        frame.render_widget(mark, Rect { y: area.bottom().saturating_sub(1), height: 1, ..area });
    }
    Geometry { items, anchor: seen.anchor, at_top: seen.at_top, ..Geometry::default() }
}

fn draw_centered(words: &str, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let lines = spans::wrap_text(words, theme.dim, usize::from(area.width.saturating_sub(4)).max(1));
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    let area = Rect { y: top, height: area.bottom() - top, ..area };
    frame.render_widget(Paragraph::new(lines).centered(), area);
}

/// Draws one line that says how large the terminal needs to be.
fn draw_too_small(frame: &mut Frame<'_>, theme: &Theme) {
    let (width, height) = layout::MIN_SCREEN;
    let area = frame.area();
    let words = format!("hotseat needs {width}×{height}");
    let line = Line::styled(text::truncate(&words, usize::from(area.width)).into_owned(), theme.dim);
    frame.render_widget(line, Rect { height: area.height.min(1), ..area });
}

#[cfg(test)]
mod tests;
