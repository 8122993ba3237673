//! Another agent for the seat.

use super::super::deferred::DeferredChange;
use super::super::effect::Effect;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{slot_events, switch};
use crate::session::SessionId;
use crate::slot::{SlotTotals, StartIn};

/// Why an agent in a terminal of its own is not replaced.
const OWNS_THE_SCREEN: &str = "this agent has the screen for itself: leave, and start with --agent";

/// Offers the agents, the one in the seat first.
pub(super) fn open_picker(app: &mut App) -> Vec<Effect> {
    if app.agent.terminal {
        app.toast_error(OWNS_THE_SCREEN);
        return Vec::new();
    }
    if app.agents.is_empty() {
        app.toast_error("there is no other agent here");
        return Vec::new();
    }
    let at = app.agents.iter().position(|offered| offered.name == app.agent.name);
    app.overlay = Some(Overlay::AgentPicker(at.unwrap_or(0)));
    Vec::new()
}

/// The cursor moves among them.
pub(super) fn step(app: &mut App, by: isize) {
    let last = app.agents.len().saturating_sub(1);
    if let Some(Overlay::AgentPicker(at)) = &mut app.overlay {
        *at = at.saturating_add_signed(by).min(last);
    }
}

/// The agent under the cursor takes the seat, unless it cannot.
pub(super) fn pick(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::AgentPicker(at)) = app.overlay.take() else { return Vec::new() };
    let Some(offered) = app.agents.get(at).cloned() else { return Vec::new() };
    if offered.name == app.agent.name {
        app.toast(format!("{} has the seat already", offered.name));
        return Vec::new();
    }
    let effects = self::request_agent(app, at, None);
    if effects.is_some() {
        // Somebody else is called to be talked to.
        app.focus = Focus::Composer;
    }
    effects.unwrap_or_default()
}

/// Another agent takes the seat, in this session where one is named, as soon as
/// it can; none where it cannot.
pub(super) fn request_agent(app: &mut App, at: usize, session: Option<SessionId>) -> Option<Vec<Effect>> {
    let offered = app.agents.get(at)?;
    let name = offered.name;
    if let Some(why) = &offered.unavailable {
        let why = format!("{name} cannot take the seat: {why}");
        app.toast_error(why);
    } else if app.agent.terminal {
        app.toast_error(OWNS_THE_SCREEN);
    } else {
        return Some(switch::request_change(app, DeferredChange::Agent { at, name, session }));
    }
    None
}

/// Calls another agent into the seat; a turn that runs there ends.
pub(super) fn replace_agent(app: &mut App, at: usize, session: Option<SessionId>) -> Vec<Effect> {
    let Some(name) = app.agents.get(at).map(|offered| offered.name) else { return Vec::new() };
    // An agent that keeps its sessions itself leaves none that another could go on in.
    let stays =
        app.shares_transcripts() && app.agents.get(at).is_some_and(|offered| offered.official_transcripts);
    let seat = match session {
        Some(session) => StartIn::Stored(session),
        None if stays => StartIn::Same,
        None => StartIn::New,
    };
    let left =
        app.agents.iter().position(|former| former.name == app.agent.name && former.official_transcripts);
    app.agent.last_official = left.or(app.agent.last_official);
    name.clone_into(&mut app.agent.name);
    app.agent.info = None;
    // What the bar says of the former agent is not true of this one.
    app.agent.totals = SlotTotals::default();
    (app.agent.last_switch, app.agent.memory, app.agent.prepared) = (None, None, None);
    app.permissions.clear();
    slot_events::leave_permission(app);
    app.agent.replacing_since = Some(app.now);
    vec![Effect::StartAgent { at, seat }]
}
