//! Takes in the events of the slot.

use super::super::conversation_page::ConversationPage;
use super::super::deferred::{Deferred, DeferredChange};
use super::super::effect::Effect;
use super::super::overlay::{Confirmation, Overlay};
use super::super::permission_card::PermissionCard;
use super::super::state::{App, Focus};
use super::super::undo::Undo;
use super::{agents, loading, save_drafts};
use crate::session::Conversation;
use crate::session::SessionId;
use crate::session::conversation::ConversationEvent;
use crate::slot::{
    AgentEvent, AgentInfo, CompletedSwitch, ErrorCode, PromptState, SlotEvent, SlotEventKind, SlotState,
    Switch, SwitchMethod,
};

/// Takes one slot event. One of an older epoch is dropped: it is
/// about a session that is no longer active.
pub(super) fn handle_slot_event(app: &mut App, event: SlotEvent) -> Vec<Effect> {
    if event.epoch < app.agent.epoch {
        return Vec::new();
    }
    app.agent.epoch = event.epoch;
    match event.kind {
        SlotEventKind::StateChanged(state) => {
            enter_state(app, state);
            let mut effects = resume_deferred(app);
            if let (SlotState::Exited(_), true, Some(shown)) =
                (&app.agent.state, app.agent.terminal, app.shown)
            {
                // What its terminal showed is in the transcript now.
                app.pages.remove(&shown);
                effects.extend(loading::show(app, shown));
            }
            effects
        }
        SlotEventKind::Ready(agent) => agent_ready(app, agent),
        SlotEventKind::ResumeRefused(why) => {
            app.toast_error(format!("cannot open this session ({why}); started a new one instead"));
            Vec::new()
        }
        SlotEventKind::Switched(switched) => session_switched(app, switched),
        SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid, change }) => {
            app.agent.retry = None;
            let turn_over = matches!(change, ConversationEvent::TurnEnd(_));
            if let Some(page) =
                event.session.map(|session| app.pages.entry(session).or_insert_with(ConversationPage::empty))
            {
                page.apply_event(&uuid, event.at, change);
            }
            if turn_over { vec![Effect::ListSessions { all: app.browser.all }] } else { Vec::new() }
        }
        SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state }) => {
            match state {
                PromptState::Queued => {}
                PromptState::Started | PromptState::Completed => {
                    app.composer.queued.retain(|queued| queued.uuid != uuid);
                }
                // Taken back by the slot, not by the person: its text is theirs.
                PromptState::Cancelled => {
                    if let Some(at) = app.composer.queued.iter().position(|queued| queued.uuid == uuid) {
                        let text = app.composer.queued.remove(at).text;
                        app.composer.restore_draft(&text);
                    }
                }
                PromptState::Aborted => {
                    app.composer.queued.retain(|queued| queued.uuid != uuid);
                    app.toast_error("the turn was cut off; Up restores its prompt");
                }
            }
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => {
            app.permissions.push_back(PermissionCard::new(request));
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) => {
            app.permissions.retain(|pending| pending.request.id != id);
            leave_permission(app);
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::Retrying(retry)) => {
            app.agent.retry = Some((retry, app.now));
            Vec::new()
        }
        SlotEventKind::TotalsChanged(totals) => {
            app.agent.totals = totals;
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::HistoryReplayed { at, changes }) => {
            if let Some(session) = event.session {
                let mut conversation = Conversation::default();
                for (uuid, change) in changes {
                    conversation.apply(change, &uuid, Some(at.unwrap_or(event.at)));
                }
                app.pages.insert(session, ConversationPage::from_replay(conversation));
            }
            Vec::new()
        }
        // They are written down by the shell, and listed from there.
        SlotEventKind::Agent(AgentEvent::SessionsListed(_)) => Vec::new(),
        SlotEventKind::Agent(AgentEvent::McpServersChanged(connected, of)) => {
            if let Some(agent) = &mut app.agent.info {
                agent.mcp_servers = (connected, of);
            }
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::SlashCommands(commands)) => {
            if let Some(agent) = &mut app.agent.info {
                agent.commands = commands;
            }
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::ModelChanged(model)) => {
            if let Some(agent) = &mut app.agent.info {
                agent.model.clone_from(&model);
            }
            app.toast(format!("model: {model}"));
            Vec::new()
        }
        SlotEventKind::Agent(AgentEvent::ModeChanged(mode)) => {
            app.agent.mode = mode;
            Vec::new()
        }
        SlotEventKind::Prewarmed(switch) => {
            app.agent.prepared = switch.and_then(|switch| switch.source());
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

fn enter_state(app: &mut App, state: SlotState) {
    if let SlotState::Exited(exit) = &state {
        app.permissions.clear();
        leave_permission(app);
        app.agent.warm_since = None;
        app.agent.memory = None;
        if !exit.expected {
            let next = match exit.restart_in {
                Some(_) => "restarting it",
                None => "R restarts it, W shows its output",
            };
            app.toast_error(format!("the agent died ({}) - {next}", exit.reason));
        }
    }
    app.agent.retry = None;
    app.agent.state = state;
    app.agent.state_since = app.now;
    app.agent.interrupt_unconfirmed = false;
}

/// The handshake is through.
fn agent_ready(app: &mut App, agent: AgentInfo) -> Vec<Effect> {
    let session = agent.session;
    let called = app.agent.replacing_since.take();
    // Whoever was called from there is followed to its own session.
    let follows = called.is_some() && app.shows_active();
    if let Some(called) = called {
        let took = (app.now - called).as_seconds_f64();
        app.toast(format!("{} is ready in a new process after {took:.1} s", app.agent.name));
    }
    if let Some(repaired) = &agent.repaired {
        app.toast(repaired.clone());
    }
    app.agent.warm_since = Some(app.now);
    app.agent.mode = agent.permission_mode;
    app.agent.folder = Some(agent.cwd.clone());
    app.agent.info = Some(agent);
    if let Some(former) = app.agent.active.replace(session).filter(|former| *former != session) {
        app.agent.previous = Some(former);
    }
    app.confirmed.insert(session);
    let mut effects = Vec::new();
    if app.shown.is_none() || (follows && app.shown != Some(session)) {
        if !app.agent.terminal {
            app.pages.entry(session).or_insert_with(ConversationPage::empty);
        }
        effects.extend(loading::show(app, session));
        app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    }
    app.rebuild_browser();
    effects.extend(resume_deferred(app));
    effects
}

/// The active session changed.
fn session_switched(app: &mut App, switched: CompletedSwitch) -> Vec<Effect> {
    let (from, to) = (switched.from, switched.to);
    if switched.kind == "clear" {
        app.undo.push(Undo::Clear(from));
        if !app.agent.terminal {
            app.pages.insert(to, ConversationPage::empty());
        }
    }
    if let Some(repaired) = &switched.repaired {
        app.toast(repaired.clone());
    }
    if let Some(agent) = &mut app.agent.info {
        agent.pid = switched.pid;
    }
    if switched.method != SwitchMethod::InProcess {
        app.agent.warm_since = Some(app.now);
        app.agent.memory = None;
    }
    app.agent.previous = Some(from);
    app.agent.active = Some(to);
    app.agent.folder = Some(switched.cwd.clone());
    app.confirmed.insert(to);
    app.agent.last_switch = Some(switched);
    app.permissions.clear();
    leave_permission(app);
    app.browser.selected = app.browser.row(to).map(|row| row.stored.id);
    app.rebuild_browser();
    let mut effects = loading::show(app, to);
    effects.push(Effect::ListSessions { all: app.browser.all });
    effects.extend(save_drafts(app));
    effects
}

/// The switch failed. The screen goes back to the active session, and the prompt
/// that waited goes back to the composer.
pub(super) fn switch_refused(
    app: &mut App,
    code: Option<&ErrorCode>,
    message: String,
    session: Option<SessionId>,
) -> Vec<Effect> {
    super::switch::restore_prompt(app);
    match (code, session) {
        (Some(ErrorCode::SessionInUse), Some(session)) => {
            app.overlay = Some(Overlay::Confirm(Confirmation::ForkInstead { session, held: message }));
        }
        _ => app.toast_error(message),
    }
    Vec::new()
}

/// Does what was waiting, if the slot can do it now.
pub(super) fn resume_deferred(app: &mut App) -> Vec<Effect> {
    let Some(Deferred { change: next, prompt }) = app.deferred.take() else { return Vec::new() };
    // A replacement agent is not ready yet, and the former one has ended.
    let active = match app.agent.state {
        SlotState::Idle(active) if app.agent.replacing_since.is_none() => Some(active),
        _ => None,
    };
    // An agent that starts, or is gone, has nothing to finish.
    let is_at_work = app.is_busy() || matches!(app.agent.state, SlotState::Switching { .. });
    match (next, prompt, active) {
        (Some(DeferredChange::Agent { at, session, .. }), prompt, _) if !is_at_work => {
            app.deferred = prompt.map(|prompt| Deferred { change: None, prompt: Some(prompt) });
            agents::replace_agent(app, at, session)
        }
        (Some(DeferredChange::Switch(Switch::Resume(session))), prompt, Some(active))
            if session == active =>
        {
            app.deferred = Some(Deferred { change: None, prompt });
            resume_deferred(app)
        }
        (Some(DeferredChange::Switch(switch)), prompt, Some(_)) => {
            app.deferred = prompt.map(|prompt| Deferred { change: None, prompt: Some(prompt) });
            vec![Effect::Switch { switch, interrupt: false }]
        }
        (None, Some((session, text)), Some(active)) if session == active => super::prompts::submit(app, text),
        (None, None, _) => Vec::new(),
        // It cannot be done yet: wait on.
        (next, prompt, _) => {
            app.deferred = Some(Deferred { change: next, prompt });
            Vec::new()
        }
    }
}
