//! What is done to a session without switching to it: details, pin, title, tag,
//! trash, undo.

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::keymap::KeyContext;
use super::super::overlay::{LinePrompt, Overlay, PromptKind, ViewerContent};
use super::super::state::App;
use super::super::undo::Undo;
use super::{dispatch, loading, switch};
use crate::session::SessionId;
use crate::slot::Feature;
use crate::text::format::pluralize;

/// Lays what is known of the session over the panes.
pub(super) fn details(app: &mut App) -> Vec<Effect> {
    match listed_target(app) {
        Some(session) => {
            app.overlay = Some(Overlay::Viewer(ViewerContent::Details(session), 0));
            Vec::new()
        }
        None => dispatch::refuse(app, "this session is empty"),
    }
}

/// Keeps a copy of the session, or gives it up.
pub(super) fn pin(app: &mut App) -> Vec<Effect> {
    match listed_target(app) {
        Some(session) if let Some(keeper) = app.owner_name(session) => dispatch::refuse(
            app,
            &format!("this session belongs to {keeper}, so Claude's clean-up does not touch it"),
        ),
        Some(session) => vec![Effect::Pin { session, pin: !app.environment.pinned.contains(&session) }],
        None => dispatch::refuse(app, "this session is empty, so there is nothing to pin"),
    }
}

/// A copy is kept, or no more.
pub(super) fn pinned(app: &mut App, session: SessionId, pinned: bool) {
    if pinned {
        app.environment.pinned.insert(session);
        app.toast("pinned: clean-up cannot delete it");
    } else {
        app.environment.pinned.remove(&session);
        app.toast("unpinned");
    }
}

/// Shows the sessions that hold nothing, or hides them again.
pub(super) fn toggle_empty(app: &mut App) -> Vec<Effect> {
    app.browser.shows_empty = !app.browser.shows_empty;
    app.partition_empty();
    app.rebuild_browser();
    let count = app.browser.hidden_rows();
    let sessions = pluralize(count, "session");
    app.toast(match (count, app.browser.shows_empty) {
        (0, _) => "no session here is hidden".to_owned(),
        (_, true) => format!("{sessions} shown: empty, archived, or of programs, jobs and teams"),
        (_, false) => format!("{sessions} hidden"),
    });
    loading::show_selected(app)
}

/// Reads the transcripts of the session's subagents.
pub(super) fn read_subagents(app: &mut App) -> Vec<Effect> {
    let has_some = |session: &SessionId| app.row(*session).is_some_and(|row| !row.facts.subagents.is_empty());
    match listed_target(app) {
        Some(session) if has_some(&session) => vec![Effect::ReadSubagents(session)],
        _ => dispatch::refuse(app, "this session has no subagents"),
    }
}

/// Moves the sessions of a folder that is gone to this one: that of the highlighted session, else
/// what this folder was called before.
pub(super) fn move_here(app: &mut App) -> Vec<Effect> {
    let row = app.browser.row_of(app.browser.selected);
    let gone = row.and_then(|row| app.environment.missing_folder(row)).map(str::to_owned);
    match gone.or_else(|| app.environment.former_folder.clone().map(|(folder, _)| folder)) {
        Some(folder) => vec![Effect::MoveHere(folder.into())],
        None => dispatch::refuse(app, "the folder of this session is there"),
    }
}

/// Says that the opened folder was renamed and its sessions were left behind, once.
pub(super) fn mention_former_folder(app: &mut App) {
    let Some((folder, sessions)) = &app.environment.former_folder else { return };
    let key = app.keymap.key(KeyContext::Browser, Command::MoveHere);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let sessions = pluralize(*sessions, "session");
    app.toast(format!(
        "{sessions} of {folder}, which is gone. Was it renamed to this one? {key} moves them here"
    ));
}

/// Asks for a title or a tag.
pub(super) fn prompt_for(app: &mut App, purpose: fn(SessionId) -> PromptKind) -> Vec<Effect> {
    let Some(session) = listed_target(app) else {
        return dispatch::refuse(app, "this session is empty; send a prompt first");
    };
    let purpose = purpose(session);
    if let Some(why) = why_refused(app, session, &purpose) {
        return dispatch::refuse(app, &why);
    }
    let text = match &purpose {
        PromptKind::Tag(_) => tag_of(app, session),
        _ => app.title(session).unwrap_or_default().to_owned(),
    };
    app.overlay = Some(Overlay::Prompt(Box::new(LinePrompt::new(purpose, &text))));
    Vec::new()
}

/// Gives a session a title.
pub(super) fn rename(app: &mut App, session: SessionId, title: String) -> Vec<Effect> {
    let by_agent = app.agent.active == Some(session) || app.owned_by_active(session);
    if let Some(former) = app.title(session).map(str::to_owned).filter(|former| *former != title) {
        app.undo.push(Undo::Effect(Effect::Rename { session, title: former, by_agent }));
    }
    vec![Effect::Rename { session, title, by_agent }]
}

/// Gives a session a tag, or takes it away.
pub(super) fn tag(app: &mut App, session: SessionId, tag: String) -> Vec<Effect> {
    let former = tag_of(app, session);
    if former != tag {
        app.undo.push(Undo::Effect(Effect::Tag { session, tag: former }));
    }
    vec![Effect::Tag { session, tag }]
}

/// Why a session cannot be given that, which another agent may keep.
fn why_refused(app: &App, session: SessionId, purpose: &PromptKind) -> Option<String> {
    let keeper = app.owner_name(session)?;
    match purpose {
        PromptKind::Tag(_) => Some(format!("this session belongs to {keeper}, which has no tags")),
        PromptKind::Title(_) if !app.owned_by_active(session) => Some(format!(
            "this session belongs to {keeper}, and only {keeper} can rename it: switch to it first"
        )),
        PromptKind::Title(_) => {
            let abilities = app.agent.info.as_ref()?.capabilities;
            abilities.unsupported(Feature::Rename).map(str::to_owned)
        }
        _ => None,
    }
}

fn tag_of(app: &App, session: SessionId) -> String {
    app.browser.row(session).and_then(|row| row.facts.tag.clone()).unwrap_or_default()
}

/// Moves a session to the trash.
pub(super) fn delete(app: &mut App) -> Vec<Effect> {
    let Some(session) = listed_target(app) else {
        return dispatch::refuse(app, "there is nothing to delete here");
    };
    if let Some(keeper) = app.owner_name(session).filter(|_| !app.owned_by_active(session)) {
        let why =
            format!("this session belongs to {keeper}, and only {keeper} can archive it: switch to it first");
        return dispatch::refuse(app, &why);
    }
    let lack = app.agent.info.as_ref().and_then(|agent| agent.capabilities.unsupported(Feature::Archive));
    if let Some(why) = lack.filter(|_| app.owned_by_active(session)) {
        return dispatch::refuse(app, &format!("{why}, so nothing was deleted"));
    }
    if app.agent.active == Some(session) {
        return dispatch::refuse(app, "this session is active: c starts a new one, then d deletes it");
    }
    vec![Effect::Delete { session, by_agent: app.owned_by_active(session) }]
}

/// Takes back what was done last: a clear, a delete, a title, a tag.
pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    match app.undo.pop() {
        Some(Undo::Clear(session)) => switch::resume_session(app, session),
        Some(Undo::Effect(effect)) => vec![effect],
        None => dispatch::refuse(app, "there is nothing to undo"),
    }
}

/// The session a command is about, if the list has it.
fn listed_target(app: &App) -> Option<SessionId> {
    dispatch::target(app).filter(|session| app.browser.row(*session).is_some())
}
