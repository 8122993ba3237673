//! One-line text fields: how they start, what keys do to them, and completion.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

use crate::index::SessionRow;
use crate::index::query::{self, QueryCompletion};

/// A one-line text area with the cursor at its end.
pub fn single_line(text: &str) -> TextArea<'static> {
    let mut line = TextArea::from([text.split_whitespace().collect::<Vec<_>>().join(" ")]);
    line.move_cursor(CursorMove::End);
    line
}

/// Takes a key and says whether the text is another now. The widget's keys are
/// Emacs's but for Ctrl-U, which shells have taught to empty the line.
pub fn apply_key(area: &mut TextArea<'static>, key: KeyEvent) -> bool {
    if key.code == KeyCode::Char('u') && key.modifiers == KeyModifiers::CONTROL {
        return area.delete_line_by_head();
    }
    area.input(key)
}

/// What the filter at the end of a line can become, while the cursor is there.
pub fn completion(line: &TextArea<'_>, rows: &[SessionRow]) -> Option<QueryCompletion> {
    let text = line.lines().first()?;
    (line.cursor().1 == text.chars().count()).then(|| query::complete(text, rows))?
}

/// Completes the filter at the end of a line; false where there is nothing to add.
pub fn complete(line: &mut TextArea<'static>, rows: &[SessionRow]) -> bool {
    let Some(completion) = completion(line, rows) else { return false };
    let text = line.lines().first().map_or("", String::as_str);
    let (Some(candidate), Some(begun)) = (completion.candidates.first(), text.get(completion.span.clone()))
    else {
        return false;
    };
    let letters = begun.chars().count();
    for _ in 0..letters {
        line.delete_char();
    }
    line.insert_str(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_u_empties_the_line() {
        let mut area = single_line("a  title\nof two lines");
        assert_eq!(area.lines(), ["a title of two lines"]);
        assert!(apply_key(&mut area, KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
        assert!(area.is_empty());
    }
}
