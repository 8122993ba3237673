//! The header above the conversation: the session's name and what to know about it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::{details, spans};
use crate::index::SessionRow;
use crate::session::ResumeEstimate;
use crate::text;
use crate::tui::app::{App, Command, Focus, KeyContext, LoadState};

/// The title line, and a second line if there is something to say.
pub fn lines(app: &App, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let mut lines = vec![title_line(app, width, theme)];
    lines.extend(second_line(app, width, theme));
    lines
}

fn title_line(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let row = app.shown.and_then(|shown| app.browser.row(shown));
    let title = text::clean_line(app.display_name(app.shown)).into_owned();
    let mut facts = Vec::new();
    if app.shows_active() {
        facts.extend(app.agent.info.as_ref().map(|agent| text::clean_line(&agent.model).into_owned()));
    } else {
        facts.extend(
            row.and_then(|row| row.facts.model.as_deref()).map(|model| text::clean_line(model).into_owned()),
        );
    }
    if let Some(row) = row {
        let turns = row.facts.turns;
        let more = if row.partial { "+" } else { "" };
        facts.push(format!("{turns}{more} turn{}", if turns == 1 { "" } else { "s" }));
        facts.extend(cost(app, row));
    }
    let right = vec![Span::styled(format!("{} ", facts.join(" · ")), theme.dim)];
    let room = width.saturating_sub(spans::spans_width(&right) + 1);
    let is_focused = app.focus == Focus::Conversation;
    let style = if is_focused { theme.heading.patch(theme.focused()) } else { theme.heading };
    let left = vec![Span::styled(text::truncate(&title, room).into_owned(), style)];
    spans::left_and_right(left, right, width)
}

/// What the session cost; `None` while only a part of an estimate is known.
pub fn cost(app: &App, row: &SessionRow) -> Option<String> {
    let cost = app.prices.session_cost(&row.facts).filter(|cost| cost.usd > 0.0)?;
    (!cost.estimated || !row.partial).then(|| cost.to_string())
}

/// The notes about the session, the most important first, as many as fit.
fn second_line(app: &App, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (words, style) in remarks(app, theme) {
        let gap = if spans.is_empty() { "" } else { " · " };
        if !spans.is_empty() && spans::spans_width(&spans) + text::width(&words) + 3 > width {
            break;
        }
        spans.push(Span::styled(gap, theme.dim));
        spans.push(Span::styled(text::truncate(&words, width).into_owned(), style));
    }
    (!spans.is_empty()).then(|| Line::from(spans))
}

/// The folder of a session that is not from this one. A session that was moved here
/// or belongs to another worktree "worked in" it; others "belong to" it.
fn folder_note(app: &App, row: &SessionRow) -> Option<String> {
    let folder = row.facts.cwd.as_deref().filter(|cwd| *cwd != app.folder)?;
    let is_of_here =
        app.environment.project_sessions.as_ref().is_some_and(|here| here.contains(&row.stored.id));
    let how = if is_of_here { "worked in" } else { "belongs to" };
    Some(format!("{how} {}", text::clean_line(folder)))
}

fn remarks(app: &App, theme: &Theme) -> Vec<(String, Style)> {
    if let Some(LoadState::Failed(problem)) = app.page().map(|page| &page.load_state) {
        return vec![(format!("cannot read this session: {}", text::clean_line(problem)), theme.error)];
    }
    let mut remarks = Vec::new();
    let row = app.shown.and_then(|shown| app.row(shown));
    if let Some(row) = row {
        remarks.extend(warnings(app, row).into_iter().map(|words| (words, theme.warn)));
    }
    let mut say = |words: Option<String>| remarks.extend(words.map(|words| (words, theme.dim)));
    let open_elsewhere = row.is_some_and(|row| app.open_elsewhere(row).is_some());
    let is_asked_for = app.agent.replacing_since.is_some() || app.deferred.is_some();
    if app.shown.is_some() && !app.shows_active() && !open_elsewhere && !is_asked_for {
        let key = app.keymap.key(KeyContext::Browser, Command::Resume);
        say(key.map(|key| format!("Preview. {key} resumes it")));
        say(row.and_then(|row| resume_cost(app, row)));
    }
    say(row.and_then(|row| folder_note(app, row)));
    say(row.and_then(|row| details::lineage(app, row)));
    if app.shows_active() {
        let notice = app.agent.info.as_ref().and_then(|agent| agent.notice.as_ref());
        say(notice.map(|notice| text::clean_line(notice).into_owned()));
    }
    if app.ephemeral && app.shows_active() {
        remarks.push(("ephemeral: nothing is written to disk".to_owned(), theme.warn));
    }
    remarks
}

/// Problems of the session that a person should know about before resuming it.
fn warnings(app: &App, row: &SessionRow) -> Vec<String> {
    let key =
        |command| app.keymap.key(KeyContext::Browser, command).map(|key| key.to_string()).unwrap_or_default();
    let mut list = Vec::new();
    if let Some(holder) = app.open_elsewhere(row) {
        let doing = if holder.status.is_empty() { String::new() } else { format!(", {}", holder.status) };
        let words = format!(
            "open in {} (pid {}{doing}) · {} forks it",
            holder.program,
            holder.pid,
            key(Command::Fork)
        );
        list.push(text::clean_line(&words).into_owned());
    }
    let lines = row.facts.health.torn + row.facts.health.foreign;
    if lines > 0 {
        let plural = if lines == 1 { "" } else { "s" };
        list.push(format!("⚠ {lines} unreadable line{plural} skipped; the file is unchanged"));
    }
    if let Some(folder) = app.environment.missing_folder(row).filter(|_| !app.shows_active()) {
        list.push(format!(
            "{} no longer exists · {} forks it here",
            text::clean_line(folder),
            key(Command::Fork)
        ));
    }
    if let Some(days) = app.environment.cleanup_warning(row, app.now) {
        let within = if days == 0 { "due".to_owned() } else { details::deadline(days) };
        list.push(format!("† clean-up {within} · {} pins it", key(Command::Pin)));
    }
    list
}

/// What a resume costs, and whether the provider's cache still holds the context.
fn resume_cost(app: &App, row: &SessionRow) -> Option<String> {
    let resuming = ResumeEstimate::from_summary(&row.facts, &app.prices, app.now)?;
    let usd = resuming.usd.filter(|usd| *usd >= 0.01)?;
    let state = if resuming.warm_until.is_some() { "warm" } else { "cold" };
    Some(format!("~${usd:.2} to resume, cache {state}"))
}
