//! JSON lines over any byte stream, without a limit on a line's length.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

/// Reads one frame a line. Cancel-safe: a line half read is kept for the next call.
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    line: Vec<u8>,
}

/// What a line held.
#[derive(Debug)]
pub enum Incoming<T> {
    /// A frame.
    Frame(T),
    /// No JSON object: the start of it, for a log. Never fatal.
    Garbage(String),
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The next frame, or `None` at the end of the stream. Blank lines are skipped.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<Incoming<T>>> {
        loop {
            let count = self.input.read_until(b'\n', &mut self.line).await?;
            if count == 0 && self.line.is_empty() {
                return Ok(None);
            }
            let line = std::mem::take(&mut self.line);
            let line = line.trim_ascii();
            if line.is_empty() {
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
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    output.write_all(&line).await?;
    output.flush().await
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

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
            });
        }
        assert_eq!(kinds, ["hello", "frame of 1048576", "[1]", "{\"cut\":"]);
    }
}
