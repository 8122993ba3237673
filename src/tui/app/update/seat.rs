//! News from the slot.

use super::super::effect::Effect;
use super::super::intent::{Intent, Next};
use super::super::overlay::{Choice, Overlay};
use super::super::page::Page;
use super::super::state::{App, Focus, Pending};
use super::super::undo::Undo;
use super::{agents, keep, read};
use crate::session::Conversation;
use crate::session::SessionId;
use crate::session::conversation::Change;
use crate::slot::{Agent, How, News, PromptState, SlotEvent, SlotState, Switch, Switched};

/// Takes one piece of news. What belongs to an older epoch is dropped: it is
/// about a session that has left the seat.
pub(super) fn news(app: &mut App, event: SlotEvent) -> Vec<Effect> {
    if event.epoch < app.seat.epoch {
        return Vec::new();
    }
    app.seat.epoch = event.epoch;
    match event.news {
        News::State(state) => {
            enter(app, state);
            let mut effects = pursue(app);
            if let (SlotState::Exited(_), true, Some(shown)) = (&app.seat.state, app.seat.terminal, app.shown)
            {
                // What its terminal showed is in the transcript now.
                app.pages.remove(&shown);
                effects.extend(read::show(app, shown));
            }
            effects
        }
        News::Ready(agent) => ready(app, agent),
        News::Refused(why) => {
            app.complain(format!("a new session has the seat, for this one cannot be opened: {why}"));
            Vec::new()
        }
        News::Switched(switched) => arrived(app, switched),
        News::Conversation { uuid, at, change } => {
            app.seat.retry = None;
            let turn_over = matches!(change, Change::TurnEnd(_));
            if let Some(page) =
                event.session.map(|session| app.pages.entry(session).or_insert_with(Page::begun))
            {
                page.grow(&uuid, at, change);
            }
            if turn_over { vec![Effect::ReadRows { all: app.browser.all }] } else { Vec::new() }
        }
        News::Prompt { uuid, state } => {
            match state {
                PromptState::Queued => {}
                PromptState::Started | PromptState::Completed => {
                    app.composer.queued.retain(|queued| queued.uuid != uuid);
                }
                // Taken back by the slot, not by the person: its text is theirs.
                PromptState::Cancelled => {
                    if let Some(at) = app.composer.queued.iter().position(|queued| queued.uuid == uuid) {
                        let text = app.composer.queued.remove(at).text;
                        app.composer.give_back(&text);
                    }
                }
                PromptState::CutOff => {
                    app.composer.queued.retain(|queued| queued.uuid != uuid);
                    app.complain("the turn was cut off; Up brings its prompt back");
                }
            }
            Vec::new()
        }
        News::Permission(request) => {
            app.permissions.push_back(Pending { request, seen: None });
            Vec::new()
        }
        News::PermissionDropped { id } => {
            app.permissions.retain(|pending| pending.request.id != id);
            leave_permission(app);
            Vec::new()
        }
        News::Retry(retry) => {
            app.seat.retry = Some((retry, app.now));
            Vec::new()
        }
        News::Totals(totals) => {
            app.seat.totals = totals;
            Vec::new()
        }
        News::Replay { at, changes } => {
            if let Some(session) = event.session {
                let mut conversation = Conversation::default();
                for (uuid, change) in changes {
                    conversation.apply(change, &uuid, Some(at));
                }
                app.pages.insert(session, Page::told(conversation));
            }
            Vec::new()
        }
        // They are written down by the shell, and listed from there.
        News::Sessions(_) => Vec::new(),
        News::Servers(connected, of) => {
            if let Some(agent) = &mut app.seat.agent {
                agent.mcp = (connected, of);
            }
            Vec::new()
        }
        News::Commands(commands) => {
            if let Some(agent) = &mut app.seat.agent {
                agent.commands = commands;
            }
            Vec::new()
        }
        News::Model(model) => {
            if let Some(agent) = &mut app.seat.agent {
                agent.model.clone_from(&model);
            }
            app.say(format!("model: {model}"));
            Vec::new()
        }
        News::Mode(mode) => {
            app.seat.mode = mode;
            Vec::new()
        }
        News::Prepared(switch) => {
            app.seat.prepared = switch.and_then(|switch| switch.source());
            Vec::new()
        }
    }
}

/// The focus goes back to the composer when nothing is asked any more.
pub(super) fn leave_permission(app: &mut App) {
    if app.permissions.is_empty() && app.focus == Focus::Permission {
        app.focus = Focus::Composer;
    }
}

fn enter(app: &mut App, state: SlotState) {
    if let SlotState::Exited(exit) = &state {
        app.permissions.clear();
        leave_permission(app);
        app.seat.warm_since = None;
        app.seat.memory = None;
        if !exit.expected {
            let next = match exit.restart_in {
                Some(_) => "starting it again",
                None => "R starts it again, W shows its last words",
            };
            app.complain(format!("the agent died ({}) - {next}", exit.reason));
        }
    }
    app.seat.retry = None;
    app.seat.state = state;
    app.seat.since = app.now;
    app.seat.in_doubt = false;
}

/// The handshake is through.
fn ready(app: &mut App, agent: Agent) -> Vec<Effect> {
    let session = agent.session;
    let called = app.seat.called.take();
    // Whoever was called from there is followed to its own session.
    let follows = called.is_some() && app.shows_active();
    if let Some(called) = called {
        let took = (app.now - called).as_seconds_f64();
        app.say(format!("{} has the seat, in a new process: {took:.1} s", app.seat.name));
    }
    if let Some(repaired) = &agent.repaired {
        app.say(repaired.clone());
    }
    app.seat.warm_since = Some(app.now);
    app.seat.mode = agent.permission_mode;
    app.seat.folder = Some(agent.cwd.clone());
    app.seat.agent = Some(agent);
    if let Some(former) = app.seat.active.replace(session).filter(|former| *former != session) {
        app.seat.previous = Some(former);
    }
    app.agreed.insert(session);
    let mut effects = Vec::new();
    if app.shown.is_none() || (follows && app.shown != Some(session)) {
        if !app.seat.terminal {
            app.pages.entry(session).or_insert_with(Page::begun);
        }
        effects.extend(read::show(app, session));
        app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    }
    app.arrange();
    effects.extend(pursue(app));
    effects
}

/// The seat has another session.
fn arrived(app: &mut App, switched: Switched) -> Vec<Effect> {
    let (from, to) = (switched.from, switched.to);
    if switched.what == "clear" {
        app.undo.push(Undo::Clear(from));
        if !app.seat.terminal {
            app.pages.insert(to, Page::begun());
        }
    }
    if let Some(repaired) = &switched.repaired {
        app.say(repaired.clone());
    }
    if let Some(agent) = &mut app.seat.agent {
        agent.pid = switched.pid;
    }
    if switched.how != How::InProcess {
        app.seat.warm_since = Some(app.now);
        app.seat.memory = None;
    }
    app.seat.previous = Some(from);
    app.seat.active = Some(to);
    app.seat.folder = Some(switched.cwd.clone());
    app.agreed.insert(to);
    app.seat.last_switch = Some(switched);
    app.permissions.clear();
    leave_permission(app);
    app.browser.selected = app.browser.row(to).map(|row| row.stored.id);
    app.arrange();
    let mut effects = read::show(app, to);
    effects.push(Effect::ReadRows { all: app.browser.all });
    effects.extend(keep(app));
    effects
}

/// The switch did not happen. The screen goes back to what the seat has, and
/// what was to be sent goes back to the composer.
pub(super) fn refused(
    app: &mut App,
    code: Option<&str>,
    message: String,
    session: Option<SessionId>,
) -> Vec<Effect> {
    super::switch::give_prompt_back(app);
    match (code, session) {
        (Some("session_in_use"), Some(session)) => {
            app.overlay = Some(Overlay::Choice(Choice::ForkInstead { session, held: message }));
        }
        _ => app.complain(message),
    }
    Vec::new()
}

/// Does what was waiting, if the slot can do it now.
pub(super) fn pursue(app: &mut App) -> Vec<Effect> {
    let Some(Intent { next, prompt }) = app.intent.take() else { return Vec::new() };
    // Who was called is not there yet, and who was there is no more.
    let active = match app.seat.state {
        SlotState::Idle(active) if app.seat.called.is_none() => Some(active),
        _ => None,
    };
    // An agent that starts, or is gone, has nothing to finish.
    let is_at_work = app.is_busy() || matches!(app.seat.state, SlotState::Switching { .. });
    match (next, prompt, active) {
        (Some(Next::Agent { at, session, .. }), prompt, _) if !is_at_work => {
            app.intent = prompt.map(|prompt| Intent { next: None, prompt: Some(prompt) });
            agents::call(app, at, session)
        }
        (Some(Next::Switch(Switch::Resume(session))), prompt, Some(active)) if session == active => {
            app.intent = Some(Intent { next: None, prompt });
            pursue(app)
        }
        (Some(Next::Switch(switch)), prompt, Some(_)) => {
            app.intent = prompt.map(|prompt| Intent { next: None, prompt: Some(prompt) });
            vec![Effect::Switch { switch, interrupt: false }]
        }
        (None, Some((session, text)), Some(active)) if session == active => super::talk::submit(app, text),
        (None, None, _) => Vec::new(),
        // It cannot be done yet: wait on.
        (next, prompt, _) => {
            app.intent = Some(Intent { next, prompt });
            Vec::new()
        }
    }
}
