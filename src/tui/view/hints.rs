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

/// The hints for whatever has the focus, as many as fit.
pub fn line(app: &App, width: u16, theme: &Theme) -> Line<'static> {
    let width = usize::from(width);
    let filters = app.browser.filtering && app.focus == Focus::Browser;
    // Keys that mean the same wherever a line is written are in no table.
    let fixed: Option<&[(&str, &str)]> = match &app.overlay {
        Some(Overlay::Confirm(choice)) if choice.default_answer().is_some() => {
            Some(&[("Enter", "the answer with ⏎"), ("Esc", "stay")])
        }
        Some(Overlay::Confirm(_)) => Some(&[("Esc", "stay")]),
        Some(Overlay::Viewer(
            ViewerContent::Help { .. } | ViewerContent::Details(_) | ViewerContent::McpServers(_),
            _,
        )) => Some(&[("↑↓", "scroll"), ("Esc", "leave")]),
        Some(Overlay::Viewer(ViewerContent::Rewind { .. }, _)) => {
            Some(&[("Enter", "bring them back"), ("↑↓", "scroll"), ("Esc", "leave them as they are")])
        }
        Some(Overlay::Viewer(ViewerContent::ExitOutput, _)) => {
            Some(&[("R", "restart"), ("↑↓", "scroll"), ("Esc", "leave")])
        }
        Some(Overlay::Jump(_) | Overlay::History(_) | Overlay::AgentPicker(_) | Overlay::Prompt(_))
        | None => None,
    };
    let fixed = fixed.map(|fixed| fixed.iter().map(|(key, words)| ((*key).to_owned(), *words, None)));
    let resolve =
        |hint: KeyHint| (hint.key.to_string(), label(app, hint), app.missing_capability(hint.command));
    let with_global = |place| app.keymap.hints(place).map(resolve);
    let only_here = |place| app.keymap.hints_in(place).map(resolve);
    let hints: Vec<(String, &str, Option<&str>)> = match (fixed, &app.overlay) {
        (Some(fixed), Some(Overlay::Viewer(ViewerContent::Details(_), _))) => {
            let of_session = [(Command::Resume, "seat"), (Command::Fork, "fork"), (Command::Pin, "pin")];
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
        (None, _) => with_global(app.focus.key_context()).collect(),
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, words, lack) in hints {
        let cells = text::width(&key) + text::width(words) + 3;
        if used + cells > width {
            break;
        }
        used += cells;
        // What the agent cannot do is there, and can be asked why.
        spans.push(Span::styled(key, if lack.is_some() { theme.dim } else { theme.accent }));
        spans.push(Span::styled(format!(" {words}  "), theme.dim));
    }
    Line::from(spans::clip(spans, width))
}
