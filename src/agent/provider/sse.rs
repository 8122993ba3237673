//! Server-sent events out of a byte stream.
//!
//! Owns the framing of `text/event-stream`: lines, their three kinds of end,
//! and the `data` fields of one event. Every byte is looked at once, so a large
//! event costs linear time, and no line or event beyond [`MAX_EVENT_BYTES`] is
//! held. Knows nothing of what the data means.

use std::fmt;

use futures_util::{Stream, StreamExt};

/// Bytes that a line, and all data of one event, may have. As much as one line
/// of a transcript, so that what arrives can also be written down.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// Why a stream yields no further event.
#[derive(Debug)]
pub enum SseError<E> {
    /// The body broke off.
    Body(E),
    /// A line, or the data of one event, is longer than [`MAX_EVENT_BYTES`].
    TooLong,
    /// The data of an event is not UTF-8.
    NotUtf8,
}

impl<E: fmt::Display> fmt::Display for SseError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::TooLong => write!(f, "an event is longer than {} MiB", MAX_EVENT_BYTES >> 20),
            Self::NotUtf8 => f.write_str("an event is not UTF-8"),
        }
    }
}

/// Reads events from the chunks of a body.
pub struct SseReader<S, B> {
    body: S,
    /// What is not parsed yet of the last chunk, from `at` on.
    chunk: Option<(B, usize)>,
    parser: SseParser,
}

impl<S, B, E> SseReader<S, B>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
{
    /// Reads from `body`.
    pub fn new(body: S) -> Self {
        Self { body, chunk: None, parser: SseParser::new(MAX_EVENT_BYTES) }
    }

    /// The data of the next event that has any; `None` at the end of the body.
    pub async fn next(&mut self) -> Option<Result<String, SseError<E>>> {
        loop {
            if let Some((chunk, at)) = &mut self.chunk {
                let bytes = &chunk.as_ref()[*at..];
                match self.parser.push(bytes) {
                    Ok((used, event)) => {
                        *at += used;
                        if let Some(data) = event {
                            return Some(String::from_utf8(data).map_err(|_| SseError::NotUtf8));
                        }
                        self.chunk = None;
                    }
                    Err(TooLong) => return Some(Err(SseError::TooLong)),
                }
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.chunk = Some((chunk, 0)),
                Some(Err(error)) => return Some(Err(SseError::Body(error))),
                // Some servers leave out the blank line behind the last event.
                None => {
                    let data = self.parser.finish()?;
                    return Some(String::from_utf8(data).map_err(|_| SseError::NotUtf8));
                }
            }
        }
    }
}

/// A line or an event is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// The state between two chunks.
struct SseParser {
    limit: usize,
    /// The beginning of a line that has not ended yet.
    line: Vec<u8>,
    /// The data of the event so far; `None` before its first `data` field.
    data: Option<Vec<u8>>,
    /// The last line ended in a carriage return: a line feed still belongs to it.
    after_return: bool,
    /// Nothing was read yet: a byte order mark is skipped.
    at_start: bool,
}

impl SseParser {
    fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), data: None, after_return: false, at_start: true }
    }

    /// Parses up to the end of the next event, or all of `bytes`. Gives back how
    /// much was used, and the event's data.
    fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Vec<u8>>), TooLong> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_return) && bytes[at] == b'\n' {
                at += 1;
                continue;
            }
            let Some(length) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.extend_line(&bytes[at..])?;
                return Ok((bytes.len(), None));
            };
            let end = at + length;
            self.after_return = bytes[end] == b'\r';
            let event = if self.line.is_empty() {
                self.end_line(&bytes[at..end])?
            } else {
                self.extend_line(&bytes[at..end])?;
                let line = std::mem::take(&mut self.line);
                self.end_line(&line)?
            };
            at = end + 1;
            if event.is_some() {
                return Ok((at, event));
            }
        }
        Ok((at, None))
    }

    /// The data of an event whose lines are whole but which no blank line ended.
    fn finish(&mut self) -> Option<Vec<u8>> {
        self.data.take()
    }

    fn extend_line(&mut self, more: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + more.len() > self.limit {
            self.line = Vec::new();
            return Err(TooLong);
        }
        self.line.extend_from_slice(more);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, TooLong> {
        let line = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        // `event`, `id`, `retry` and comments mean nothing to either dialect.
        if name == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            let held = self.data.as_ref().map_or(0, Vec::len);
            if held + value.len() > self.limit {
                self.data = None;
                return Err(TooLong);
            }
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    /// The events of a body that comes in chunks of this size.
    async fn events(body: &[u8], size: usize) -> Vec<String> {
        let chunks = body.chunks(size).map(|chunk| Ok::<_, Infallible>(chunk.to_vec()));
        let mut reader = SseReader::new(stream::iter(chunks.collect::<Vec<_>>()));
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event.unwrap_or_else(|error| format!("error: {error}")));
        }
        events
    }

    #[tokio::test]
    async fn events_come_out_whole_however_the_bytes_arrive() {
        let body = "\u{feff}event: a\r\ndata: {\"x\":1}\r\n\r\n: comment\n\ndata:one\ndata: two\rdata\r\rid: 7\n\ndata: é\n\n";
        for size in 1..body.len() {
            assert_eq!(events(body.as_bytes(), size).await, ["{\"x\":1}", "one\ntwo\n", "é"], "{size}");
        }
    }

    #[tokio::test]
    async fn a_last_event_needs_no_blank_line_but_its_line_must_be_whole() {
        assert_eq!(events(b"data: a\n\ndata: b\n", 3).await, ["a", "b"]);
        assert_eq!(events(b"data: a\n\ndata: b", 3).await, ["a"]);
        assert_eq!(events(b"data: \xff\n\n", 3).await, ["error: an event is not UTF-8"]);
    }

    #[test]
    fn no_line_and_no_event_beyond_the_limit_is_held() {
        let mut parser = SseParser::new(10);
        assert_eq!(parser.push(b"data: 1234"), Ok((10, None)));
        assert_eq!(parser.push(b"5"), Err(TooLong));
        assert_eq!(parser.line.capacity(), 0);
        let mut parser = SseParser::new(10);
        assert_eq!(parser.push(b"data: 123\ndata: 456\n"), Ok((20, None)));
        assert_eq!(parser.push(b"data: 78\ndata: 9\n"), Err(TooLong));
    }

    #[tokio::test]
    async fn a_large_event_costs_linear_time() {
        // In chunks of 16 KiB, a scan from the start at each chunk would look at 8 GB.
        let body = format!("data: {}\n\n", "x".repeat(16 << 20));
        let began = std::time::Instant::now();
        assert_eq!(events(body.as_bytes(), 16 << 10).await[0].len(), 16 << 20);
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
