//! The hint line: what the keys do now, from the keymap that dispatches them.

use ratatui::text::{Line, Span};

use super::text;
use super::theme::Theme;
use crate::tui::app::{App, Overlay};

/// The hints of the place that has the keys, as many as fit.
pub fn line(app: &App, width: u16, theme: &Theme) -> Line<'static> {
    let width = usize::from(width);
    let fixed: Option<&[(&str, &str)]> = match &app.overlay {
        Some(Overlay::Jump(_)) => Some(&[("Enter", "seat"), ("↑↓", "choose"), ("Esc", "leave")]),
        Some(Overlay::Ask(_)) => Some(&[("Enter", "done"), ("Esc", "leave")]),
        Some(Overlay::Choice(choice)) if choice.default_answer().is_some() => {
            Some(&[("Enter", "the answer with ⏎"), ("Esc", "stay")])
        }
        Some(Overlay::Choice(_)) => Some(&[("Esc", "stay")]),
        Some(Overlay::Help(_) | Overlay::Details { .. }) => Some(&[("↑↓", "scroll"), ("Esc", "leave")]),
        Some(Overlay::Why(_)) => Some(&[("R", "restart"), ("↑↓", "scroll"), ("Esc", "leave")]),
        None if app.browser.filtering && app.focus == crate::tui::app::Focus::Browser => {
            Some(&[("Enter", "seat"), ("↑↓", "choose"), ("Esc", "forget the filter")])
        }
        None => None,
    };
    let hints: Vec<(String, String)> = match fixed {
        Some(fixed) => fixed.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect(),
        None => app
            .keymap
            .hints(app.focus.place())
            .map(|(key, words)| (key.to_string(), words.to_owned()))
            .collect(),
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, words) in hints {
        let cells = text::width(&key) + text::width(&words) + 3;
        if used + cells > width {
            break;
        }
        used += cells;
        spans.push(Span::styled(key, theme.accent));
        spans.push(Span::styled(format!(" {words}  "), theme.dim));
    }
    Line::from(text::clip(spans, width))
}
