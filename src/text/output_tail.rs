//! The last of a program's output, in bounded memory and in whole characters.

use std::collections::VecDeque;

/// The last bytes of an endless stream.
#[derive(Debug, Default)]
pub struct OutputTail {
    bytes: VecDeque<u8>,
    max_bytes: usize,
    is_truncated: bool,
}

impl OutputTail {
    /// Keeps at most this many bytes.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    /// Appends output; what is too much is dropped at the beginning.
    pub fn push(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(self.max_bytes);
        self.bytes.extend(&bytes[skipped..]);
        let excess = self.bytes.len().saturating_sub(self.max_bytes);
        self.bytes.drain(..excess);
        self.is_truncated |= skipped + excess > 0;
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is kept, as text of at most as many bytes, and whether there was more
    /// before it.
    pub fn text(&self) -> (String, bool) {
        let mut text = self.decode(self.bytes.len());
        // The replacement character is longer than the byte it replaces.
        let excess = text.ceil_char_boundary(text.len().saturating_sub(self.max_bytes));
        text.drain(..excess);
        (text, self.is_truncated || excess > 0)
    }

    /// Takes what is kept. A character whose rest is yet to come stays.
    pub fn take_text(&mut self) -> String {
        let whole = complete_chars(self.bytes.make_contiguous());
        self.take(whole)
    }

    /// Takes all, an unfinished character included: nothing follows.
    pub fn take_rest(&mut self) -> String {
        self.take(self.bytes.len())
    }

    fn take(&mut self, count: usize) -> String {
        let text = self.decode(count);
        self.bytes.drain(..count);
        self.is_truncated &= count == 0;
        text
    }

    /// The first `count` bytes, without the rest of a character that was cut.
    fn decode(&self, count: usize) -> String {
        let bytes: Vec<u8> = self.bytes.iter().take(count).copied().collect();
        let cut = if self.is_truncated {
            bytes.iter().take(3).take_while(|byte| is_continuation(**byte)).count()
        } else {
            0
        };
        String::from_utf8_lossy(&bytes[cut..]).into_owned()
    }
}

/// Appends to a text of which at most the last `max_bytes` bytes are kept, in
/// whole characters.
pub fn push_to_tail(tail: &mut String, text: &str, max_bytes: usize) {
    tail.push_str(text);
    let excess = tail.len().saturating_sub(max_bytes);
    tail.drain(..tail.ceil_char_boundary(excess));
}

/// Length of the prefix that ends with a complete (or invalid) character.
fn complete_chars(bytes: &[u8]) -> usize {
    let inner = bytes.iter().rev().take(3).take_while(|byte| is_continuation(**byte)).count();
    let Some(first) = bytes.len().checked_sub(inner + 1) else { return bytes.len() };
    let needs = match bytes[first] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    };
    if needs > inner + 1 { first } else { bytes.len() }
}

/// Whether this is a UTF-8 continuation byte.
fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_stay_and_no_character_is_torn() {
        let check = |max_bytes: usize, pieces: &[&[u8]], expected: (&str, bool)| {
            let mut tail = OutputTail::new(max_bytes);
            for piece in pieces {
                tail.push(piece);
            }
            assert_eq!(tail.text(), (expected.0.to_owned(), expected.1), "{max_bytes} {pieces:?}");
        };
        check(10, &[b"ab", b"cd"], ("abcd", false));
        check(3, &[b"ab", b"cd"], ("bcd", true));
        check(3, &[b"abcdefgh"], ("fgh", true));
        check(0, &[b"abc"], ("", true));
        check(0, &[], ("", false));
        check(4, &["aüöä".as_bytes()], ("öä", true));
        check(3, &["aüöä".as_bytes()], ("ä", true));
        check(6, &["漢字仮".as_bytes()], ("字仮", true));
        check(5, &["漢字仮".as_bytes()], ("仮", true));
        check(4, &[b"\xff\xff\xff\xff"], ("\u{fffd}", true));
    }

    #[test]
    fn what_is_taken_is_whole_and_taken_once() {
        let mut tail = OutputTail::new(6);
        tail.push("aü".as_bytes());
        tail.push(&"漢".as_bytes()[..2]);
        assert_eq!((tail.take_text().as_str(), tail.is_empty()), ("aü", false));
        tail.push(&"漢".as_bytes()[2..]);
        assert_eq!((tail.take_text().as_str(), tail.is_empty()), ("漢", true));
        tail.push("0123456é".as_bytes());
        assert_eq!(tail.take_text(), "3456é", "of a flood the end");
        tail.push(b"\xe6");
        assert_eq!((tail.take_text().as_str(), tail.take_rest().as_str()), ("", "\u{fffd}"));
        assert!(tail.is_empty());
    }

    #[test]
    fn a_character_that_is_still_coming_is_waited_for() {
        assert_eq!(complete_chars(b""), 0);
        assert_eq!(complete_chars(b"ab"), 2);
        assert_eq!(complete_chars("aü".as_bytes()), 3);
        assert_eq!(complete_chars(&"aü".as_bytes()[..2]), 1);
        assert_eq!(complete_chars(&"a漢".as_bytes()[..3]), 1);
        assert_eq!(complete_chars(&"a𝄞".as_bytes()[..4]), 1);
        assert_eq!(complete_chars(b"\x80\x80\x80\x80"), 4, "broken for good");
    }

    #[test]
    fn a_text_keeps_its_end() {
        let mut text = "aü".to_owned();
        push_to_tail(&mut text, "öb", 4);
        assert_eq!(text, "öb");
        push_to_tail(&mut text, "", 0);
        assert_eq!(text, "");
    }
}
