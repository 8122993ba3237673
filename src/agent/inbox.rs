//! Frames from the host, read from stdin one a line.
//!
//! Owns the reading task; knows nothing of what a frame means. A line that is no
//! frame is logged and skipped; only the end of the stream ends it.

use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;

use crate::protocol::{HostFrame, Incoming, LineReader};

/// Frames that may wait; beyond that the host's pipe fills up.
const INBOX_CAPACITY: usize = 64;

/// What a line of stdin held.
#[derive(Debug)]
pub enum HostInput {
    Frame(HostFrame),
    /// Nothing usable: it is longer than [`MAX_LINE_BYTES`](crate::protocol::MAX_LINE_BYTES).
    TooLong,
}

/// The frames of the host, in order.
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<HostInput>);

impl Inbox {
    /// Reads `input` to its end.
    pub fn open(input: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (frames, inbox) = mpsc::channel(INBOX_CAPACITY);
        tokio::spawn(read(input, frames));
        Self(inbox)
    }

    /// The next frame; `None` once the host closed its end. Cancel-safe.
    pub async fn next(&mut self) -> Option<HostInput> {
        self.0.recv().await
    }
}

async fn read(input: impl AsyncRead + Unpin, frames: mpsc::Sender<HostInput>) {
    let mut lines = LineReader::new(BufReader::new(input));
    loop {
        match lines.next::<HostFrame>().await {
            Ok(Some(Incoming::Frame(frame))) => {
                if frames.send(HostInput::Frame(frame)).await.is_err() {
                    return;
                }
            }
            Ok(Some(Incoming::TooLong)) => {
                if frames.send(HostInput::TooLong).await.is_err() {
                    return;
                }
            }
            Ok(Some(Incoming::Garbage(_))) => {
                // The line may hold what a person typed, which no log keeps.
                tracing::warn!("passed over a line of stdin that is no JSON object");
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("cannot read stdin any more: {error}");
                return;
            }
        }
    }
}
