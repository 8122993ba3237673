//! Keys while the search for a session lies over the panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::jump::{Jump, Within};
use super::super::key::Key;
use super::super::keymap::Place;
use super::super::overlay::Overlay;
use super::super::ranking::Work;
use super::super::state::App;
use super::super::writing;
use super::{read, switch};

/// Opens the search, with a text to begin from.
pub(super) fn open(app: &mut App, place: Within, text: &str) -> Vec<Effect> {
    let jump = Jump::new(&app.browser, place, text, app.local_now());
    app.overlay = Some(Overlay::Jump(Box::new(jump)));
    vec![Effect::ReadRows { all: true }]
}

/// Takes one key.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let now = app.local_now();
    let command = app.keymap.command_of(Place::Jump, Key::from(key));
    let Some(Overlay::Jump(jump)) = &mut app.overlay else { return Vec::new() };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match (key.code, command) {
        (KeyCode::Enter, _) => return seat(app),
        (_, Some(Command::Find)) => jump.turn(now),
        (_, Some(Command::Tools)) => jump.turn_tools(now),
        (_, Some(Command::Complete)) if writing::complete(&mut jump.line, &jump.rows) => jump.search(now),
        (KeyCode::Up, _) => jump.step(-1),
        (KeyCode::Down, _) => jump.step(1),
        (KeyCode::Char('p' | 'k'), _) if control => jump.step(-1),
        (KeyCode::Char('n' | 'j'), _) if control => jump.step(1),
        (KeyCode::PageUp, _) => jump.step(-10),
        (KeyCode::PageDown, _) => jump.step(10),
        _ => {
            if writing::press(&mut jump.line, key) {
                jump.search(now);
            }
        }
    }
    preview(app)
}

/// Gives the chosen session the seat, at the message it was found by.
fn seat(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = &mut app.overlay else { return Vec::new() };
    if jump.place == Within::Titles {
        jump.ranking.finish();
    }
    let (chosen, sought) = (jump.chosen(), jump.sought());
    let mut effects = chosen.map_or_else(Vec::new, |session| switch::seat_session(app, session));
    // A question may have taken its place.
    if matches!(app.overlay, Some(Overlay::Jump(_))) {
        app.overlay = None;
    }
    let Some(session) = chosen else { return effects };
    if let Some(seek) = sought {
        effects.extend(read::come_to(app, session, seek));
    }
    effects
}

/// Shows the session under the cursor behind the box, at what was found in it.
pub(super) fn preview(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = &app.overlay else { return Vec::new() };
    let (chosen, sought) = (jump.chosen(), jump.sought());
    let Some(session) = chosen else { return Vec::new() };
    let mut effects = read::show(app, session);
    if let Some(seek) = sought {
        effects.extend(read::come_to(app, session, seek));
    }
    effects
}

/// The shell ranked many sessions.
pub(super) fn ranked(app: &mut App, work: &Work, hits: Vec<usize>) -> Vec<Effect> {
    if let Some(Overlay::Jump(jump)) = &mut app.overlay
        && jump.ranking.take(work, hits.clone())
    {
        jump.cursor = 0;
        return preview(app);
    }
    if app.browser.ranking.take(work, hits) {
        app.arrange();
        if app.overlay.is_none() {
            return read::show_selected(app);
        }
    }
    Vec::new()
}

/// Leaves without a choice: back to what the seat has.
pub(super) fn leave(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Jump(jump)) = app.overlay.take() else { return Vec::new() };
    if jump.sought().is_some()
        && let Some(page) = app.page_mut()
    {
        page.search = None;
        page.to_end();
    }
    read::show_selected(app)
}
