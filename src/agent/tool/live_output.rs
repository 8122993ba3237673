//! The output of a running call, for a live view.
//!
//! Keeps only the end of what was not taken yet. The whole output comes with the
//! call's outcome.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::text::output_tail::OutputTail;

/// The most bytes that wait to be taken.
const MAX_PENDING_BYTES: usize = 8 * 1024;
/// How long output is collected into one chunk: often enough for an eye.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// The output so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LiveOutput(Arc<LiveOutputBuffer>);

#[derive(Debug)]
struct LiveOutputBuffer {
    pending: Mutex<OutputTail>,
    notify: Notify,
}

impl Default for LiveOutputBuffer {
    fn default() -> Self {
        Self { pending: Mutex::new(OutputTail::new(MAX_PENDING_BYTES)), notify: Notify::new() }
    }
}

impl LiveOutput {
    /// Appends output.
    pub fn push(&self, bytes: &[u8]) {
        self.lock().push(bytes);
        self.0.notify.notify_one();
    }

    /// Waits for output, and takes what came since the last call, in whole
    /// characters. Cancel-safe.
    pub async fn next_chunk(&self) -> String {
        loop {
            if self.lock().is_empty() {
                self.0.notify.notified().await;
            }
            tokio::time::sleep(FLUSH_INTERVAL).await;
            let text = self.lock().take_text();
            if !text.is_empty() {
                return text;
            }
            // Half a character, and its rest is yet to come.
            self.0.notify.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, OutputTail> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_is_given_once_and_in_whole_characters() {
        let so_far = LiveOutput::default();
        so_far.push(b"a\xc3");
        assert_eq!(so_far.next_chunk().await, "a");
        so_far.push(b"\xa9b");
        so_far.push(b"c\xff");
        assert_eq!(so_far.next_chunk().await, "\u{e9}bc\u{fffd}");
        so_far.push("x".repeat(MAX_PENDING_BYTES).as_bytes());
        so_far.push(b"end");
        let end = so_far.next_chunk().await;
        assert!(end.len() == MAX_PENDING_BYTES && end.ends_with("xend"));
    }
}
