//! The only writer of frames to stdout.
//!
//! Owns their order and the bytes not written yet. Sending never waits, so that no
//! change of state is cut in two; whoever sends many frames awaits
//! [`Outbox::wait_for_room`] between them. The channel is unbounded for that
//! reason, and bounded in effect: a turn pauses while more than 1 MiB is unwritten.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::protocol::frame_line;

/// A turn pauses while more bytes than these are unwritten.
const MAX_UNWRITTEN: usize = 1 << 20;
/// The most bytes that are gathered into one write.
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
        // Unbounded, since frames are sent from code that must not wait; who produces many
        // awaits `unwritten` to sink between them.
        let (lines, waiting) = mpsc::unbounded_channel();
        let unwritten = watch::Sender::new(0);
        let written = unwritten.clone();
        // A thread of its own: a pipe may block as long as the host likes, and handing each line to a
        // thread pool costs more than writing it.
        std::thread::spawn(move || write(output, waiting, &written));
        Self { lines, unwritten }
    }

    /// Sends one frame behind all others.
    pub fn send(&self, frame: &impl Serialize) {
        let line = match frame_line(frame) {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!("a frame that is no JSON was not sent: {error}");
                return;
            }
        };
        self.unwritten.send_modify(|bytes| *bytes += line.len());
        // That the host is gone is noticed by `host_gone`.
        let _ = self.lines.send(line);
    }

    /// Returns when the host keeps up.
    pub async fn wait_for_room(&self) {
        let mut unwritten = self.unwritten.subscribe();
        let _ = unwritten.wait_for(|&bytes| bytes < MAX_UNWRITTEN).await;
    }

    /// Returns once there has been no room for this long.
    pub async fn unread_for(&self, patience: Duration) {
        let mut unwritten = self.unwritten.subscribe();
        loop {
            let _ = unwritten.wait_for(|&bytes| bytes >= MAX_UNWRITTEN).await;
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
        // Frames that arrived meanwhile go into the same write.
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
