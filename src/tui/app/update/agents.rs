//! Replacing the active agent by another one.

use super::super::deferred::DeferredChange;
use super::super::effect::Effect;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{slot_events, switch};
use crate::session::SessionId;
use crate::slot::{SlotTotals, StartIn};

/// Why an agent in a terminal of its own is not replaced.
const OWNS_THE_SCREEN: &str = "this agent has the terminal for itself: quit, and start with --agent";

/// Opens the agent picker with the cursor on the active agent.
pub(super) fn open_picker(app: &mut App) -> Vec<Effect> {
    if app.agent.terminal {
        app.toast_error(OWNS_THE_SCREEN);
        return Vec::new();
    }
    if app.agents.is_empty() {
        app.toast_error("no other agent is configured here");
        return Vec::new();
    }
    let at = app.agents.iter().position(|offered| offered.name == app.agent.name);
    app.overlay = Some(Overlay::AgentPicker(at.unwrap_or(0)));
    Vec::new()
}

/// The cursor moves among them.
pub(super) fn step(app: &mut App, by: isize) -> Vec<Effect> {
    let last = app.agents.len().saturating_sub(1);
    if let Some(Overlay::AgentPicker(at)) = &mut app.overlay {
        *at = at.saturating_add_signed(by).min(last);
    }
    Vec::new()
}

/// Starts the agent under the cursor, if it can be started.
pub(super) fn pick(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::AgentPicker(at)) = app.overlay.take() else { return Vec::new() };
    let Some(offered) = app.agents.get(at).cloned() else { return Vec::new() };
    if offered.name == app.agent.name {
        app.toast(format!("{} is already active", offered.name));
        return Vec::new();
    }
    let effects = self::request_agent(app, at, None);
    if effects.is_some() {
        // Somebody else is called to be talked to.
        app.focus = Focus::Composer;
    }
    effects.unwrap_or_default()
}

/// Asks for another agent, in this session if one is named. `None` if that agent
/// cannot be started; the reason is shown.
pub(super) fn request_agent(app: &mut App, at: usize, session: Option<SessionId>) -> Option<Vec<Effect>> {
    let offered = app.agents.get(at)?;
    let name = offered.name;
    if let Some(why) = &offered.unavailable {
        let why = format!("cannot start {name}: {why}");
        app.toast_error(why);
    } else if app.agent.terminal {
        app.toast_error(OWNS_THE_SCREEN);
    } else if !offered.ignores_project_settings && app.is_restricted() {
        // It would read the settings of a folder that no person trusts.
        app.toast_error(format!(
            "{name} cannot leave out this folder's own settings, and you do not trust it"
        ));
    } else {
        return Some(switch::request_change(app, DeferredChange::Agent { at, name, session }));
    }
    None
}

/// Replaces the active agent, which ends a running turn.
pub(super) fn replace_agent(app: &mut App, at: usize, session: Option<SessionId>) -> Vec<Effect> {
    let Some(name) = app.agents.get(at).map(|offered| offered.name) else { return Vec::new() };
    // Another agent can continue the session only where both use the official
    // transcripts.
    let stays =
        app.shares_transcripts() && app.agents.get(at).is_some_and(|offered| offered.official_transcripts);
    let start_in = match session {
        Some(session) => StartIn::Stored(session),
        None if stays => StartIn::Same,
        None => StartIn::New,
    };
    let left =
        app.agents.iter().position(|former| former.name == app.agent.name && former.official_transcripts);
    app.agent.last_official = left.or(app.agent.last_official);
    app.agent.ignores_project_settings =
        app.agents.get(at).is_some_and(|offer| offer.ignores_project_settings);
    name.clone_into(&mut app.agent.name);
    app.agent.info = None;
    // What the bar says of the former agent is not true of this one.
    app.agent.totals = SlotTotals::default();
    (app.agent.last_switch, app.agent.memory, app.agent.prepared) = (None, None, None);
    app.permissions.clear();
    slot_events::leave_permission(app);
    app.agent.replacing_since = Some(app.now);
    vec![Effect::StartAgent { at, start_in }]
}
