//! The permission mode: cycled by a key, with a question before the one that lets
//! everything run.

use super::super::effect::Effect;
use super::super::overlay::{Confirmation, Overlay};
use super::super::state::App;
use crate::protocol::PermissionMode;

/// The next mode of the cycle. One that the agent refused is passed over.
pub(super) fn cycle(app: &mut App) -> Vec<Effect> {
    after(app, app.agent.mode)
}

/// The mode that comes after another one in the cycle.
pub(super) fn after(app: &mut App, mode: PermissionMode) -> Vec<Effect> {
    let modes = PermissionMode::ALL;
    let at = modes.iter().position(|other| *other == mode).unwrap_or(0);
    let next = (1..modes.len()).map(|step| modes[(at + step) % modes.len()]);
    let next = next.into_iter().find(|mode| !app.agent.refused_modes.contains(mode));
    match next.filter(|next| *next != app.agent.mode) {
        Some(PermissionMode::BypassPermissions) => ask(app),
        Some(mode) => vec![Effect::SetMode { mode, cycles: true }],
        None => Vec::new(),
    }
}

/// A mode that was named.
pub(super) fn set(app: &mut App, mode: PermissionMode) -> Vec<Effect> {
    if mode == PermissionMode::BypassPermissions {
        ask(app)
    } else {
        vec![Effect::SetMode { mode, cycles: false }]
    }
}

fn ask(app: &mut App) -> Vec<Effect> {
    let mode = PermissionMode::BypassPermissions;
    app.overlay = Some(Overlay::Confirm(Confirmation::PermissiveMode(mode)));
    Vec::new()
}

/// The agent cannot do a mode: the cycle goes on, and passes it over from now on.
pub(super) fn refused(app: &mut App, mode: PermissionMode, cycles: bool, message: &str) -> Vec<Effect> {
    if !app.agent.refused_modes.contains(&mode) {
        app.agent.refused_modes.push(mode);
    }
    if cycles {
        return after(app, mode);
    }
    app.toast_error(format!("changing the permission mode: {message}"));
    Vec::new()
}
