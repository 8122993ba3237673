//! Writes down what is said with an agent whose sessions lie nowhere they could
//! be read: a thread of its own, so that a slow disk holds up nothing.
//!
//! Owns which session is being written. What is lost here the agent still has,
//! but not every agent tells it again: what was taken is written before the end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};

use crate::session::conversation::Change;
use crate::session::{SessionId, Transcript, Writing};
use crate::slot::{Agent, Listed, News, SlotEvent, Switched};
use crate::store::{Record, SessionStore, StoreError};

/// The end of a record, in which its last entry is looked for.
const END: u64 = 256 << 10;

/// Hands the slot's news on. Once it is dropped, all of it is written.
pub(super) struct Recorder {
    /// None once nothing more comes.
    told: Option<Sender<(String, SlotEvent)>>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.told = None;
        // One that panicked said so in the log, and is at its end too.
        let _ended = self.writer.take().map(JoinHandle::join);
    }
}

impl Recorder {
    /// Starts the thread, which ends with the recorder.
    /// `changed` is called once the list is another one.
    pub(super) fn start(store: Arc<dyn SessionStore>, changed: impl Fn() + Send + 'static) -> Self {
        let (told, news) = channel();
        let writer = Writer { store, seat: None, told: HashMap::new() };
        let writer = std::thread::spawn(move || writer.run(&news, changed));
        Self { told: Some(told), writer: Some(writer) }
    }

    /// Takes news of the agent of this name.
    pub(super) fn take(&self, agent: &str, event: &SlotEvent) {
        let counts = match &event.news {
            News::Ready(_) | News::Switched(_) | News::Model(_) | News::Replay { .. } | News::Sessions(_) => {
                true
            }
            News::Conversation { change, .. } => {
                let streams = matches!(
                    change,
                    Change::TextDelta(_) | Change::ThinkingDelta(_) | Change::ToolOutput { .. }
                );
                !streams
            }
            _ => false,
        };
        if let Some(told) = self.told.as_ref().filter(|_| counts) {
            // The thread ends only with this.
            let _heard = told.send((agent.to_owned(), event.clone()));
        }
    }
}

struct Writer {
    store: Arc<dyn SessionStore>,
    /// None while the agent in the seat keeps transcripts.
    seat: Option<Seat>,
    /// What the agent calls the sessions that it told of last, and their titles.
    told: HashMap<SessionId, (String, Option<String>)>,
}

struct Seat {
    agent: String,
    session: SessionId,
    cwd: PathBuf,
    /// What the agent replays of it now was said there.
    forked_from: Option<SessionId>,
    writing: Writing,
}

impl Writer {
    fn run(mut self, news: &Receiver<(String, SlotEvent)>, changed: impl Fn()) {
        while let Ok((agent, event)) = news.recv() {
            let of_all = matches!(event.news, News::Sessions(_) | News::Replay { .. });
            if let Err(error) = self.take(&agent, event) {
                tracing::warn!("{error}");
            }
            // A turn and a switch have the list read anyway.
            if of_all && self.seat.is_some() {
                changed();
            }
        }
    }

    fn take(&mut self, agent: &str, event: SlotEvent) -> Result<(), StoreError> {
        match event.news {
            News::Ready(Agent { transcript, session, cwd, model, .. }) => {
                let keeps_none = transcript.as_os_str().is_empty();
                let model = if model.is_empty() { agent } else { &model };
                self.seat = keeps_none.then(|| self.seat_in(agent, session, cwd, model));
            }
            News::Switched(Switched { to, cwd, forked_from, .. }) => {
                if let Some(former) = self.seat.take() {
                    let seat = self.seat_in(agent, to, cwd, &former.writing.model);
                    self.seat = Some(Seat { forked_from, ..seat });
                }
            }
            News::Model(model) => {
                if let Some(seat) = &mut self.seat {
                    seat.writing.model = model;
                }
            }
            News::Conversation { uuid, at, change } => {
                let Some(seat) = self.seat.as_mut().filter(|seat| event.session == Some(seat.session)) else {
                    return Ok(());
                };
                if let Some(entry) = seat.writing.entry(&uuid, at, &change) {
                    let record = seat.record(at, vec![entry]);
                    self.store.record(&record)?;
                }
            }
            News::Replay { at, changes } => {
                let Some(seat) = self.seat.as_mut().filter(|seat| event.session == Some(seat.session)) else {
                    return Ok(());
                };
                seat.writing = Writing::behind(None, seat.session, &seat.cwd, &seat.writing.model);
                seat.writing.forked_from = seat.forked_from;
                let entries =
                    changes.iter().filter_map(|(uuid, change)| seat.writing.entry(uuid, at, change));
                let entries = entries.collect();
                seat.writing.forked_from = None;
                let (id, title) = self.told.get(&seat.session).cloned().unzip();
                let title = title.flatten();
                let record = Record { id, title, anew: true, ..seat.record(at, entries) };
                self.store.record(&record)?;
            }
            News::Sessions(sessions) => self.list(sessions)?,
            _ => {}
        }
        Ok(())
    }

    fn list(&mut self, sessions: Vec<Listed>) -> Result<(), StoreError> {
        // Nothing at all is more likely a mistake than the truth.
        let Some(seat) = self.seat.as_ref().filter(|_| !sessions.is_empty()) else { return Ok(()) };
        let mut there = vec![(seat.session, seat.cwd.clone())];
        let mut told = HashMap::new();
        for Listed { session, id, title, cwd, active, unnamed } in sessions {
            there.push((session, cwd.clone()));
            // What was said in it is on record if it was said here, else it is empty.
            if unnamed {
                continue;
            }
            told.insert(session, (id.clone(), title.clone()));
            // An agent tells them all after each turn, and few are others.
            if title.is_some() && self.told.get(&session).is_some_and(|(_, former)| *former == title) {
                continue;
            }
            let record = Record {
                agent: seat.agent.clone(),
                session,
                id: Some(id),
                cwd,
                title,
                active: active.unwrap_or_else(Utc::now).into(),
                entries: Vec::new(),
                anew: false,
            };
            self.store.record(&record)?;
        }
        self.told = told;
        self.store.keep_only(&seat.agent, &there)
    }

    /// Goes on behind what was written down before.
    fn seat_in(&self, agent: &str, session: SessionId, cwd: PathBuf, model: &str) -> Seat {
        let last = self.store.read_tail(session, END).ok().and_then(|tail| {
            let transcript = Transcript::parse(&tail.bytes);
            let leaf = transcript.leaf()?;
            Some(transcript.lines[leaf].uuid()?.into_owned())
        });
        let writing = Writing::behind(last, session, &cwd, model);
        Seat { agent: agent.to_owned(), session, cwd, forked_from: None, writing }
    }
}

impl Seat {
    fn record(&self, at: DateTime<Utc>, entries: Vec<serde_json::Value>) -> Record {
        Record {
            agent: self.agent.clone(),
            session: self.session,
            id: None,
            cwd: self.cwd.clone(),
            title: None,
            active: at.into(),
            entries,
            anew: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::index::{Catalog, Row};
    use crate::session::conversation::Conversation;
    use crate::session::message::Block;
    use crate::slot::{Abilities, How};
    use crate::store::{LocalStore, Mirror, Scope};

    struct World {
        store: Arc<LocalStore>,
        writer: Writer,
        epoch: u64,
    }

    fn world(folder: &std::path::Path) -> World {
        let mirror = Mirror::new(&folder.join("mirror"), &folder.join("codex"));
        let store = Arc::new(LocalStore::new(folder.join("claude")).with(mirror));
        let writer = Writer { store: store.clone(), seat: None, told: HashMap::new() };
        World { store, writer, epoch: 0 }
    }

    impl World {
        fn hear(&mut self, session: SessionId, news: News) {
            self.epoch += 1;
            self.writer
                .take("opencode", SlotEvent { epoch: self.epoch, session: Some(session), news })
                .unwrap();
        }

        fn seat(&mut self, session: SessionId, transcript: &str) {
            let agent = Agent {
                name: "OpenCode".into(),
                version: "1".into(),
                pid: 1,
                model: "m".into(),
                notice: None,
                session,
                transcript: transcript.into(),
                cwd: "/work".into(),
                permission_mode: crate::protocol::PermissionMode::Default,
                commands: Vec::new(),
                models: Vec::new(),
                mcp: (0, 0),
                repaired: None,
                abilities: Abilities::WHOLE,
            };
            self.hear(session, News::Ready(agent));
        }

        fn grows(&mut self, session: SessionId, change: Change) {
            let at = "2026-11-21T10:00:00Z".parse().unwrap();
            self.hear(session, News::Conversation { uuid: String::new(), at, change });
        }

        fn rows(&self) -> Vec<Row> {
            Catalog::over(self.store.clone(), false).read(&Scope::All, |_, _| ()).unwrap()
        }

        fn turns(&self, session: SessionId) -> usize {
            let bytes = self.store.read(session).unwrap();
            let conversation = Conversation::of(&Transcript::parse(&bytes));
            assert_eq!(conversation.items().len(), 2 * conversation.turns(), "{conversation:?}");
            conversation.turns()
        }
    }

    fn reply(text: &str) -> Change {
        Change::Block { block: Block::Text(text.into()), model: None, usage: None }
    }

    #[test]
    fn what_is_said_is_a_session_that_others_can_read() {
        let scratch = tempfile::tempdir().unwrap();
        let (one, two) = (SessionId::random(), SessionId::random());
        let mut world = world(scratch.path());
        world.seat(one, "");
        world.grows(one, Change::Prompt("hello".into()));
        world.grows(one, Change::TextDelta("h".into()));
        world.grows(one, reply("hi"));
        world.grows(two, reply("of another"));
        let rows = world.rows();
        assert_eq!((rows.len(), rows[0].facts.agent.as_deref()), (1, Some("opencode")));
        assert_eq!((rows[0].facts.title_text(), rows[0].facts.cwd.as_deref()), ("hello", Some("/work")));
        assert_eq!(world.turns(one), 1);

        // It goes on behind that after a restart, and tells titles.
        world.seat(one, "");
        world.grows(one, Change::Prompt("again".into()));
        world.grows(one, reply("yes"));
        let listed = |session, title: &str, active: &str| Listed {
            session,
            id: format!("ses_{title}"),
            title: Some(title.into()),
            cwd: "/work".into(),
            active: active.parse().ok(),
            unnamed: false,
        };
        let sessions =
            vec![listed(one, "One", "2026-11-21T10:00:05Z"), listed(two, "Two", "2026-11-20T10:00:00Z")];
        world.hear(one, News::Sessions(sessions.clone()));
        let rows = world.rows();
        let titles: Vec<_> = rows.iter().map(|row| (row.facts.title_text(), row.facts.turns)).collect();
        assert_eq!(titles, [("One", 2), ("Two", 0)]);
        assert_eq!(rows[1].active().to_rfc3339(), "2026-11-20T10:00:00+00:00");
        let before = world.store.read(one).unwrap();
        world.hear(one, News::Sessions(sessions));
        assert_eq!(world.store.read(one).unwrap(), before, "a title is written once");
        let called = |world: &World| world.rows()[0].facts.agent_session.clone();
        assert_eq!(called(&world).as_deref(), Some("ses_One"));

        // What the agent replays takes the place of what is known.
        let changes = vec![(String::new(), Change::Prompt("older".into())), (String::new(), reply("yes"))];
        world.hear(one, News::Replay { at: "2026-11-21T10:00:00Z".parse().unwrap(), changes });
        assert_eq!(world.turns(one), 1);
        assert_eq!(world.rows()[0].facts.title_text(), "One");
        assert_eq!(called(&world).as_deref(), Some("ses_One"));

        // A fork is one by what is replayed of it.
        let fork = SessionId::random();
        world.hear(
            one,
            News::Switched(Switched {
                what: "fork",
                how: How::InProcess,
                from: one,
                to: fork,
                forked_from: Some(one),
                took: Duration::ZERO,
                pid: 1,
                turns: 0,
                cwd: "/work".into(),
                transcript: PathBuf::new(),
                repaired: None,
            }),
        );
        let changes = vec![(String::new(), Change::Prompt("older".into())), (String::new(), reply("yes"))];
        world.hear(fork, News::Replay { at: "2026-11-21T10:00:00Z".parse().unwrap(), changes });
        world.grows(fork, Change::Prompt("newer".into()));
        world.grows(fork, reply("yes"));
        let rows = world.rows();
        let row = rows.iter().find(|row| row.stored.id == fork).unwrap();
        assert_eq!((row.parent(), row.facts.forked_turns, row.facts.turns), (Some(one), 1, 2));

        // What it has no more goes; what it may not have told of stays.
        world.hear(one, News::Sessions(vec![listed(one, "One", "2026-11-21T10:00:05Z")]));
        assert_eq!(world.rows().len(), 2, "and the one in the seat");
        let unnamed = |session| Listed { title: None, unnamed: true, ..listed(session, "", "") };
        world.hear(one, News::Sessions(vec![unnamed(one), unnamed(fork), unnamed(SessionId::random())]));
        assert_eq!(world.rows().len(), 2, "what was said in it stays, and what holds nothing is not listed");
        let elsewhere = Listed { cwd: "/other".into(), ..listed(two, "Two", "2026-11-20T10:00:00Z") };
        world.hear(one, News::Sessions(vec![elsewhere]));
        assert_eq!(world.rows().len(), 2);
    }

    #[test]
    fn an_agent_with_transcripts_needs_no_second_one() {
        let scratch = tempfile::tempdir().unwrap();
        let one = SessionId::random();
        let mut world = world(scratch.path());
        world.seat(one, "/its/own.jsonl");
        world.grows(one, Change::Prompt("hello".into()));
        assert!(world.rows().is_empty());
    }
}
