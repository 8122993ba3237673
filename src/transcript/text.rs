//! Bytes of a transcript as text that can be parsed.
//!
//! Crashes, full disks and cut strings leave bytes that are not UTF-8, runs of
//! NUL, and halves of surrogate pairs (`\ud83d` without its other half, which no
//! JSON parser for Unicode text accepts and no API takes). All of them become
//! U+FFFD or nothing here, so that one bad character never costs an entry.
//! Clean input, which is nearly all of it, is borrowed.

use std::borrow::Cow;

use memchr::memmem;

/// The bytes of a transcript, clean: valid UTF-8 without byte order mark and
/// without escapes of half surrogates.
#[derive(Debug, Clone)]
pub struct TranscriptText<'a>(Cow<'a, str>);

impl<'a> TranscriptText<'a> {
    /// Cleans a whole transcript, or any run of lines of one.
    pub fn read(bytes: &'a [u8]) -> Self {
        Self(clean(bytes))
    }

    /// Text that is clean already.
    pub(super) fn from_clean(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The lines, with their newlines.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cleans one line or many.
pub fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => without_half_surrogates(text),
        Cow::Owned(text) => match without_half_surrogates(&text) {
            Cow::Borrowed(_) => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text),
        },
    }
}

/// Replaces `\uXXXX` escapes of halves of surrogate pairs by `\ufffd`.
fn without_half_surrogates(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memmem::find(&text.as_bytes()[at..], b"\\u") {
        let escape = at + found;
        at = escape + 2;
        let Some(unit) = code_unit(text, escape).filter(|unit| (0xd800..0xe000).contains(unit)) else {
            continue;
        };
        if !is_escape(text, escape) {
            continue;
        }
        at = escape + 6;
        if unit < 0xdc00 && code_unit(text, at).is_some_and(|low| (0xdc00..0xe000).contains(&low)) {
            at += 6;
            continue;
        }
        clean.push_str(&text[copied..escape]);
        clean.push_str("\\ufffd");
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

/// The UTF-16 unit of a `\uXXXX` escape that begins at `at`.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let escape = text.as_bytes().get(at..at + 6)?;
    if !escape.starts_with(b"\\u") {
        return None;
    }
    let digits = std::str::from_utf8(&escape[2..]).ok()?;
    u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

/// A backslash before an escape's own makes it plain text: `\\ud83d`.
fn is_escape(text: &str, at: usize) -> bool {
    let before = text.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    before % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(clean(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn half_surrogates_become_the_replacement_character() {
        check(br#"{"a":"half \ud83d end"}"#, r#"{"a":"half \ufffd end"}"#);
        check(br#"{"a":"\udc00\ud83d"}"#, r#"{"a":"\ufffd\ufffd"}"#);
        check(br#"{"a":"\ud83d\ud83d\ude00"}"#, r#"{"a":"\ufffd\ud83d\ude00"}"#);
    }

    #[test]
    fn whole_pairs_and_plain_text_stay() {
        for text in [r#"{"a":"\ud83d\ude00 \u00e9"}"#, r#"{"a":"C:\\ud83d"}"#, "\\u12", "\\ud83", "登录"] {
            assert!(matches!(clean(text.as_bytes()), Cow::Borrowed(same) if same == text), "{text}");
        }
        check(br#"{"a":"C:\\\ud83d"}"#, r#"{"a":"C:\\\ufffd"}"#);
    }

    #[test]
    fn bad_bytes_cost_one_character_each() {
        check(b"\xef\xbb\xbf{\"a\":\"\xff\xfe\"}\n", "{\"a\":\"\u{fffd}\u{fffd}\"}\n");
    }
}
