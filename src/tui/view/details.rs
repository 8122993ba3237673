//! The details of one session: what a resume costs, where the session is open,
//! when a clean-up would delete it, what is wrong with it.

use chrono::{DateTime, Utc};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::{header, spans};
use crate::index::SessionRow;
use crate::session::summary::SubagentSummary;
use crate::session::{ResumeEstimate, SessionId};
use crate::text;
use crate::text::format::{pluralize, short_count};
use crate::tui::app::{App, Command, HealthBadge, KeyContext};

/// Columns of a label.
const LABEL_WIDTH: usize = 11;

/// The session's facts, each with a label.
pub fn lines(app: &App, session: SessionId, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(row) = app.row(session) else {
        return vec![Line::styled("This session is no longer in the list.", theme.dim)];
    };
    let mut sheet = DetailsWriter { app, row, theme, width, lines: Vec::new() };
    sheet.name();
    sheet.blank_line();
    sheet.resuming();
    sheet.blank_line();
    sheet.location();
    sheet.blank_line();
    sheet.health();
    sheet.lines
}

/// Writes the details line by line.
struct DetailsWriter<'a> {
    app: &'a App,
    row: &'a SessionRow,
    theme: &'a Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl DetailsWriter<'_> {
    fn blank_line(&mut self) {
        self.lines.push(Line::default());
    }

    fn field(&mut self, label: &str, words: &str) {
        self.field_styled(label, words, Style::default());
    }

    /// A label and its text, which is hostile and wraps.
    fn field_styled(&mut self, label: &str, words: &str, style: Style) {
        let room = self.width.saturating_sub(LABEL_WIDTH + 2).max(10);
        for (at, line) in spans::wrap_text(&text::clean(words), style, room).into_iter().enumerate() {
            let label = text::pad(if at == 0 { label } else { "" }, LABEL_WIDTH);
            let mut spans = vec![Span::styled(format!(" {label} "), self.theme.dim)];
            spans.extend(line.spans);
            self.lines.push(Line::from(spans));
        }
    }

    fn name(&mut self) {
        let title = text::clean_line(self.row.facts.title_text()).into_owned();
        let room = self.width.saturating_sub(2);
        let mut line = |words: &str, style| {
            self.lines.push(Line::styled(format!(" {}", text::truncate(words, room)), style));
        };
        line(&title, self.theme.heading);
        if let Some(lineage) = lineage(self.app, self.row) {
            line(&lineage, self.theme.dim);
        }
    }

    fn resuming(&mut self) {
        let Some(resuming) = ResumeEstimate::from_summary(&self.row.facts, &self.app.prices, self.app.now)
        else {
            self.field("context", "empty: a resume reads nothing");
            return self.cost();
        };
        let context = short_count(resuming.context);
        match resuming.window.filter(|window| *window > 0) {
            Some(window) => {
                let share = resuming.context as f64 * 100.0 / window as f64;
                let window = short_count(window);
                self.field(
                    "context",
                    &format!("{context} tokens: {share:.0} % of the {window} window of {}", resuming.model),
                );
            }
            None => {
                self.field("context", &format!("{context} tokens at the last request to {}", resuming.model));
            }
        }
        match resuming.warm_until {
            Some(until) => {
                let minutes = (until - self.app.now).num_seconds().max(0).unsigned_abs().div_ceil(60);
                self.field("cache", &format!("likely warm until {}, {minutes} more min", self.clock(until)));
            }
            None => self.field("cache", "cache expired: the whole context is re-read"),
        }
        match (resuming.usd, resuming.usd_cold) {
            (Some(now), Some(cold)) if resuming.warm_until.is_some() => {
                self.field(
                    "resuming",
                    &format!("~{} now, ~{} once the cache has expired", format_usd(now), format_usd(cold)),
                );
            }
            (Some(now), _) => self
                .field("resuming", &format!("~{} to re-read the context, before any reply", format_usd(now))),
            (None, _) => {
                let unknown =
                    format!("no known price for {}: set it in [prices] of config.toml", resuming.model);
                self.field_styled("resuming", &unknown, self.theme.dim);
            }
        }
        self.cost();
    }

    fn cost(&mut self) {
        let facts = &self.row.facts;
        let more = if self.row.partial { " or more (not all read yet)" } else { "" };
        let tokens = format!("{} tokens", short_count(facts.usage.total()));
        let turns = format!("{}{more}", pluralize(facts.turns, "turn"));
        let parts = header::cost(self.app, self.row).into_iter().chain([tokens, turns]);
        self.field("used", &parts.collect::<Vec<_>>().join(" · "));
        if let Some(usd) = self.app.prices.inherited_cost(facts) {
            let words = format!("~{} · paid by the session it comes from", format_usd(usd));
            self.field("inherited", &words);
        }
        let agents: Vec<_> = facts.subagents.iter().map(SubagentSummary::label).collect();
        if !agents.is_empty() {
            let key = key(self.app, Command::Subagents);
            self.field("subagents", &format!("{} · {key} reads them", agents.join(", ")));
        }
        let models: Vec<_> = facts.used.iter().map(|(model, _)| model).collect();
        if models.len() > 1 {
            self.field("models", &models.join(", "));
        }
    }

    fn location(&mut self) {
        let (app, row) = (self.app, self.row);
        if let Some(holder) = app.open_elsewhere(row) {
            let doing = if holder.status.is_empty() { "state unknown" } else { &holder.status };
            let fork = key(app, Command::Fork);
            let words = format!("{} (pid {}), {doing} · {fork} forks it", holder.program, holder.pid);
            self.field_styled("open in", &words, self.theme.warn);
        }
        if app.environment.is_pinned(row) {
            self.field("clean-up", "pinned: protected from clean-up");
        } else if let Some(days) = app.environment.days_left(row, app.now) {
            let pin = key(app, Command::Pin);
            let words = format!("the official tools delete it {} · {pin} pins it", deadline(days));
            let soon = app.environment.cleanup_warning(row, app.now).is_some();
            self.field_styled("clean-up", &words, if soon { self.theme.warn } else { Style::default() });
        }
        if let Some(why) = row.aside() {
            self.field("kind", why);
        }
        if let Some(folder) = &row.facts.cwd {
            let moves =
                format!(" · no longer exists · {} moves its sessions here", key(app, Command::MoveHere));
            let note = match (app.environment.missing_folder(row), app.environment.other_folder(row)) {
                (Some(_), _) => moves.as_str(),
                (None, Some(_)) => " · another project",
                (None, None) => "",
            };
            self.field("folder", &format!("{folder}{note}"));
        }
        if let Some(branch) = &row.facts.branch {
            self.field("branch", branch);
        }
        if let Some(tag) = &row.facts.tag {
            self.field("tag", &format!("#{tag}"));
        }
        if let Some(agent) = &row.facts.agent {
            let seats = key(app, Command::Resume);
            let seats = if app.owned_by_active(row.stored.id) {
                format!("{seats} resumes it")
            } else {
                format!("{seats} starts {agent} and resumes it")
            };
            self.field("owned by", &format!("{agent} (this is a copy) · {seats}"));
        }
        let since = row.facts.created.map(|at| format!("{} to ", self.day(at))).unwrap_or_default();
        self.field("active", &format!("{since}{}", self.day(row.active_at())));
        self.field("id", &row.stored.id.to_string());
        if let (Some(agent), Some(id)) = (&row.facts.agent, &row.facts.agent_session) {
            self.field("", &format!("{id} in {agent}"));
        }
        self.field("file", &format!("{} · {} KB", row.stored.path.display(), row.stored.size.div_ceil(1000)));
    }

    fn health(&mut self) {
        let badges = HealthBadge::all_for_row(self.row, &self.app.environment);
        if badges.is_empty() {
            self.field_styled("health", "good", self.theme.dim);
        }
        for (at, badge) in badges.iter().enumerate() {
            let style = if badge.is_harmless() { Style::default() } else { self.theme.warn };
            self.field_styled(if at == 0 { "health" } else { "" }, &badge.explanation(), style);
        }
    }

    fn clock(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.app.offset).format("%H:%M").to_string()
    }

    fn day(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.app.offset).format("%Y-%m-%d %H:%M").to_string()
    }
}

/// The session and turn a fork comes from, with the key that goes there.
pub fn lineage(app: &App, row: &SessionRow) -> Option<String> {
    let parent = row.parent_id()?;
    let title = app
        .title(parent)
        .map_or_else(|| app.short_id(parent), |title| format!("“{}”", text::clean_line(title)));
    let turn = match row.facts.forked_turns {
        turn if turn > 0 && !row.partial => format!(" at turn {turn}"),
        _ => String::new(),
    };
    Some(format!("forked from {title}{turn} · {} to go there", key(app, Command::ParentSession)))
}

/// When something is due in so many days: `in 3 days`.
pub fn deadline(days: u64) -> String {
    match days {
        0 => "any time now".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// Dollars to the cent, at least one cent.
fn format_usd(amount: f64) -> String {
    format!("${:.2}", amount.max(0.01))
}

/// The key for a command about the session under the cursor.
fn key(app: &App, command: Command) -> String {
    app.keymap.key(KeyContext::Browser, command).map(|key| key.to_string()).unwrap_or_default()
}
