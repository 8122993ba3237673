//! The end of a transcript, without reading what comes before it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::Tail;

/// Whole lines from the end, about `at_most` bytes; more where the last line
/// alone is longer.
pub(super) fn read(path: &Path, at_most: u64) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut want = at_most.max(1);
    while want < size {
        // One byte more: where it is a newline, the cut fell between two lines.
        let bytes = read_from(&mut file, size - want - 1, want + 1)?;
        let line = memchr::memchr(b'\n', &bytes).map(|newline| &bytes[newline + 1..]);
        if let Some(lines) = line.filter(|lines| !lines.is_empty()) {
            return Ok(Tail { bytes: lines.to_vec(), whole: false });
        }
        want = want.saturating_mul(2);
    }
    Ok(Tail { bytes: read_from(&mut file, 0, size)?, whole: true })
}

fn read_from(file: &mut File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, at_most: u64, expected: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let tail = read(file.path(), at_most).unwrap();
        let whole = text == expected;
        assert_eq!(tail, Tail { bytes: expected.into(), whole }, "{text:?}, {at_most}");
    }

    #[test]
    fn a_tail_begins_at_a_line() {
        check("one\ntwo\nthree\n", 100, "one\ntwo\nthree\n");
        check("one\ntwo\nthree\n", 14, "one\ntwo\nthree\n");
        check("one\ntwo\nthree\n", 10, "two\nthree\n");
        check("one\ntwo\nthree\n", 9, "three\n");
        check("one\ntwo\nthree\n", 6, "three\n");
        check("one\ntwo\nthr", 3, "thr");
        check("", 5, "");
    }

    #[test]
    fn a_last_line_that_is_longer_than_asked_comes_whole() {
        check("one\ntwo\nthree\n", 2, "three\n");
        check("one\nlonger\n", 1, "longer\n");
        check("longer", 1, "longer");
    }
}
