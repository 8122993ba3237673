//! Records the conversations of agents that keep no transcript we can read, on a
//! thread of its own, so that a slow disk never blocks the loop.
//!
//! Owns which session is being written. What is lost here the agent still has,
//! but not every agent tells it again: what was taken is written before the end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};

use crate::session::conversation::ConversationEvent;
use crate::session::{EntryEncoder, SessionId, Transcript};
use crate::slot::{AgentEvent, AgentInfo, CompletedSwitch, ListedSession, SlotEvent, SlotEventKind};
use crate::store::{ExternalRecord, SessionStore, StoreError};
use crate::transcript::TranscriptText;

/// The end of a record, in which its last entry is looked for.
const TAIL_BYTES: u64 = 256 << 10;

/// Hands the slot's news on. Once it is dropped, all of it is written.
pub(super) struct Recorder {
    /// `None` once nothing more comes.
    events_tx: Option<Sender<(String, SlotEvent)>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.events_tx = None;
        // A thread that panicked has logged it, and has ended as well.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Recorder {
    /// Starts the thread, which ends with the recorder.
    /// `changed` is called once the list is another one.
    pub(super) fn start(store: Arc<dyn SessionStore>, changed: impl Fn() + Send + 'static) -> Self {
        // Unbounded: dropping an event would lose what was said, and waiting would hold
        // up the screen. The thread appends faster than an agent speaks.
        let (events_tx, events) = channel();
        let writer = RecorderThread { store, target: None, listed_sessions: HashMap::new() };
        let writer = std::thread::spawn(move || writer.run(&events, changed));
        Self { events_tx: Some(events_tx), thread: Some(writer) }
    }

    /// Takes news of the agent of this name.
    pub(super) fn record(&self, agent: &str, event: &SlotEvent) {
        let counts = match &event.kind {
            SlotEventKind::Ready(_)
            | SlotEventKind::Switched(_)
            | SlotEventKind::Agent(
                AgentEvent::ModelChanged(_)
                | AgentEvent::HistoryReplayed { .. }
                | AgentEvent::SessionsListed(_),
            ) => true,
            SlotEventKind::Agent(AgentEvent::ConversationChanged { change, .. }) => {
                let streams = matches!(
                    change,
                    ConversationEvent::TextDelta(_)
                        | ConversationEvent::ThinkingDelta(_)
                        | ConversationEvent::ToolOutput { .. }
                );
                !streams
            }
            _ => false,
        };
        if let Some(events_tx) = self.events_tx.as_ref().filter(|_| counts) {
            // The thread ends only with this.
            let _ = events_tx.send((agent.to_owned(), event.clone()));
        }
    }
}

struct RecorderThread {
    store: Arc<dyn SessionStore>,
    /// `None` while the active agent keeps transcripts itself.
    target: Option<RecordingTarget>,
    /// The agent's own ids and titles of the sessions that it listed last.
    listed_sessions: HashMap<SessionId, (String, Option<String>)>,
}

struct RecordingTarget {
    agent: String,
    session: SessionId,
    cwd: PathBuf,
    /// The source of a fork: what the agent replays now was copied from there.
    forked_from: Option<SessionId>,
    encoder: EntryEncoder,
}

impl RecorderThread {
    fn run(mut self, news: &Receiver<(String, SlotEvent)>, changed: impl Fn()) {
        while let Ok((agent, event)) = news.recv() {
            let of_all = matches!(
                event.kind,
                SlotEventKind::Agent(AgentEvent::SessionsListed(_) | AgentEvent::HistoryReplayed { .. })
            );
            if let Err(error) = self.handle_event(&agent, event) {
                tracing::warn!("{error}");
            }
            // A turn and a switch have the list read anyway.
            if of_all && self.target.is_some() {
                changed();
            }
        }
    }

    fn handle_event(&mut self, agent: &str, event: SlotEvent) -> Result<(), StoreError> {
        match event.kind {
            SlotEventKind::Ready(AgentInfo { transcript, session, cwd, model, .. }) => {
                let keeps_none = transcript.as_os_str().is_empty();
                let model = if model.is_empty() { agent } else { &model };
                self.target = keeps_none.then(|| self.open_target(agent, session, cwd, model));
            }
            SlotEventKind::Switched(CompletedSwitch { to, cwd, forked_from, .. }) => {
                if let Some(former) = self.target.take() {
                    let recording = self.open_target(agent, to, cwd, &former.encoder.model);
                    self.target = Some(RecordingTarget { forked_from, ..recording });
                }
            }
            SlotEventKind::Agent(AgentEvent::ModelChanged(model)) => {
                if let Some(recording) = &mut self.target {
                    recording.encoder.model = model;
                }
            }
            SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid, change }) => {
                let Some(recording) =
                    self.target.as_mut().filter(|recording| event.session == Some(recording.session))
                else {
                    return Ok(());
                };
                if let Some(entry) = recording.encoder.encode(&uuid, event.at, &change) {
                    let record = recording.record(event.at, vec![entry]);
                    self.store.record_external(&record)?;
                }
            }
            SlotEventKind::Agent(AgentEvent::HistoryReplayed { at, changes }) => {
                let at = at.unwrap_or(event.at);
                let Some(recording) =
                    self.target.as_mut().filter(|recording| event.session == Some(recording.session))
                else {
                    return Ok(());
                };
                recording.encoder =
                    EntryEncoder::after(None, recording.session, &recording.cwd, &recording.encoder.model);
                recording.encoder.forked_from = recording.forked_from;
                let entries =
                    changes.iter().filter_map(|(uuid, change)| recording.encoder.encode(uuid, at, change));
                let entries = entries.collect();
                recording.encoder.forked_from = None;
                let (id, title) = self.listed_sessions.get(&recording.session).cloned().unzip();
                let title = title.flatten();
                let record = ExternalRecord {
                    agent_session: id,
                    title,
                    replace: true,
                    ..recording.record(at, entries)
                };
                self.store.record_external(&record)?;
            }
            SlotEventKind::Agent(AgentEvent::SessionsListed(sessions)) => self.sync_session_list(sessions)?,
            _ => {}
        }
        Ok(())
    }

    fn sync_session_list(&mut self, sessions: Vec<ListedSession>) -> Result<(), StoreError> {
        // Nothing at all is more likely a mistake than the truth.
        let Some(recording) = self.target.as_ref().filter(|_| !sessions.is_empty()) else { return Ok(()) };
        let mut there = vec![(recording.session, recording.cwd.clone())];
        let mut told = HashMap::new();
        for ListedSession { session, id, title, cwd, last_active: active, unnamed } in sessions {
            there.push((session, cwd.clone()));
            // If it holds anything that was said here, that is recorded already.
            if unnamed {
                continue;
            }
            told.insert(session, (id.clone(), title.clone()));
            // An agent tells them all after each turn, and few are others.
            if title.is_some()
                && self.listed_sessions.get(&session).is_some_and(|(_, former)| *former == title)
            {
                continue;
            }
            let record = ExternalRecord {
                agent: recording.agent.clone(),
                session,
                agent_session: Some(id),
                cwd,
                title,
                active_at: active.unwrap_or_else(Utc::now).into(),
                entries: Vec::new(),
                replace: false,
            };
            self.store.record_external(&record)?;
        }
        self.listed_sessions = told;
        self.store.retain_external(&recording.agent, &there)
    }

    /// Goes on behind what was written down before.
    fn open_target(&self, agent: &str, session: SessionId, cwd: PathBuf, model: &str) -> RecordingTarget {
        let last = self.store.read_tail(session, TAIL_BYTES).ok().and_then(|tail| {
            let text = TranscriptText::read(&tail.bytes);
            let transcript = Transcript::read_part(&text);
            let leaf = transcript.leaf()?;
            Some(transcript.entries[leaf].uuid()?.into_owned())
        });
        let writing = EntryEncoder::after(last, session, &cwd, model);
        RecordingTarget { agent: agent.to_owned(), session, cwd, forked_from: None, encoder: writing }
    }
}

impl RecordingTarget {
    fn record(&self, at: DateTime<Utc>, entries: Vec<serde_json::Value>) -> ExternalRecord {
        ExternalRecord {
            agent: self.agent.clone(),
            session: self.session,
            agent_session: None,
            cwd: self.cwd.clone(),
            title: None,
            active_at: at.into(),
            entries,
            replace: false,
        }
    }
}

#[cfg(test)]
mod tests;
