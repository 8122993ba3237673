//! Reads parts of a transcript: whole lines at either end, or a range of bytes.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use super::TranscriptTail;

/// Whole lines from the start of a file, about `at_most` bytes; more if the first line
/// alone is longer.
pub(super) fn read_head(path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open_sized(path)?;
    read_start(file, size, at_most)
}

/// Whole lines from the end of a file, about `at_most` bytes; more if the last line alone
/// is longer.
pub(super) fn read_tail(path: &Path, at_most: u64) -> io::Result<TranscriptTail> {
    let (file, size) = open_sized(path)?;
    read_end(file, size, at_most)
}

/// `at_most` bytes from `offset` on; fewer only at the end of the file.
pub(super) fn read_range(path: &Path, offset: u64, at_most: u64) -> io::Result<Vec<u8>> {
    read_at(&mut File::open(path)?, offset, at_most)
}

/// [`read_range`] of a transcript in memory.
pub(super) fn range_of_bytes(bytes: &[u8], offset: u64, at_most: u64) -> Vec<u8> {
    read_at(&mut Cursor::new(bytes), offset, at_most).expect("memory is always readable")
}

/// [`read_head`] of a transcript in memory.
pub(super) fn head_of_bytes(bytes: &[u8], at_most: u64) -> Vec<u8> {
    read_start(Cursor::new(bytes), bytes.len() as u64, at_most).expect("memory is always readable")
}

/// [`read_tail`] of a transcript in memory.
pub(super) fn tail_of_bytes(bytes: &[u8], at_most: u64) -> TranscriptTail {
    read_end(Cursor::new(bytes), bytes.len() as u64, at_most).expect("memory is always readable")
}

fn open_sized(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn read_start(mut source: impl Read + Seek, size: u64, at_most: u64) -> io::Result<Vec<u8>> {
    let mut want = at_most.max(1);
    while want < size {
        let mut bytes = read_at(&mut source, 0, want)?;
        if let Some(newline) = memchr::memrchr(b'\n', &bytes) {
            bytes.truncate(newline + 1);
            return Ok(bytes);
        }
        want = want.saturating_mul(2);
    }
    read_at(&mut source, 0, size)
}

fn read_end(mut source: impl Read + Seek, size: u64, at_most: u64) -> io::Result<TranscriptTail> {
    let mut want = at_most.max(1);
    while want < size {
        // One byte more: if it is a newline, the range starts exactly at a line.
        let mut bytes = read_at(&mut source, size - want - 1, want + 1)?;
        let line = memchr::memchr(b'\n', &bytes).map(|newline| newline + 1);
        if let Some(line) = line.filter(|&line| line < bytes.len()) {
            return Ok(TranscriptTail { bytes: bytes.split_off(line), is_complete: false });
        }
        want = want.saturating_mul(2);
    }
    Ok(TranscriptTail { bytes: read_at(&mut source, 0, size)?, is_complete: true })
}

fn read_at(source: &mut (impl Read + Seek), start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    source.seek(SeekFrom::Start(start))?;
    source.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, at_most: u64, expected: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let tail = read_tail(file.path(), at_most).unwrap();
        let is_complete = text == expected;
        assert_eq!(tail, TranscriptTail { bytes: expected.into(), is_complete }, "{text:?}, {at_most}");
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

    #[test]
    fn a_head_ends_with_a_line() {
        let head = |text: &str, at_most| String::from_utf8(head_of_bytes(text.as_bytes(), at_most)).unwrap();
        assert_eq!(head("one\ntwo\nthree\n", 9), "one\ntwo\n");
        assert_eq!(head("one\ntwo\nthree\n", 4), "one\n");
        assert_eq!(head("longer\ntwo\n", 2), "longer\n");
        assert_eq!(head("one\ntwo", 100), "one\ntwo");
        assert_eq!(head("", 1), "");
    }
}
