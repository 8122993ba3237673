//! Keys while the prompt history is searched.

use crossterm::event::KeyEvent;

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::history::HistorySearch;
use super::super::key::Key;
use super::super::keymap::KeyContext;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::super::text_input;

/// Opens the search, with what is written as the text to look for.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let search = HistorySearch::new(app.composer.history(), &app.composer.text());
    app.overlay = Some(Overlay::History(Box::new(search)));
    Vec::new()
}

/// Takes one key.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let key = Key::from(event);
    // Pressed again it leads to an older one, as in a shell.
    let again = app.keymap.command_in(KeyContext::Composer, key) == Some(Command::SearchHistory);
    let command = app.keymap.command_in(KeyContext::Jump, key);
    let page = isize::try_from(app.geometry.choices.len()).unwrap_or(1).max(1);
    let Some(Overlay::History(search)) = &mut app.overlay else { return Vec::new() };
    match command {
        _ if again => search.step(1),
        Some(Command::Accept) => {
            let chosen = search.selected().map(str::to_owned);
            app.overlay = None;
            app.focus = Focus::Composer;
            if let Some(prompt) = chosen {
                app.composer.recall_prompt(&prompt);
            }
        }
        Some(Command::Close) => app.overlay = None,
        Some(Command::Up) => search.step(-1),
        Some(Command::Down) => search.step(1),
        Some(Command::PageUp) => search.step(-page),
        Some(Command::PageDown) => search.step(page),
        _ => {
            if text_input::apply_key(&mut search.line, event) {
                search.update(app.composer.history());
            }
        }
    }
    Vec::new()
}
