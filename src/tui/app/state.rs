//! What the program is at any moment.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use crossterm::event::KeyEvent;
use uuid::Uuid;

use super::agents::AgentOffer;
use super::browser::Browser;
use super::composer::Composer;
use super::conversation_page::ConversationPage;
use super::deferred::Deferred;
use super::environment::SessionEnvironment;
use super::geometry::Geometry;
use super::keymap::{KeyContext, Keymap};
use super::overlay::Overlay;
use super::setup::AppSetup;
use super::undo::Undo;
use crate::index::SessionRow;
use crate::protocol::PermissionMode;
use crate::session::conversation::ItemKind;
use crate::session::{Prices, SessionId};
use crate::slot::{AgentInfo, CompletedSwitch, ModelRetry, PermissionRequest, SlotState, SlotTotals};
use crate::store::Holder;

/// The whole state. Only [`update`](super::update) changes it, only the view reads it.
#[derive(Debug)]
pub struct App {
    /// When the last event happened.
    pub now: DateTime<Utc>,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// The keys.
    pub keymap: Keymap,
    /// The agents that can take the seat.
    pub agents: Vec<AgentOffer>,
    /// The folder hotseat was started in.
    pub folder: String,
    /// Nothing is written to disk.
    pub ephemeral: bool,
    /// Text typed before it was known what there is to choose from; none after.
    pub buffered_keys: Option<Vec<KeyEvent>>,
    /// Where the keys go.
    pub focus: Focus,
    /// The list of sessions.
    pub browser: Browser,
    /// What lies around them.
    pub environment: SessionEnvironment,
    /// What models cost.
    pub prices: Prices,
    /// The prompt being written.
    pub composer: Composer,
    /// The process in the seat.
    pub agent: AgentStatus,
    /// The session in the conversation pane; none: the one the agent will have.
    pub shown: Option<SessionId>,
    /// The conversations that were read, by session.
    pub pages: HashMap<SessionId, ConversationPage>,
    /// Those sessions, the one looked at last at the end.
    pub recently_shown: Vec<SessionId>,
    /// Show when things were said and what turns cost.
    pub show_timestamps: bool,
    /// Tools that wait for permission, the oldest first.
    pub permissions: VecDeque<PermissionCard>,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// The line of news over the hints.
    pub toast: Option<Toast>,
    /// What `undo` takes back, the newest at the end.
    pub undo: Vec<Undo>,
    /// Sessions that may take the seat without a question: they had it, or the
    /// question was answered.
    pub confirmed: HashSet<SessionId>,
    /// What waits for the slot to be idle.
    pub deferred: Option<Deferred>,
    /// What the last frame showed where.
    pub geometry: Geometry,
    /// The divider is being dragged.
    pub dragging: bool,
    /// When Ctrl-C was pressed with nothing to stop.
    pub quit_armed: Option<DateTime<Utc>>,
    /// The newest session takes the seat as soon as the list is read.
    pub resume_newest: bool,
    /// hotseat is ending.
    pub closing: bool,
    /// What is on the screen is not the state any more.
    pub needs_redraw: bool,
    /// Seconds since the start.
    pub(super) ticks: u64,
    /// The base of this run's prompt ids.
    pub(super) run_id: Uuid,
    /// How many prompts were given ids.
    pub(super) prompt_count: u128,
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list of sessions.
    Browser,
    /// The conversation.
    Conversation,
    /// The composer.
    Composer,
    /// The permission request.
    Permission,
}

impl Focus {
    /// The part of the keymap that counts.
    pub fn key_context(self) -> KeyContext {
        match self {
            Self::Browser => KeyContext::Browser,
            Self::Conversation => KeyContext::Conversation,
            Self::Composer => KeyContext::Composer,
            Self::Permission => KeyContext::Permission,
        }
    }
}

/// The process in the seat, as far as the slot told.
#[derive(Debug)]
pub struct AgentStatus {
    /// What it is doing.
    pub state: SlotState,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// An agent with a terminal of its own was interrupted while a turn ran: it
    /// does not report whether that ended it.
    pub interrupt_unconfirmed: bool,
    /// What it said of itself; none before the handshake.
    pub info: Option<AgentInfo>,
    /// The agent's name until then.
    pub name: String,
    /// When another agent was asked to take the seat; none once it has it.
    pub replacing_since: Option<DateTime<Utc>>,
    /// The agent on offer that had the seat last and shares the official transcripts.
    pub last_official: Option<usize>,
    /// It has a terminal of its own, which is shown in place of a conversation.
    pub terminal: bool,
    /// When the handshake was through: what "uptime" counts from.
    pub warm_since: Option<DateTime<Utc>>,
    /// The session in the seat.
    pub active: Option<SessionId>,
    /// The folder the agent works in, once it said so.
    pub folder: Option<PathBuf>,
    /// The one that had it before.
    pub previous: Option<SessionId>,
    /// The epoch of the last news; older news is stale.
    pub epoch: u64,
    /// What may run without asking.
    pub mode: PermissionMode,
    /// What the session used so far.
    pub totals: SlotTotals,
    /// The last switch.
    pub last_switch: Option<CompletedSwitch>,
    /// The session that a second process is ready for.
    pub prepared: Option<SessionId>,
    /// The model did not answer and is asked again, told at this time.
    pub retry: Option<(ModelRetry, DateTime<Utc>)>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
}

/// A tool that waits for permission.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionCard {
    /// What wants to run.
    pub request: PermissionRequest,
    /// When a person could first see it; keys typed before that are not answers.
    pub first_seen: Option<DateTime<Utc>>,
}

/// A line of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// It is bad news.
    pub is_error: bool,
    /// When it goes by itself.
    pub until: DateTime<Utc>,
}

/// How long a key must come after a permission request could be seen, to count
/// as its answer.
pub const ANSWER_DELAY: Duration = Duration::from_millis(300);

impl App {
    /// The program at its start: nothing read, nothing warm.
    pub fn new(setup: AppSetup) -> Self {
        let browser = Browser::new(setup.all, setup.browser_width);
        let toast = setup.welcome.map(|text| Toast {
            text,
            is_error: false,
            until: setup.now + Duration::from_secs(20),
        });
        let mut app = Self {
            now: setup.now,
            offset: setup.offset,
            size: (0, 0),
            keymap: setup.keymap,
            agents: setup.agents,
            folder: setup.folder,
            ephemeral: setup.ephemeral,
            buffered_keys: Some(Vec::new()),
            focus: Focus::Browser,
            browser,
            environment: SessionEnvironment::default(),
            prices: setup.prices,
            composer: Composer::new(setup.drafts, setup.history),
            agent: AgentStatus {
                state: SlotState::Starting,
                state_since: setup.now,
                interrupt_unconfirmed: false,
                info: None,
                name: setup.agent,
                replacing_since: None,
                last_official: None,
                terminal: setup.terminal,
                warm_since: None,
                active: None,
                folder: None,
                previous: None,
                epoch: 0,
                mode: setup.mode,
                totals: SlotTotals::default(),
                last_switch: None,
                prepared: None,
                retry: None,
                memory: None,
            },
            shown: setup.resume,
            pages: HashMap::new(),
            recently_shown: Vec::new(),
            show_timestamps: setup.show_timestamps,
            permissions: VecDeque::new(),
            overlay: None,
            toast,
            undo: Vec::new(),
            confirmed: HashSet::new(),
            deferred: None,
            geometry: Geometry::default(),
            dragging: false,
            quit_armed: None,
            resume_newest: setup.resume_newest,
            closing: false,
            needs_redraw: true,
            ticks: 0,
            run_id: setup.run_id,
            prompt_count: 0,
        };
        app.browser.selected = setup.resume;
        app.rebuild_browser();
        app
    }

    /// The time now, where the person is.
    pub fn local_now(&self) -> DateTime<FixedOffset> {
        self.now.with_timezone(&self.offset)
    }

    /// The page in the conversation pane.
    pub fn page(&self) -> Option<&ConversationPage> {
        self.pages.get(&self.shown?)
    }

    /// The page in the conversation pane, to be changed.
    pub(super) fn page_mut(&mut self) -> Option<&mut ConversationPage> {
        self.pages.get_mut(&self.shown?)
    }

    /// The session shown is the one in the seat.
    pub fn shows_active(&self) -> bool {
        self.shown == self.agent.active
    }

    /// The agent's terminal is what the conversation pane shows: of another
    /// session, and once the agent is gone, its transcript.
    pub fn shows_terminal(&self) -> bool {
        let shown = self.shown.is_none() || self.shows_active() || self.agent.active.is_none();
        self.agent.terminal && shown && !matches!(self.agent.state, SlotState::Exited(_))
    }

    /// Keys are the agent's.
    pub fn in_terminal(&self) -> bool {
        self.shows_terminal() && self.overlay.is_none() && self.focus != Focus::Browser
    }

    /// The process of somebody else that has a session open: neither the slot's
    /// own nor the one it keeps ready.
    pub fn open_elsewhere<'a>(&self, row: &'a SessionRow) -> Option<&'a Holder> {
        let ours = [self.agent.active, self.agent.prepared].contains(&Some(row.stored.id));
        row.holder.as_ref().filter(|_| !ours)
    }

    /// A turn runs, and not one that the agent is about to be taken from.
    pub fn is_busy(&self) -> bool {
        matches!(self.agent.state, SlotState::Busy { .. }) && self.agent.replacing_since.is_none()
    }

    /// The agent does something else than a moment ago: a key may be meant for that.
    pub(super) fn is_new_state(&self) -> bool {
        self.now - self.agent.state_since < chrono::TimeDelta::milliseconds(ANSWER_DELAY.as_millis() as i64)
    }

    /// A session's id, as short as tells it from all that are listed: what the
    /// command line takes. Where that would be long, both its ends.
    pub fn short_id(&self, id: SessionId) -> String {
        let beginning = id.short_prefix(self.browser.rows.iter().map(|row| row.stored.id));
        if beginning.len() <= 13 { beginning } else { id.abbreviated() }
    }

    /// The title of a session, as the list has it.
    pub fn title(&self, id: SessionId) -> Option<&str> {
        self.browser.row(id).map(|row| row.facts.title_text())
    }

    /// What is known of a session, from the list or from the jump.
    pub fn row(&self, id: SessionId) -> Option<&SessionRow> {
        let jumped = || match &self.overlay {
            Some(Overlay::Jump(jump)) => jump.rows.iter().find(|row| row.stored.id == id),
            _ => None,
        };
        self.browser.row(id).or_else(jumped)
    }

    /// What to call a session, listed here or not: one of another folder is
    /// known by the jump that found it, or else by what was said first.
    pub fn display_name(&self, id: Option<SessionId>) -> &str {
        let said = |id| {
            let items = self.pages.get(&id)?.conversation.items();
            items.iter().find_map(|item| match &item.kind {
                ItemKind::Prompt(text) => text.lines().find(|line| !line.trim().is_empty()),
                _ => None,
            })
        };
        let listed = |id| self.row(id).map(|row| row.facts.title_text());
        id.and_then(|id| listed(id).or_else(|| said(id))).unwrap_or("New session")
    }

    /// The terminal is too narrow for a pane beside the conversation: the
    /// browser is laid over it.
    pub fn is_narrow(&self) -> bool {
        self.size.0 < 90
    }

    /// The browser can be seen.
    pub fn shows_browser(&self) -> bool {
        if self.is_narrow() { self.focus == Focus::Browser } else { !self.browser.hidden }
    }

    /// The permission request that comes first, if the keys may answer it now.
    pub fn answerable(&self) -> Option<&PermissionCard> {
        let first = self.permissions.front()?;
        let seen = first.first_seen?;
        (self.now - seen >= chrono::TimeDelta::milliseconds(ANSWER_DELAY.as_millis() as i64)).then_some(first)
    }

    /// Makes the browser's list anew.
    pub(super) fn rebuild_browser(&mut self) {
        let new_in_seat = self.agent.active.is_none_or(|active| self.browser.row(active).is_none());
        // The cursor was on the new session, and that has a row of its own now.
        if self.browser.selected.is_none() && !new_in_seat {
            self.browser.selected = self.agent.active;
        }
        self.browser.rebuild(self.now, self.offset, new_in_seat);
    }

    /// Puts the sessions that hold nothing among the others, or aside.
    pub(super) fn partition_empty(&mut self) {
        let active = self.agent.active;
        self.browser.partition_empty(active);
    }

    /// Says something in the line of news.
    pub(super) fn toast(&mut self, text: impl Into<String>) {
        self.toast =
            Some(Toast { text: text.into(), is_error: false, until: self.now + Duration::from_secs(6) });
    }

    /// Says that something failed.
    pub(super) fn toast_error(&mut self, text: impl Into<String>) {
        self.toast =
            Some(Toast { text: text.into(), is_error: true, until: self.now + Duration::from_secs(12) });
    }

    /// An id for the next prompt, different in every run.
    pub(super) fn next_prompt_id(&mut self) -> String {
        self.prompt_count += 1;
        let bits = self.run_id.as_u128().wrapping_add(self.prompt_count);
        uuid::Builder::from_u128(bits).with_version(uuid::Version::Random).into_uuid().to_string()
    }
}
