//! The status bar: what the process does and what it cost, always in one order.

use chrono::TimeDelta;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::figures::rounded;
use super::text;
use super::theme::Theme;
use crate::slot::{Agent, How, SlotState};
use crate::tui::app::App;

/// Cells of the reason why an agent died; all of it is in the news, and its last words.
const REASON: usize = 28;

/// A part of the bar: how much it matters (0 stays longest), and what it says.
struct Part {
    weight: u8,
    spans: Vec<Span<'static>>,
    /// What stays of it where there is no room for the whole, and how much that matters.
    short: Option<(u8, String)>,
}

impl Part {
    fn new(weight: u8, spans: Vec<Span<'static>>) -> Self {
        Self { weight, spans, short: None }
    }
}

/// The bar, fitted to the width: what does not fit goes, the least important first.
pub fn line(app: &App, width: u16, theme: &Theme) -> Line<'static> {
    let width = usize::from(width);
    let mut parts = parts(app, theme);
    while joined(&parts) > width {
        let Some(least) = (0..parts.len()).max_by_key(|&at| parts[at].weight) else { break };
        if parts.len() == 1 {
            break;
        }
        match parts[least].short.take() {
            Some((weight, words)) => parts[least] = Part::new(weight, vec![Span::raw(words)]),
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
    Line::from(text::clip(spans, width))
}

fn joined(parts: &[Part]) -> usize {
    1 + parts.iter().map(|part| text::width_of(&part.spans)).sum::<usize>()
        + parts.len().saturating_sub(1) * 3
}

fn parts(app: &App, theme: &Theme) -> Vec<Part> {
    let seat = &app.seat;
    let mut parts = vec![Part::new(0, vec![state(app, theme)])];
    if let Some(next) = app.intent.as_ref().and_then(|intent| intent.next.as_ref()) {
        let spans = vec![Span::styled("⇄ ", theme.accent), Span::raw(format!("then {}", next.words()))];
        parts.push(Part::new(1, spans));
    }
    if seat.called.is_some() {
        // What else there is to say was so of the former agent.
        return parts;
    }
    let agent = seat.agent.as_ref();
    parts.extend(agent.map(names));
    let mut part = |weight, words: Option<String>| {
        parts.extend(words.map(|words| Part::new(weight, vec![Span::raw(words)])));
    };
    part(5, agent.map(|agent| format!("pid {}", agent.pid)));
    let warm = seat.warm_since.map(|since| duration(app.now - since));
    part(9, warm);
    part(7, seat.memory.map(|bytes| format!("{} MB", bytes.div_ceil(1 << 20))));
    part(1, seat.active.map(|session| app.short(session)));
    part(6, Some(mode(app).to_owned()));
    part(2, seat.totals.context_percent.map(|percent| format!("context {percent:.0} %")));
    let tokens = seat.totals.usage.total();
    part(8, (tokens > 0).then(|| format!("{} tok", rounded(tokens))));
    part(6, seat.totals.usd.filter(|usd| *usd > 0.0).map(|usd| format!("${usd:.2}")));
    part(
        10,
        agent.filter(|agent| agent.mcp.1 > 0).map(|agent| format!("mcp {}/{}", agent.mcp.0, agent.mcp.1)),
    );
    let prepared = seat.prepared.filter(|session| app.browser.selected == Some(*session));
    part(4, prepared.map(|_| "standby ready".to_owned()));
    if let Some(last) = &seat.last_switch {
        let how = match last.how {
            How::InProcess => "same pid",
            How::Standby => "standby",
            How::Cold => "cold",
        };
        let spans = vec![
            Span::styled("⇄ ", theme.accent),
            Span::raw(format!("{} {:.1} ms, {how}", last.what, last.took.as_secs_f64() * 1000.0)),
        ];
        parts.push(Part::new(3, spans));
    }
    parts
}

/// Who has the seat, and with which model: some have no word for that.
fn names(agent: &Agent) -> Part {
    let names = [&agent.name, &agent.model].map(|name| text::clean_line(name).into_owned());
    let both =
        names.iter().filter(|name| !name.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ");
    let [name, _] = names;
    Part { short: Some((3, name)), ..Part::new(4, vec![Span::raw(both)]) }
}

/// What the process does: a word and a sign, never a colour alone.
fn state(app: &App, theme: &Theme) -> Span<'static> {
    let since = app.now - app.seat.since;
    let (words, style): (String, Style) = match &app.seat.state {
        SlotState::Exited(exit) if !exit.expected => {
            let next = if exit.restart_in.is_some() { "starting again" } else { "W why, R restart" };
            let name = text::clean_line(&app.seat.name);
            // One that was called has not lived yet.
            let what =
                if app.seat.called.is_some() { format!("{name} does not start") } else { "died".to_owned() };
            // What to do about it must not be pushed out by why.
            let reason = text::clean_line(&exit.reason);
            (format!("✕ {what} ({}) - {next}", text::truncate(&reason, REASON)), theme.error)
        }
        _ if let Some(called) = app.seat.called => {
            let name = text::clean_line(&app.seat.name);
            (format!("○ starting {name}… {}", duration(app.now - called)), theme.dim)
        }
        SlotState::Starting => (format!("○ starting {}…", text::clean_line(&app.seat.name)), theme.dim),
        SlotState::Idle(_) if app.closing => ("○ closing…".to_owned(), theme.dim),
        SlotState::Idle(_) => ("● warm".to_owned(), theme.ok),
        SlotState::Busy { .. } if !app.permissions.is_empty() => ("◐ asks you".to_owned(), theme.warn),
        SlotState::Busy { .. } if app.seat.retry.is_some() => (asks_again(app), theme.warn),
        // Neither is known: it reports the end of no turn that was interrupted.
        SlotState::Busy { .. } if app.seat.in_doubt => {
            ("◐ interrupted, or working on".to_owned(), theme.warn)
        }
        SlotState::Busy { .. } => (format!("◐ working {}", duration(since)), theme.accent),
        SlotState::Switching { .. } => ("⇄ switching".to_owned(), theme.accent),
        SlotState::Exited(_) => ("○ closed".to_owned(), theme.dim),
    };
    Span::styled(words, style)
}

/// `◐ asks again in 4 s (2 of 10): the reason`.
fn asks_again(app: &App) -> String {
    let Some((retry, told)) = &app.seat.retry else { return String::new() };
    let wait = TimeDelta::from_std(retry.wait).unwrap_or_default();
    let left = duration(wait - (app.now - *told));
    let reason = text::clean_line(&retry.reason);
    format!("◐ asks again in {left} ({} of {}): {reason}", retry.attempt, retry.most)
}

fn mode(app: &App) -> &'static str {
    use crate::protocol::PermissionMode as M;
    match app.seat.mode {
        M::Default => "ask first",
        M::AcceptEdits => "edits allowed",
        M::Plan => "plan: read only",
        M::DontAsk => "refuse, never ask",
        M::BypassPermissions => "everything allowed",
    }
}

/// `12 s`, `4 m`, `2 h 14 m`.
fn duration(time: TimeDelta) -> String {
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
            assert_eq!(duration(TimeDelta::seconds(seconds)), shown);
        }
    }
}
