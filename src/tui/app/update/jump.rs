//! Keys while the search for a session lies over the panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::effect::Effect;
use super::super::overlay::Overlay;
use super::super::state::App;
use super::super::writing;
use super::{read, switch};
use crate::session::SessionId;

/// Takes one key; `before` is the session that was shown when the search began.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = &mut app.overlay else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Enter => {
            let chosen = jump.chosen();
            let effects = chosen.map_or_else(Vec::new, |session| switch::seat_session(app, session));
            // A question may have taken its place.
            if matches!(app.overlay, Some(Overlay::Jump(_))) {
                app.overlay = None;
            }
            return effects;
        }
        KeyCode::Up => jump.step(-1),
        KeyCode::Down => jump.step(1),
        KeyCode::Char('p' | 'k') if control => jump.step(-1),
        KeyCode::Char('n' | 'j') if control => jump.step(1),
        KeyCode::PageUp => jump.step(-10),
        KeyCode::PageDown => jump.step(10),
        _ => {
            if writing::press(&mut jump.line, key) {
                jump.search();
            }
        }
    }
    preview(app)
}

/// Shows the session under the cursor behind the box.
pub(super) fn preview(app: &mut App) -> Vec<Effect> {
    let chosen: Option<SessionId> = match &app.overlay {
        Some(Overlay::Jump(jump)) => jump.chosen(),
        _ => None,
    };
    chosen.map_or_else(Vec::new, |session| read::show(app, session))
}

/// Leaves without a choice: back to what the seat has.
pub(super) fn leave(app: &mut App) -> Vec<Effect> {
    app.overlay = None;
    read::show_selected(app)
}
