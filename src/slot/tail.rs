//! The last lines of an endless text: what a process said before it died.

use std::collections::VecDeque;

/// Lines that are kept.
const LINES: usize = 200;
/// Bytes of a line that are kept.
const WIDTH: usize = 2000;

/// Keeps the last lines of what is pushed, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl Tail {
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.extend(&bytes[..end]);
            self.close();
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    /// The last lines, one that is not yet ended among them.
    pub(super) fn lines(&self) -> Vec<String> {
        let open = (!self.open.is_empty()).then(|| text(&self.open));
        let skip = (self.lines.len() + usize::from(open.is_some())).saturating_sub(LINES);
        self.lines.iter().skip(skip).cloned().chain(open).collect()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = WIDTH.saturating_sub(self.open.len());
        self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn close(&mut self) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(text(&self.open));
        self.open.clear();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay() {
        let mut tail = Tail::default();
        for number in 0..LINES + 50 {
            tail.push(format!("line {number}\r\nand ").as_bytes());
        }
        let lines = tail.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[LINES - 2..], ["and line 249", "and"]);
    }

    #[test]
    fn a_flood_stays_in_bounds() {
        let mut tail = Tail::default();
        for _ in 0..1000 {
            tail.push(&[b'x'; 8192]);
        }
        tail.push(b"\nnext");
        assert_eq!(tail.lines().iter().map(String::len).collect::<Vec<_>>(), [WIDTH, 4]);
    }
}
