//! Text shown so that nothing in it stays unseen.
//!
//! What a person approves must be what runs. [`clean`](super::clean) makes text
//! safe but shows several characters as one placeholder; [`reveal`] keeps the
//! text reversible: each character is shown as itself or as a mark that names
//! it, so two different texts never look the same.

use unicode_segmentation::UnicodeSegmentation;

use super::clean::{control_picture, is_invisible, is_shaping};

/// Characters of one grapheme that are shown as they are; marks stacked beyond
/// these are named, because they would cover their neighbours.
const MAX_STACKED: usize = 8;

/// A part of a text as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment<'a> {
    /// Characters that show as themselves.
    Plain(&'a str),
    /// A mark for one character that would not be seen, such as `<U+202E>` or `␛`.
    Mark(String),
}

/// A line of text in parts, in their order. Marked are control characters
/// (newlines too), invisible and bidirectional characters, joiners and
/// variation selectors, every blank that is not an ordinary space, and ordinary
/// spaces at the end, where nothing would show them.
pub fn reveal(line: &str) -> Vec<Fragment<'_>> {
    let mut fragments = Vec::new();
    let visible_end = line.trim_end_matches(' ').len();
    let mut plain_from = 0;
    for (start, grapheme) in line.grapheme_indices(true) {
        for (index, (offset, character)) in grapheme.char_indices().enumerate() {
            let at = start + offset;
            // After a mark there is nothing that a combining character could join.
            let index = if at == plain_from { 0 } else { index };
            let Some(mark) = mark(character, at >= visible_end, index) else { continue };
            if plain_from < at {
                fragments.push(Fragment::Plain(&line[plain_from..at]));
            }
            fragments.push(Fragment::Mark(mark));
            plain_from = at + character.len_utf8();
        }
    }
    if plain_from < line.len() {
        fragments.push(Fragment::Plain(&line[plain_from..]));
    }
    fragments
}

/// The mark that stands for a character; `None` if it shows as itself.
fn mark(character: char, is_trailing: bool, index_in_grapheme: usize) -> Option<String> {
    match character {
        ' ' if is_trailing => Some("·".to_owned()),
        ' ' => None,
        '\t' => Some("⇥".to_owned()),
        '\0'..='\u{1F}' => Some(control_picture(character).to_string()),
        '\u{7F}' => Some("␡".to_owned()),
        _ if is_invisible(character)
            || is_lookalike_blank(character)
            || is_shaping(character)
            || index_in_grapheme >= MAX_STACKED
            // A mark that combines with nothing would be drawn over the gutter.
            || index_in_grapheme == 0 && unicode_width::UnicodeWidthChar::width(character) == Some(0) =>
        {
            Some(format!("<U+{:04X}>", u32::from(character)))
        }
        _ => None,
    }
}

/// Blanks that look like a space, or like nothing.
fn is_lookalike_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{2800}' | '\u{1D159}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown: String = reveal(line)
            .into_iter()
            .map(|fragment| match fragment {
                Fragment::Plain(text) => text.to_owned(),
                Fragment::Mark(mark) => format!("[{mark}]"),
            })
            .collect();
        assert_eq!(shown, expected, "{line:?}");
    }

    #[test]
    fn what_would_not_be_seen_is_marked() {
        check("cargo test", "cargo test");
        check("", "");
        check("a\tb", "a[⇥]b");
        check("\u{1b}[31mrm\u{7}\r\u{7f}", "[␛][31mrm[␇][␍][␡]");
        check("user\u{202e}gpj.exe", "user[<U+202E>]gpj.exe");
        check("a\u{200b}b\u{ad}c\u{e0041}", "a[<U+200B>]b[<U+00AD>]c[<U+E0041>]");
        check("rm\u{a0}-rf\u{3000}/\u{2800}", "rm[<U+00A0>]-rf[<U+3000>]/[<U+2800>]");
        check("\u{85}\u{2028}", "[<U+0085>][<U+2028>]");
        check("a\u{200d}b\u{fe0f}", "a[<U+200D>]b[<U+FE0F>]");
        check("ls  -l  ", "ls  -l[·][·]");
        check("\u{301}x", "[<U+0301>]x");
        check("é 日本 e\u{301}", "é 日本 e\u{301}");
    }

    #[test]
    fn stacked_marks_are_named() {
        let stacked = format!("Z{}", "\u{301}".repeat(40));
        let named = reveal(&stacked).iter().filter(|part| matches!(part, Fragment::Mark(_))).count();
        assert_eq!(named, 41 - MAX_STACKED);
    }

    #[test]
    fn every_character_is_shown_once() {
        for code in 0..=0x10_FFFF_u32 {
            let Some(character) = char::from_u32(code) else { continue };
            let text = format!("a{character}b");
            let fragments = reveal(&text);
            let shown: usize = fragments
                .iter()
                .map(|fragment| match fragment {
                    Fragment::Plain(text) => text.chars().count(),
                    Fragment::Mark(_) => 1,
                })
                .sum();
            assert_eq!(shown, 3, "U+{code:04X}");
        }
    }
}
