//! What happens when something happens: the only code that changes [`App`].
//!
//! Pure: no clock, no files, no processes. The time comes in with the event,
//! everything to be done goes out as effects.

mod act;
mod agents;
mod care;
mod jump;
mod keys;
mod mouse;
mod read;
mod rewind;
mod seat;
mod slash;
mod switch;
mod talk;
mod terminal;

use chrono::{DateTime, Utc};

use super::effect::Effect;
use super::event::Event;
use super::overlay::{Overlay, Text};
use super::page::{Page, Read};
use super::state::{App, Focus};

pub use slash::{SlashCommand, completions};

/// What to do before the first event.
pub fn begin(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::ReadRows { all: app.browser.all }];
    if let Some(session) = app.shown {
        effects.extend(read::show(app, session));
    }
    effects
}

/// Takes one event at a time and says what to do.
pub fn update(app: &mut App, at: DateTime<Utc>, event: Event) -> Vec<Effect> {
    app.now = at;
    app.stale |= !matches!(event, Event::Drawn(_) | Event::Tick);
    let highlighted = app.browser.selected;
    let mut effects = happened(app, event);
    effects.extend(asked(app));
    if app.browser.selected != highlighted {
        effects.extend(switch::prepare(app));
    }
    effects
}

/// What the lists have to ask of the shell, since what they look for is another.
fn asked(app: &mut App) -> Vec<Effect> {
    let mut effects: Vec<Effect> = app.browser.ranking.work().map(Effect::Rank).into_iter().collect();
    if let Some(Overlay::Jump(jump)) = &mut app.overlay {
        effects.extend(jump.ranking.work().map(Effect::Rank));
        effects.extend(jump.finding.unasked().map(Effect::Search));
    }
    effects
}

fn happened(app: &mut App, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => keys::key(app, key),
        Event::Paste(text) => keys::paste(app, &text),
        Event::Mouse(mouse) => mouse::mouse(app, mouse),
        Event::Resize { width, height } => {
            // A terminal that shrank and grew again lost what was on it.
            app.size = (width, height);
            vec![Effect::Redraw]
        }
        Event::Drawn(geometry) => drawn(app, geometry),
        Event::Tick => tick(app),
        Event::Slot(news) => seat::news(app, *news),
        Event::Rows { all, rows, progress } => {
            let mut effects = read::rows(app, all, rows, progress);
            effects.extend(keys::catch_up(app));
            effects
        }
        Event::Around(around) => {
            app.around = around;
            Vec::new()
        }
        Event::Indexing(progress) => {
            app.browser.indexing = progress;
            Vec::new()
        }
        Event::RowsFailed(problem) => {
            app.browser.problem = Some(problem);
            app.browser.progress = None;
            keys::catch_up(app)
        }
        Event::Ranked { work, hits } => jump::ranked(app, &work, hits),
        Event::Found { sought, found } => match &mut app.overlay {
            Some(Overlay::Jump(jump)) => {
                if jump.take_found(&sought, found) {
                    jump::preview(app)
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        },
        Event::Opened { session, read } => read::opened(app, session, read),
        Event::SwitchRefused { code, message, session } => {
            seat::refused(app, code.as_deref(), message, session)
        }
        Event::Servers(Ok(servers)) if servers.is_empty() => {
            app.say("this agent has no MCP servers");
            Vec::new()
        }
        Event::Servers(Ok(servers)) => {
            app.overlay = Some(Overlay::Read(Text::Servers(servers), 0));
            Vec::new()
        }
        Event::Servers(Err(why)) => {
            app.complain(format!("MCP servers: {why}"));
            Vec::new()
        }
        Event::Rewind { prompt, dry_run, rewind } => rewind::heard(app, prompt, dry_run, rewind),
        Event::Deleted { session, by_agent } => read::deleted(app, session, by_agent),
        Event::CarriedOver(copy) => {
            app.say("a copy in claude's format takes the seat; the original stays as it is");
            switch::seat_session(app, copy)
        }
        Event::Restored(session) => {
            app.say("brought back");
            app.browser.selected = Some(session);
            read::show(app, session)
        }
        Event::Pinned { session, pinned } => {
            care::pinned(app, session, pinned);
            Vec::new()
        }
        Event::Edited(text) => {
            app.composer.set(text.trim_end_matches('\n'));
            app.focus = Focus::Composer;
            Vec::new()
        }
        Event::Said(text) => {
            app.say(text);
            Vec::new()
        }
        Event::Failed(text) => {
            app.complain(text);
            Vec::new()
        }
        Event::Memory { agent } => {
            app.seat.memory = agent;
            Vec::new()
        }
        Event::Painted | Event::Closed => Vec::new(),
    }
}

/// Learns what the frame showed: where scrolling came to rest, whether older
/// messages are wanted, and that a permission request can now be seen.
fn drawn(app: &mut App, geometry: super::Geometry) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (at_top, anchor) = (geometry.at_top, geometry.anchor);
    if let (Some(session), Some(page)) = (app.shown, app.page_mut()) {
        page.scroll.anchor = anchor;
        page.scroll.by = 0;
        page.scroll.reveal = false;
        let older = older_wanted(page, at_top);
        effects.extend(older.map(|bytes| Effect::Open { session, bytes }));
    }
    if let Some(first) = app.permissions.front_mut()
        && first.seen.is_none()
        && geometry.permission.as_deref() == Some(first.request.id.as_str())
    {
        first.seen = Some(app.now);
        let may_take_focus = match app.focus {
            Focus::Composer => app.composer.is_empty(),
            Focus::Conversation => true,
            Focus::Browser | Focus::Permission => false,
        };
        if may_take_focus && app.overlay.is_none() {
            app.focus = Focus::Permission;
            app.stale = true;
        }
    }
    if let Some(Overlay::Read(_, scroll)) = &mut app.overlay {
        // Beyond the end there is nothing to come back from.
        *scroll = (*scroll).min(geometry.scrolls);
    }
    app.geometry = geometry;
    effects
}

/// How much of the transcript to read when its beginning came into sight.
fn older_wanted(page: &mut Page, at_top: bool) -> Option<u64> {
    match page.read {
        Read::Done { whole: false, bytes, .. } if at_top && !page.reading_older => {
            page.reading_older = true;
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
        app.stale = true;
    }
    app.stale |= app.is_busy() || app.seat.called.is_some() || app.ticks.is_multiple_of(60);
    if app.ticks.is_multiple_of(60) {
        app.arrange();
    }
    if app.ticks.is_multiple_of(2) && app.browser.progress.is_none() {
        let all = app.browser.all || matches!(app.overlay, Some(Overlay::Jump(_)));
        effects.push(Effect::ReadRows { all });
    }
    effects.extend(keep(app));
    effects
}

/// Keeps on disk what changed in the drafts.
fn keep(app: &mut App) -> impl Iterator<Item = Effect> + use<> {
    app.composer.unkept().into_iter().map(|(session, text)| Effect::KeepDraft { session, text })
}

#[cfg(test)]
mod tests;
