//! From a key press to a command, by what has the keys at the moment.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::command::Command;
use super::super::effect::{Effect, TerminalInput};
use super::super::jump::SearchScope;
use super::super::key::Key;
use super::super::keymap::KeyContext;
use super::super::overlay::{Confirmation, LinePrompt, Overlay, PromptKind, ViewerContent};
use super::super::state::{App, Focus};
use super::super::text_input::{self, single_line};
use super::{
    agents, confirmations, dispatch, history, jump, loading, rewind, session_actions, slash, switch, terminal,
};
use crate::slot::PermissionDecision;

/// A key was pressed.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let key = Key::from(event);
    let place = app.focus.key_context();
    let global = app.keymap.command(place, key);
    if let Some(Overlay::Viewer(ViewerContent::Details(session), _)) = app.overlay {
        // From wherever they were opened, the browser's keys are about the session.
        match app.keymap.command(KeyContext::Browser, key) {
            Some(Command::Pin) => return dispatch::dispatch(app, Command::Pin),
            Some(Command::Resume) => {
                app.overlay = None;
                return switch::resume_session(app, session);
            }
            Some(command) if is_about_a_session(command) => {
                app.overlay = None;
                return dispatch::dispatch(app, command);
            }
            _ => {}
        }
    }
    if app.in_terminal() {
        return terminal::press(app, event);
    }
    if app.overlay.is_some() {
        // These mean the same whatever lies over the panes.
        let anywhere = app.keymap.command_in(KeyContext::Anywhere, key).filter(|_| !is_text_key(event));
        return match anywhere {
            Some(command @ (Command::Suspend | Command::Redraw | Command::Quit)) => {
                dispatch::dispatch(app, command)
            }
            _ => press_overlay(app, event),
        };
    }
    if app.focus == Focus::Browser && app.browser.filtering {
        return press_filter(app, event, key);
    }
    if app.focus == Focus::Permission
        && (app.answerable().is_none() || global.is_none())
        && is_text_key(event)
    {
        // Typed before the request could be seen, or meant as text: it is text.
        app.focus = Focus::Composer;
    }
    if app.focus == Focus::Composer {
        return press_composer(app, event, key);
    }
    match app.keymap.command(app.focus.key_context(), key) {
        Some(Command::Quit) if is_text_key(event) => dispatch::quit_by_letter(app),
        Some(command) => dispatch::dispatch(app, command),
        None => Vec::new(),
    }
}

/// What leads from a session's details to something else; a pin shows in them.
fn is_about_a_session(command: Command) -> bool {
    use Command as C;
    matches!(command, C::Fork | C::ParentSession | C::Rename | C::Tag | C::Delete)
}

/// A text was pasted: into the line that has the keys, else into the composer.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if app.in_terminal() {
        return vec![Effect::TerminalInput(TerminalInput::Paste(text.to_owned()))];
    }
    let now = app.local_now();
    let one_line = || text.split_whitespace().collect::<Vec<_>>().join(" ");
    match &mut app.overlay {
        Some(Overlay::Prompt(ask)) => {
            ask.line.insert_str(one_line());
        }
        Some(Overlay::Jump(search)) => {
            search.line.insert_str(one_line());
            search.update_query(now);
            return jump::preview(app);
        }
        Some(Overlay::History(search)) => {
            search.line.insert_str(one_line());
            search.update(app.composer.history());
        }
        Some(Overlay::Viewer(..) | Overlay::Confirm(_) | Overlay::AgentPicker(_)) => {}
        None if app.focus == Focus::Browser && app.browser.filtering => {
            app.browser.filter.insert_str(one_line());
            return filter_changed(app);
        }
        None => {
            app.focus = Focus::Composer;
            app.composer.paste(text);
        }
    }
    Vec::new()
}

/// The key writes a character.
fn is_text_key(event: KeyEvent) -> bool {
    matches!(event.code, KeyCode::Char(_))
        && !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

fn press_composer(app: &mut App, event: KeyEvent, key: Key) -> Vec<Effect> {
    if let Some(effects) = slash::press(app, event) {
        return effects;
    }
    let command = app.keymap.command(app.focus.key_context(), key).filter(|command| match command {
        Command::HistoryPrevious => app.composer.at_first_line(),
        Command::HistoryNext => app.composer.at_last_line(),
        // A line that is written has keys of its own.
        Command::Quit => app.composer.is_empty(),
        _ => true,
    });
    if let Some(command) = command {
        return dispatch::dispatch(app, command);
    }
    text_input::apply_key(&mut app.composer.area, event);
    app.composer.completion = 0;
    Vec::new()
}

/// The filter takes what is typed; the keys that move, choose and leave go on working.
fn press_filter(app: &mut App, event: KeyEvent, key: Key) -> Vec<Effect> {
    let command = app.keymap.command_in(KeyContext::Filter, key);
    if command == Some(Command::Complete) && text_input::complete(&mut app.browser.filter, &app.browser.rows)
    {
        return filter_changed(app);
    }
    // A second slash: not in titles, in texts.
    let twice = event.code == KeyCode::Char('/') && app.browser.query().is_empty();
    if command == Some(Command::SearchMessages) || twice {
        let text = app.browser.query().to_owned();
        return jump::open(app, SearchScope::Messages, &text);
    }
    match command {
        Some(Command::Accept) => {
            app.browser.filtering = false;
            if app.browser.ranking.rank_now() {
                app.rebuild_browser();
            }
            return dispatch::dispatch(app, Command::Resume);
        }
        Some(Command::Close) => {
            app.browser.filtering = false;
            app.browser.filter = single_line("");
            return filter_changed(app);
        }
        Some(command @ (Command::Up | Command::Down | Command::PageUp | Command::PageDown)) => {
            return dispatch::dispatch(app, command);
        }
        _ => {}
    }
    match event.code {
        KeyCode::Tab => {
            app.browser.filtering = false;
            return dispatch::dispatch(app, Command::FocusNext);
        }
        KeyCode::Backspace if app.browser.query().is_empty() => {
            app.browser.filtering = false;
            return Vec::new();
        }
        _ => {}
    }
    if !is_text_key(event)
        && let Some(command) = app.keymap.command(KeyContext::Anywhere, key)
    {
        return dispatch::dispatch(app, command);
    }
    if text_input::apply_key(&mut app.browser.filter, event) { filter_changed(app) } else { Vec::new() }
}

/// The filter changed: the best match is under the cursor, and shown.
fn filter_changed(app: &mut App) -> Vec<Effect> {
    app.browser.selected = None;
    if app.browser.query().is_empty() {
        app.rebuild_browser();
        app.browser.selected = app.browser.row_of(app.shown).map(|row| row.stored.id);
    } else {
        app.browser.select_best_when_ranked();
        app.rebuild_browser();
    }
    loading::show_selected(app)
}

fn press_overlay(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let control_c = event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL);
    if control_c {
        // Pressed again it quits, as it does without a dialog.
        dispatch::arm_quit(app);
    }
    let context = match &app.overlay {
        Some(Overlay::Jump(_) | Overlay::History(_)) => KeyContext::Jump,
        Some(Overlay::Viewer(..)) => KeyContext::Viewer,
        Some(Overlay::AgentPicker(_)) => KeyContext::Picker,
        Some(Overlay::Prompt(_) | Overlay::Confirm(_)) | None => KeyContext::Line,
    };
    let command = app.keymap.command_in(context, Key::from(event));
    let leaves = control_c || command == Some(Command::Close);
    match &mut app.overlay {
        Some(Overlay::Jump(_)) if leaves => jump::leave(app),
        Some(Overlay::Jump(_)) => jump::press(app, event),
        Some(Overlay::Confirm(choice)) => {
            let choice = choice.clone();
            press_confirmation(app, choice, event, leaves || event.code == KeyCode::Esc)
        }
        Some(Overlay::Viewer(ViewerContent::Help { query, typing, .. }, scroll)) if *typing && !control_c => {
            *scroll = 0;
            match event.code {
                KeyCode::Enter => *typing = false,
                KeyCode::Esc => (*typing, *query) = (false, String::new()),
                KeyCode::Backspace => drop(query.pop()),
                KeyCode::Char(letter) if is_text_key(event) => query.push(letter),
                _ => {}
            }
            Vec::new()
        }
        Some(_) if leaves => {
            app.overlay = None;
            Vec::new()
        }
        Some(Overlay::History(_)) => history::press(app, event),
        Some(Overlay::AgentPicker(_)) => match command {
            Some(Command::Accept) => agents::pick(app),
            Some(Command::Up) => agents::step(app, -1),
            Some(Command::Down) => agents::step(app, 1),
            _ => Vec::new(),
        },
        Some(Overlay::Viewer(..)) => press_viewer(app, command),
        Some(Overlay::Prompt(ask)) => {
            if command == Some(Command::Accept) {
                let Some(Overlay::Prompt(ask)) = app.overlay.take() else { return Vec::new() };
                return prompt_entered(app, *ask);
            }
            if text_input::apply_key(&mut ask.line, event) && ask.kind == PromptKind::Search {
                let query = ask.text().to_owned();
                if let Some(page) = app.page_mut() {
                    page.search(&query);
                }
            }
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// A text to read: it scrolls, and a key that means nothing in it closes it.
fn press_viewer(app: &mut App, command: Option<Command>) -> Vec<Effect> {
    let page = usize::from(app.size.1.saturating_sub(6).max(1));
    let Some(Overlay::Viewer(content, scroll)) = &mut app.overlay else { return Vec::new() };
    match (command, content) {
        (Some(Command::Up), _) => *scroll = scroll.saturating_sub(1),
        (Some(Command::Down), _) => *scroll = scroll.saturating_add(1),
        (Some(Command::PageUp), _) => *scroll = scroll.saturating_sub(page),
        (Some(Command::PageDown), _) => *scroll = scroll.saturating_add(page),
        (Some(Command::Top), _) => *scroll = 0,
        (Some(Command::Bottom), _) => *scroll = usize::MAX,
        (Some(Command::Filter), ViewerContent::Help { typing, .. }) => *typing = true,
        (Some(Command::Accept), ViewerContent::Rewind { .. }) => return rewind::confirm(app),
        (Some(Command::Restart), ViewerContent::ExitOutput) => {
            app.overlay = None;
            return dispatch::dispatch(app, Command::Restart);
        }
        _ => app.overlay = None,
    }
    Vec::new()
}

fn press_confirmation(app: &mut App, choice: Confirmation, event: KeyEvent, leaves: bool) -> Vec<Effect> {
    let keys = choice.answer_keys();
    let answer = match event.code {
        _ if leaves => keys.last().copied(),
        KeyCode::Enter => choice.default_answer(),
        KeyCode::Char(key) => keys.contains(&key).then_some(key),
        _ => None,
    };
    // One that is never offered is no answer. (While a turn runs, others are.)
    let offered =
        |answer: &char| [true, false].iter().any(|busy| choice.answer_label(*answer, *busy).is_some());
    let Some(answer) = answer.filter(offered) else { return Vec::new() };
    // It was meant for the turn before this one, if that is so new.
    if matches!((&choice, answer), (Confirmation::SwitchWhileBusy(_), 'i'))
        && app.is_busy()
        && app.is_new_state()
    {
        return Vec::new();
    }
    app.overlay = None;
    confirmations::answer_confirmation(app, choice, answer)
}

/// A line was written.
fn prompt_entered(app: &mut App, ask: LinePrompt) -> Vec<Effect> {
    let text = ask.text().trim().to_owned();
    match ask.kind {
        PromptKind::Title(_) if text.is_empty() => Vec::new(),
        PromptKind::Title(session) => session_actions::rename(app, session, text),
        PromptKind::Tag(session) => session_actions::tag(app, session, text),
        PromptKind::DenyReason(id) => {
            let still_asked = app.permissions.front().is_some_and(|first| first.request.id == id);
            if still_asked {
                dispatch::answer_permission(app, PermissionDecision::Deny(text))
            } else {
                Vec::new()
            }
        }
        PromptKind::Search => {
            let hits = app.page_mut().map_or(0, |page| {
                page.search(&text);
                page.search.as_ref().map_or(0, |search| search.hits.len())
            });
            app.focus = Focus::Conversation;
            if hits == 0 && !text.is_empty() {
                app.toast_error(format!("no match for “{text}”"));
            }
            Vec::new()
        }
    }
}
