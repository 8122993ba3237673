//! The writer in front of the log file and of stderr: redacts, cleans and limits.

use std::io::{self, Write};

use super::redact::redact;
use crate::text::clean_output;

/// Bytes that one process may log, so that a loop cannot fill the disk.
const MAX_LOG_BYTES: usize = 16 << 20;

/// Redacts secrets, cleans what would act on a terminal, and stops after [`MAX_LOG_BYTES`].
#[derive(Debug)]
pub struct RedactingWriter<W> {
    file: W,
    written: usize,
}

impl<W: Write> RedactingWriter<W> {
    pub fn new(file: W) -> Self {
        Self { file, written: 0 }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    /// One call is one event: tracing-subscriber 0.3 writes whole events, so no key
    /// is split between two calls.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if self.written <= MAX_LOG_BYTES {
            self.written += event.len();
            if self.written <= MAX_LOG_BYTES {
                let event = String::from_utf8_lossy(event);
                self.file.write_all(clean_output(&redact(&event)).as_bytes())?;
            } else {
                self.file.write_all(b"the log of this process is full; nothing more is logged\n")?;
            }
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_reach_the_file() {
        let mut writer = RedactingWriter::new(Vec::new());
        writer.write_all(b"key is sk-ant-api03-0123456789abcdef\n").unwrap();
        assert_eq!(writer.file, b"key is [redacted]\n");
    }

    #[test]
    fn a_loop_that_logs_does_not_fill_the_disk() {
        let mut writer = RedactingWriter::new(Vec::new());
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            writer.write_all(&line).unwrap();
        }
        assert!(writer.file.len() < MAX_LOG_BYTES + 100);
        assert!(writer.file.ends_with(b"nothing more is logged\n"));
    }
}
