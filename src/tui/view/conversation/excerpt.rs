//! Shortens long texts and says how much is missing.

use ratatui::text::Line;

use super::super::theme::Theme;
use crate::text::format::pluralize;
use crate::text::truncate;

/// How much of a text to show.
#[derive(Debug, Clone, Copy)]
pub struct ExcerptLimit {
    /// Lines of the source.
    pub lines: usize,
    /// Bytes of the source.
    pub bytes: usize,
    /// How to see the rest.
    pub hint: &'static str,
}

/// For a folded item.
pub const EXCERPT: ExcerptLimit = ExcerptLimit { lines: 12, bytes: 4_000, hint: "o to open" };
/// For an open item: enough to read, little enough to lay out between two frames.
pub const OPEN: ExcerptLimit = ExcerptLimit { lines: 2_000, bytes: 200_000, hint: "y copies it all" };

impl ExcerptLimit {
    /// The beginning of a text, and a note about the rest if there is one.
    pub fn cut(self, text: &str) -> (&str, Option<String>) {
        let text = text.trim_end_matches(['\n', '\r', ' ']);
        let mut end = 0;
        let mut lines = 0;
        for line in text.split_inclusive('\n').take(self.lines) {
            if end + line.len() > self.bytes {
                break;
            }
            end += line.len();
            lines += 1;
        }
        if end == text.len() {
            return (text, None);
        }
        if lines == 0 {
            let end = text.floor_char_boundary(self.bytes);
            let more = pluralize((text.len() - end).div_ceil(1024), "KiB").trim_end_matches('s').to_owned();
            return (&text[..end], Some(format!("… {more} more, {}", self.hint)));
        }
        let rest = memchr::memchr_iter(b'\n', &text.as_bytes()[end..]).count() + 1;
        (text[..end].trim_end_matches('\n'), Some(self.remainder(rest)))
    }

    /// The note that so many lines are not shown.
    pub fn remainder(self, lines: usize) -> String {
        format!("… {}, {}", pluralize(lines, "more line"), self.hint)
    }
}

/// The note about the rest as a line.
pub fn remainder_line(more: Option<String>, theme: &Theme, width: usize) -> Option<Line<'static>> {
    more.map(|more| Line::styled(truncate(&more, width).into_owned(), theme.dim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_lines_and_say_so() {
        let limit = ExcerptLimit { lines: 2, bytes: 20, hint: "o to open" };
        let check = |text: &str, kept: &str, more: Option<&str>| {
            assert_eq!(limit.cut(text), (kept, more.map(str::to_owned)), "{text:?}");
        };
        check("", "", None);
        check("a\nb\n", "a\nb", None);
        check("a\nb\nc", "a\nb", Some("… 1 more line, o to open"));
        check("a\nb\nc\nd\n", "a\nb", Some("… 2 more lines, o to open"));
        check("short\nlonger than twenty bytes", "short", Some("… 1 more line, o to open"));
        check(&"é".repeat(20), &"é".repeat(10), Some("… 1 KiB more, o to open"));
    }
}
