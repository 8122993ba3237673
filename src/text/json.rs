//! JSON that is safe to print to a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use super::clean::{is_invisible, is_shaping};

/// JSON text in which no character acts on a terminal. `serde_json` escapes C0
/// already; DEL, C1, bidirectional, invisible and joining characters become `\u`
/// escapes here. Outside of strings JSON has none of them, so the value stays the same.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let acts = |c: char| c == '\u{7F}' || is_invisible(c) || is_shaping(c);
    if json.is_ascii() && !json.contains('\u{7F}') || !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_means_the_same() {
        for text in [
            "a\u{200d}b",
            "a\u{fe0f}",
            "x\u{85}",
            "\u{2066}y\u{2069}",
            "plain",
            "é 日本 👩‍👩‍👧",
            "\u{9b}2J",
            "\u{7f}",
            "a\u{202e}b",
            "\u{e0041}",
            "\u{1b}[2J",
        ] {
            let json = serde_json::to_string(&serde_json::json!({ text: text })).unwrap();
            let escaped = escape_json(&json);
            assert!(
                !escaped.chars().any(|c| c.is_control() || is_invisible(c) || is_shaping(c)),
                "{text:?} became {escaped:?}"
            );
            let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
            assert_eq!(read, serde_json::json!({ text: text }));
        }
        assert_eq!(escape_json("{\"a\":\"\u{9b}\u{202e}\"}"), "{\"a\":\"\\u009b\\u202e\"}");
        assert!(matches!(escape_json("{\"é\":1}"), Cow::Borrowed(_)));
    }
}
