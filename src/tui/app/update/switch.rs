//! Clear, resume and fork: what changes the active session, and the questions
//! that come first.

use std::path::PathBuf;

use super::super::agents::SessionOwner;
use super::super::command::Command;
use super::super::deferred::DeferredChange;
use super::super::effect::Effect;
use super::super::keymap::KeyContext;
use super::super::overlay::{Confirmation, Overlay};
use super::super::state::{App, Focus};
use super::super::trust::FolderUse;
use super::{agents, dispatch, loading, slot_events, trust};
use crate::session::SessionId;
use crate::session::summary::fork_title;
use crate::slot::{Feature, SlotState, Switch, SwitchSupport};

/// Enter in the browser: resumes the session under the cursor. On the session of
/// an agent that died it shows why.
pub(super) fn resume_selected(app: &mut App) -> Vec<Effect> {
    // Where another was called and does not start, the way back is open.
    let is_its_own = app.shows_active() && app.agent.replacing_since.is_none();
    if let (SlotState::Exited(exit), true) = (&app.agent.state, is_its_own)
        && !exit.expected
    {
        return dispatch::show_exit(app);
    }
    match app.browser.selected.or(app.agent.active) {
        Some(session) => resume_session(app, session),
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
    let session = app.browser.selected.filter(|session| app.agent.active != Some(*session))?;
    if app.session_owner(session) != SessionOwner::Active {
        return None;
    }
    let by_standby = app.agent.info.as_ref()?.capabilities.resume == SwitchSupport::Standby;
    // Moving the cursor is no consent: not in another folder, nor in one that no
    // person trusts.
    let is_agreed =
        trust::is_filed_here(app, session) && !app.restricted_folders.contains(app.opened_folder());
    (by_standby && is_agreed && confirmation_needed(app, session).is_none())
        .then_some(Effect::Prepare(Switch::Resume(session)))
}

/// Resumes a session: it is shown at once, the slot catches up.
pub(super) fn resume_session(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let mut effects = loading::show(app, session);
    app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    if app.agent.active != Some(session) || app.agent.replacing_since.is_some() {
        effects.extend(request_resume(app, session));
    } else if app.deferred.take_if(|intent| intent.change.is_some()).is_some() {
        app.toast("switch cancelled");
    }
    effects
}

/// Resumes a session, after a question where there is one.
pub(super) fn request_resume(app: &mut App, session: SessionId) -> Vec<Effect> {
    if !app.confirmed.contains(&session) && !trust::is_filed_here(app, session) {
        return trust::resolve(app, session, FolderUse::Resume);
    }
    match (confirmation_needed(app, session), app.session_owner(session)) {
        (Some(choice), _) => {
            app.overlay = Some(Overlay::Confirm(choice));
            Vec::new()
        }
        (None, SessionOwner::Offered(at)) => {
            agents::request_agent(app, at, Some(session)).unwrap_or_else(|| {
                restore_prompt(app);
                app.focus = Focus::Browser;
                Vec::new()
            })
        }
        (None, SessionOwner::Unknown) => {
            restore_prompt(app);
            app.focus = Focus::Browser;
            dispatch::refuse(app, "this session belongs to an agent that is not configured here")
        }
        (None, SessionOwner::Active) => switch(app, Switch::Resume(session)),
    }
}

/// What a person must decide before a session is resumed, besides its folder.
fn confirmation_needed(app: &App, session: SessionId) -> Option<Confirmation> {
    let row = app.row(session).filter(|_| !app.damage_accepted.contains(&session))?;
    let health = row.facts.health;
    // What another agent keeps that one mends itself, or not.
    (!health.is_good() && row.facts.agent.is_none())
        .then(|| Confirmation::Damaged { session, lines: health.torn + health.foreign })
}

/// Cancels a switch: the prompt that waited for it is a draft again, and the
/// screen shows the active session.
pub(super) fn cancel_switch(app: &mut App) -> Vec<Effect> {
    restore_prompt(app);
    let Some(active) = app.agent.active else { return Vec::new() };
    app.browser.selected = app.browser.row(active).map(|row| row.stored.id);
    loading::show(app, active)
}

/// Puts the prompt that waited for a switch back into the composer.
pub(super) fn restore_prompt(app: &mut App) {
    if let Some((_, text)) = app.deferred.take().and_then(|intent| intent.prompt) {
        app.composer.restore_draft(&text);
    }
}

/// Asks the slot for a switch, now or as soon as it can.
pub(super) fn switch(app: &mut App, switch: Switch) -> Vec<Effect> {
    request_change(app, DeferredChange::Switch(switch))
}

/// Makes a change now, or as soon as the slot is idle. While a turn runs, the
/// person says when.
pub(super) fn request_change(app: &mut App, next: DeferredChange) -> Vec<Effect> {
    if app.is_busy() {
        app.overlay = Some(Overlay::Confirm(Confirmation::SwitchWhileBusy(next)));
        return Vec::new();
    }
    change_when_idle(app, next)
}

/// Makes a change as soon as the slot is idle.
pub(super) fn change_when_idle(app: &mut App, next: DeferredChange) -> Vec<Effect> {
    app.deferred.get_or_insert_default().change = Some(next);
    slot_events::resume_deferred(app)
}

/// Makes a change now, which ends a running turn.
pub(super) fn change_now(app: &mut App, next: DeferredChange) -> Vec<Effect> {
    match next {
        DeferredChange::Switch(switch) => vec![Effect::Switch { switch, interrupt: true }],
        // Its process ends, and with it the turn.
        DeferredChange::Agent { at, session, .. } => agents::replace_agent(app, at, session),
    }
}

pub(super) fn clear(app: &mut App) -> Vec<Effect> {
    let active_is_empty = app
        .agent
        .active
        .is_none_or(|active| app.pages.get(&active).is_some_and(|page| page.conversation.is_empty()));
    // A conversation in a terminal is known only once it is on disk.
    if active_is_empty && !app.shows_terminal() && app.browser.row_of(app.agent.active).is_none() {
        app.focus = Focus::Composer;
        if let Some(active) = app.agent.active {
            app.browser.selected = None;
            app.toast("this session is still empty");
            return loading::show(app, active);
        }
        return Vec::new();
    }
    app.focus = Focus::Composer;
    switch(app, Switch::Clear)
}

/// Forks the session shown, in the conversation from the selected message.
pub(super) fn fork(app: &mut App) -> Vec<Effect> {
    let Some(source) = dispatch::target(app) else {
        return dispatch::refuse(app, "there is nothing to fork yet");
    };
    let selects = app.focus == Focus::Conversation && app.page().is_some_and(|page| page.selected.is_some());
    let at = app.page().filter(|_| selects).and_then(|page| page.selected_uuid()).map(str::to_owned);
    let lack = app.agent.info.as_ref().and_then(|agent| agent.capabilities.unsupported(Feature::ForkAt));
    match (lack, app.session_owner(source)) {
        // Not all of it under the name of a part.
        (Some(why), SessionOwner::Active) if selects => {
            let browser = app.keymap.key(KeyContext::Browser, Command::Fork);
            let whole =
                browser.map(|key| format!(" - {key} in the browser forks all of it")).unwrap_or_default();
            dispatch::refuse(app, &format!("{why}{whole}"))
        }
        _ => fork_session(app, source, at),
    }
}

/// Forks a session under the next free number of its title.
pub(super) fn fork_session(app: &mut App, source: SessionId, at: Option<String>) -> Vec<Effect> {
    let is_agreed = app.agent.active == Some(source) || app.confirmed.contains(&source);
    // A copy could not go on in a folder that is gone.
    let is_gone = app.row(source).is_some_and(|row| app.environment.missing_folder(row).is_some());
    if is_gone {
        return fork_into(app, source, at, Some(PathBuf::from(&app.folder)));
    }
    if !is_agreed && !trust::is_filed_here(app, source) {
        return trust::resolve(app, source, FolderUse::Fork(at));
    }
    fork_into(app, source, at, None)
}

/// Forks a session so that the copy works in the session's own folder, which a
/// person has agreed to.
pub(super) fn fork_in_its_folder(app: &mut App, source: SessionId, at: Option<String>) -> Vec<Effect> {
    fork_into(app, source, at, None)
}

fn fork_into(app: &mut App, source: SessionId, at: Option<String>, cwd: Option<PathBuf>) -> Vec<Effect> {
    if app.session_owner(source) != SessionOwner::Active {
        if app.shares_transcripts() {
            return vec![Effect::ForkExternal { source, at, title: None, cwd }];
        }
        let seats = app.keymap.key(KeyContext::Browser, Command::Resume);
        let seats = seats.map(|key| format!(": {key} switches to it")).unwrap_or_default();
        return dispatch::refuse(app, &format!("this session belongs to another agent{seats}"));
    }
    let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
    let title = app.title(source).map(|title| fork_title(title, titles));
    app.focus = Focus::Composer;
    switch(app, Switch::Fork { source, at, title, cwd })
}

/// Forks a session of another folder into the opened one.
pub(super) fn fork_here(app: &mut App, source: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let title = app.row(source).map(|row| {
        let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
        fork_title(row.facts.title_text(), titles)
    });
    switch(app, Switch::Fork { source, at: None, title, cwd: Some(PathBuf::from(&app.folder)) })
}

pub(super) fn parent(app: &mut App) -> Vec<Effect> {
    let parent = dispatch::target(app)
        .and_then(|session| app.browser.row(session))
        .and_then(crate::index::SessionRow::parent_id);
    match parent {
        Some(parent) => resume_session(app, parent),
        None => dispatch::refuse(app, "this session is not a fork"),
    }
}
