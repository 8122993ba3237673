//! What a person does at the terminal, read by a thread of its own.
//!
//! The thread waits for the terminal itself and has crossterm parse what is
//! there until nothing is left. Crossterm's default reader waits edge-triggered
//! and stops after 1,024 bytes (its pull request 1057), so it goes deaf after a
//! burst; hence its feature `use-dev-tty`, whose reader asks for a level. The
//! window's size comes with a signal (`EventSources`), not from here: a sequence
//! that is half typed blocks this thread until its end comes.

use std::io::{PipeReader, PipeWriter, pipe, stdin};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crossterm::event::{Event as RawEvent, KeyEventKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

use super::event_sources::LoopEvent;
use crate::tui::app::Event;

/// Events that wait for the loop; beyond these the terminal's own queue fills.
const QUEUE: usize = 1024;
/// How long crossterm looks for more. With no time at all it does not even look
/// at what it has parsed already.
const DRAIN: Duration = Duration::from_millis(1);
/// How long a reader may take to stop. Only one that is in the middle of an
/// escape sequence takes longer, and then it is left behind.
const STOP: Duration = Duration::from_millis(50);

/// The terminal's events. Dropping it stops the reading.
pub(super) struct InputReader {
    events: mpsc::Receiver<LoopEvent>,
    /// The thread ends when its other end sees this closed.
    stop: Option<PipeWriter>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl InputReader {
    /// Starts to read the terminal on stdin.
    pub(super) fn start() -> Result<Self> {
        let (stopped, stop) = pipe().context("making a pipe for the terminal's reader")?;
        let (sender, events) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || {
                if let Err(error) = read_terminal(&sender, &stopped) {
                    tracing::warn!(%error, "the terminal cannot be read any more");
                    // A loop that is gone needs no end.
                    sender.blocking_send(LoopEvent::Shutdown).ok();
                }
            })
            .context("starting the terminal's reader")?;
        Ok(Self { events, stop: Some(stop), thread: Some(thread) })
    }

    /// The next thing a person does; the end where the terminal is gone.
    pub(super) async fn next(&mut self) -> LoopEvent {
        self.events.recv().await.unwrap_or(LoopEvent::Shutdown)
    }

    /// What was done already.
    pub(super) fn try_next(&mut self) -> Option<LoopEvent> {
        self.events.try_recv().ok()
    }
}

impl Drop for InputReader {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.events.close();
        // Another program is about to read the same terminal.
        let deadline = Instant::now() + STOP;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Reads until it is stopped; an error means that the terminal is gone.
fn read_terminal(events: &mpsc::Sender<LoopEvent>, stopped: &PipeReader) -> Result<()> {
    let terminal = stdin();
    loop {
        let mut waits = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut waits, None) {
            Err(Errno::INTR) => continue,
            other => other.context("waiting for the terminal")?,
        };
        let [terminal_state, stop_state] = waits.map(|wait| wait.revents());
        if !stop_state.is_empty() {
            return Ok(());
        }
        while crossterm::event::poll(DRAIN).context("reading the terminal")? {
            let raw = crossterm::event::read().context("reading the terminal")?;
            if let Some(event) = to_app_event(raw)
                && events.blocking_send(LoopEvent::Event(event)).is_err()
            {
                return Ok(());
            }
        }
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        anyhow::ensure!(!terminal_state.intersects(gone), "the terminal hung up");
    }
}

fn to_app_event(raw: RawEvent) -> Option<Event> {
    match raw {
        RawEvent::Key(key) if key.kind == KeyEventKind::Release => None,
        RawEvent::Key(key) => Some(Event::Key(key)),
        RawEvent::Paste(text) => Some(Event::Paste(text)),
        RawEvent::Mouse(mouse) => Some(Event::Mouse(mouse)),
        RawEvent::Resize(..) | RawEvent::FocusGained | RawEvent::FocusLost => None,
    }
}
