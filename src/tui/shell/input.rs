//! What a person does at the terminal, read by a task of its own.
//!
//! The stream is polled by nobody else: crossterm's keeps the waker of the
//! first poll, so a look in passing would lose the wake-up for the next key.

use crossterm::event::{Event as Raw, EventStream, KeyEventKind};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::LoopEvent;
use crate::tui::app::Event;

/// The terminal's events. Dropping it stops the reading.
pub(super) struct InputReader {
    events: mpsc::UnboundedReceiver<LoopEvent>,
    task: JoinHandle<()>,
}

impl InputReader {
    /// Starts to read the terminal.
    pub(super) fn start() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut stream = EventStream::new();
            loop {
                let next = match stream.next().await {
                    Some(Ok(raw)) => match to_app_event(raw) {
                        Some(event) => LoopEvent::Event(event),
                        None => continue,
                    },
                    Some(Err(error)) => {
                        tracing::warn!(%error, "the terminal cannot be read any more");
                        LoopEvent::Shutdown
                    }
                    None => LoopEvent::Shutdown,
                };
                let last = matches!(next, LoopEvent::Shutdown);
                if sender.send(next).is_err() || last {
                    return;
                }
            }
        });
        Self { events, task }
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
        self.task.abort();
    }
}

fn to_app_event(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) if key.kind == KeyEventKind::Release => None,
        Raw::Key(key) => Some(Event::Key(key)),
        Raw::Paste(text) => Some(Event::Paste(text)),
        Raw::Mouse(mouse) => Some(Event::Mouse(mouse)),
        Raw::Resize(width, height) => Some(Event::Resize { width, height }),
        Raw::FocusGained | Raw::FocusLost => None,
    }
}
