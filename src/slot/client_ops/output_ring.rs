//! The last bytes of a program's output, in bounded memory.

use std::collections::VecDeque;

/// The last bytes of an endless stream.
#[derive(Debug, Default)]
pub(super) struct OutputRing {
    bytes: VecDeque<u8>,
    limit: usize,
    truncated: bool,
}

impl OutputRing {
    pub fn new(most: usize) -> Self {
        Self { limit: most, ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let late = bytes.len().saturating_sub(self.limit);
        self.bytes.extend(&bytes[late..]);
        let over = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..over);
        self.truncated |= late + over > 0;
    }

    /// The kept bytes as text, and whether earlier output was discarded.
    pub fn text(&self) -> (String, bool) {
        let (front, back) = self.bytes.as_slices();
        let bytes = [front, back].concat();
        // The cut may be within a character.
        let torn = if self.truncated {
            bytes.iter().take(3).take_while(|byte| is_continuation(**byte)).count()
        } else {
            0
        };
        let mut text = String::from_utf8_lossy(&bytes[torn..]).into_owned();
        // The replacement character is longer than the byte it replaces.
        let over = text.ceil_char_boundary(text.len().saturating_sub(self.limit));
        text.drain(..over);
        (text, self.truncated || over > 0)
    }
}

/// Length of the prefix that ends with a complete (or invalid) character.
pub(super) fn complete_chars(bytes: &[u8]) -> usize {
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
        let check = |most: usize, pieces: &[&[u8]], expected: (&str, bool)| {
            let mut kept = OutputRing::new(most);
            for piece in pieces {
                kept.push(piece);
            }
            assert_eq!(kept.text(), (expected.0.to_owned(), expected.1), "{most} {pieces:?}");
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
    fn a_character_that_is_still_coming_is_waited_for() {
        let whole_of = |bytes: &[u8]| complete_chars(bytes);
        assert_eq!(whole_of(b""), 0);
        assert_eq!(whole_of(b"ab"), 2);
        assert_eq!(whole_of("aü".as_bytes()), 3);
        assert_eq!(whole_of(&"aü".as_bytes()[..2]), 1);
        assert_eq!(whole_of(&"a漢".as_bytes()[..3]), 1);
        assert_eq!(whole_of(&"a𝄞".as_bytes()[..4]), 1);
        assert_eq!(whole_of(b"\x80\x80\x80\x80"), 4, "broken for good");
    }
}
