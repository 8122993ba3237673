//! The lines over the conversation: which session this is, and what to know of it.

use ratatui::text::{Line, Span};

use super::text;
use super::theme::Theme;
use crate::tui::app::{App, Command, Place, Read};

/// One line that names the session, and a second one where there is something to say.
pub fn lines(app: &App, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let mut lines = vec![name(app, width, theme)];
    lines.extend(remark(app, width, theme));
    lines
}

fn name(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let row = app.shown.and_then(|shown| app.browser.row(shown));
    let title = text::clean_line(app.name(app.shown)).into_owned();
    let mut facts = Vec::new();
    if app.shows_active() {
        facts.extend(app.seat.agent.as_ref().map(|agent| text::clean_line(&agent.model).into_owned()));
    } else {
        facts.extend(
            row.and_then(|row| row.facts.model.as_deref()).map(|model| text::clean_line(model).into_owned()),
        );
    }
    if let Some(row) = row {
        let turns = row.facts.turns;
        let more = if row.partial { "+" } else { "" };
        facts.push(format!("{turns}{more} turn{}", if turns == 1 { "" } else { "s" }));
        facts.extend(row.facts.cost_usd.filter(|cost| *cost > 0.0).map(|cost| format!("${cost:.2}")));
    }
    let right = vec![Span::styled(format!("{} ", facts.join(" · ")), theme.dim)];
    let room = width.saturating_sub(text::width_of(&right) + 1);
    let left = vec![Span::styled(text::truncate(&title, room).into_owned(), theme.heading)];
    text::spread(left, right, width)
}

/// What a person must know before they read on, the most important first.
fn remark(app: &App, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let line = |words: String, style| Some(Line::styled(text::truncate(&words, width).into_owned(), style));
    let row = app.shown.and_then(|shown| app.browser.row(shown));
    if let Some(Read::Failed(problem)) = app.page().map(|page| &page.read) {
        return line(format!("cannot be read: {}", text::clean_line(problem)), theme.error);
    }
    if let Some(holder) = row.and_then(|row| row.open_in.as_ref()).filter(|_| !app.shows_active()) {
        let program = text::clean_line(&holder.program);
        return line(format!("open in {program} (pid {}) - f forks it", holder.pid), theme.warn);
    }
    if let Some(health) = row.map(|row| row.facts.health).filter(|health| !health.is_good()) {
        let lines = health.torn + health.foreign;
        return line(
            format!("⚠ {lines} unreadable lines were passed over; the file is left as it is"),
            theme.warn,
        );
    }
    let elsewhere = row.and_then(|row| row.facts.cwd.as_deref()).filter(|cwd| *cwd != app.folder);
    let elsewhere =
        elsewhere.map(|cwd| format!(" · belongs to {}", text::clean_line(cwd))).unwrap_or_default();
    if app.shown.is_some() && !app.shows_active() {
        let key = app.keymap.key(Place::Browser, Command::Seat)?;
        return line(format!("read only - {key} to take the seat{elsewhere}"), theme.dim);
    }
    if !elsewhere.is_empty() {
        return line(elsewhere.trim_start_matches(" · ").to_owned(), theme.dim);
    }
    if let Some(parent) = row.and_then(crate::index::Row::parent) {
        let title = app
            .title(parent)
            .map_or_else(|| parent.short(), |title| format!("“{}”", text::clean_line(title)));
        let key = app.keymap.key(Place::Browser, Command::Parent)?;
        return line(format!("forked from {title} · {key} to go there"), theme.dim);
    }
    let notice = app.seat.agent.as_ref().and_then(|agent| agent.notice.as_ref());
    if let Some(notice) = notice {
        return line(text::clean_line(notice).into_owned(), theme.dim);
    }
    app.ephemeral
        .then(|| line("ephemeral - nothing of this is written to disk".to_owned(), theme.warn))
        .flatten()
}
