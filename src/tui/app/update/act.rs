//! What each command does.

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::jump::Within;
use super::super::overlay::{Ask, Choice, Overlay, Purpose, Text};
use super::super::state::{App, Focus};
use super::{care, jump, keep, read, rewind, seat, switch, talk};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{SlotState, Verdict};

/// Steps that no list is long enough for.
const TO_TOP: isize = isize::MIN / 2;
const TO_END: isize = isize::MAX / 2;

/// Does what a person meant.
pub(super) fn act(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Up => step(app, -1),
        Command::Down => step(app, 1),
        Command::PageUp => page(app, -1),
        Command::PageDown => page(app, 1),
        Command::Top => step(app, TO_TOP),
        Command::Bottom => step(app, TO_END),
        Command::Seat => switch::seat_selected(app),
        Command::SeatRecent(number) => match app.browser.recent(number) {
            Some(session) => switch::seat_session(app, session),
            None => Vec::new(),
        },
        Command::Clear => switch::clear(app),
        Command::Undo => care::undo(app),
        Command::Fork => switch::fork(app),
        Command::Servers => vec![Effect::Servers],
        Command::Rewind => rewind::ask(app),
        Command::Parent => switch::parent(app),
        Command::Flip => match app.seat.previous {
            Some(previous) => switch::seat_session(app, previous),
            None => complain(app, "no other session had the seat yet"),
        },
        Command::Rename => care::ask(app, Purpose::Title),
        Command::Tag => care::ask(app, Purpose::Tag),
        Command::Delete => care::delete(app),
        Command::Pin => care::pin(app),
        Command::Details => care::details(app),
        Command::ToggleEmpty => care::toggle_empty(app),
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
        Command::Jump => jump::open(app, Within::Titles, ""),
        Command::Find => jump::open(app, Within::Texts, ""),
        // They mean something only where text is written, or in the agent's terminal,
        // and are taken there.
        Command::Tools | Command::Complete | Command::Leave => Vec::new(),
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
            app.overlay = Some(Overlay::Ask(Box::new(Ask::new(Purpose::Search, query))));
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
                app.overlay = Some(Overlay::Ask(Box::new(Ask::new(purpose, ""))));
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
        Command::Agents => super::agents::offer(app),
        Command::Why => why(app),
        Command::Help => {
            app.overlay = Some(Overlay::Read(Text::Help, 0));
            Vec::new()
        }
        Command::Redraw => vec![Effect::Redraw],
        Command::Suspend => vec![Effect::Suspend],
        Command::Quit => quit(app),
    }
}

/// Says why nothing was done.
pub(super) fn complain(app: &mut App, text: &str) -> Vec<Effect> {
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
        match step {
            TO_TOP => page.to_top(),
            TO_END => page.to_end(),
            step => page.select_step(step),
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

/// The session a command is about: the one under the cursor, or the one shown.
pub(super) fn target(app: &App) -> Option<SessionId> {
    match app.focus {
        Focus::Browser => app.browser.selected.or(app.seat.active),
        Focus::Conversation | Focus::Composer | Focus::Permission => app.shown,
    }
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
        app.seat.in_doubt = app.seat.terminal;
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
        app.seat.in_doubt = app.seat.terminal;
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

/// Shows the last words of a dead agent.
pub(super) fn why(app: &mut App) -> Vec<Effect> {
    match app.seat.state {
        SlotState::Exited(_) => {
            app.overlay = Some(Overlay::Read(Text::Why, 0));
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
        (Choice::ChangeWhileBusy(next), 'i') if app.is_busy() => switch::interrupt(app, next),
        // Over by now, there is nothing to wait for and nothing to interrupt.
        (Choice::ChangeWhileBusy(next), 'w' | 'i') => {
            if app.is_busy() {
                app.say("waiting for the turn to end; Esc interrupts it");
            }
            switch::wait(app, next)
        }
        (Choice::QuitWhileBusy, 'q') => {
            let mut effects = vec![Effect::Interrupt];
            effects.extend(close(app));
            effects
        }
        (Choice::ForkInstead { session, .. } | Choice::Broken { session, .. }, 'f') => {
            switch::give_prompt_back(app);
            switch::fork_session(app, session, None)
        }
        (Choice::OtherFolder { session, .. } | Choice::FolderGone { session, .. }, 'f') => {
            switch::give_prompt_back(app);
            switch::fork_here(app, session)
        }
        (Choice::OtherFolder { session, .. }, 'g')
        | (Choice::FolderGone { session, .. } | Choice::Broken { session, .. }, 'r') => {
            app.agreed.insert(session);
            switch::resume(app, session)
        }
        (
            Choice::ChangeWhileBusy(_)
            | Choice::ForkInstead { .. }
            | Choice::OtherFolder { .. }
            | Choice::FolderGone { .. }
            | Choice::Broken { .. },
            _,
        ) => switch::stay(app),
        (Choice::QuitWhileBusy, _) => Vec::new(),
    }
}
