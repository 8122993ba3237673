//! What was read from the store: the list, and the conversations.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::event::Opened;
use super::super::overlay::Overlay;
use super::super::page::{FIRST_READ, Page, Read, Seek};
use super::super::state::{App, Focus};
use super::super::undo::Undo;
use crate::index::Row;
use crate::session::SessionId;

/// Conversations kept in memory besides the one in the seat.
const PAGES: usize = 12;

/// Shows a session in the conversation pane: at once where it was read before,
/// else as soon as its file is.
pub(super) fn show(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.shown = Some(session);
    app.composer.turn_to(session);
    app.looked_at.retain(|looked_at| *looked_at != session);
    app.looked_at.push(session);
    if app.looked_at.len() > PAGES {
        let oldest = app.looked_at.remove(0);
        if app.seat.active != Some(oldest) {
            app.pages.remove(&oldest);
        }
    }
    let stored_size = app.browser.row(session).map(|row| row.stored.size);
    let live = app.seat.active == Some(session);
    match app.pages.get(&session).map(|page| &page.read) {
        Some(Read::Reading) => Vec::new(),
        Some(Read::Done { size, .. }) if live || stored_size.is_none_or(|stored| stored == *size) => {
            Vec::new()
        }
        Some(Read::Unread | Read::Failed(_) | Read::Done { .. }) | None => {
            app.pages.insert(session, Page::reading());
            vec![Effect::Open { session, bytes: FIRST_READ }]
        }
    }
}

/// Comes to a message of a session that is shown, however far back it was said.
pub(super) fn come_to(app: &mut App, session: SessionId, seek: Seek) -> Vec<Effect> {
    if let Some(page) = app.pages.get_mut(&session) {
        page.seek(seek);
    }
    read_on(app, session)
}

/// Reads as much more of a transcript as it takes to come to what is sought.
fn read_on(app: &mut App, session: SessionId) -> Vec<Effect> {
    let Some(page) = app.pages.get_mut(&session) else { return Vec::new() };
    if let Some(bytes) = page.sought_beyond() {
        return vec![Effect::Open { session, bytes }];
    }
    if !page.reading_older && matches!(page.read, Read::Done { .. }) && page.seeks.take().is_some() {
        app.say("what was found is no part of the conversation any more: it was rewound or edited away");
    }
    Vec::new()
}

/// Shows what the browser's cursor is on.
pub(super) fn show_selected(app: &mut App) -> Vec<Effect> {
    match app.browser.selected.or(app.seat.active) {
        Some(session) => show(app, session),
        None => {
            app.shown = None;
            Vec::new()
        }
    }
}

/// Sessions were read, so far or in all.
pub(super) fn rows(
    app: &mut App,
    all: bool,
    rows: Vec<Row>,
    progress: Option<(usize, usize)>,
) -> Vec<Effect> {
    let rows = Arc::new(rows);
    let now = app.local_now();
    if let Some(Overlay::Jump(jump)) = &mut app.overlay
        && all
    {
        let said = if rows.iter().any(Row::holds_nothing) {
            Arc::new(rows.iter().filter(|row| !row.holds_nothing()).cloned().collect())
        } else {
            Arc::clone(&rows)
        };
        jump.take_rows(said, progress.is_some(), now);
    }
    if all != app.browser.all {
        return Vec::new();
    }
    app.browser.take(rows, app.seat.active);
    app.browser.progress = progress;
    app.browser.problem = None;
    app.arrange();
    if app.typed_ahead.is_some() && progress.is_none() && app.browser.rows.is_empty() && !app.seat.terminal {
        // There is nothing to choose from: whoever types means the agent.
        app.focus = Focus::Composer;
    }
    if app.resume_newest && app.browser.progress.is_none() {
        app.resume_newest = false;
        if let Some(newest) = app.browser.recent(1) {
            return super::switch::seat_session(app, newest);
        }
    }
    // Another process may have written on in the session that is only looked at.
    match app.shown {
        Some(shown) if !app.shows_active() => show(app, shown),
        _ => Vec::new(),
    }
}

/// A transcript was read.
pub(super) fn opened(app: &mut App, session: SessionId, read: Result<Opened, String>) -> Vec<Effect> {
    let Some(page) = app.pages.get_mut(&session) else { return Vec::new() };
    match read {
        Ok(Opened { conversation, whole, bytes, size }) => page.take_read(conversation, whole, bytes, size),
        Err(_) if matches!(page.read, Read::Done { .. }) => page.reading_older = false,
        Err(problem) => page.read = Read::Failed(problem),
    }
    read_on(app, session)
}

/// A session went to the trash.
pub(super) fn deleted(app: &mut App, session: SessionId, by_agent: bool) -> Vec<Effect> {
    let title = app.title(session).unwrap_or("session").to_owned();
    app.browser.step(1);
    if app.browser.selected == Some(session) {
        app.browser.step(-1);
    }
    Arc::make_mut(&mut app.browser.rows).retain(|row| row.stored.id != session);
    app.sort_out_empty();
    app.pages.remove(&session);
    app.arrange();
    app.undo.push(Undo::By(Effect::Restore { session, by_agent }));
    let done = if by_agent { "archived" } else { "deleted" };
    app.say(format!("{done} “{title}” - u brings it back"));
    show_selected(app)
}
