//! What each command does.

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::overlay::{Ask, Choice, Jump, Overlay, Purpose};
use super::super::state::{App, Focus, Intent, Undo};
use super::{keep, read, seat, talk};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::facts::fork_title;
use crate::slot::{SlotState, Switch, Verdict};

/// Does what a person meant.
pub(super) fn act(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Up => step(app, -1),
        Command::Down => step(app, 1),
        Command::PageUp => page(app, -1),
        Command::PageDown => page(app, 1),
        Command::Top => step(app, isize::MIN / 2),
        Command::Bottom => step(app, isize::MAX / 2),
        Command::Seat => seat_selected(app),
        Command::SeatRecent(number) => match app.browser.recent(number) {
            Some(session) => seat_session(app, session),
            None => Vec::new(),
        },
        Command::Clear => clear(app),
        Command::Undo => undo(app),
        Command::Fork => fork(app),
        Command::Parent => parent(app),
        Command::Flip => match app.seat.previous {
            Some(previous) => seat_session(app, previous),
            None => complain(app, "no other session had the seat yet"),
        },
        Command::Rename => ask_about_target(app, Purpose::Title),
        Command::Tag => ask_about_target(app, Purpose::Tag),
        Command::Delete => delete(app),
        Command::Filter => {
            app.browser.filtering = true;
            app.browser.hidden = false;
            app.focus = Focus::Browser;
            Vec::new()
        }
        Command::WidenScope => {
            app.browser.all = !app.browser.all;
            vec![Effect::ReadRows { all: app.browser.all }]
        }
        Command::Jump => {
            app.overlay = Some(Overlay::Jump(Jump::new(&app.browser)));
            vec![Effect::ReadRows { all: true }]
        }
        Command::ToggleBrowser => toggle_browser(app),
        Command::FocusNext => focus(app, 1),
        Command::FocusPrevious => focus(app, -1),
        Command::Compose => {
            app.focus = Focus::Composer;
            Vec::new()
        }
        Command::Interrupt => interrupt(app),
        Command::Cancel => cancel(app),
        Command::Send => talk::send(app),
        Command::NewLine => {
            app.composer.area.insert_newline();
            Vec::new()
        }
        Command::Editor => vec![Effect::Edit(app.composer.text())],
        Command::HistoryPrevious => talk::history_previous(app),
        Command::HistoryNext => {
            app.composer.recall(1);
            Vec::new()
        }
        Command::Unfold | Command::UnfoldAll | Command::SearchNext | Command::SearchPrevious => {
            talk::look(app, command);
            Vec::new()
        }
        Command::Copy => talk::copy(app),
        Command::CopyCode => talk::copy_code(app),
        Command::Search => {
            let query =
                app.page().and_then(|page| page.search.as_ref()).map_or("", |search| search.query.as_str());
            app.overlay = Some(Overlay::Ask(Ask::new(Purpose::Search, query)));
            Vec::new()
        }
        Command::Times => {
            app.times = !app.times;
            Vec::new()
        }
        Command::AllowOnce => answer(app, Verdict::Once),
        Command::AllowSession => answer(app, Verdict::Session),
        Command::Deny => answer(app, Verdict::Deny("The user denied it.".to_owned())),
        Command::DenyBecause => {
            if let Some(first) = app.permissions.front() {
                let purpose = Purpose::Reason(first.request.id.clone());
                app.overlay = Some(Overlay::Ask(Ask::new(purpose, "")));
            }
            Vec::new()
        }
        Command::CycleMode => {
            let modes = PermissionMode::ALL;
            let at = modes.iter().position(|mode| *mode == app.seat.mode).unwrap_or(0);
            vec![Effect::SetMode(modes[(at + 1) % modes.len()])]
        }
        Command::Restart => match app.seat.state {
            SlotState::Exited(_) => vec![Effect::Restart],
            _ => complain(app, "the agent is running; there is nothing to restart"),
        },
        Command::Why => why(app),
        Command::Help => {
            app.overlay = Some(Overlay::Help(0));
            Vec::new()
        }
        Command::Redraw => vec![Effect::Redraw],
        Command::Suspend => vec![Effect::Suspend],
        Command::Quit => quit(app),
    }
}

fn complain(app: &mut App, text: &str) -> Vec<Effect> {
    app.complain(text);
    Vec::new()
}

/// Moves the cursor of the pane that has the keys.
fn step(app: &mut App, step: isize) -> Vec<Effect> {
    if app.focus == Focus::Browser {
        app.browser.step(step);
        return read::show_selected(app);
    }
    if let Some(page) = app.page_mut() {
        let to_end = step > 1;
        page.select_step(step);
        if to_end {
            page.selected = None;
            page.scroll = super::super::page::Scroll::default();
        }
    }
    Vec::new()
}

/// Moves by a screen: the list under its cursor, or the conversation.
fn page(app: &mut App, direction: isize) -> Vec<Effect> {
    if app.focus == Focus::Browser {
        let height = isize::try_from(app.geometry.rows.len()).unwrap_or(1).max(1);
        return step(app, direction * height);
    }
    let height = isize::from(app.geometry.conversation.height.saturating_sub(2).max(1).cast_signed());
    talk::scroll(app, direction * height);
    Vec::new()
}

fn seat_selected(app: &mut App) -> Vec<Effect> {
    if let (SlotState::Exited(exit), true) = (&app.seat.state, app.shows_active())
        && !exit.expected
    {
        return why(app);
    }
    match app.browser.selected.or(app.seat.active) {
        Some(session) => seat_session(app, session),
        None => {
            app.focus = Focus::Composer;
            Vec::new()
        }
    }
}

/// Gives a session the seat: shown first, attached behind.
pub(super) fn seat_session(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.focus = Focus::Composer;
    let mut effects = read::show(app, session);
    app.browser.selected = app.browser.row(session).map(|row| row.stored.id);
    if app.seat.active != Some(session) {
        effects.extend(switch(app, Switch::Resume(session)));
    }
    effects
}

/// Asks the slot for a switch, now or as soon as it can.
pub(super) fn switch(app: &mut App, switch: Switch) -> Vec<Effect> {
    match app.seat.state {
        SlotState::Idle(_) => vec![Effect::Switch { switch, interrupt: false }],
        SlotState::Busy { .. } => {
            app.overlay = Some(Overlay::Choice(Choice::SwitchWhileBusy(switch)));
            Vec::new()
        }
        SlotState::Starting | SlotState::Switching { .. } | SlotState::Exited(_) => {
            app.intent.get_or_insert_default().switch = Some(switch);
            Vec::new()
        }
    }
}

fn clear(app: &mut App) -> Vec<Effect> {
    let active_is_empty = app
        .seat
        .active
        .is_none_or(|active| app.pages.get(&active).is_some_and(|page| page.conversation.is_empty()));
    if active_is_empty && app.browser.row_of(app.seat.active).is_none() {
        app.focus = Focus::Composer;
        if let Some(active) = app.seat.active {
            app.browser.selected = None;
            app.say("this session is still empty");
            return read::show(app, active);
        }
        return Vec::new();
    }
    app.focus = Focus::Composer;
    switch(app, Switch::Clear)
}

/// Takes the last clear or delete back.
fn undo(app: &mut App) -> Vec<Effect> {
    match app.undo.pop() {
        Some(Undo::Clear(session)) => seat_session(app, session),
        Some(Undo::Delete(session)) => vec![Effect::Restore(session)],
        None => complain(app, "there is nothing to undo"),
    }
}

/// Forks the session shown, in the conversation from the selected message.
fn fork(app: &mut App) -> Vec<Effect> {
    let Some(source) = target(app) else { return complain(app, "there is nothing to fork yet") };
    let at = match app.focus {
        Focus::Conversation => app.page().and_then(|page| page.selected_uuid()).map(str::to_owned),
        Focus::Browser | Focus::Composer | Focus::Permission => None,
    };
    fork_session(app, source, at)
}

/// Forks a session under the next free number of its title.
pub(super) fn fork_session(app: &mut App, source: SessionId, at: Option<String>) -> Vec<Effect> {
    let titles = app.browser.rows.iter().map(|row| row.facts.title_text());
    let title = app.title(source).map(|title| fork_title(title, titles));
    app.focus = Focus::Composer;
    switch(app, Switch::Fork { source, at, title })
}

fn parent(app: &mut App) -> Vec<Effect> {
    let parent = target(app).and_then(|session| app.browser.row(session)).and_then(crate::index::Row::parent);
    match parent {
        Some(parent) => seat_session(app, parent),
        None => complain(app, "this session was not forked from another"),
    }
}

/// The session a command is about: the one under the cursor, or the one shown.
pub(super) fn target(app: &App) -> Option<SessionId> {
    match app.focus {
        Focus::Browser => app.browser.selected.or(app.seat.active),
        Focus::Conversation | Focus::Composer | Focus::Permission => app.shown,
    }
}

fn ask_about_target(app: &mut App, purpose: fn(SessionId) -> Purpose) -> Vec<Effect> {
    let Some(session) = target(app).filter(|session| app.browser.row(*session).is_some()) else {
        return complain(app, "this session holds nothing yet: say something first");
    };
    let purpose = purpose(session);
    let text = match &purpose {
        Purpose::Tag(_) => app.browser.row(session).and_then(|row| row.facts.tag.clone()).unwrap_or_default(),
        _ => app.title(session).unwrap_or_default().to_owned(),
    };
    app.overlay = Some(Overlay::Ask(Ask::new(purpose, &text)));
    Vec::new()
}

fn delete(app: &mut App) -> Vec<Effect> {
    let Some(session) = target(app).filter(|session| app.browser.row(*session).is_some()) else {
        return complain(app, "there is nothing to delete here");
    };
    if app.seat.active == Some(session) {
        return complain(app, "this session has the seat: c clears it, then d deletes it");
    }
    vec![Effect::Delete(session)]
}

fn toggle_browser(app: &mut App) -> Vec<Effect> {
    if app.is_narrow() {
        app.focus = if app.focus == Focus::Browser { Focus::Composer } else { Focus::Browser };
    } else {
        app.browser.hidden = !app.browser.hidden;
        if app.browser.hidden && app.focus == Focus::Browser {
            app.focus = Focus::Composer;
        }
    }
    Vec::new()
}

/// To the next pane that can be seen: browser, composer, conversation, and the
/// permission request while there is one.
fn focus(app: &mut App, step: isize) -> Vec<Effect> {
    let mut ring = vec![Focus::Browser];
    if !app.permissions.is_empty() {
        ring.push(Focus::Permission);
    }
    ring.extend([Focus::Composer, Focus::Conversation]);
    if app.browser.hidden && !app.is_narrow() {
        ring.remove(0);
    }
    let count = ring.len().cast_signed();
    let at = ring.iter().position(|focus| *focus == app.focus).unwrap_or(0).cast_signed();
    app.focus = ring[(at + step).rem_euclid(count).cast_unsigned()];
    Vec::new()
}

/// Esc: stops the turn; without one, steps back towards the browser.
fn interrupt(app: &mut App) -> Vec<Effect> {
    if app.is_busy() {
        return vec![Effect::Interrupt];
    }
    if let Some(intent) = app.intent.take() {
        if let Some((_, text)) = intent.prompt {
            app.composer.give_back(&text);
        }
        app.say("taken back");
        return Vec::new();
    }
    app.toast = None;
    match app.focus {
        Focus::Permission => app.focus = Focus::Composer,
        Focus::Conversation
            if app.page().is_some_and(|page| page.selected.is_some() || page.search.is_some()) =>
        {
            if let Some(page) = app.page_mut() {
                page.selected = None;
                page.search = None;
            }
        }
        Focus::Conversation | Focus::Composer if !app.browser.hidden => app.focus = Focus::Browser,
        Focus::Browser if !app.browser.query().is_empty() => {
            app.browser.filter = super::super::writing::line("");
            app.arrange();
        }
        Focus::Browser if app.is_narrow() => app.focus = Focus::Composer,
        Focus::Browser | Focus::Conversation | Focus::Composer => {}
    }
    Vec::new()
}

/// Ctrl-C: stops the turn; without one, empties the composer; twice, quits.
fn cancel(app: &mut App) -> Vec<Effect> {
    if app.closing {
        return vec![Effect::Quit];
    }
    if app.is_busy() {
        return vec![Effect::Interrupt];
    }
    if app.focus == Focus::Composer && !app.composer.is_empty() {
        app.composer.take();
        app.say("emptied; Up brings it back");
        return Vec::new();
    }
    let armed = app.quit_armed.is_some_and(|at| (app.now - at).num_seconds() < 3);
    if armed {
        return quit(app);
    }
    app.quit_armed = Some(app.now);
    app.say("Ctrl-C again quits");
    Vec::new()
}

/// Answers the permission request that has the focus.
pub(super) fn answer(app: &mut App, verdict: Verdict) -> Vec<Effect> {
    let Some(first) = app.permissions.pop_front() else { return Vec::new() };
    seat::leave_permission(app);
    vec![Effect::Answer { id: first.request.id, verdict }]
}

fn why(app: &mut App) -> Vec<Effect> {
    match app.seat.state {
        SlotState::Exited(_) => {
            app.overlay = Some(Overlay::Why(0));
            Vec::new()
        }
        _ => complain(app, "the agent is alive"),
    }
}

fn quit(app: &mut App) -> Vec<Effect> {
    if app.closing {
        return vec![Effect::Quit];
    }
    if app.is_busy() {
        app.overlay = Some(Overlay::Choice(Choice::QuitWhileBusy));
        return Vec::new();
    }
    close(app)
}

/// Ends hotseat: drafts kept, the agent closed gracefully.
pub(super) fn close(app: &mut App) -> Vec<Effect> {
    app.closing = true;
    app.say("closing the agent… Ctrl-C does not wait for it");
    keep(app).chain([Effect::Close]).collect()
}

/// Takes the answer to a question.
pub(super) fn choose(app: &mut App, choice: Choice, answer: char) -> Vec<Effect> {
    match (choice, answer) {
        (Choice::SwitchWhileBusy(switch), 'w') => {
            app.intent = Some(Intent { switch: Some(switch), prompt: None });
            app.say("waiting for the turn to end; Esc interrupts it");
            seat::pursue(app)
        }
        (Choice::SwitchWhileBusy(switch), 'i') => vec![Effect::Switch { switch, interrupt: true }],
        (Choice::QuitWhileBusy, 'q') => {
            let mut effects = vec![Effect::Interrupt];
            effects.extend(close(app));
            effects
        }
        (Choice::ForkInstead { session, .. }, 'f') => fork_session(app, session, None),
        (Choice::SwitchWhileBusy(_) | Choice::ForkInstead { .. }, _) => match app.seat.active {
            Some(active) => {
                app.browser.selected = app.browser.row(active).map(|row| row.stored.id);
                read::show(app, active)
            }
            None => Vec::new(),
        },
        (Choice::QuitWhileBusy, _) => Vec::new(),
    }
}
