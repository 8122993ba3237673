//! The transition function: the only code that changes [`App`].
//!
//! Start with `handle_event`, one arm per [`Event`]; `keys` leads from a key to
//! a command, `dispatch` from a command to what it does.
//!
//! Pure: no clock, no files, no processes. The time comes in with the event,
//! everything to be done goes out as effects.

mod agents;
mod confirmations;
mod dispatch;
mod history;
mod jump;
mod keys;
mod loading;
mod modes;
mod mouse;
mod prompts;
mod rewind;
mod session_actions;
mod slash;
mod slot_events;
mod switch;
mod terminal;
mod trust;

use chrono::{DateTime, Utc};

use super::conversation_page::{ConversationPage, LoadState};
use super::effect::Effect;
use super::event::Event;
use super::overlay::{Overlay, ViewerContent};
use super::state::{App, Focus};

pub use slash::{SlashCommand, completions};

/// What to do before the first event.
#[must_use = "effects do nothing until the shell runs them"]
pub fn initial_effects(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::ListSessions { all: app.browser.all }];
    if let Some(session) = app.shown {
        effects.extend(loading::show(app, session));
    }
    effects.extend(trust::start(app));
    // The first frame was drawn before there was a question.
    app.needs_redraw = true;
    effects
}

/// Takes one event at a time and says what to do.
#[must_use = "effects do nothing until the shell runs them"]
pub fn update(app: &mut App, at: DateTime<Utc>, event: Event) -> Vec<Effect> {
    app.now = at;
    // Clocks and samples redraw only when they show something new.
    app.needs_redraw |= !matches!(event, Event::FrameDrawn(_) | Event::Tick | Event::Memory { .. });
    let highlighted = app.browser.selected;
    let mut effects = handle_event(app, event);
    effects.extend(search_requests(app));
    if app.browser.selected != highlighted {
        effects.extend(switch::prepare(app));
    }
    effects
}

/// What the lists have to ask of the shell, since what they look for is another.
fn search_requests(app: &mut App) -> Vec<Effect> {
    let mut effects: Vec<Effect> =
        app.browser.ranking.take_job().map(Effect::RankSessions).into_iter().collect();
    if let Some(Overlay::Jump(jump)) = &mut app.overlay {
        effects.extend(jump.ranking.take_job().map(Effect::RankSessions));
        effects.extend(jump.text_search.take_pending().map(Effect::SearchMessages));
    }
    effects
}

fn handle_event(app: &mut App, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => keys::press(app, key),
        Event::Paste(text) => keys::paste(app, &text),
        Event::Mouse(mouse) => mouse::mouse(app, mouse),
        Event::Resize { width, height } => {
            // A terminal that shrank and grew again lost what was on it.
            app.size = (width, height);
            vec![Effect::Redraw]
        }
        Event::FrameDrawn(geometry) => frame_drawn(app, geometry),
        Event::Tick => tick(app),
        Event::Slot(news) => slot_events::handle_slot_event(app, *news),
        Event::SessionList { all, rows, progress } => loading::sessions_listed(app, all, rows, progress),
        Event::EnvironmentChanged(around) => {
            let is_news =
                around.former_folder.is_some() && around.former_folder != app.environment.former_folder;
            app.environment = around;
            if is_news {
                session_actions::mention_former_folder(app);
            }
            Vec::new()
        }
        Event::IndexProgress(progress) => {
            app.browser.indexing = progress;
            Vec::new()
        }
        Event::SessionListFailed(problem) => {
            app.browser.problem = Some(problem);
            app.browser.progress = None;
            Vec::new()
        }
        Event::Ranked { work, hits } => jump::ranked(app, &work, hits),
        Event::SearchResults { sought, found } => match &mut app.overlay {
            Some(Overlay::Jump(jump)) => {
                if jump.set_results(&sought, found) {
                    jump::preview(app)
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        },
        Event::TranscriptRead { session, read } => loading::transcript_read(app, session, read),
        Event::FolderResolved { session, folder } => trust::resolved(app, session, folder),
        Event::SwitchRefused { code, message, session } => {
            slot_events::switch_refused(app, code.as_ref(), message, session)
        }
        Event::ModeRefused { mode, cycles, message } => modes::refused(app, mode, cycles, &message),
        Event::ContextUsage(Ok(usage)) => {
            app.overlay = Some(Overlay::Viewer(ViewerContent::ContextUsage(usage), 0));
            Vec::new()
        }
        Event::ContextUsage(Err(why)) => {
            app.toast_error(format!("context window: {why}"));
            Vec::new()
        }
        Event::McpServers(Ok(servers)) if servers.is_empty() => {
            app.toast("this agent has no MCP servers");
            Vec::new()
        }
        Event::McpServers(Ok(servers)) => {
            app.overlay = Some(Overlay::Viewer(ViewerContent::McpServers(servers), 0));
            Vec::new()
        }
        Event::McpServers(Err(why)) => {
            app.toast_error(format!("MCP servers: {why}"));
            Vec::new()
        }
        Event::SubagentsRead(subagents) => {
            app.overlay = Some(Overlay::Viewer(ViewerContent::Subagents(subagents), 0));
            Vec::new()
        }
        Event::Rewind { prompt, dry_run, rewind } => rewind::rewind_answered(app, prompt, dry_run, rewind),
        Event::Deleted { session, by_agent } => loading::deleted(app, session, by_agent),
        Event::ForkedExternal(copy) => {
            // It works where its source does, which was agreed to.
            app.confirmed.insert(copy);
            app.toast("continuing in a copy in Claude's format; the original is unchanged");
            switch::resume_session(app, copy)
        }
        Event::Restored(session) => {
            app.toast("restored");
            app.browser.selected = Some(session);
            loading::show(app, session)
        }
        Event::Pinned { session, pinned } => {
            session_actions::pinned(app, session, pinned);
            Vec::new()
        }
        Event::EditorClosed(Ok(text)) => {
            app.composer.set(text.trim_end_matches('\n'));
            app.focus = Focus::Composer;
            Vec::new()
        }
        Event::EditorClosed(Err(problem)) => {
            app.toast_error(problem);
            Vec::new()
        }
        Event::Info(text) => {
            app.toast(text);
            Vec::new()
        }
        Event::Failed(text) => {
            app.toast_error(text);
            Vec::new()
        }
        Event::Memory { agent } => {
            app.needs_redraw |= app.agent.memory != agent;
            app.agent.memory = agent;
            Vec::new()
        }
        Event::HighlightReady | Event::SlotClosed => Vec::new(),
    }
}

/// Learns what the frame showed: where scrolling came to rest, whether older
/// messages are wanted, and that a permission request can now be seen.
fn frame_drawn(app: &mut App, geometry: super::Geometry) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (at_top, anchor) = (geometry.at_top, geometry.anchor);
    if let (Some(session), Some(page)) = (app.shown, app.page_mut()) {
        page.scroll.anchor = anchor;
        page.scroll.by = 0;
        page.scroll.reveal = false;
        let older = older_bytes_wanted(page, at_top);
        effects.extend(older.map(|bytes| Effect::ReadTranscript { session, bytes }));
    }
    if let Some(first) = app.permissions.front_mut()
        && geometry.permission.as_deref() == Some(first.request.id.as_str())
    {
        first.scroll = first.scroll.min(geometry.permission_max_scroll);
        app.needs_redraw |= geometry.permission_end && !first.end_seen;
        first.end_seen |= geometry.permission_end;
    }
    if let Some(first) = app.permissions.front_mut()
        && first.first_seen.is_none()
        && geometry.permission.as_deref() == Some(first.request.id.as_str())
    {
        first.first_seen = Some(app.now);
        let may_take_focus = match app.focus {
            Focus::Composer => app.composer.is_empty(),
            Focus::Conversation => true,
            Focus::Browser | Focus::Permission => false,
        };
        if may_take_focus && app.overlay.is_none() {
            app.focus = Focus::Permission;
            app.needs_redraw = true;
        }
    }
    if let Some(Overlay::Viewer(_, scroll)) = &mut app.overlay {
        // Beyond the end there is nothing to come back from.
        *scroll = (*scroll).min(geometry.max_scroll);
    }
    app.geometry = geometry;
    effects
}

/// How much of the transcript to read when its beginning came into sight.
fn older_bytes_wanted(page: &mut ConversationPage, at_top: bool) -> Option<u64> {
    match page.load_state {
        LoadState::Loaded { whole: false, bytes, .. } if at_top && !page.loading_older => {
            page.loading_older = true;
            Some(bytes.saturating_mul(4))
        }
        _ => None,
    }
}

/// A second went by: clocks move, news goes, drafts are kept, the list is looked at again.
fn tick(app: &mut App) -> Vec<Effect> {
    app.ticks += 1;
    let mut effects = Vec::new();
    if app.toast.as_ref().is_some_and(|toast| toast.until <= app.now) {
        app.toast = None;
        app.needs_redraw = true;
    }
    app.needs_redraw |= app.is_busy() || app.agent.replacing_since.is_some() || app.ticks.is_multiple_of(60);
    if app.ticks.is_multiple_of(60) {
        app.rebuild_browser();
    }
    if app.ticks.is_multiple_of(2) && app.browser.progress.is_none() {
        let all = app.browser.all || matches!(app.overlay, Some(Overlay::Jump(_)));
        effects.push(Effect::ListSessions { all });
    }
    effects.extend(save_drafts(app));
    effects
}

/// Keeps on disk what changed in the drafts.
fn save_drafts(app: &mut App) -> impl Iterator<Item = Effect> + use<> {
    app.composer.take_unsaved_drafts().into_iter().map(|(session, text)| Effect::SaveDraft { session, text })
}

#[cfg(test)]
mod tests;
