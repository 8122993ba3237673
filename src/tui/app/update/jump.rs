//! Keys while the search for a session lies over the panes.

use crossterm::event::KeyEvent;

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::jump::{Jump, SearchScope};
use super::super::key::Key;
use super::super::keymap::KeyContext;
use super::super::overlay::Overlay;
use super::super::ranking::RankJob;
use super::super::state::App;
use super::super::text_input;
use super::{loading, switch};

/// Opens the search, with a text to begin from.
pub(super) fn open(app: &mut App, place: SearchScope, text: &str) -> Vec<Effect> {
    let jump = Jump::new(&app.browser, place, text, app.local_now());
    app.overlay = Some(Overlay::Jump(Box::new(jump)));
    vec![Effect::ListSessions { all: true }]
}

/// Takes one key.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let now = app.local_now();
    let command = app.keymap.command_in(KeyContext::Jump, Key::from(key));
    let page = isize::try_from(app.geometry.choices.len()).unwrap_or(1).max(1);
    let Some(Overlay::Jump(jump)) = &mut app.overlay else { return Vec::new() };
    match command {
        Some(Command::Accept) => return resume_selected(app),
        Some(Command::SearchMessages) => jump.toggle_scope(now),
        Some(Command::ToggleToolSearch) => jump.toggle_tools(now),
        Some(Command::Complete) if text_input::complete(&mut jump.line, &jump.rows) => jump.update_query(now),
        Some(Command::Up) => jump.step(-1),
        Some(Command::Down) => jump.step(1),
        Some(Command::PageUp) => jump.step(-page),
        Some(Command::PageDown) => jump.step(page),
        _ => {
            if text_input::apply_key(&mut jump.line, key) {
                jump.update_query(now);
            }
        }
    }
    preview(app)
}

/// Resumes the session under the cursor, at the message it was found by.
fn resume_selected(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = &mut app.overlay else { return Vec::new() };
    if jump.scope == SearchScope::Titles {
        jump.ranking.rank_now();
    }
    let (chosen, sought) = (jump.selected(), jump.seek_target());
    if let (Some(session), true) = (chosen, jump.is_on_subagent()) {
        // Its words are in a transcript of its own, which is read and not resumed.
        app.overlay = None;
        return vec![Effect::ReadSubagents(session)];
    }
    let mut effects = chosen.map_or_else(Vec::new, |session| switch::resume_session(app, session));
    // A question may have taken its place.
    if matches!(app.overlay, Some(Overlay::Jump(_))) {
        app.overlay = None;
    }
    let Some(session) = chosen else { return effects };
    if let Some(seek) = sought {
        effects.extend(loading::seek_to(app, session, seek));
    }
    effects
}

/// Shows the session under the cursor behind the box, at what was found in it.
pub(super) fn preview(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = &app.overlay else { return Vec::new() };
    let (chosen, sought) = (jump.selected(), jump.seek_target());
    let Some(session) = chosen else { return Vec::new() };
    let mut effects = loading::show(app, session);
    if let Some(seek) = sought {
        effects.extend(loading::seek_to(app, session, seek));
    }
    effects
}

/// The shell ranked many sessions.
pub(super) fn ranked(app: &mut App, work: &RankJob, hits: Vec<usize>) -> Vec<Effect> {
    if let Some(Overlay::Jump(jump)) = &mut app.overlay
        && jump.ranking.set_hits(work, hits.clone())
    {
        jump.cursor = 0;
        return preview(app);
    }
    if app.browser.ranking.set_hits(work, hits) {
        app.rebuild_browser();
        if app.overlay.is_none() {
            return loading::show_selected(app);
        }
    }
    Vec::new()
}

/// Closes the jump without a choice: shows what was shown before.
pub(super) fn leave(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = app.overlay.take() else { return Vec::new() };
    if jump.seek_target().is_some()
        && let Some(page) = app.page_mut()
    {
        page.search = None;
        page.scroll_to_end();
    }
    loading::show_selected(app)
}
