//! Another agent for the seat.

use super::super::effect::Effect;
use super::super::intent::Next;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{seat, switch};
use crate::session::SessionId;
use crate::slot::{Seat, Totals};

/// Why an agent in a terminal of its own is not replaced.
const HAS_THE_SCREEN: &str = "this agent has the screen for itself: leave, and start with --agent";

/// Offers the agents, the one in the seat first.
pub(super) fn offer(app: &mut App) -> Vec<Effect> {
    if app.seat.terminal {
        app.complain(HAS_THE_SCREEN);
        return Vec::new();
    }
    if app.agents.is_empty() {
        app.complain("there is no other agent here");
        return Vec::new();
    }
    let at = app.agents.iter().position(|offered| offered.name == app.seat.name);
    app.overlay = Some(Overlay::Agents(at.unwrap_or(0)));
    Vec::new()
}

/// The cursor moves among them.
pub(super) fn step(app: &mut App, by: isize) {
    let last = app.agents.len().saturating_sub(1);
    if let Some(Overlay::Agents(at)) = &mut app.overlay {
        *at = at.saturating_add_signed(by).min(last);
    }
}

/// The agent under the cursor takes the seat, unless it cannot.
pub(super) fn pick(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Agents(at)) = app.overlay.take() else { return Vec::new() };
    let Some(offered) = app.agents.get(at).cloned() else { return Vec::new() };
    if offered.name == app.seat.name {
        app.say(format!("{} has the seat already", offered.name));
        return Vec::new();
    }
    let effects = self::seat(app, at, None);
    if effects.is_some() {
        // Somebody else is called to be talked to.
        app.focus = Focus::Composer;
    }
    effects.unwrap_or_default()
}

/// Another agent takes the seat, in this session where one is named, as soon as
/// it can; none where it cannot.
pub(super) fn seat(app: &mut App, at: usize, session: Option<SessionId>) -> Option<Vec<Effect>> {
    let offered = app.agents.get(at)?;
    let name = offered.name;
    if let Some(why) = &offered.missing {
        let why = format!("{name} cannot take the seat: {why}");
        app.complain(why);
    } else if app.seat.terminal {
        app.complain(HAS_THE_SCREEN);
    } else {
        return Some(switch::change(app, Next::Agent { at, name, session }));
    }
    None
}

/// Calls another agent into the seat; a turn that runs there ends.
pub(super) fn call(app: &mut App, at: usize, session: Option<SessionId>) -> Vec<Effect> {
    let Some(name) = app.agents.get(at).map(|offered| offered.name) else { return Vec::new() };
    // An agent that keeps its sessions itself leaves none that another could go on in.
    let stays = app.shares_transcripts() && app.agents.get(at).is_some_and(|offered| offered.official);
    let seat = match session {
        Some(session) => Seat::Stored(session),
        None if stays => Seat::Same,
        None => Seat::New,
    };
    let left = app.agents.iter().position(|former| former.name == app.seat.name && former.official);
    app.seat.sharing = left.or(app.seat.sharing);
    name.clone_into(&mut app.seat.name);
    app.seat.agent = None;
    // What the bar says of the former agent is not true of this one.
    app.seat.totals = Totals::default();
    (app.seat.last_switch, app.seat.memory, app.seat.prepared) = (None, None, None);
    app.permissions.clear();
    seat::leave_permission(app);
    app.seat.called = Some(app.now);
    vec![Effect::SeatAgent { at, seat }]
}
