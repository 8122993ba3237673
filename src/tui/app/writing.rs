//! Text being written, wherever that is: how it begins and what keys do to it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

/// A one-line text area with the cursor at its end.
pub fn line(text: &str) -> TextArea<'static> {
    let mut line = TextArea::from([text.split_whitespace().collect::<Vec<_>>().join(" ")]);
    line.move_cursor(CursorMove::End);
    line
}

/// Takes a key and says whether the text is another now. The widget's keys are
/// Emacs's but for Ctrl-U, which shells have taught to empty the line.
pub fn press(area: &mut TextArea<'static>, key: KeyEvent) -> bool {
    if key.code == KeyCode::Char('u') && key.modifiers == KeyModifiers::CONTROL {
        return area.delete_line_by_head();
    }
    area.input(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_u_empties_the_line() {
        let mut area = line("a  title\nof two lines");
        assert_eq!(area.lines(), ["a title of two lines"]);
        assert!(press(&mut area, KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
        assert!(area.is_empty());
    }
}
