use std::time::Duration;

use super::*;
use crate::index::{Catalog, SessionRow};
use crate::session::conversation::Conversation;
use crate::session::message::MessageBlock;
use crate::slot::{Capabilities, SwitchMethod};
use crate::store::{ImportedSessions, LocalStore, Scope};

struct World {
    store: Arc<LocalStore>,
    writer: RecorderThread,
    epoch: u64,
}

fn world(folder: &std::path::Path) -> World {
    let mirror = ImportedSessions::new(&folder.join("mirror"), &folder.join("codex"));
    let store = Arc::new(LocalStore::new(folder.join("claude")).with_imported(mirror));
    let writer = RecorderThread { store: store.clone(), target: None, listed_sessions: HashMap::new() };
    World { store, writer, epoch: 0 }
}

impl World {
    fn hear_agent(&mut self, session: SessionId, event: AgentEvent) {
        self.hear(session, SlotEventKind::Agent(event));
    }

    fn hear(&mut self, session: SessionId, news: SlotEventKind) {
        self.epoch += 1;
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let event = SlotEvent { epoch: self.epoch, session: Some(session), at, kind: news };
        self.writer.handle_event("opencode", event).unwrap();
    }

    fn switch_to(&mut self, session: SessionId, transcript: &str) {
        let agent = AgentInfo {
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
            mcp_servers: (0, 0),
            repaired: None,
            capabilities: Capabilities::FULL,
        };
        self.hear(session, SlotEventKind::Ready(agent));
    }

    fn grows(&mut self, session: SessionId, change: ConversationEvent) {
        self.hear(
            session,
            SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid: String::new(), change }),
        );
    }

    fn rows(&self) -> Vec<SessionRow> {
        Catalog::without_index(self.store.clone(), false).read(&Scope::All, |_, _| ()).unwrap()
    }

    fn turns(&self, session: SessionId) -> usize {
        let bytes = self.store.read(session).unwrap();
        let conversation = Conversation::from_transcript(&Transcript::read(
            &crate::transcript::TranscriptText::read(&bytes),
        ));
        assert_eq!(conversation.items().len(), 2 * conversation.turns(), "{conversation:?}");
        conversation.turns()
    }
}

fn reply(text: &str) -> ConversationEvent {
    ConversationEvent::Block { block: MessageBlock::Text(text.into()), model: None, usage: None }
}

#[test]
fn what_is_said_is_a_session_that_others_can_read() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two) = (SessionId::random(), SessionId::random());
    let mut world = world(scratch.path());
    world.switch_to(one, "");
    world.grows(one, ConversationEvent::Prompt("hello".into()));
    world.grows(one, ConversationEvent::TextDelta("h".into()));
    world.grows(one, reply("hi"));
    world.grows(two, reply("of another"));
    let rows = world.rows();
    assert_eq!((rows.len(), rows[0].facts.agent.as_deref()), (1, Some("opencode")));
    assert_eq!((rows[0].facts.title_text(), rows[0].facts.cwd.as_deref()), ("hello", Some("/work")));
    assert_eq!(world.turns(one), 1);

    // It goes on behind that after a restart, and tells titles.
    world.switch_to(one, "");
    world.grows(one, ConversationEvent::Prompt("again".into()));
    world.grows(one, reply("yes"));
    let listed = |session, title: &str, active: &str| ListedSession {
        session,
        id: format!("ses_{title}"),
        title: Some(title.into()),
        cwd: "/work".into(),
        last_active: active.parse().ok(),
        unnamed: false,
    };
    let sessions =
        vec![listed(one, "One", "2026-11-21T10:00:05Z"), listed(two, "Two", "2026-11-20T10:00:00Z")];
    world.hear_agent(one, AgentEvent::SessionsListed(sessions.clone()));
    let rows = world.rows();
    let titles: Vec<_> = rows.iter().map(|row| (row.facts.title_text(), row.facts.turns)).collect();
    assert_eq!(titles, [("One", 2), ("Two", 0)]);
    assert_eq!(rows[1].active_at().to_rfc3339(), "2026-11-20T10:00:00+00:00");
    let before = world.store.read(one).unwrap();
    world.hear_agent(one, AgentEvent::SessionsListed(sessions));
    assert_eq!(world.store.read(one).unwrap(), before, "a title is written once");
    let called = |world: &World| world.rows()[0].facts.agent_session.clone();
    assert_eq!(called(&world).as_deref(), Some("ses_One"));

    // What the agent replays takes the place of what is known.
    let changes =
        vec![(String::new(), ConversationEvent::Prompt("older".into())), (String::new(), reply("yes"))];
    world.hear_agent(one, AgentEvent::HistoryReplayed { at: "2026-11-21T10:00:00Z".parse().ok(), changes });
    assert_eq!(world.turns(one), 1);
    assert_eq!(world.rows()[0].facts.title_text(), "One");
    assert_eq!(called(&world).as_deref(), Some("ses_One"));

    // A fork is one by what is replayed of it.
    let fork = SessionId::random();
    world.hear(
        one,
        SlotEventKind::Switched(CompletedSwitch {
            kind: "fork",
            method: SwitchMethod::InProcess,
            from: one,
            to: fork,
            forked_from: Some(one),
            duration: Duration::ZERO,
            pid: 1,
            turns: 0,
            cwd: "/work".into(),
            transcript: PathBuf::new(),
            repaired: None,
        }),
    );
    let changes =
        vec![(String::new(), ConversationEvent::Prompt("older".into())), (String::new(), reply("yes"))];
    world.hear_agent(fork, AgentEvent::HistoryReplayed { at: "2026-11-21T10:00:00Z".parse().ok(), changes });
    world.grows(fork, ConversationEvent::Prompt("newer".into()));
    world.grows(fork, reply("yes"));
    let rows = world.rows();
    let row = rows.iter().find(|row| row.stored.id == fork).unwrap();
    assert_eq!((row.parent_id(), row.facts.forked_turns, row.facts.turns), (Some(one), 1, 2));

    // What it has no more goes; what it may not have told of stays.
    world.hear_agent(one, AgentEvent::SessionsListed(vec![listed(one, "One", "2026-11-21T10:00:05Z")]));
    assert_eq!(world.rows().len(), 2, "and the active one");
    let unnamed = |session| ListedSession { title: None, unnamed: true, ..listed(session, "", "") };
    world.hear_agent(
        one,
        AgentEvent::SessionsListed(vec![unnamed(one), unnamed(fork), unnamed(SessionId::random())]),
    );
    assert_eq!(world.rows().len(), 2, "a session with messages stays, an empty one is not listed");
    let elsewhere = ListedSession { cwd: "/other".into(), ..listed(two, "Two", "2026-11-20T10:00:00Z") };
    world.hear_agent(one, AgentEvent::SessionsListed(vec![elsewhere]));
    assert_eq!(world.rows().len(), 2);
}

#[test]
fn an_agent_with_transcripts_needs_no_second_one() {
    let scratch = tempfile::tempdir().unwrap();
    let one = SessionId::random();
    let mut world = world(scratch.path());
    world.switch_to(one, "/its/own.jsonl");
    world.grows(one, ConversationEvent::Prompt("hello".into()));
    assert!(world.rows().is_empty());
}
