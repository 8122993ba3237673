//! JSON lines over any byte stream, with a limit on a line's length.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

use crate::text::escape_json;

/// Bytes that a line may have: as much as a line of a transcript, which holds
/// the largest images and files that agents exchange.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Reads one frame a line. Cancel-safe: a line half read is kept for the next call.
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    line: Vec<u8>,
    limit: usize,
    /// The present line exceeded the limit: what is left of it is dropped.
    is_skipping: bool,
}

/// What a line held.
#[derive(Debug)]
pub enum Incoming<T> {
    Frame(T),
    /// No JSON object: the start of it, for a log. Never fatal.
    Garbage(String),
    /// A line longer than [`MAX_LINE_BYTES`] was dropped. Never fatal, and told
    /// as soon as the limit is exceeded: an endless line never ends.
    TooLong,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self::with_limit(input, MAX_LINE_BYTES)
    }

    pub(super) fn with_limit(input: R, limit: usize) -> Self {
        Self { input, line: Vec::new(), limit, is_skipping: false }
    }

    /// The next frame, or `None` at the end of the stream. Blank lines are skipped.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<Incoming<T>>> {
        loop {
            let bytes = self.input.fill_buf().await?;
            let is_end = bytes.is_empty();
            let newline = memchr::memchr(b'\n', bytes);
            let part = newline.map_or(bytes, |newline| &bytes[..newline]);
            let used = part.len() + usize::from(newline.is_some());
            let is_whole = newline.is_some() || is_end;
            let exceeds = !self.is_skipping && self.line.len() + part.len() > self.limit;
            if exceeds || self.is_skipping {
                self.line = Vec::new();
                self.is_skipping = !is_whole;
            } else {
                self.line.extend_from_slice(part);
            }
            self.input.consume(used);
            if exceeds {
                return Ok(Some(Incoming::TooLong));
            }
            if !is_whole {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.trim_ascii();
            if line.is_empty() {
                if is_end {
                    return Ok(None);
                }
                continue;
            }
            let frame = if line[0] == b'{' { serde_json::from_slice(line).ok() } else { None };
            return Ok(Some(frame.map_or_else(
                || Incoming::Garbage(String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()),
                Incoming::Frame,
            )));
        }
    }
}

/// Writes one frame and flushes it.
pub async fn write_frame(output: &mut (impl AsyncWrite + Unpin), frame: &impl Serialize) -> io::Result<()> {
    output.write_all(&frame_line(frame)?).await?;
    output.flush().await
}

/// One frame as a line. A person may look at it in a terminal, so that what acts on
/// one is escaped.
pub fn frame_line(frame: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(frame)?;
    let mut line = escape_json(&json).into_owned().into_bytes();
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_line_does_not_act_on_a_terminal() {
        let line = frame_line(&serde_json::json!({"id": "\u{9b}31m\u{202e}é"})).unwrap();
        assert_eq!(line, "{\"id\":\"\\u009b31m\\u202eé\"}\n".as_bytes());
    }

    #[tokio::test]
    async fn garbage_is_told_apart_and_the_stream_goes_on() {
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
        let bytes = format!("hello\n\n{long}\n[1]\n{{\"cut\":");
        let mut reader = LineReader::new(bytes.as_bytes());
        let mut kinds = Vec::new();
        while let Some(incoming) = reader.next::<Value>().await.unwrap() {
            kinds.push(match incoming {
                Incoming::Frame(value) => format!("frame of {}", value["text"].as_str().unwrap().len()),
                Incoming::Garbage(start) => start,
                Incoming::TooLong => "too long".to_owned(),
            });
        }
        assert_eq!(kinds, ["hello", "frame of 1048576", "[1]", "{\"cut\":"]);
    }

    #[tokio::test]
    async fn a_line_beyond_the_limit_is_told_at_once_and_the_next_one_is_read() {
        let bytes = format!("{{\"a\":1}}\n{}\n{{\"a\":2}}\n{}", "x".repeat(5000), "y".repeat(5000));
        // Small reads, so that a line comes in many parts.
        let input = tokio::io::BufReader::with_capacity(16, bytes.as_bytes());
        let mut reader = LineReader::with_limit(input, 100);
        let mut kinds = Vec::new();
        while let Some(incoming) = reader.next::<Value>().await.unwrap() {
            assert!(reader.line.capacity() <= 200, "{}", reader.line.capacity());
            kinds.push(match incoming {
                Incoming::Frame(value) => value["a"].to_string(),
                Incoming::Garbage(start) => start,
                Incoming::TooLong => "too long".to_owned(),
            });
        }
        assert_eq!(kinds, ["1", "too long", "2", "too long"]);
    }
}
