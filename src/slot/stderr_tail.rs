//! The last lines of a process's stderr, in bounded memory.
//!
//! It keeps lines, each with a cap of its own, and not the last bytes as
//! [`OutputTail`](crate::text::output_tail::OutputTail) does: the crash of a Node
//! program prints a line of its minified source, which would push out all that
//! was said before.

use std::collections::VecDeque;

/// Number of lines that are kept.
const MAX_LINES: usize = 200;
/// Bytes of each line that are kept.
const MAX_LINE_BYTES: usize = 2000;

/// Keeps the last lines of what is pushed.
#[derive(Debug, Default)]
pub(super) struct StderrTail {
    lines: VecDeque<String>,
    partial: Vec<u8>,
}

impl StderrTail {
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.append(&bytes[..end]);
            self.finish_line();
            bytes = &bytes[end + 1..];
        }
        self.append(bytes);
    }

    /// The last lines, including an unfinished one.
    pub(super) fn lines(&self) -> Vec<String> {
        let open = (!self.partial.is_empty()).then(|| lossy_text(&self.partial));
        let skip = (self.lines.len() + usize::from(open.is_some())).saturating_sub(MAX_LINES);
        self.lines.iter().skip(skip).cloned().chain(open).collect()
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn finish_line(&mut self) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(lossy_text(&self.partial));
        self.partial.clear();
    }
}

fn lossy_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay() {
        let mut tail = StderrTail::default();
        for number in 0..MAX_LINES + 50 {
            tail.push(format!("line {number}\r\nand ").as_bytes());
        }
        let lines = tail.lines();
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines[MAX_LINES - 2..], ["and line 249", "and"]);
    }

    #[test]
    fn a_flood_stays_in_bounds() {
        let mut tail = StderrTail::default();
        for _ in 0..1000 {
            tail.push(&[b'x'; 8192]);
        }
        tail.push(b"\nnext");
        assert_eq!(tail.lines().iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE_BYTES, 4]);
    }
}
