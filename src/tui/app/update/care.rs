//! Looking after sessions: what to know of one, keeping a copy, names and tags,
//! the trash.

use super::super::effect::Effect;
use super::super::overlay::{Ask, Overlay, Purpose, Text};
use super::super::state::App;
use super::super::undo::Undo;
use super::{act, read, switch};
use crate::session::SessionId;
use crate::slot::Feature;

/// Lays what is known of the session over the panes.
pub(super) fn details(app: &mut App) -> Vec<Effect> {
    match listed_target(app) {
        Some(session) => {
            app.overlay = Some(Overlay::Read(Text::Details(session), 0));
            Vec::new()
        }
        None => act::complain(app, "this session holds nothing yet"),
    }
}

/// Keeps a copy of the session, or gives it up.
pub(super) fn pin(app: &mut App) -> Vec<Effect> {
    match listed_target(app) {
        Some(session) if let Some(keeper) = app.keeper_name(session) => {
            act::complain(app, &format!("{keeper} keeps this session: no clean-up of claude's finds it"))
        }
        Some(session) => vec![Effect::Pin { session, pin: !app.around.pinned.contains(&session) }],
        None => act::complain(app, "this session holds nothing yet: there is nothing to keep"),
    }
}

/// A copy is kept, or no more.
pub(super) fn pinned(app: &mut App, session: SessionId, pinned: bool) {
    if pinned {
        app.around.pinned.insert(session);
        app.say("pinned: a copy is kept where no clean-up finds it");
    } else {
        app.around.pinned.remove(&session);
        app.say("not pinned any more");
    }
}

/// Shows the sessions that hold nothing, or hides them again.
pub(super) fn toggle_empty(app: &mut App) -> Vec<Effect> {
    app.browser.with_empty = !app.browser.with_empty;
    app.sort_out_empty();
    app.arrange();
    let count = app.browser.empty_rows();
    let sessions = if count == 1 { "1 empty session".to_owned() } else { format!("{count} empty sessions") };
    app.say(match (count, app.browser.with_empty) {
        (0, _) => "no session here is empty".to_owned(),
        (_, true) => format!("{sessions} shown"),
        (_, false) => format!("{sessions} hidden"),
    });
    read::show_selected(app)
}

/// Asks for a title or a tag.
pub(super) fn ask(app: &mut App, purpose: fn(SessionId) -> Purpose) -> Vec<Effect> {
    let Some(session) = listed_target(app) else {
        return act::complain(app, "this session holds nothing yet: say something first");
    };
    let purpose = purpose(session);
    if let Some(why) = refused(app, session, &purpose) {
        return act::complain(app, &why);
    }
    let text = match &purpose {
        Purpose::Tag(_) => tag_of(app, session),
        _ => app.title(session).unwrap_or_default().to_owned(),
    };
    app.overlay = Some(Overlay::Ask(Box::new(Ask::new(purpose, &text))));
    Vec::new()
}

/// Gives a session a title.
pub(super) fn rename(app: &mut App, session: SessionId, title: String) -> Vec<Effect> {
    let by_agent = app.seat.active == Some(session) || app.is_kept_by_seated(session);
    if let Some(former) = app.title(session).map(str::to_owned).filter(|former| *former != title) {
        app.undo.push(Undo::By(Effect::Rename { session, title: former, by_agent }));
    }
    vec![Effect::Rename { session, title, by_agent }]
}

/// Gives a session a tag, or takes it away.
pub(super) fn tag(app: &mut App, session: SessionId, tag: String) -> Vec<Effect> {
    let former = tag_of(app, session);
    if former != tag {
        app.undo.push(Undo::By(Effect::Tag { session, tag: former }));
    }
    vec![Effect::Tag { session, tag }]
}

/// Why a session cannot be given that, which another agent may keep.
fn refused(app: &App, session: SessionId, purpose: &Purpose) -> Option<String> {
    let keeper = app.keeper_name(session)?;
    match purpose {
        Purpose::Tag(_) => Some(format!("{keeper} keeps this session, and knows no tags")),
        Purpose::Title(_) if !app.is_kept_by_seated(session) => {
            Some(format!("{keeper} keeps this session, and only it can rename it: seat it first"))
        }
        Purpose::Title(_) => {
            let abilities = app.seat.agent.as_ref()?.abilities;
            abilities.lack(Feature::Rename).map(str::to_owned)
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
        return act::complain(app, "there is nothing to delete here");
    };
    if let Some(keeper) = app.keeper_name(session).filter(|_| !app.is_kept_by_seated(session)) {
        let why = format!("{keeper} keeps this session, and only it can put it aside: seat it first");
        return act::complain(app, &why);
    }
    let lack = app.seat.agent.as_ref().and_then(|agent| agent.abilities.lack(Feature::Archive));
    if let Some(why) = lack.filter(|_| app.is_kept_by_seated(session)) {
        return act::complain(app, &format!("{why}: nothing is deleted"));
    }
    if app.seat.active == Some(session) {
        return act::complain(app, "this session has the seat: c clears it, then d deletes it");
    }
    vec![Effect::Delete { session, by_agent: app.is_kept_by_seated(session) }]
}

/// Takes back what was done last: a clear, a delete, a title, a tag.
pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    match app.undo.pop() {
        Some(Undo::Clear(session)) => switch::seat_session(app, session),
        Some(Undo::By(effect)) => vec![effect],
        None => act::complain(app, "there is nothing to undo"),
    }
}

/// The session a command is about, if the list has it.
fn listed_target(app: &App) -> Option<SessionId> {
    act::target(app).filter(|session| app.browser.row(*session).is_some())
}
