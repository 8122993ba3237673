//! From a key to what it means, wherever the keys go at the moment.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::command::Command;
use super::super::effect::{Effect, Typed};
use super::super::jump::Within;
use super::super::key::Key;
use super::super::keymap::Place;
use super::super::overlay::{Ask, Choice, Overlay, Purpose, Text};
use super::super::state::{App, Focus};
use super::super::writing::{self, line};
use super::{act, agents, care, jump, read, rewind, slash, switch, terminal};
use crate::slot::Verdict;

/// A key was pressed. Text waits until it is known what there is to choose from:
/// where that is nothing, it is for the agent.
pub(super) fn key(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let waits = app.focus == Focus::Browser && app.overlay.is_none();
    let waits = waits && !event.modifiers.contains(KeyModifiers::CONTROL);
    match &mut app.typed_ahead {
        Some(ahead) if waits && (types(event) || !ahead.is_empty()) => {
            ahead.push(event);
            return Vec::new();
        }
        // Who presses another key first means what is there.
        Some(ahead) if ahead.is_empty() => app.typed_ahead = None,
        _ => {}
    }
    press(app, event)
}

/// Takes what was typed ahead, once there is something to choose from or it is
/// known that there is nothing.
pub(super) fn catch_up(app: &mut App) -> Vec<Effect> {
    if app.browser.rows.is_empty() && app.browser.progress.is_some() {
        return Vec::new();
    }
    let ahead = app.typed_ahead.take().unwrap_or_default();
    ahead.into_iter().flat_map(|event| press(app, event)).collect()
}

/// A key was pressed, and means what it means now.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let key = Key::from(event);
    let place = app.focus.place();
    // Ctrl-C, Ctrl-Z and Ctrl-L mean the same whatever lies over the panes.
    let global = app.keymap.command(place, key);
    if let Some(Overlay::Read(Text::Details(session), _)) = app.overlay {
        // From wherever they were opened, the browser's keys are about the session.
        match app.keymap.command(Place::Browser, key) {
            Some(Command::Pin) => return act::act(app, Command::Pin),
            Some(Command::Seat) => {
                app.overlay = None;
                return switch::seat_session(app, session);
            }
            Some(command) if is_about_a_session(command) => {
                app.overlay = None;
                return act::act(app, command);
            }
            _ => {}
        }
    }
    if app.in_terminal() {
        return terminal::press(app, event);
    }
    if app.overlay.is_some() && !matches!(global, Some(Command::Suspend | Command::Redraw)) {
        return press_overlay(app, event);
    }
    if app.focus == Focus::Browser && app.browser.filtering {
        return press_filter(app, event, key);
    }
    if app.focus == Focus::Permission && (app.answerable().is_none() || global.is_none()) && types(event) {
        // Typed before the request could be seen, or meant as text: it is text.
        app.focus = Focus::Composer;
    }
    if app.focus == Focus::Composer {
        return press_composer(app, event, key);
    }
    app.keymap.command(app.focus.place(), key).map_or_else(Vec::new, |command| act::act(app, command))
}

/// What leads from a session's details to something else; a pin shows in them.
fn is_about_a_session(command: Command) -> bool {
    use Command as C;
    matches!(command, C::Fork | C::Parent | C::Rename | C::Tag | C::Delete)
}

/// A text was pasted: into the line that has the keys, else into the composer.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if app.in_terminal() {
        return vec![Effect::Type(Typed::Paste(text.to_owned()))];
    }
    let now = app.local_now();
    let one_line = || text.split_whitespace().collect::<Vec<_>>().join(" ");
    match &mut app.overlay {
        Some(Overlay::Ask(ask)) => {
            ask.line.insert_str(one_line());
        }
        Some(Overlay::Jump(search)) => {
            search.line.insert_str(one_line());
            search.search(now);
            return jump::preview(app);
        }
        Some(Overlay::Read(..) | Overlay::Choice(_) | Overlay::Agents(_)) => {}
        None if app.focus == Focus::Browser && app.browser.filtering => {
            app.browser.filter.insert_str(one_line());
            return filtered(app);
        }
        None => {
            app.focus = Focus::Composer;
            app.composer.paste(text);
        }
    }
    Vec::new()
}

/// The key writes a character.
fn types(event: KeyEvent) -> bool {
    matches!(event.code, KeyCode::Char(_))
        && !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

fn press_composer(app: &mut App, event: KeyEvent, key: Key) -> Vec<Effect> {
    if let Some(effects) = slash::press(app, event) {
        return effects;
    }
    let command = app.keymap.command(app.focus.place(), key).filter(|command| match command {
        Command::HistoryPrevious => app.composer.at_first_line(),
        Command::HistoryNext => app.composer.at_last_line(),
        _ => true,
    });
    if let Some(command) = command {
        return act::act(app, command);
    }
    if app.composer.is_empty() && event.code == KeyCode::Char('d') && event.modifiers == KeyModifiers::CONTROL
    {
        return act::act(app, Command::Quit);
    }
    writing::press(&mut app.composer.area, event);
    app.composer.completion = 0;
    Vec::new()
}

/// The filter takes what is typed; the keys that move, choose and leave go on working.
fn press_filter(app: &mut App, event: KeyEvent, key: Key) -> Vec<Effect> {
    let command = app.keymap.command_of(Place::Filter, key);
    if command == Some(Command::Complete) && writing::complete(&mut app.browser.filter, &app.browser.rows) {
        return filtered(app);
    }
    // A second slash: not in titles, in texts.
    let twice = event.code == KeyCode::Char('/') && app.browser.query().is_empty();
    if command == Some(Command::Find) || twice {
        let text = app.browser.query().to_owned();
        return jump::open(app, Within::Texts, &text);
    }
    match event.code {
        KeyCode::Enter => {
            app.browser.filtering = false;
            if app.browser.ranking.finish() {
                app.arrange();
            }
            return act::act(app, Command::Seat);
        }
        KeyCode::Esc => {
            app.browser.filtering = false;
            app.browser.filter = line("");
            return filtered(app);
        }
        KeyCode::Up => return act::act(app, Command::Up),
        KeyCode::Down => return act::act(app, Command::Down),
        KeyCode::Tab => {
            app.browser.filtering = false;
            return act::act(app, Command::FocusNext);
        }
        KeyCode::Backspace if app.browser.query().is_empty() => {
            app.browser.filtering = false;
            return Vec::new();
        }
        _ => {}
    }
    if !types(event)
        && let Some(command) = app.keymap.command(Place::Anywhere, key)
    {
        return act::act(app, command);
    }
    if writing::press(&mut app.browser.filter, event) { filtered(app) } else { Vec::new() }
}

/// The filter changed: the best match is under the cursor, and shown.
fn filtered(app: &mut App) -> Vec<Effect> {
    app.browser.selected = None;
    if app.browser.query().is_empty() {
        app.arrange();
        app.browser.selected = app.browser.row_of(app.shown).map(|row| row.stored.id);
    } else {
        app.browser.seek_best();
        app.arrange();
    }
    read::show_selected(app)
}

fn press_overlay(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let control_c = event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL);
    let leaves = event.code == KeyCode::Esc || control_c;
    match &mut app.overlay {
        Some(Overlay::Jump(_)) if leaves => jump::leave(app),
        Some(Overlay::Jump(_)) => jump::press(app, event),
        Some(Overlay::Choice(choice)) => {
            let choice = choice.clone();
            press_choice(app, choice, event, leaves)
        }
        Some(_) if leaves => {
            app.overlay = None;
            Vec::new()
        }
        Some(Overlay::Agents(_)) => match event.code {
            KeyCode::Enter => agents::pick(app),
            KeyCode::Up | KeyCode::Char('k') => {
                agents::step(app, -1);
                Vec::new()
            }
            KeyCode::Down | KeyCode::Char('j') => {
                agents::step(app, 1);
                Vec::new()
            }
            _ => Vec::new(),
        },
        Some(Overlay::Read(text, scroll)) => {
            match event.code {
                KeyCode::Up | KeyCode::Char('k') => *scroll = scroll.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => *scroll = scroll.saturating_add(1),
                KeyCode::PageUp => *scroll = scroll.saturating_sub(10),
                KeyCode::PageDown | KeyCode::Char(' ') => *scroll = scroll.saturating_add(10),
                KeyCode::Home | KeyCode::Char('g') => *scroll = 0,
                KeyCode::End | KeyCode::Char('G') => *scroll = usize::MAX,
                KeyCode::Enter if matches!(text, Text::Rewind { .. }) => return rewind::go(app),
                KeyCode::Char('R') if matches!(text, Text::Why) => {
                    app.overlay = None;
                    return act::act(app, Command::Restart);
                }
                _ => app.overlay = None,
            }
            Vec::new()
        }
        Some(Overlay::Ask(ask)) => {
            if event.code == KeyCode::Enter {
                let Some(Overlay::Ask(ask)) = app.overlay.take() else { return Vec::new() };
                return answered(app, *ask);
            }
            if writing::press(&mut ask.line, event) && ask.purpose == Purpose::Search {
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

fn press_choice(app: &mut App, choice: Choice, event: KeyEvent, leaves: bool) -> Vec<Effect> {
    let keys = choice.keys();
    let answer = match event.code {
        _ if leaves => keys.last().copied(),
        KeyCode::Enter => choice.default_answer(),
        KeyCode::Char(key) => keys.contains(&key).then_some(key),
        _ => None,
    };
    let Some(answer) = answer else { return Vec::new() };
    // It was meant for the turn before this one, if that is so new.
    if matches!((&choice, answer), (Choice::ChangeWhileBusy(_), 'i')) && app.is_busy() && app.is_new_state() {
        return Vec::new();
    }
    app.overlay = None;
    act::choose(app, choice, answer)
}

/// A line was written.
fn answered(app: &mut App, ask: Ask) -> Vec<Effect> {
    let text = ask.text().trim().to_owned();
    match ask.purpose {
        Purpose::Title(_) if text.is_empty() => Vec::new(),
        Purpose::Title(session) => care::rename(app, session, text),
        Purpose::Tag(session) => care::tag(app, session, text),
        Purpose::Reason(id) => {
            let still_asked = app.permissions.front().is_some_and(|first| first.request.id == id);
            if still_asked { act::answer(app, Verdict::Deny(text)) } else { Vec::new() }
        }
        Purpose::Search => {
            let hits = app.page_mut().map_or(0, |page| {
                page.search(&text);
                page.search.as_ref().map_or(0, |search| search.hits.len())
            });
            app.focus = Focus::Conversation;
            if hits == 0 && !text.is_empty() {
                app.complain(format!("“{text}” is not in this conversation"));
            }
            Vec::new()
        }
    }
}
