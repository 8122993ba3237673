//! Makes hostile text safe for a terminal.
//!
//! [`clean`] hides nothing: a character that could act on a terminal shows as a
//! placeholder, so a person sees what was written. [`strip`] is for the output of
//! programs: it applies carriage returns and backspaces and removes colors and
//! cursor movements, as a terminal would, and cleans the rest.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// Columns between tab stops.
const TAB_WIDTH: usize = 4;
/// Characters of one grapheme that are kept. An emoji family of four has 7 with
/// its joiners; stacked accents of real languages have up to 4.
const MAX_GRAPHEME_CHARS: usize = 12;
/// Stands for a character that has no picture of its own.
const PLACEHOLDER: char = '\u{FFFD}';

/// Text in which nothing acts on a terminal: control and invisible characters
/// show as placeholders, tabs become spaces. Newlines stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut column = 0;
    for grapheme in text.graphemes(true) {
        match grapheme {
            "\n" | "\r\n" | "\u{2028}" | "\u{2029}" => {
                cleaned.push('\n');
                column = 0;
            }
            "\t" => {
                let blanks = TAB_WIDTH - column % TAB_WIDTH;
                cleaned.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            _ => {
                let start = cleaned.len();
                push_cleaned(&mut cleaned, grapheme);
                column += super::width(&cleaned[start..]);
            }
        }
    }
    Cow::Owned(cleaned)
}

/// [`clean`] on one line: line breaks become spaces.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let cleaned = clean(text);
    if cleaned.contains('\n') { Cow::Owned(cleaned.replace('\n', " ")) } else { cleaned }
}

/// Styles that our own output has: reset, bold, dim, underlined, and a few colors of
/// the foreground. None of them hides text.
const STYLES: [&str; 16] = [
    "\u{1B}[0m",
    "\u{1B}[1m",
    "\u{1B}[2m",
    "\u{1B}[4m",
    "\u{1B}[22m",
    "\u{1B}[24m",
    "\u{1B}[31m",
    "\u{1B}[32m",
    "\u{1B}[33m",
    "\u{1B}[34m",
    "\u{1B}[35m",
    "\u{1B}[36m",
    "\u{1B}[39m",
    "\u{1B}[38;5;3m",
    "\u{1B}[38;5;11m",
    "\u{1B}[m",
];

/// [`clean`] for whole output: keeps tabs, which separate fields, and the few
/// styles that our own lines have. This is the last step before a terminal; fields
/// that come from elsewhere are cleaned by themselves before they get styles.
pub fn clean_output(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\t', '\u{1B}']) {
        cleaned.push_str(&clean(&rest[..at]));
        rest = &rest[at..];
        let kept = STYLES.iter().find(|style| rest.starts_with(**style)).map_or(1, |style| style.len());
        if kept > 1 || rest.starts_with('\t') {
            cleaned.push_str(&rest[..kept]);
        } else {
            cleaned.push(control_picture('\u{1B}'));
        }
        rest = &rest[kept..];
    }
    cleaned.push_str(&clean(rest));
    Cow::Owned(cleaned)
}

/// Appends one grapheme, with placeholders for characters that are not safe.
fn push_cleaned(cleaned: &mut String, grapheme: &str) {
    for (at, character) in grapheme.chars().enumerate() {
        if at == MAX_GRAPHEME_CHARS {
            cleaned.push(PLACEHOLDER);
            return;
        }
        cleaned.push(match character {
            '\0'..='\u{1F}' => control_picture(character),
            '\u{7F}' => '␡',
            _ if is_invisible(character) => PLACEHOLDER,
            _ => character,
        });
    }
}

/// The picture Unicode has for a C0 control character.
pub(super) fn control_picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(PLACEHOLDER)
}

/// Characters that act or hide without being seen: C1 controls, bidirectional
/// overrides, zero-width spaces, line separators, tags. Joiners are not among
/// them, because scripts and emoji need them (see [`is_shaping`]).
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9F}'
        | '\u{AD}'
        | '\u{61C}'
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}'
        | '\u{180E}'
        | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Characters that change how their neighbours look and cannot be seen
/// themselves: joiners, variation selectors, grapheme joiners.
pub(super) fn is_shaping(character: char) -> bool {
    matches!(character,
        '\u{034F}'
        | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200C}' | '\u{200D}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
    )
}

/// A program's output as a terminal would have shown it: escape sequences are
/// removed, carriage returns and backspaces applied, the rest is [`clean`]ed. A
/// sequence that does not end stays as text, so that it cannot hide anything.
pub fn strip(text: &str) -> Cow<'_, str> {
    if !text.contains(['\u{1B}', '\u{9B}', '\r', '\u{8}']) {
        return clean(text);
    }
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    // A carriage return takes effect when something is written over the line.
    let mut returned = false;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let sequence = match character {
            '\u{1B}' => escape_sequence_len(after),
            '\u{9B}' => control_sequence_len(after),
            _ => None,
        };
        if let Some(length) = sequence {
            rest = &after[length..];
            continue;
        }
        rest = after;
        match character {
            '\r' => returned = true,
            '\n' => {
                stripped.push('\n');
                returned = false;
            }
            '\u{8}' => {
                if !stripped.ends_with('\n') {
                    stripped.pop();
                }
            }
            _ => {
                if std::mem::take(&mut returned) {
                    let line = stripped.rfind('\n').map_or(0, |newline| newline + 1);
                    stripped.truncate(line);
                }
                stripped.push(character);
            }
        }
    }
    Cow::Owned(clean(&stripped).into_owned())
}

/// The length of an escape sequence after its ESC; `None` if it is not complete.
fn escape_sequence_len(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    match first {
        '[' => control_sequence_len(&text[1..]).map(|length| length + 1),
        // OSC, DCS, SOS, PM, APC: up to BEL or ST, on the same line.
        ']' | 'P' | 'X' | '^' | '_' => {
            let ends = [("\u{7}", 1), ("\u{1B}\\", 2), ("\u{9C}", 2)];
            let line = text.split('\n').next()?;
            ends.into_iter().filter_map(|(end, length)| Some(line.find(end)? + length)).min()
        }
        _ => {
            let intermediates = text.bytes().take_while(|byte| matches!(byte, b' '..=b'/')).count();
            let last = text.as_bytes().get(intermediates)?;
            matches!(last, b'0'..=b'~').then_some(intermediates + 1)
        }
    }
}

/// The length of a control sequence after its introducer: parameters,
/// intermediates, one final byte.
fn control_sequence_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let parameters = bytes.iter().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
    let intermediates = bytes[parameters..].iter().take_while(|byte| matches!(byte, b' '..=b'/')).count();
    let last = parameters + intermediates;
    matches!(bytes.get(last)?, b'@'..=b'~').then_some(last + 1)
}
