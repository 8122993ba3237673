//! The commands that change who has the seat.

use std::path::{Path, PathBuf};

use super::super::agents::Keeper;
use super::super::command::Command;
use super::super::effect::Effect;
use super::super::intent::Next;
use super::super::keymap::Place;
use super::super::overlay::{Choice, Overlay};
use super::super::state::{App, Focus};
use super::{act, agents, read, seat};
use crate::session::SessionId;
use crate::session::facts::fork_title;
use crate::slot::{Ability, Feature, SlotState, Switch};

/// Enter in the browser: the session under the cursor takes the seat. On a dead
/// agent's own session it asks why that died.
pub(super) fn seat_selected(app: &mut App) -> Vec<Effect> {
    // Where another was called and does not start, the way back is open.
    let is_its_own = app.shows_active() && app.seat.called.is_none();
    if let (SlotState::Exited(exit), true) = (&app.seat.state, is_its_own)
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

/// A row is highlighted. An agent that needs another process for its session
/// makes one ready, unless the person has to be asked first: a process in a
/// folder reads what that folder says it is to do.
pub(super) fn prepare(app: &App) -> Option<Effect> {
    let session = app.browser.selected.filter(|session| app.seat.active != Some(*session))?;
    if app.keeper(session) != Keeper::Seated {
        return None;
    }
    let by_standby = app.seat.agent.as_ref()?.abilities.resume == Ability::Standby;
    (by_standby && doubt(app, session).is_none()).then_some(Effect::Prepare(Switch::Resume(session)))
}

/// Gives a session the seat: shown first, attached behind.
pub(super) fn seat_session(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let mut effects = read::show(app, session);
    app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    if app.seat.active != Some(session) || app.seat.called.is_some() {
        effects.extend(resume(app, session));
    } else if app.intent.take_if(|intent| intent.next.is_some()).is_some() {
        app.say("this session stays");
    }
    effects
}

/// Resumes a session, after a question where there is one.
pub(super) fn resume(app: &mut App, session: SessionId) -> Vec<Effect> {
    match (doubt(app, session), app.keeper(session)) {
        (Some(choice), _) => {
            app.overlay = Some(Overlay::Choice(choice));
            Vec::new()
        }
        (None, Keeper::Offered(at)) => agents::seat(app, at, Some(session)).unwrap_or_else(|| {
            give_prompt_back(app);
            app.focus = Focus::Browser;
            Vec::new()
        }),
        (None, Keeper::Unknown) => {
            give_prompt_back(app);
            app.focus = Focus::Browser;
            act::complain(app, "the agent that keeps this session is none of those known here")
        }
        (None, Keeper::Seated) => switch(app, Switch::Resume(session)),
    }
}

/// What a person must decide before a session takes the seat.
fn doubt(app: &App, session: SessionId) -> Option<Choice> {
    let row = app.row(session).filter(|_| !app.agreed.contains(&session))?;
    if let Some(folder) = app.around.gone(row) {
        return Some(Choice::FolderGone { session, folder: folder.to_owned() });
    }
    let works_there = |folder: &&str| app.seat.folder.as_deref() == Some(Path::new(folder));
    if let Some(folder) = app.around.elsewhere(row).filter(|folder| !works_there(folder)) {
        return Some(Choice::OtherFolder { session, folder: folder.to_owned() });
    }
    let health = row.facts.health;
    // What another agent keeps that one mends itself, or not.
    (!health.is_good() && row.facts.agent.is_none())
        .then(|| Choice::Broken { session, lines: health.torn + health.foreign })
}

/// Nothing changes: what was to be sent is a draft again, and the screen shows
/// what the seat has.
pub(super) fn stay(app: &mut App) -> Vec<Effect> {
    give_prompt_back(app);
    let Some(active) = app.seat.active else { return Vec::new() };
    app.browser.selected = app.browser.row(active).map(|row| row.stored.id);
    read::show(app, active)
}

/// What waited for a session to take the seat goes back to the composer.
pub(super) fn give_prompt_back(app: &mut App) {
    if let Some((_, text)) = app.intent.take().and_then(|intent| intent.prompt) {
        app.composer.give_back(&text);
    }
}

/// Asks the slot for a switch, now or as soon as it can.
pub(super) fn switch(app: &mut App, switch: Switch) -> Vec<Effect> {
    change(app, Next::Switch(switch))
}

/// Changes who has the seat, now or as soon as that can be. While a turn runs,
/// the person says when.
pub(super) fn change(app: &mut App, next: Next) -> Vec<Effect> {
    if app.is_busy() {
        app.overlay = Some(Overlay::Choice(Choice::ChangeWhileBusy(next)));
        return Vec::new();
    }
    wait(app, next)
}

/// Changes who has the seat, as soon as that can be.
pub(super) fn wait(app: &mut App, next: Next) -> Vec<Effect> {
    app.intent.get_or_insert_default().next = Some(next);
    seat::pursue(app)
}

/// Changes who has the seat, in the middle of a turn.
pub(super) fn interrupt(app: &mut App, next: Next) -> Vec<Effect> {
    match next {
        Next::Switch(switch) => vec![Effect::Switch { switch, interrupt: true }],
        // Its process ends, and with it the turn.
        Next::Agent { at, session, .. } => agents::call(app, at, session),
    }
}

pub(super) fn clear(app: &mut App) -> Vec<Effect> {
    let active_is_empty = app
        .seat
        .active
        .is_none_or(|active| app.pages.get(&active).is_some_and(|page| page.conversation.is_empty()));
    // What is said in a terminal is known once it is on disk, and that may be yet to come.
    if active_is_empty && !app.shows_terminal() && app.browser.row_of(app.seat.active).is_none() {
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

/// Forks the session shown, in the conversation from the selected message.
pub(super) fn fork(app: &mut App) -> Vec<Effect> {
    let Some(source) = act::target(app) else { return act::complain(app, "there is nothing to fork yet") };
    let selects = app.focus == Focus::Conversation && app.page().is_some_and(|page| page.selected.is_some());
    let at = app.page().filter(|_| selects).and_then(|page| page.selected_uuid()).map(str::to_owned);
    let lack = app.seat.agent.as_ref().and_then(|agent| agent.abilities.lack(Feature::ForkAt));
    match (lack, app.keeper(source)) {
        // Not all of it under the name of a part.
        (Some(why), Keeper::Seated) if selects => {
            let browser = app.keymap.key(Place::Browser, Command::Fork);
            let whole =
                browser.map(|key| format!(" - {key} in the browser forks all of it")).unwrap_or_default();
            act::complain(app, &format!("{why}{whole}"))
        }
        _ => fork_session(app, source, at),
    }
}

/// Forks a session under the next free number of its title.
pub(super) fn fork_session(app: &mut App, source: SessionId, at: Option<String>) -> Vec<Effect> {
    // A copy could not go on in a folder that is gone either.
    let gone = app.row(source).is_some_and(|row| app.around.gone(row).is_some());
    let cwd = gone.then(|| PathBuf::from(&app.folder));
    if app.keeper(source) != Keeper::Seated {
        if app.shares_transcripts() {
            return vec![Effect::CarryOver { source, at, title: None, cwd }];
        }
        let seats = app.keymap.key(Place::Browser, Command::Seat);
        let seats = seats.map(|key| format!(": {key} seats that one")).unwrap_or_default();
        return act::complain(app, &format!("another agent keeps this session{seats}"));
    }
    let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
    let title = app.title(source).map(|title| fork_title(title, titles));
    app.focus = Focus::Composer;
    switch(app, Switch::Fork { source, at, title, cwd })
}

/// Forks a session of another folder into the one hotseat was started in.
pub(super) fn fork_here(app: &mut App, source: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let title = app.row(source).map(|row| {
        let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
        fork_title(row.facts.title_text(), titles)
    });
    switch(app, Switch::Fork { source, at: None, title, cwd: Some(PathBuf::from(&app.folder)) })
}

pub(super) fn parent(app: &mut App) -> Vec<Effect> {
    let parent =
        act::target(app).and_then(|session| app.browser.row(session)).and_then(crate::index::Row::parent);
    match parent {
        Some(parent) => seat_session(app, parent),
        None => act::complain(app, "this session was not forked from another"),
    }
}
