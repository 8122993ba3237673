//! The one writer of frames to stdout.
//!
//! Owns their order and the bytes still unwritten. Sending never waits, so no
//! state change is ever cut in two; whoever makes many frames waits for
//! [`Outbox::wait_for_room`] between them.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

/// Unwritten bytes beyond which a turn waits for the host to read.
const MAX_UNWRITTEN: usize = 1 << 20;
/// Bytes that are gathered for one write.
const WRITE_BATCH: usize = 64 << 10;

/// Frames on their way to the host; cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    unwritten: watch::Sender<usize>,
}

impl Outbox {
    /// Writes to `output` until all of these are dropped or the host has gone.
    pub fn open(output: impl Write + Send + 'static) -> Self {
        let (lines, waiting) = mpsc::unbounded_channel();
        let unwritten = watch::Sender::new(0);
        let written = unwritten.clone();
        // A thread of its own: a pipe to a host may block for as long as it likes,
        // and handing each line to a pool would cost more than writing it.
        std::thread::spawn(move || write(output, waiting, &written));
        Self { lines, unwritten }
    }

    /// Sends one frame behind all others.
    pub fn send(&self, frame: &impl Serialize) {
        let mut line = match serde_json::to_vec(frame) {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!("a frame that is no JSON was not sent: {error}");
                return;
            }
        };
        line.push(b'\n');
        self.unwritten.send_modify(|bytes| *bytes += line.len());
        // A host that has gone is noticed by `gone`.
        let _sent_or_gone = self.lines.send(line);
    }

    /// Returns when the host keeps up.
    pub async fn wait_for_room(&self) {
        let mut unwritten = self.unwritten.subscribe();
        let _kept_up = unwritten.wait_for(|&bytes| bytes < MAX_UNWRITTEN).await;
    }

    /// Returns when there has been no room for this long.
    pub async fn unread_for(&self, patience: Duration) {
        let mut unwritten = self.unwritten.subscribe();
        loop {
            let _filled = unwritten.wait_for(|&bytes| bytes >= MAX_UNWRITTEN).await;
            if tokio::time::timeout(patience, self.wait_for_room()).await.is_err() {
                return;
            }
        }
    }

    /// Returns when everything is written.
    pub async fn flushed(&self) {
        let mut unwritten = self.unwritten.subscribe();
        tokio::select! {
            _flushed = unwritten.wait_for(|&bytes| bytes == 0) => {}
            () = self.host_gone() => {}
        }
    }

    /// Returns when the host does not read any more.
    pub async fn host_gone(&self) {
        self.lines.closed().await;
    }
}

fn write(
    mut output: impl Write,
    mut waiting: mpsc::UnboundedReceiver<Vec<u8>>,
    unwritten: &watch::Sender<usize>,
) {
    while let Some(mut lines) = waiting.blocking_recv() {
        // What came meanwhile goes along.
        while lines.len() < WRITE_BATCH
            && let Ok(line) = waiting.try_recv()
        {
            lines.extend_from_slice(&line);
        }
        if let Err(error) = output.write_all(&lines).and_then(|()| output.flush()) {
            tracing::warn!("cannot write to stdout any more: {error}");
            return;
        }
        unwritten.send_modify(|bytes| *bytes -= lines.len());
    }
}

#[cfg(test)]
pub mod tests {
    /// A pipe whose writing end blocks, as stdout does.
    pub fn pipe() -> (std::os::unix::net::UnixStream, tokio::net::UnixStream) {
        let (output, input) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
        input.set_nonblocking(true).expect("a socket that does not block");
        (output, tokio::net::UnixStream::from_std(input).expect("a runtime"))
    }
}
