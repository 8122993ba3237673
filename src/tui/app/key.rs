//! Keys by name: `ctrl-p`, `alt-1`, `shift-tab`, `?`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers, as a person writes it in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Names of keys that are not one character.
const NAMED_KEYS: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

impl Key {
    /// It writes a character.
    pub fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }
}

impl From<KeyEvent> for Key {
    /// A shifted character already is another character, so its shift is dropped.
    fn from(event: KeyEvent) -> Self {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Self { code: event.code, modifiers }
    }
}

impl std::str::FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            if let Some((_, code)) = NAMED_KEYS.iter().find(|(name, _)| *name == rest.to_lowercase()) {
                return Ok(Self { code: *code, modifiers });
            }
            let (modifier, after) = match rest.split_once('-') {
                Some(("ctrl", after)) => (KeyModifiers::CONTROL, after),
                Some(("alt", after)) => (KeyModifiers::ALT, after),
                Some(("shift", after)) => (KeyModifiers::SHIFT, after),
                _ => break,
            };
            modifiers |= modifier;
            rest = after;
        }
        if let Some(number) = rest.strip_prefix(['f', 'F']).and_then(|number| number.parse().ok()) {
            return Ok(Self { code: KeyCode::F(number), modifiers });
        }
        let mut characters = rest.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(Self { code: KeyCode::Char(character), modifiers }),
            _ => Err(format!(
                "“{text}” is not a key; keys are written like c, ctrl-p, alt-1, shift-tab, f2, enter"
            )),
        }
    }
}

impl fmt::Display for Key {
    /// As the help screen shows it: `^P`, `Alt-1`, `Enter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift-")?;
        }
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        if let Some((name, _)) = NAMED_KEYS.iter().find(|(_, code)| *code == self.code) {
            if control {
                f.write_str("Ctrl-")?;
            }
            let shown = match *name {
                "shift-tab" => "Shift-Tab",
                "pageup" => "PgUp",
                "pagedown" => "PgDn",
                name => {
                    let (first, rest) = name.split_at(1);
                    return write!(f, "{}{rest}", first.to_uppercase());
                }
            };
            return f.write_str(shown);
        }
        match self.code {
            KeyCode::Char(character) if control => write!(f, "^{}", character.to_uppercase()),
            KeyCode::Char(character) => write!(f, "{character}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_and_show() {
        for (name, shown) in [
            ("ctrl-p", "^P"),
            ("alt-1", "Alt-1"),
            ("shift-tab", "Shift-Tab"),
            ("enter", "Enter"),
            ("pageup", "PgUp"),
            ("alt-enter", "Alt-Enter"),
            ("?", "?"),
            ("R", "R"),
            ("f1", "F1"),
            ("-", "-"),
            ("f", "f"),
        ] {
            assert_eq!(name.parse::<Key>().unwrap().to_string(), shown, "{name}");
        }
        assert!("contrl-p".parse::<Key>().is_err());
        assert!("".parse::<Key>().is_err());
    }

    #[test]
    fn a_shifted_letter_is_that_letter() {
        let event = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), "R".parse().unwrap());
    }
}
