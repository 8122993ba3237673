//! The status bar: what the agent process does and what it cost, always in one order.
//!
//! Owns which segment gives way first on a narrow screen. Start at [`line`].

use chrono::TimeDelta;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans;
use super::theme::Theme;
use crate::slot::{AgentInfo, SlotState, SwitchMethod};
use crate::text;
use crate::text::format::short_count;
use crate::tui::app::{App, Focus};

/// Cells for the reason why an agent exited. The toast and the crash output have all of it.
const MAX_REASON_WIDTH: usize = 28;

/// A part of the bar, with how soon it gives way: the highest weight goes first.
struct StatusSegment {
    weight: u8,
    spans: Vec<Span<'static>>,
    /// A shorter text to try before the segment goes, with the weight of that text.
    short: Option<(u8, String)>,
}

impl StatusSegment {
    fn new(weight: u8, spans: Vec<Span<'static>>) -> Self {
        Self { weight, spans, short: None }
    }
}

/// The bar, fitted to the width: the least important segments go first.
pub fn line(app: &App, width: u16, theme: &Theme) -> Line<'static> {
    let width = usize::from(width);
    let mut parts = segments(app, theme);
    while total_width(&parts) > width {
        let Some(least) = (0..parts.len()).max_by_key(|&at| parts[at].weight) else { break };
        if parts.len() == 1 {
            break;
        }
        match parts[least].short.take() {
            Some((weight, words)) => parts[least] = StatusSegment::new(weight, vec![Span::raw(words)]),
            None => {
                parts.remove(least);
            }
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled(" │ ", theme.dim));
        }
        spans.extend(part.spans);
    }
    Line::from(spans::clip(spans, width))
}

fn total_width(parts: &[StatusSegment]) -> usize {
    1 + parts.iter().map(|part| spans::spans_width(&part.spans)).sum::<usize>()
        + parts.len().saturating_sub(1) * 3
}

fn segments(app: &App, theme: &Theme) -> Vec<StatusSegment> {
    let status = &app.agent;
    let mut parts = vec![StatusSegment::new(0, vec![slot_state(app, theme)])];
    if let Some(next) = app.deferred.as_ref().and_then(|intent| intent.change.as_ref()) {
        let spans = vec![Span::styled("⇄ ", theme.accent), Span::raw(format!("then {}", next.label()))];
        parts.push(StatusSegment::new(1, spans));
    }
    if status.replacing_since.is_some() {
        // What else there is to say was so of the former agent.
        return parts;
    }
    let agent = status.info.as_ref();
    parts.extend(agent.map(agent_segment));
    if let Some(folder) = app.foreign_folder() {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        let words = format!("in {}", text::clean_line(&name));
        parts.push(StatusSegment::new(1, vec![Span::styled(words, theme.warn)]));
    }
    if app.allows_everything() {
        let words = permission_mode(app).to_owned();
        parts.push(StatusSegment::new(1, vec![Span::styled(words, theme.warn)]));
    }
    if app.is_restricted() && agent.is_some() {
        parts.push(StatusSegment::new(2, vec![Span::styled("project settings off", theme.warn)]));
    }
    let mut part = |weight, words: Option<String>| {
        parts.extend(words.map(|words| StatusSegment::new(weight, vec![Span::raw(words)])));
    };
    part(5, agent.map(|agent| format!("pid {}", agent.pid)));
    let warm = status.warm_since.map(|since| uptime(app.now - since));
    part(9, warm);
    part(7, status.memory.map(|bytes| format!("{} MB", bytes.div_ceil(1 << 20))));
    part(1, status.active.map(|session| app.short_id(session)));
    part(6, (!app.allows_everything()).then(|| permission_mode(app).to_owned()));
    part(2, status.totals.context_percent.map(|percent| format!("context {percent:.0} %")));
    let tokens = status.totals.usage.total();
    part(8, (tokens > 0).then(|| format!("{} tok", short_count(tokens))));
    part(6, status.totals.usd.filter(|usd| *usd > 0.0).map(|usd| format!("${usd:.2}")));
    part(
        10,
        agent
            .filter(|agent| agent.mcp_servers.1 > 0)
            .map(|agent| format!("mcp {}/{}", agent.mcp_servers.0, agent.mcp_servers.1)),
    );
    let prepared = status.prepared.filter(|session| app.browser.selected == Some(*session));
    part(4, prepared.map(|_| "standby ready".to_owned()));
    if let Some(last) = &status.last_switch {
        let how = match last.method {
            SwitchMethod::InProcess => "same pid",
            SwitchMethod::Standby => "standby",
            SwitchMethod::Cold => "cold",
        };
        let spans = vec![
            Span::styled("⇄ ", theme.accent),
            Span::raw(format!("{} {:.1} ms, {how}", last.kind, last.duration.as_secs_f64() * 1000.0)),
        ];
        parts.push(StatusSegment::new(3, spans));
    }
    parts
}

/// The agent and its model. Some agents do not name a model.
fn agent_segment(agent: &AgentInfo) -> StatusSegment {
    let names = [&agent.name, &agent.model].map(|name| text::clean_line(name).into_owned());
    let both =
        names.iter().filter(|name| !name.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ");
    let [name, _] = names;
    StatusSegment { short: Some((3, name)), ..StatusSegment::new(4, vec![Span::raw(both)]) }
}

/// What the process does: a word and a sign, never a color alone.
fn slot_state(app: &App, theme: &Theme) -> Span<'static> {
    let since = app.now - app.agent.state_since;
    let (words, style): (String, Style) = match &app.agent.state {
        SlotState::Exited(exit) if !exit.expected => {
            let next = if exit.restart_in.is_some() {
                "restarting"
            } else if app.focus == Focus::Composer {
                "Enter output, /restart"
            } else {
                "W output, R restart"
            };
            let name = text::clean_line(&app.agent.name);
            // One that was called has not lived yet.
            let what = if app.agent.replacing_since.is_some() {
                format!("{name} failed to start")
            } else {
                "died".to_owned()
            };
            // What to do about it must not be pushed out by why.
            let reason = text::clean_line(&exit.reason);
            (format!("✕ {what} ({}) - {next}", text::truncate(&reason, MAX_REASON_WIDTH)), theme.error)
        }
        _ if let Some(called) = app.agent.replacing_since => {
            let name = text::clean_line(&app.agent.name);
            (format!("○ starting {name}… {}", uptime(app.now - called)), theme.dim)
        }
        SlotState::Starting => (format!("○ starting {}…", text::clean_line(&app.agent.name)), theme.dim),
        SlotState::Idle(_) if app.closing => ("○ closing…".to_owned(), theme.dim),
        SlotState::Idle(_) => ("● warm".to_owned(), theme.ok),
        SlotState::Busy { .. } if !app.permissions.is_empty() => ("◐ needs you".to_owned(), theme.warn),
        SlotState::Busy { .. } if app.agent.retry.is_some() => (retry_status(app), theme.warn),
        // Neither is known: it reports the end of no turn that was interrupted.
        SlotState::Busy { .. } if app.agent.interrupt_unconfirmed => {
            ("◐ interrupt not confirmed".to_owned(), theme.warn)
        }
        SlotState::Busy { .. } => (format!("◐ working {}", uptime(since)), theme.accent),
        SlotState::Switching { .. } => ("⇄ switching".to_owned(), theme.accent),
        SlotState::Exited(_) => ("○ closed".to_owned(), theme.dim),
    };
    Span::styled(words, style)
}

/// `◐ retrying in 4 s (2 of 10): the reason`.
fn retry_status(app: &App) -> String {
    let Some((retry, since)) = &app.agent.retry else { return String::new() };
    let wait = TimeDelta::from_std(retry.delay).unwrap_or_default();
    let left = uptime(wait - (app.now - *since));
    let reason = text::clean_line(&retry.reason);
    format!("◐ retrying in {left} ({} of {}): {reason}", retry.attempt, retry.max_attempts)
}

fn permission_mode(app: &App) -> &'static str {
    use crate::protocol::PermissionMode as M;
    match app.agent.mode {
        M::Default => "ask first",
        M::AcceptEdits => "edits allowed",
        M::Plan => "plan mode",
        M::DontAsk => "never ask",
        M::BypassPermissions => "everything allowed",
    }
}

/// `12 s`, `4 m`, `2 h 14 m`.
fn uptime(time: TimeDelta) -> String {
    match time.num_seconds().max(0) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} m", seconds / 60),
        seconds => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, shown) in [(0, "0 s"), (59, "59 s"), (61, "1 m"), (8040, "2 h 14 m")] {
            assert_eq!(uptime(TimeDelta::seconds(seconds)), shown);
        }
    }
}
