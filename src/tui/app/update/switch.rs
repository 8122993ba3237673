//! The commands that change who has the seat.

use super::super::effect::Effect;
use super::super::overlay::{Choice, Overlay};
use super::super::state::{App, Focus, Undo};
use super::{act, read};
use crate::session::SessionId;
use crate::session::facts::fork_title;
use crate::slot::{SlotState, Switch};

/// Enter in the browser: the session under the cursor takes the seat. On a dead
/// agent's own session it asks why that died.
pub(super) fn seat_selected(app: &mut App) -> Vec<Effect> {
    if let (SlotState::Exited(exit), true) = (&app.seat.state, app.shows_active())
        && !exit.expected
    {
        return act::why(app);
    }
    match app.browser.selected.or(app.seat.active) {
        Some(session) => seat_session(app, session),
        None => {
            app.focus = Focus::Composer;
            Vec::new()
        }
    }
}

/// Gives a session the seat: shown first, attached behind.
pub(super) fn seat_session(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let mut effects = read::show(app, session);
    app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    if app.seat.active != Some(session) {
        effects.extend(switch(app, Switch::Resume(session)));
    }
    effects
}

/// Asks the slot for a switch, now or as soon as it can.
pub(super) fn switch(app: &mut App, switch: Switch) -> Vec<Effect> {
    match app.seat.state {
        SlotState::Idle(_) => vec![Effect::Switch { switch, interrupt: false }],
        SlotState::Busy { .. } => {
            app.overlay = Some(Overlay::Choice(Choice::SwitchWhileBusy(switch)));
            Vec::new()
        }
        SlotState::Starting | SlotState::Switching { .. } | SlotState::Exited(_) => {
            app.intent.get_or_insert_default().switch = Some(switch);
            Vec::new()
        }
    }
}

pub(super) fn clear(app: &mut App) -> Vec<Effect> {
    let active_is_empty = app
        .seat
        .active
        .is_none_or(|active| app.pages.get(&active).is_some_and(|page| page.conversation.is_empty()));
    if active_is_empty && app.browser.row_of(app.seat.active).is_none() {
        app.focus = Focus::Composer;
        if let Some(active) = app.seat.active {
            app.browser.selected = None;
            app.say("this session is still empty");
            return read::show(app, active);
        }
        return Vec::new();
    }
    app.focus = Focus::Composer;
    switch(app, Switch::Clear)
}

/// Takes the last clear or delete back.
pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    match app.undo.pop() {
        Some(Undo::Clear(session)) => seat_session(app, session),
        Some(Undo::Delete(session)) => vec![Effect::Restore(session)],
        None => act::complain(app, "there is nothing to undo"),
    }
}

/// Forks the session shown, in the conversation from the selected message.
pub(super) fn fork(app: &mut App) -> Vec<Effect> {
    let Some(source) = act::target(app) else { return act::complain(app, "there is nothing to fork yet") };
    let at = match app.focus {
        Focus::Conversation => app.page().and_then(|page| page.selected_uuid()).map(str::to_owned),
        Focus::Browser | Focus::Composer | Focus::Permission => None,
    };
    fork_session(app, source, at)
}

/// Forks a session under the next free number of its title.
pub(super) fn fork_session(app: &mut App, source: SessionId, at: Option<String>) -> Vec<Effect> {
    let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
    let title = app.title(source).map(|title| fork_title(title, titles));
    app.focus = Focus::Composer;
    switch(app, Switch::Fork { source, at, title, cwd: None })
}

pub(super) fn parent(app: &mut App) -> Vec<Effect> {
    let parent =
        act::target(app).and_then(|session| app.browser.row(session)).and_then(crate::index::Row::parent);
    match parent {
        Some(parent) => seat_session(app, parent),
        None => act::complain(app, "this session was not forked from another"),
    }
}
