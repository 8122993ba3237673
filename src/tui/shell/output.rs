//! The way to the terminal: a thread that writes, so that nobody else waits for
//! a terminal that does not read.
//!
//! Frames are encoded into memory and handed over whole; the loop draws the next
//! one when [`Output::is_idle`]. A terminal that stops reading (a stopped `ssh`,
//! a hidden multiplexer pane that applies flow control) blocks this thread and
//! nothing else: signals, agents and the end of the program go on. Once closed,
//! an output writes nothing more, so no late frame hides the cursor that a panic
//! has just shown again.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Bytes of one write. Between two of them the thread sees whether it is closed.
const CHUNK: usize = 8 * 1024;
/// Ends an escape sequence that a close has cut in two (`CAN`), so that what
/// follows is understood.
const CANCEL_SEQUENCE: &[u8] = b"\x18";

/// A handle to the writing thread; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something in the state is different: for the thread, and for a close.
    changed: Condvar,
    /// The thread has nothing to write, or has failed: for the loop.
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that wait for the thread.
    pending: Vec<u8>,
    /// The last bytes of a closed output, written in place of all that waited.
    farewell: Option<Vec<u8>>,
    /// The thread is inside a write.
    writing: bool,
    closed: bool,
    /// The terminal took no more: it is gone.
    failed: bool,
}

impl Output {
    /// Starts the thread that writes to the terminal on stdout.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self::to(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }

    fn to(terminal: impl Write + Send + 'static) -> Self {
        let output = Self { shared: Arc::default() };
        let shared = Arc::clone(&output.shared);
        std::thread::spawn(move || shared.write_to(terminal));
        output
    }

    /// Hands bytes over. After a close they are dropped.
    pub(super) fn send(&self, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if !state.closed {
            state.pending.extend_from_slice(bytes);
            self.shared.changed.notify_all();
        }
    }

    /// Everything handed over is on the terminal.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.shared.lock();
        state.failed || (state.pending.is_empty() && !state.writing)
    }

    /// Waits until everything is on the terminal; `false` when it never will be.
    pub(super) async fn idle(&self) -> bool {
        loop {
            let notified = self.shared.idle.notified();
            if self.is_idle() {
                return !self.shared.lock().failed;
            }
            notified.await;
        }
    }

    /// Drops what waits, writes these bytes as the last ones, and waits for them
    /// this long at most. `false` where the terminal did not take them.
    pub(super) fn close(&self, farewell: Vec<u8>, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        if !state.closed {
            state.closed = true;
            state.pending.clear();
            state.farewell = Some(farewell);
            self.shared.changed.notify_all();
        }
        while !state.failed && (state.writing || state.farewell.is_some()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.failed
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: ends with the farewell, or when the terminal is gone.
    fn write_to(&self, mut terminal: impl Write) {
        let mut state = self.lock();
        loop {
            let bytes = if let Some(farewell) = state.farewell.take() {
                farewell
            } else if state.closed || state.failed {
                return;
            } else if state.pending.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            } else {
                std::mem::take(&mut state.pending)
            };
            state.writing = true;
            let is_farewell = state.closed;
            drop(state);
            let outcome = self.write_chunks(&mut terminal, &bytes, is_farewell);
            state = self.lock();
            state.writing = false;
            if let Err(error) = outcome {
                tracing::warn!(%error, "the terminal takes no more");
                state.failed = true;
            }
            self.changed.notify_all();
            self.idle.notify_one();
        }
    }

    /// Writes all of it, unless the output is closed on the way.
    fn write_chunks(&self, terminal: &mut impl Write, bytes: &[u8], is_farewell: bool) -> io::Result<()> {
        for chunk in bytes.chunks(CHUNK) {
            if !is_farewell && self.lock().closed {
                return terminal.write_all(CANCEL_SEQUENCE);
            }
            terminal.write_all(chunk)?;
        }
        terminal.flush()
    }
}

/// Where the terminal library writes: a frame, handed over when it is whole.
#[derive(Debug)]
pub(super) struct FrameBuffer {
    bytes: Vec<u8>,
    output: Output,
}

impl FrameBuffer {
    pub(super) fn new(output: Output) -> Self {
        Self { bytes: Vec::new(), output }
    }
}

impl Write for FrameBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.send(&self.bytes);
        self.bytes.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that takes bytes only while its gate is open.
    #[derive(Clone, Default)]
    struct Gated(Arc<(Mutex<(bool, Vec<u8>)>, Condvar)>);

    impl Gated {
        fn open(&self) {
            self.0.0.lock().unwrap().0 = true;
            self.0.1.notify_all();
        }

        fn taken(&self) -> String {
            String::from_utf8(self.0.0.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| !state.0).unwrap();
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_frame_is_handed_over_whole_and_then_the_output_is_idle() {
        let terminal = Gated::default();
        let output = Output::to(terminal.clone());
        let mut frame = FrameBuffer::new(output.clone());
        frame.write_all(b"one ").unwrap();
        assert!(output.is_idle(), "half a frame stays here");
        frame.write_all(b"frame").unwrap();
        frame.flush().unwrap();
        assert!(!output.is_idle());
        terminal.open();
        assert!(output.idle().await);
        assert_eq!(terminal.taken(), "one frame");
    }

    #[test]
    fn a_terminal_that_does_not_read_holds_up_nobody() {
        let terminal = Gated::default();
        let output = Output::to(terminal.clone());
        output.send(b"a frame");
        output.send(b"another");
        assert!(!output.close(b"farewell".to_vec(), Duration::from_millis(20)));
    }

    #[test]
    fn nothing_follows_the_farewell() {
        let terminal = Gated::default();
        let output = Output::to(terminal.clone());
        terminal.open();
        assert!(output.close(b"cursor shown".to_vec(), LONG));
        output.send(b"cursor hidden");
        assert!(output.close(b"again".to_vec(), LONG), "closing twice is harmless");
        assert_eq!(terminal.taken(), "cursor shown");
    }
}
