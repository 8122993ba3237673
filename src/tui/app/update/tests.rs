//! A program in one line: events in, effects and state out.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::super::conversation_page::{INITIAL_READ_BYTES, ScrollAnchor};
use super::super::geometry::Geometry;
use super::super::overlay::{Confirmation, Overlay, ViewerContent};
use super::super::sample::{self, id, noon, setup};
use super::super::setup::AppSetup;
use super::super::state::{App, Focus};
use super::super::{Effect, Event, LoadedTranscript, ResolvedFolder, SessionEnvironment};
use super::*;
use crate::index::SessionRow;
use crate::session::SessionId;
use crate::session::conversation::{Conversation, ConversationEvent, ItemKind, TurnCost};
use crate::session::message::MessageBlock;
use crate::slot::{
    AgentEvent, CompletedSwitch, FileChange, PermissionDecision, PermissionRequest, ProcessExit, PromptState,
    RewindResult, SlotEvent, SlotEventKind, SlotState, Switch, SwitchMethod,
};
use crate::store::FolderReason;

/// The session the agent starts with.
const FRESH: u8 = 90;

fn row(number: u8, title: &str, parent: Option<u8>) -> SessionRow {
    sample::row(number, title, u64::from(number), parent)
}

/// The program under test, and the clock its events come with.
struct Program {
    app: App,
    now: DateTime<Utc>,
    epoch: u64,
}

impl Program {
    /// Nothing warm, nothing read.
    fn cold(setup: AppSetup) -> Self {
        let mut program = Self { app: App::new(setup), now: noon(), epoch: 1 };
        drop(initial_effects(&mut program.app));
        program.does(Event::Resize { width: 120, height: 34 });
        program
    }

    /// A warm agent on a fresh session, and three stored ones.
    fn warm() -> Self {
        let mut program = Self::cold(setup());
        // Most tests begin in the list.
        program.app.focus = Focus::Browser;
        program.ready();
        program.rows(vec![
            row(1, "Parser rewrite", None),
            row(2, "Flaky test", None),
            row(3, "Parser fork", Some(1)),
        ]);
        program
    }

    fn does(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.app, self.now, event)
    }

    /// Sessions that are filed under the folder that was opened.
    fn rows(&mut self, rows: Vec<SessionRow>) -> Vec<Effect> {
        let here = rows.iter().map(|row| row.stored.id).collect();
        let environment = SessionEnvironment { project_sessions: Some(here), ..self.app.environment.clone() };
        self.does(Event::EnvironmentChanged(environment));
        self.does(Event::SessionList { all: false, rows, progress: None })
    }

    /// The shell looked up the folder of a session.
    fn resolves(&mut self, session: u8, path: &str, is_trusted: bool) -> Vec<Effect> {
        let (path, reason) = (PathBuf::from(path), FolderReason::FiledUnder);
        let exists = !path.starts_with("/gone");
        let folder = ResolvedFolder { path, reason, is_trusted, exists };
        self.does(Event::FolderResolved { session: id(session), folder: Ok(folder) })
    }

    fn agent(&mut self, session: u8, event: AgentEvent) -> Vec<Effect> {
        self.slot(session, SlotEventKind::Agent(event))
    }

    fn slot(&mut self, session: u8, news: SlotEventKind) -> Vec<Effect> {
        let event = SlotEvent { epoch: self.epoch, session: Some(id(session)), at: self.now, kind: news };
        self.does(Event::Slot(Box::new(event)))
    }

    fn ready(&mut self) {
        self.slot(FRESH, SlotEventKind::Ready(sample::agent(id(FRESH))));
        self.slot(FRESH, SlotEventKind::StateChanged(SlotState::Idle(id(FRESH))));
    }

    fn idle(&mut self, session: u8) -> Vec<Effect> {
        self.slot(session, SlotEventKind::StateChanged(SlotState::Idle(id(session))))
    }

    fn busy(&mut self, session: u8) {
        self.slot(
            session,
            SlotEventKind::StateChanged(SlotState::Busy { session: id(session), turn: "t".into() }),
        );
    }

    fn switched(&mut self, what: &'static str, from: u8, to: u8) -> Vec<Effect> {
        self.epoch += 1;
        let switched = CompletedSwitch {
            kind: what,
            method: SwitchMethod::InProcess,
            from: id(from),
            to: id(to),
            forked_from: None,
            duration: Duration::from_millis(2),
            pid: 4711,
            turns: 1,
            cwd: "/work".into(),
            transcript: "t".into(),
            repaired: None,
        };
        self.slot(to, SlotEventKind::Switched(switched))
    }

    /// A turn in the fresh session, so that it holds something.
    fn talked(&mut self, session: u8) {
        self.grow(session, "p", ConversationEvent::Prompt("hello".into()));
        let block = MessageBlock::Text("hi".into());
        self.grow(session, "r", ConversationEvent::Block { block, model: None, usage: None });
    }

    fn grow(&mut self, session: u8, uuid: &str, change: ConversationEvent) -> Vec<Effect> {
        self.slot(
            session,
            SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid: uuid.into(), change }),
        )
    }

    /// Presses keys by name, or characters one after the other; the last one's effects.
    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for key in keys.split(' ') {
            effects = self.does(Event::Key(key_event(key)));
        }
        effects
    }

    fn types(&mut self, text: &str) {
        for character in text.chars() {
            self.does(Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)));
        }
    }

    /// A turn runs, and Enter on another session asks when that is to have the seat.
    fn asks_when(&mut self) {
        self.busy(FRESH);
        self.now += Duration::from_secs(1);
        self.app.focus = Focus::Browser;
        self.app.browser.selected = Some(id(1));
        self.keys("enter");
        assert!(matches!(self.choice(), Some(Confirmation::SwitchWhileBusy(_))));
    }

    fn choice(&self) -> Option<&Confirmation> {
        match &self.app.overlay {
            Some(Overlay::Confirm(choice)) => Some(choice),
            _ => None,
        }
    }

    fn toast(&self) -> &str {
        self.app.toast.as_ref().map_or("", |toast| &toast.text)
    }

    fn asks(&mut self, request: &str) {
        let request = PermissionRequest::new(request, "Bash", serde_json::json!({"command": "ls"}));
        self.slot(FRESH, SlotEventKind::Agent(AgentEvent::PermissionRequested(request)));
    }

    /// A frame showed the request, and so many milliseconds went by.
    fn sees(&mut self, request: &str, milliseconds: i64) {
        let permission = Some(request.into());
        self.does(Event::FrameDrawn(Geometry { permission, permission_end: true, ..Geometry::default() }));
        self.now += chrono::TimeDelta::milliseconds(milliseconds);
    }

    fn reads(&mut self, session: u8, prompts: &[&str], whole: bool) {
        let mut conversation = Conversation::default();
        for prompt in prompts {
            conversation.apply(ConversationEvent::Prompt((*prompt).into()), prompt, None);
        }
        let opened =
            LoadedTranscript { conversation, title: None, whole, bytes: INITIAL_READ_BYTES, size: 10 };
        self.does(Event::TranscriptRead { session: id(session), read: Ok(opened) });
    }

    fn prompts(&self) -> Vec<&str> {
        let items = self.app.page().map(|page| page.conversation.items()).unwrap_or_default();
        let prompt = |item: &'_ crate::session::conversation::Item| matches!(item.kind, ItemKind::Prompt(_));
        items.iter().filter(|item| prompt(item)).map(|item| item.uuid.as_str()).collect()
    }
}

fn key_event(name: &str) -> KeyEvent {
    let (modifiers, code) = match name.split_once('-') {
        Some(("ctrl", key)) => (KeyModifiers::CONTROL, key),
        Some(("alt", key)) => (KeyModifiers::ALT, key),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match code {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "backspace" => KeyCode::Backspace,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "shift-tab" => KeyCode::BackTab,
        "f1" => KeyCode::F(1),
        key => {
            let mut characters = key.chars();
            let letter = characters.next().unwrap();
            assert_eq!(characters.next(), None, "“{key}” is no key");
            KeyCode::Char(letter)
        }
    };
    KeyEvent::new(code, modifiers)
}

fn resume(number: u8) -> Effect {
    Effect::Switch { switch: Switch::Resume(id(number)), interrupt: false }
}

fn submitted(effects: &[Effect]) -> Option<&str> {
    effects.iter().find_map(|effect| match effect {
        Effect::Submit { text, .. } => Some(text.as_str()),
        _ => None,
    })
}

mod asking;
mod calling;
mod caring;
mod finding;
mod looking;
mod switching;
mod talking;
mod trusting;
