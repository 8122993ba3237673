//! Encodes keys, pastes and mouse events as the bytes a terminal sends.
//!
//! Pure: the program's modes come in with the screen. The sequences are those
//! of xterm (`ctlseqs`), which every program understands.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use vt100::{MouseProtocolEncoding, MouseProtocolMode, Screen};

/// The bytes of a key; empty for keys that send nothing by themselves.
pub fn encode_key(key: KeyEvent, screen: &Screen) -> Vec<u8> {
    let modifiers = key.modifiers;
    let control = modifiers.contains(KeyModifiers::CONTROL);
    let alt = modifiers.contains(KeyModifiers::ALT);
    let mut bytes = match key.code {
        // As a line feed Shift-Enter means a new line to programs that cannot
        // tell it from Enter otherwise.
        KeyCode::Enter if modifiers.contains(KeyModifiers::SHIFT) => b"\n".to_vec(),
        KeyCode::Enter => b"\r".to_vec(),
        KeyCode::Tab => b"\t".to_vec(),
        KeyCode::BackTab => b"\x1b[Z".to_vec(),
        KeyCode::Backspace if control => b"\x08".to_vec(),
        KeyCode::Backspace => b"\x7f".to_vec(),
        KeyCode::Esc => b"\x1b".to_vec(),
        KeyCode::Char(letter) if control => control_byte(letter).map_or_else(Vec::new, |byte| vec![byte]),
        KeyCode::Char(letter) => letter.to_string().into_bytes(),
        code => return encode_special_key(code, modifiers, screen.application_cursor()),
    };
    if alt && !bytes.is_empty() {
        bytes.insert(0, 0x1b);
    }
    bytes
}

/// A pasted text, marked as one where the program asked for that.
pub fn encode_paste(text: &str, screen: &Screen) -> Vec<u8> {
    // An end mark within the text would end the paste: what follows were keys.
    let text = text.replace('\x1b', "").replace("\r\n", "\n").replace('\n', "\r");
    if screen.bracketed_paste() {
        format!("\x1b[200~{text}\x1b[201~").into_bytes()
    } else {
        text.into_bytes()
    }
}

/// The bytes of a mouse event at a cell of the program's screen, counted from 0;
/// `None` if the program did not ask for such events.
pub fn encode_mouse(mouse: MouseEvent, (column, row): (u16, u16), screen: &Screen) -> Option<Vec<u8>> {
    use MouseEventKind as Kind;
    let button = |button| match button {
        MouseButton::Left => 0_u16,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let mode = screen.mouse_protocol_mode();
    let (code, released) = match mouse.kind {
        Kind::Down(which) => (button(which), false),
        Kind::Up(which) if mode != MouseProtocolMode::Press => (button(which), true),
        Kind::Drag(which)
            if matches!(mode, MouseProtocolMode::ButtonMotion | MouseProtocolMode::AnyMotion) =>
        {
            (32 + button(which), false)
        }
        Kind::Moved if mode == MouseProtocolMode::AnyMotion => (35, false),
        Kind::ScrollUp => (64, false),
        Kind::ScrollDown => (65, false),
        _ => return None,
    };
    if mode == MouseProtocolMode::None {
        return None;
    }
    let held = [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)];
    let held: u16 = held.iter().filter(|(key, _)| mouse.modifiers.contains(*key)).map(|(_, bit)| bit).sum();
    let code = code + held;
    if screen.mouse_protocol_encoding() == MouseProtocolEncoding::Sgr {
        let end = if released { 'm' } else { 'M' };
        return Some(format!("\x1b[<{code};{};{}{end}", column + 1, row + 1).into_bytes());
    }
    // The older form has one byte for each, and no name for the button let go.
    let code = if released { 3 + held } else { code };
    let byte = |value: u16| u8::try_from(value + 32).ok();
    Some(vec![0x1b, b'[', b'M', byte(code)?, byte(column + 1)?, byte(row + 1)?])
}

/// The control character that a letter makes, as terminals have it.
fn control_byte(letter: char) -> Option<u8> {
    match letter {
        'a'..='z' | 'A'..='Z' => Some(letter.to_ascii_lowercase() as u8 - b'a' + 1),
        ' ' | '@' | '2' => Some(0),
        '[' | '3' => Some(0x1b),
        '\\' | '4' => Some(0x1c),
        ']' | '5' => Some(0x1d),
        '^' | '6' => Some(0x1e),
        '_' | '/' | '7' => Some(0x1f),
        '8' => Some(0x7f),
        _ => None,
    }
}

/// Arrows, Home, F1 and their like.
fn encode_special_key(code: KeyCode, modifiers: KeyModifiers, application: bool) -> Vec<u8> {
    let held = [(KeyModifiers::SHIFT, 1), (KeyModifiers::ALT, 2), (KeyModifiers::CONTROL, 4)];
    let held: u8 = held.iter().filter(|(key, _)| modifiers.contains(*key)).map(|(_, bit)| bit).sum();
    let letter = |letter: char, plain: char| match held {
        0 => format!("\x1b{plain}{letter}"),
        held => format!("\x1b[1;{}{letter}", held + 1),
    };
    let number = |number: u8| match held {
        0 => format!("\x1b[{number}~"),
        held => format!("\x1b[{number};{}~", held + 1),
    };
    let cursor = if application { 'O' } else { '[' };
    let bytes = match code {
        KeyCode::Up => letter('A', cursor),
        KeyCode::Down => letter('B', cursor),
        KeyCode::Right => letter('C', cursor),
        KeyCode::Left => letter('D', cursor),
        KeyCode::Home => letter('H', cursor),
        KeyCode::End => letter('F', cursor),
        KeyCode::Insert => number(2),
        KeyCode::Delete => number(3),
        KeyCode::PageUp => number(5),
        KeyCode::PageDown => number(6),
        KeyCode::F(1) => letter('P', 'O'),
        KeyCode::F(2) => letter('Q', 'O'),
        KeyCode::F(3) => letter('R', 'O'),
        KeyCode::F(4) => letter('S', 'O'),
        KeyCode::F(5) => number(15),
        KeyCode::F(f @ 6..=10) => number(f + 11),
        KeyCode::F(f @ 11..=12) => number(f + 12),
        _ => return Vec::new(),
    };
    bytes.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    fn screen(modes: &str) -> vt100::Parser {
        let (rows, columns) = (NonZero::new(24).unwrap(), NonZero::new(80).unwrap());
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(modes.as_bytes());
        parser
    }

    #[test]
    fn keys_are_what_xterm_sends() {
        let none = KeyModifiers::NONE;
        let control = KeyModifiers::CONTROL;
        for (code, modifiers, bytes) in [
            (KeyCode::Char('a'), none, "a"),
            (KeyCode::Char('é'), none, "é"),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, "A"),
            (KeyCode::Char('c'), control, "\x03"),
            (KeyCode::Char(' '), control, "\0"),
            (KeyCode::Char('~'), control, ""),
            (KeyCode::Char('b'), KeyModifiers::ALT, "\x1bb"),
            (KeyCode::Enter, none, "\r"),
            (KeyCode::Enter, KeyModifiers::SHIFT, "\n"),
            (KeyCode::Enter, KeyModifiers::ALT, "\x1b\r"),
            (KeyCode::Up, none, "\x1b[A"),
            (KeyCode::Up, control, "\x1b[1;5A"),
            (KeyCode::F(1), none, "\x1bOP"),
            (KeyCode::F(12), KeyModifiers::SHIFT, "\x1b[24;2~"),
            (KeyCode::Delete, none, "\x1b[3~"),
            (KeyCode::CapsLock, none, ""),
        ] {
            let sent = encode_key(KeyEvent::new(code, modifiers), screen("").screen());
            assert_eq!(String::from_utf8_lossy(&sent), bytes, "{code:?} {modifiers:?}");
        }
        let application = screen("\x1b[?1h");
        assert_eq!(encode_key(KeyEvent::new(KeyCode::Up, none), application.screen()), b"\x1bOA");
    }

    #[test]
    fn a_paste_cannot_end_itself() {
        let text = "one\ntwo\x1b[201~rm -rf";
        assert_eq!(encode_paste(text, screen("").screen()), b"one\rtwo[201~rm -rf");
        let bracketed = screen("\x1b[?2004h");
        assert_eq!(encode_paste(text, bracketed.screen()), b"\x1b[200~one\rtwo[201~rm -rf\x1b[201~");
    }

    #[test]
    fn the_mouse_is_told_only_to_those_who_asked() {
        let at = |kind| MouseEvent { kind, column: 0, row: 0, modifiers: KeyModifiers::NONE };
        let click = at(MouseEventKind::Down(MouseButton::Left));
        assert_eq!(encode_mouse(click, (4, 2), screen("").screen()), None);
        assert_eq!(encode_mouse(click, (4, 2), screen("\x1b[?1000h").screen()).unwrap(), b"\x1b[M %#");
        let sgr = screen("\x1b[?1002h\x1b[?1006h");
        for (kind, bytes) in [
            (MouseEventKind::Down(MouseButton::Left), Some("\x1b[<0;5;3M")),
            (MouseEventKind::Up(MouseButton::Right), Some("\x1b[<2;5;3m")),
            (MouseEventKind::Drag(MouseButton::Left), Some("\x1b[<32;5;3M")),
            (MouseEventKind::ScrollDown, Some("\x1b[<65;5;3M")),
            (MouseEventKind::Moved, None),
        ] {
            let sent = encode_mouse(at(kind), (4, 2), sgr.screen());
            assert_eq!(sent.as_deref(), bytes.map(str::as_bytes), "{kind:?}");
        }
        assert_eq!(
            encode_mouse(click, (240, 2), screen("\x1b[?1000h").screen()),
            None,
            "beyond the old form"
        );
    }
}
