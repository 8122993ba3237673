//! Runs commands: one arm per [`Command`].

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::jump::SearchScope;
use super::super::keymap::KeyContext;
use super::super::overlay::{Confirmation, LinePrompt, Overlay, PromptKind, ViewerContent};
use super::super::state::{App, Focus};
use super::{
    history, jump, loading, modes, prompts, rewind, save_drafts, session_actions, slot_events, switch,
};
use crate::session::SessionId;
use crate::slot::{PermissionDecision, SlotState};

/// Steps that no list is long enough for.
const TO_TOP: isize = isize::MIN / 2;
const TO_END: isize = isize::MAX / 2;

/// Does what a person meant.
pub(super) fn dispatch(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Up => step(app, -1),
        Command::Down => step(app, 1),
        Command::PageUp => page(app, -1),
        Command::PageDown => page(app, 1),
        Command::Top => step(app, TO_TOP),
        Command::Bottom => step(app, TO_END),
        Command::Resume => switch::resume_selected(app),
        Command::ResumeRecent(number) => match app.browser.nth_recent(number) {
            Some(session) => switch::resume_session(app, session),
            None => Vec::new(),
        },
        Command::Clear => switch::clear(app),
        Command::Undo => session_actions::undo(app),
        Command::Fork => switch::fork(app),
        Command::McpServers => vec![Effect::ListMcpServers],
        Command::Rewind => rewind::preview(app),
        Command::ParentSession => switch::parent(app),
        Command::PreviousSession => match app.agent.previous {
            Some(previous) => switch::resume_session(app, previous),
            None => refuse(app, "no other session was active yet"),
        },
        Command::Rename => session_actions::prompt_for(app, PromptKind::Title),
        Command::Tag => session_actions::prompt_for(app, PromptKind::Tag),
        Command::Delete => session_actions::delete(app),
        Command::Pin => session_actions::pin(app),
        Command::Details => session_actions::details(app),
        Command::ToggleEmpty => session_actions::toggle_empty(app),
        Command::Subagents => session_actions::read_subagents(app),
        Command::MoveHere => session_actions::move_here(app),
        Command::Filter => {
            app.browser.filtering = true;
            app.browser.hidden = false;
            app.focus = Focus::Browser;
            Vec::new()
        }
        Command::ToggleScope => {
            app.browser.all = !app.browser.all;
            vec![Effect::ListSessions { all: app.browser.all }]
        }
        Command::Jump => jump::open(app, SearchScope::Titles, ""),
        Command::SearchMessages => jump::open(app, SearchScope::Messages, ""),
        // They mean something only where text is written, or in the agent's terminal,
        // and are taken there.
        Command::ToggleToolSearch
        | Command::Complete
        | Command::LeaveTerminal
        | Command::Accept
        | Command::Close => Vec::new(),
        Command::SearchHistory => history::open(app),
        Command::ToggleBrowser => toggle_browser(app),
        Command::FocusNext => cycle_focus(app, 1),
        Command::FocusPrevious => cycle_focus(app, -1),
        Command::FocusComposer => {
            app.focus = Focus::Composer;
            Vec::new()
        }
        Command::Interrupt => interrupt(app),
        Command::Cancel => cancel(app),
        Command::Send => prompts::send(app),
        Command::NewLine => {
            app.composer.area.insert_newline();
            Vec::new()
        }
        Command::Editor => vec![Effect::OpenEditor(app.composer.text())],
        Command::HistoryPrevious => prompts::history_previous(app),
        Command::HistoryNext => {
            app.composer.recall(1);
            Vec::new()
        }
        Command::Unfold | Command::UnfoldAll | Command::SearchNext | Command::SearchPrevious => {
            prompts::conversation_command(app, command);
            Vec::new()
        }
        Command::Copy => prompts::copy(app),
        Command::CopyCode => prompts::copy_code(app),
        Command::SearchConversation => {
            let query =
                app.page().and_then(|page| page.search.as_ref()).map_or("", |search| search.query.as_str());
            app.overlay = Some(Overlay::Prompt(Box::new(LinePrompt::new(PromptKind::Search, query))));
            Vec::new()
        }
        Command::ToggleTimestamps => {
            app.show_timestamps = !app.show_timestamps;
            Vec::new()
        }
        Command::ToggleFullScreen => {
            if let Some(card) = app.permissions.front_mut() {
                card.full_screen = !card.full_screen;
            }
            Vec::new()
        }
        Command::AllowOnce => allow(app, PermissionDecision::AllowOnce),
        Command::AllowSession => allow(app, PermissionDecision::AllowSession),
        Command::Deny => answer_permission(app, PermissionDecision::Deny("The user denied it.".to_owned())),
        Command::DenyBecause => {
            if let Some(first) = app.permissions.front() {
                let purpose = PromptKind::DenyReason(first.request.id.clone());
                app.overlay = Some(Overlay::Prompt(Box::new(LinePrompt::new(purpose, ""))));
            }
            Vec::new()
        }
        Command::CycleMode => modes::cycle(app),
        Command::Restart => match app.agent.state {
            SlotState::Exited(_) => vec![Effect::Restart],
            _ => refuse(app, "the agent is running, so there is nothing to restart"),
        },
        Command::Agents => super::agents::open_picker(app),
        Command::ShowExit => show_exit(app),
        Command::Help => {
            let context = if app.in_terminal() { KeyContext::Terminal } else { app.focus.key_context() };
            let help = ViewerContent::Help { context, query: String::new(), typing: false };
            app.overlay = Some(Overlay::Viewer(help, 0));
            Vec::new()
        }
        Command::Redraw => vec![Effect::Redraw],
        Command::Suspend => vec![Effect::Suspend],
        Command::Quit => quit(app),
    }
}

/// Says why nothing was done.
pub(super) fn refuse(app: &mut App, text: &str) -> Vec<Effect> {
    app.toast_error(text);
    Vec::new()
}

/// Moves the cursor of the pane that has the keys.
fn step(app: &mut App, step: isize) -> Vec<Effect> {
    if app.focus == Focus::Permission {
        let last = app.geometry.permission_max_scroll;
        if let Some(card) = app.permissions.front_mut() {
            card.scroll = card.scroll.saturating_add_signed(step).min(last);
        }
        return Vec::new();
    }
    if app.focus == Focus::Browser {
        app.browser.step(step);
        return loading::show_selected(app);
    }
    if let Some(page) = app.page_mut() {
        match step {
            TO_TOP => page.scroll_to_top(),
            TO_END => page.scroll_to_end(),
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
    if app.focus == Focus::Permission && app.geometry.permission_max_scroll > 0 {
        let rows = isize::try_from(app.geometry.permission_rows).unwrap_or(1).max(1);
        return step(app, direction * rows);
    }
    let height = isize::from(app.geometry.conversation.height.saturating_sub(2).max(1).cast_signed());
    prompts::scroll(app, direction * height);
    Vec::new()
}

/// The session a command is about: the one under the cursor, or the one shown.
pub(super) fn target(app: &App) -> Option<SessionId> {
    match app.focus {
        Focus::Browser => app.browser.selected.or(app.agent.active),
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
fn cycle_focus(app: &mut App, step: isize) -> Vec<Effect> {
    let mut ring = vec![Focus::Browser];
    if !app.permissions.is_empty() {
        ring.push(Focus::Permission);
    }
    ring.extend([Focus::Composer, Focus::Conversation]);
    if app.browser.hidden && !app.is_narrow() {
        ring.remove(0);
    }
    match app.focus {
        // Esc leaves it; Tab is too easily pressed by a hand that meant to answer.
        Focus::Permission => return Vec::new(),
        Focus::Composer | Focus::Conversation if step > 0 && !app.permissions.is_empty() => {
            app.focus = Focus::Permission;
            return Vec::new();
        }
        _ => {}
    }
    let count = ring.len().cast_signed();
    let at = ring.iter().position(|focus| *focus == app.focus).unwrap_or(0).cast_signed();
    app.focus = ring[(at + step).rem_euclid(count).cast_unsigned()];
    Vec::new()
}

/// Esc: stops the turn; without one, steps back towards the browser.
fn interrupt(app: &mut App) -> Vec<Effect> {
    if app.is_busy() {
        app.agent.interrupt_unconfirmed = app.agent.terminal;
        return vec![Effect::Interrupt];
    }
    if let Some(intent) = app.deferred.take() {
        if let Some((_, text)) = intent.prompt {
            app.composer.restore_draft(&text);
        }
        app.toast("cancelled");
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
            app.browser.filter = super::super::text_input::single_line("");
            app.rebuild_browser();
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
        app.agent.interrupt_unconfirmed = app.agent.terminal;
        return vec![Effect::Interrupt];
    }
    if app.focus == Focus::Composer && !app.composer.is_empty() {
        app.composer.take_text();
        app.toast("prompt cleared; Up restores it");
        return Vec::new();
    }
    let armed = app.quit_armed.is_some_and(|at| (app.now - at).num_seconds() < 3);
    if armed {
        return quit(app);
    }
    arm_quit(app);
    Vec::new()
}

/// Ctrl-C was pressed with nothing to stop: pressed again soon, it quits.
pub(super) fn arm_quit(app: &mut App) {
    app.quit_armed = Some(app.now);
    app.toast("Ctrl-C again quits");
}

/// Allows a tool call, once its end was on screen: nobody approves what they could
/// not read.
fn allow(app: &mut App, decision: PermissionDecision) -> Vec<Effect> {
    // An Enter that comes this early was meant for something else.
    if app.answerable().is_none() {
        return Vec::new();
    }
    if app.permissions.front().is_some_and(|card| !card.end_seen) {
        let key = |command| app.keymap.key(KeyContext::Permission, command).map(|key| key.to_string());
        let keys = [Command::PageDown, Command::ToggleFullScreen].map(key);
        let keys = keys.into_iter().flatten().collect::<Vec<_>>().join(" or ");
        return refuse(app, &format!("read it to the end first: {keys}"));
    }
    answer_permission(app, decision)
}

/// Answers the permission request that has the focus.
pub(super) fn answer_permission(app: &mut App, verdict: PermissionDecision) -> Vec<Effect> {
    let Some(first) = app.permissions.pop_front() else { return Vec::new() };
    slot_events::leave_permission(app);
    vec![Effect::AnswerPermission { id: first.request.id, verdict }]
}

/// Shows the last words of a dead agent.
pub(super) fn show_exit(app: &mut App) -> Vec<Effect> {
    match app.agent.state {
        SlotState::Exited(_) => {
            app.overlay = Some(Overlay::Viewer(ViewerContent::ExitOutput, 0));
            Vec::new()
        }
        _ => refuse(app, "the agent is running"),
    }
}

/// `q` in a pane: a letter that was meant as text must not cost a draft.
pub(super) fn quit_by_letter(app: &mut App) -> Vec<Effect> {
    if app.closing || app.is_busy() || app.composer.text().trim().is_empty() {
        return quit(app);
    }
    app.overlay = Some(Overlay::Confirm(Confirmation::QuitWithDraft));
    Vec::new()
}

fn quit(app: &mut App) -> Vec<Effect> {
    if app.closing {
        return vec![Effect::Quit];
    }
    if app.is_busy() {
        app.overlay = Some(Overlay::Confirm(Confirmation::QuitWhileBusy));
        return Vec::new();
    }
    close(app)
}

/// Ends hotseat: drafts kept, the agent closed gracefully.
pub(super) fn close(app: &mut App) -> Vec<Effect> {
    app.closing = true;
    app.toast("closing the agent… Ctrl-C quits at once");
    save_drafts(app).chain([Effect::Close]).collect()
}
