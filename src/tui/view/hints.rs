//! The hint line: what the keys do now.
//!
//! Hints come from the keymap that dispatches the keys, so they cannot disagree
//! with it. Only keys that are fixed in an overlay are written here.

use ratatui::text::{Line, Span};

use super::spans;
use super::theme::Theme;
use crate::text;
use crate::tui::app::{App, Command, Focus, KeyContext, KeyHint, Overlay, ViewerContent};

/// The word of a hint: while a turn runs, two keys do something else.
fn label(app: &App, hint: KeyHint) -> &'static str {
    match hint.command {
        Command::Interrupt if app.is_busy() => "stop",
        Command::Send if app.is_busy() => "queue",
        _ => hint.label,
    }
}
/// The label of the key that shows the help.
const HELP: &str = "keys";

/// The hints for whatever has the focus, as many as fit.
pub fn line(app: &App, width: u16, theme: &Theme) -> Line<'static> {
    let width = usize::from(width);
    let filters = app.browser.filtering && app.focus == Focus::Browser;
    // Keys that mean the same wherever a line is written are in no table.
    let fixed: Option<&[(&str, &str)]> = match &app.overlay {
        Some(Overlay::Confirm(choice)) if choice.default_answer().is_some() => {
            Some(&[("Enter", "the answer marked ⏎"), ("Esc", "cancel")])
        }
        Some(Overlay::Confirm(_)) => Some(&[("Esc", "cancel")]),
        Some(Overlay::Viewer(
            ViewerContent::Help { .. }
            | ViewerContent::Details(_)
            | ViewerContent::ContextUsage(_)
            | ViewerContent::McpServers(_)
            | ViewerContent::Subagents(_),
            _,
        )) => Some(&[("↑↓", "scroll"), ("Esc", "close")]),
        Some(Overlay::Viewer(ViewerContent::Rewind { .. }, _)) => {
            Some(&[("Enter", "rewind"), ("↑↓", "scroll"), ("Esc", "cancel")])
        }
        Some(Overlay::Viewer(ViewerContent::ExitOutput, _)) => {
            Some(&[("R", "restart"), ("↑↓", "scroll"), ("Esc", "close")])
        }
        Some(Overlay::Jump(_) | Overlay::History(_) | Overlay::AgentPicker(_) | Overlay::Prompt(_))
        | None => None,
    };
    let fixed = fixed.map(|fixed| fixed.iter().map(|(key, words)| ((*key).to_owned(), *words, None)));
    let resolve =
        |hint: KeyHint| (hint.key.to_string(), label(app, hint), app.missing_capability(hint.command));
    let only_here = |place| app.keymap.hints_in(place).map(resolve);
    let hints: Vec<(String, &str, Option<&str>)> = match (fixed, &app.overlay) {
        (Some(fixed), Some(Overlay::Viewer(ViewerContent::Details(_), _))) => {
            let of_session = [(Command::Resume, "resume"), (Command::Fork, "fork"), (Command::Pin, "pin")];
            let key = |command| app.keymap.key(KeyContext::Browser, command);
            let keys = of_session.into_iter().filter_map(|(command, words)| {
                Some((key(command)?.to_string(), words, app.missing_capability(command)))
            });
            keys.chain(fixed).collect()
        }
        (Some(fixed), _) => fixed.collect(),
        (None, Some(Overlay::Jump(_) | Overlay::History(_))) => only_here(KeyContext::Jump).collect(),
        (None, Some(Overlay::AgentPicker(_))) => only_here(KeyContext::Picker).collect(),
        (None, Some(Overlay::Prompt(_))) => only_here(KeyContext::Line).collect(),
        (None, _) if filters => only_here(KeyContext::Filter).collect(),
        (None, _) if app.in_terminal() => only_here(KeyContext::Terminal).collect(),
        (None, _) => {
            let hints = app.keymap.hints(app.focus.key_context());
            let hints = hints.filter(|hint| answers_now(app, hint.command)).map(resolve);
            search_hints(app).chain(hints).collect()
        }
    };
    // The key that explains all others is the last to be dropped.
    let (help, others): (Vec<_>, Vec<_>) = hints.into_iter().partition(|(_, words, _)| *words == HELP);
    let cells = |(key, words, _): &(String, &str, Option<&str>)| text::width(key) + text::width(words) + 3;
    let mut room = width.saturating_sub(1 + help.first().map_or(0, cells));
    let fitting = others.into_iter().take_while(|hint| {
        let fits = cells(hint) <= room;
        room = room.saturating_sub(cells(hint));
        fits
    });
    let mut spans = vec![Span::raw(" ")];
    for (key, words, lack) in fitting.chain(help).collect::<Vec<_>>() {
        // What the agent cannot do is there, and can be asked why.
        spans.push(Span::styled(key, if lack.is_some() { theme.dim } else { theme.accent }));
        spans.push(Span::styled(format!(" {words}  "), theme.dim));
    }
    Line::from(spans::clip(spans, width))
}

/// The keys that go from match to match, while there are matches.
fn search_hints(app: &App) -> impl Iterator<Item = (String, &'static str, Option<&'static str>)> {
    let has_matches =
        app.page().and_then(|page| page.search.as_ref()).is_some_and(|search| !search.hits.is_empty());
    let is_shown = app.focus == Focus::Conversation && has_matches;
    let keys = [(Command::SearchNext, "next match"), (Command::SearchPrevious, "previous match")];
    keys.into_iter().filter(move |_| is_shown).filter_map(|(command, words)| {
        Some((app.keymap.key(KeyContext::Conversation, command)?.to_string(), words, None))
    })
}

/// A request that was not read to its end can be denied, but not allowed.
fn answers_now(app: &App, command: Command) -> bool {
    let is_allow = matches!(command, Command::AllowOnce | Command::AllowSession);
    !is_allow || app.permissions.front().is_some_and(|card| card.end_seen)
}
