//! Everything the loop waits for, in one place: signals, keys, slot, effects,
//! the clock. Owns the receivers; decides nothing but their order.

use std::time::Duration;

use anyhow::{Context, Result};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Interval, interval};

use super::input::InputReader;
use super::output::Output;
use crate::slot::SlotEvent;
use crate::tui::app::Event;

/// Why the loop goes on or ends.
pub(super) enum LoopEvent {
    /// Something happened.
    Event(Event),
    /// The terminal has taken the last frame: the next one can be drawn.
    FrameWritten,
    /// A signal asked for the end, or the terminal is gone.
    Shutdown,
}

/// What the loop waits for.
pub(super) struct EventSources {
    /// `None` while another program has the terminal.
    input: Option<InputReader>,
    events: mpsc::UnboundedReceiver<Event>,
    /// `None` before the first process is started.
    slot_events: Option<mpsc::Receiver<SlotEvent>>,
    tick: Interval,
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    window_change: Signal,
}

impl EventSources {
    /// Starts to listen, and to read the terminal.
    pub(super) fn start(events: mpsc::UnboundedReceiver<Event>) -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            input: Some(InputReader::start()?),
            events,
            slot_events: None,
            tick: interval(Duration::from_secs(1)),
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            window_change: listen(SignalKind::window_change())?,
        })
    }

    /// Listens to the slot, too.
    pub(super) fn listen_to_slot(&mut self, slot_events: mpsc::Receiver<SlotEvent>) {
        self.slot_events = Some(slot_events);
    }

    /// The next thing that happens, a person's keys first. `waits_for` is the way
    /// to a terminal that has not taken the last frame while another one is due.
    pub(super) async fn next(&mut self, waits_for: Option<&Output>) -> LoopEvent {
        loop {
            return tokio::select! {
                biased;
                _ = self.terminate.recv() => LoopEvent::Shutdown,
                _ = self.hangup.recv() => LoopEvent::Shutdown,
                _ = self.interrupt.recv() => {
                    // Ctrl-C in an editor reaches every process of the terminal.
                    if self.input.is_none() {
                        continue;
                    }
                    LoopEvent::Shutdown
                }
                _ = self.window_change.recv() => match crossterm::terminal::size() {
                    Ok((width, height)) => LoopEvent::Event(Event::Resize { width, height }),
                    Err(_) => LoopEvent::Shutdown,
                },
                next = next_input(self.input.as_mut()) => next,
                is_written = written(waits_for) => {
                    if is_written { LoopEvent::FrameWritten } else { LoopEvent::Shutdown }
                }
                Some(event) = self.events.recv() => LoopEvent::Event(event),
                Some(event) = next_slot_event(self.slot_events.as_mut()) => {
                    LoopEvent::Event(Event::Slot(Box::new(event)))
                }
                _ = self.tick.tick() => LoopEvent::Event(Event::Tick),
            };
        }
    }

    /// What is there without waiting.
    pub(super) fn try_next(&mut self) -> Option<LoopEvent> {
        if let Some(next) = self.input.as_mut().and_then(InputReader::try_next) {
            return Some(next);
        }
        if let Ok(event) = self.events.try_recv() {
            return Some(LoopEvent::Event(event));
        }
        let slot_event = self.slot_events.as_mut()?.try_recv().ok()?;
        Some(LoopEvent::Event(Event::Slot(Box::new(slot_event))))
    }

    /// Joins the characters of a burst into one text: inserting 100,000 of them one
    /// by one takes minutes. Returns what came after them, too.
    pub(super) fn join_typed(&mut self, first: Event) -> (Event, Option<LoopEvent>) {
        let Some(letter) = typed_character(&first) else { return (first, None) };
        let mut text = String::from(letter);
        loop {
            let next = self.input.as_mut().and_then(InputReader::try_next);
            match &next {
                Some(LoopEvent::Event(event)) if let Some(letter) = typed_character(event) => {
                    text.push(letter);
                }
                _ if text.len() == letter.len_utf8() => return (first, next),
                _ => return (Event::Paste(text), next),
            }
        }
    }

    /// Stops reading the terminal, whose keys another program is about to get.
    pub(super) fn stop_input(&mut self) {
        self.input = None;
    }

    /// Reads the terminal again.
    pub(super) fn start_input(&mut self) -> Result<()> {
        self.input = Some(InputReader::start()?);
        Ok(())
    }
}

/// The character that a key writes.
fn typed_character(event: &Event) -> Option<char> {
    match event {
        Event::Key(KeyEvent { code: KeyCode::Char(letter), modifiers, .. })
            if !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
        {
            Some(*letter)
        }
        _ => None,
    }
}

/// The next thing a person does; never, while another program has the terminal.
async fn next_input(input: Option<&mut InputReader>) -> LoopEvent {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}

/// The next event of the slot; never, before there is one.
async fn next_slot_event(events: Option<&mut mpsc::Receiver<SlotEvent>>) -> Option<SlotEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether the terminal took all that was written to it, once that is known.
async fn written(output: Option<&Output>) -> bool {
    match output {
        Some(output) => output.idle().await,
        None => std::future::pending().await,
    }
}
