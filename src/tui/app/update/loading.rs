//! Takes in what the shell read from the store: the list and the transcripts.

use std::sync::Arc;

use super::super::conversation_page::{ConversationPage, INITIAL_READ_BYTES, LoadState, SeekTarget};
use super::super::effect::Effect;
use super::super::event::LoadedTranscript;
use super::super::overlay::Overlay;
use super::super::state::App;
use super::super::undo::Undo;
use crate::index::SessionRow;
use crate::session::SessionId;

/// Conversations kept in memory besides the active one.
const MAX_CACHED_PAGES: usize = 12;

/// Shows a session in the conversation pane: at once where it was read before,
/// else as soon as its file is.
pub(super) fn show(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.shown = Some(session);
    app.composer.switch_session(session);
    app.recently_shown.retain(|looked_at| *looked_at != session);
    app.recently_shown.push(session);
    if app.recently_shown.len() > MAX_CACHED_PAGES {
        let oldest = app.recently_shown.remove(0);
        if app.agent.active != Some(oldest) {
            app.pages.remove(&oldest);
        }
    }
    let stored_size = app.browser.row(session).map(|row| row.stored.size);
    let live = app.agent.active == Some(session);
    match app.pages.get(&session).map(|page| &page.load_state) {
        Some(LoadState::Loading) => Vec::new(),
        Some(LoadState::Loaded { size, .. }) if live || stored_size.is_none_or(|stored| stored == *size) => {
            Vec::new()
        }
        Some(LoadState::NotLoaded | LoadState::Failed(_) | LoadState::Loaded { .. }) | None => {
            app.pages.insert(session, ConversationPage::loading());
            vec![Effect::ReadTranscript { session, bytes: INITIAL_READ_BYTES }]
        }
    }
}

/// Scrolls to a message of the session shown, however far back it is.
pub(super) fn seek_to(app: &mut App, session: SessionId, seek: SeekTarget) -> Vec<Effect> {
    if let Some(page) = app.pages.get_mut(&session) {
        page.seek(seek);
    }
    continue_seek(app, session)
}

/// Reads more of the transcript until the message that is sought is loaded.
fn continue_seek(app: &mut App, session: SessionId) -> Vec<Effect> {
    let Some(page) = app.pages.get_mut(&session) else { return Vec::new() };
    if let Some(bytes) = page.bytes_to_seek_target() {
        return vec![Effect::ReadTranscript { session, bytes }];
    }
    if !page.loading_older
        && matches!(page.load_state, LoadState::Loaded { .. })
        && page.seeking.take().is_some()
    {
        app.toast("this match is no longer part of the conversation: it was rewound or edited away");
    }
    Vec::new()
}

/// Shows what the browser's cursor is on.
pub(super) fn show_selected(app: &mut App) -> Vec<Effect> {
    match app.browser.selected.or(app.agent.active) {
        Some(session) => show(app, session),
        None => {
            app.shown = None;
            Vec::new()
        }
    }
}

/// Sessions were read, so far or in all.
pub(super) fn sessions_listed(
    app: &mut App,
    all: bool,
    rows: Vec<SessionRow>,
    progress: Option<(usize, usize)>,
) -> Vec<Effect> {
    let rows = Arc::new(rows);
    let now = app.local_now();
    if let Some(Overlay::Jump(jump)) = &mut app.overlay
        && all
    {
        let said = if rows.iter().any(SessionRow::is_hidden) {
            Arc::new(rows.iter().filter(|row| !row.is_hidden()).cloned().collect())
        } else {
            Arc::clone(&rows)
        };
        jump.set_rows(said, progress.is_some(), now);
    }
    if all != app.browser.all {
        return Vec::new();
    }
    app.browser.set_rows(rows, app.agent.active);
    app.browser.progress = progress;
    app.browser.problem = None;
    app.rebuild_browser();
    if app.resume_newest && app.browser.progress.is_none() {
        app.resume_newest = false;
        if let Some(newest) = app.browser.nth_recent(1) {
            return super::switch::resume_session(app, newest);
        }
    }
    // Another process may have written on in the session that is only looked at.
    match app.shown {
        Some(shown) if !app.shows_active() => show(app, shown),
        _ => Vec::new(),
    }
}

pub(super) fn transcript_read(
    app: &mut App,
    session: SessionId,
    read: Result<LoadedTranscript, String>,
) -> Vec<Effect> {
    let Some(page) = app.pages.get_mut(&session) else { return Vec::new() };
    match read {
        Ok(LoadedTranscript { conversation, title, whole, bytes, size }) => {
            page.title = title.or(page.title.take());
            page.set_loaded(conversation, whole, bytes, size);
        }
        Err(_) if matches!(page.load_state, LoadState::Loaded { .. }) => page.loading_older = false,
        Err(problem) => page.load_state = LoadState::Failed(problem),
    }
    continue_seek(app, session)
}

/// A session went to the trash.
pub(super) fn deleted(app: &mut App, session: SessionId, by_agent: bool) -> Vec<Effect> {
    let title = app.title(session).unwrap_or("session").to_owned();
    app.browser.step(1);
    if app.browser.selected == Some(session) {
        app.browser.step(-1);
    }
    Arc::make_mut(&mut app.browser.rows).retain(|row| row.stored.id != session);
    app.partition_empty();
    app.pages.remove(&session);
    app.rebuild_browser();
    app.undo.push(Undo::Effect(Effect::Restore { session, by_agent }));
    let done = if by_agent { "archived" } else { "deleted" };
    app.toast(format!("{done} “{title}” - u restores it"));
    show_selected(app)
}
