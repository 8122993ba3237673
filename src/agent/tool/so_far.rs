//! What a tool has said while it still runs, for whoever watches.
//!
//! Owns no more than the end of what nobody has taken yet: who wants all of it
//! waits for the tool's outcome.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Bytes that wait to be taken, at most.
const MOST: usize = 8 * 1024;
/// From the first new byte to taking it along with what came since: often
/// enough for an eye.
const PAUSE: Duration = Duration::from_millis(100);

/// The output so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SoFar(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Vec<u8>>,
    more: Notify,
}

impl SoFar {
    /// More of it.
    pub fn add(&self, bytes: &[u8]) {
        let mut said = self.said();
        said.extend_from_slice(bytes);
        let late = said.len().saturating_sub(MOST);
        said.drain(..late);
        drop(said);
        self.0.more.notify_one();
    }

    /// What came since the last call, once there is some; whole characters
    /// only. Cancel-safe.
    pub async fn next(&self) -> String {
        loop {
            if self.said().is_empty() {
                self.0.more.notified().await;
            }
            tokio::time::sleep(PAUSE).await;
            let text = self.take();
            if !text.is_empty() {
                return text;
            }
            // Half a character, and its rest is yet to come.
            self.0.more.notified().await;
        }
    }

    fn take(&self) -> String {
        let mut said = self.said();
        let whole = match std::str::from_utf8(&said) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => said.len(),
        };
        let rest = said.split_off(whole);
        let text = String::from_utf8_lossy(&said).into_owned();
        *said = rest;
        text
    }

    fn said(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_is_given_once_and_in_whole_characters() {
        let so_far = SoFar::default();
        so_far.add(b"a\xc3");
        assert_eq!(so_far.next().await, "a");
        so_far.add(b"\xa9b");
        so_far.add(b"c\xff");
        assert_eq!(so_far.next().await, "\u{e9}bc\u{fffd}");
        so_far.add("x".repeat(MOST).as_bytes());
        so_far.add(b"end");
        let end = so_far.next().await;
        assert!(end.len() == MOST && end.ends_with("xend"));
    }
}
