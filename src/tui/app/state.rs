//! What the program is at any moment.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use crossterm::event::KeyEvent;
use uuid::Uuid;

use super::agents::Offered;
use super::browser::Browser;
use super::composer::Composer;
use super::geometry::Geometry;
use super::intent::Intent;
use super::keymap::{Keymap, Place};
use super::overlay::Overlay;
use super::page::Page;
use super::setup::Setup;
use super::surroundings::Surroundings;
use super::undo::Undo;
use crate::index::Row;
use crate::protocol::PermissionMode;
use crate::session::conversation::Body;
use crate::session::{Prices, SessionId};
use crate::slot::{Agent, PermissionRequest, Retry, SlotState, Switched, Totals};
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
    pub agents: Vec<Offered>,
    /// The folder hotseat was started in.
    pub folder: String,
    /// Nothing is written to disk.
    pub ephemeral: bool,
    /// Text typed before it was known what there is to choose from; none after.
    pub typed_ahead: Option<Vec<KeyEvent>>,
    /// Where the keys go.
    pub focus: Focus,
    /// The list of sessions.
    pub browser: Browser,
    /// What lies around them.
    pub around: Surroundings,
    /// What models cost.
    pub prices: Prices,
    /// The prompt being written.
    pub composer: Composer,
    /// The process in the seat.
    pub seat: Seat,
    /// The session in the conversation pane; none: the one the agent will have.
    pub shown: Option<SessionId>,
    /// The conversations that were read, by session.
    pub pages: HashMap<SessionId, Page>,
    /// Those sessions, the one looked at last at the end.
    pub looked_at: Vec<SessionId>,
    /// Show when things were said and what turns cost.
    pub times: bool,
    /// Tools that wait for permission, the oldest first.
    pub permissions: VecDeque<Pending>,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// The line of news over the hints.
    pub toast: Option<Toast>,
    /// What `undo` takes back, the newest at the end.
    pub undo: Vec<Undo>,
    /// Sessions that may take the seat without a question: they had it, or the
    /// question was answered.
    pub agreed: HashSet<SessionId>,
    /// What waits for the slot to be idle.
    pub intent: Option<Intent>,
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
    pub stale: bool,
    /// Seconds since the start.
    pub(super) ticks: u64,
    /// The base of this run's prompt ids.
    pub(super) run: Uuid,
    /// How many prompts were given ids.
    pub(super) prompts: u128,
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
    pub fn place(self) -> Place {
        match self {
            Self::Browser => Place::Browser,
            Self::Conversation => Place::Conversation,
            Self::Composer => Place::Composer,
            Self::Permission => Place::Permission,
        }
    }
}

/// The process in the seat, as far as the slot told.
#[derive(Debug)]
pub struct Seat {
    /// What it is doing.
    pub state: SlotState,
    /// Since when.
    pub since: DateTime<Utc>,
    /// An agent with a terminal of its own was interrupted while a turn ran: it
    /// does not report whether that ended it.
    pub in_doubt: bool,
    /// What it said of itself; none before the handshake.
    pub agent: Option<Agent>,
    /// The agent's name until then.
    pub name: String,
    /// When another agent was asked to take the seat; none once it has it.
    pub called: Option<DateTime<Utc>>,
    /// The agent on offer that had the seat last and shares the official transcripts.
    pub sharing: Option<usize>,
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
    pub totals: Totals,
    /// The last switch.
    pub last_switch: Option<Switched>,
    /// The session that a second process is ready for.
    pub prepared: Option<SessionId>,
    /// The model did not answer and is asked again, told at this time.
    pub retry: Option<(Retry, DateTime<Utc>)>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
}

/// A tool that waits for permission.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// What wants to run.
    pub request: PermissionRequest,
    /// When a person could first see it; keys typed before that are not answers.
    pub seen: Option<DateTime<Utc>>,
}

/// A line of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// It is bad news.
    pub bad: bool,
    /// When it goes by itself.
    pub until: DateTime<Utc>,
}

/// How long a key must come after a permission request could be seen, to count
/// as its answer.
pub const HESITATION: Duration = Duration::from_millis(300);

impl App {
    /// The program at its start: nothing read, nothing warm.
    pub fn new(setup: Setup) -> Self {
        let browser = Browser::new(setup.all, setup.browser_width);
        let toast =
            setup.welcome.map(|text| Toast { text, bad: false, until: setup.now + Duration::from_secs(20) });
        let mut app = Self {
            now: setup.now,
            offset: setup.offset,
            size: (0, 0),
            keymap: setup.keymap,
            agents: setup.agents,
            folder: setup.folder,
            ephemeral: setup.ephemeral,
            typed_ahead: Some(Vec::new()),
            focus: Focus::Browser,
            browser,
            around: Surroundings::default(),
            prices: setup.prices,
            composer: Composer::new(setup.drafts, setup.history),
            seat: Seat {
                state: SlotState::Starting,
                since: setup.now,
                in_doubt: false,
                agent: None,
                name: setup.agent,
                called: None,
                sharing: None,
                terminal: setup.terminal,
                warm_since: None,
                active: None,
                folder: None,
                previous: None,
                epoch: 0,
                mode: setup.mode,
                totals: Totals::default(),
                last_switch: None,
                prepared: None,
                retry: None,
                memory: None,
            },
            shown: setup.resume,
            pages: HashMap::new(),
            looked_at: Vec::new(),
            times: setup.times,
            permissions: VecDeque::new(),
            overlay: None,
            toast,
            undo: Vec::new(),
            agreed: HashSet::new(),
            intent: None,
            geometry: Geometry::default(),
            dragging: false,
            quit_armed: None,
            resume_newest: setup.resume_newest,
            closing: false,
            stale: true,
            ticks: 0,
            run: setup.run,
            prompts: 0,
        };
        app.browser.selected = setup.resume;
        app.arrange();
        app
    }

    /// The time now, where the person is.
    pub fn local_now(&self) -> DateTime<FixedOffset> {
        self.now.with_timezone(&self.offset)
    }

    /// The page in the conversation pane.
    pub fn page(&self) -> Option<&Page> {
        self.pages.get(&self.shown?)
    }

    /// The page in the conversation pane, to be changed.
    pub(super) fn page_mut(&mut self) -> Option<&mut Page> {
        self.pages.get_mut(&self.shown?)
    }

    /// The session shown is the one in the seat.
    pub fn shows_active(&self) -> bool {
        self.shown == self.seat.active
    }

    /// The agent's terminal is what the conversation pane shows: of another
    /// session, and once the agent is gone, its transcript.
    pub fn shows_terminal(&self) -> bool {
        let shown = self.shown.is_none() || self.shows_active() || self.seat.active.is_none();
        self.seat.terminal && shown && !matches!(self.seat.state, SlotState::Exited(_))
    }

    /// Keys are the agent's.
    pub fn in_terminal(&self) -> bool {
        self.shows_terminal() && self.overlay.is_none() && self.focus != Focus::Browser
    }

    /// The process of somebody else that has a session open: neither the slot's
    /// own nor the one it keeps ready.
    pub fn open_elsewhere<'a>(&self, row: &'a Row) -> Option<&'a Holder> {
        let ours = [self.seat.active, self.seat.prepared].contains(&Some(row.stored.id));
        row.open_in.as_ref().filter(|_| !ours)
    }

    /// A turn runs, and not one that the agent is about to be taken from.
    pub fn is_busy(&self) -> bool {
        matches!(self.seat.state, SlotState::Busy { .. }) && self.seat.called.is_none()
    }

    /// The agent does something else than a moment ago: a key may be meant for that.
    pub(super) fn is_new_state(&self) -> bool {
        self.now - self.seat.since < chrono::TimeDelta::milliseconds(HESITATION.as_millis() as i64)
    }

    /// A session's id, as short as tells it from all that are listed: what the
    /// command line takes. Where that would be long, both its ends.
    pub fn short(&self, id: SessionId) -> String {
        let beginning = id.beginning(self.browser.rows.iter().map(|row| row.stored.id));
        if beginning.len() <= 13 { beginning } else { id.short() }
    }

    /// The title of a session, as the list has it.
    pub fn title(&self, id: SessionId) -> Option<&str> {
        self.browser.row(id).map(|row| row.facts.title_text())
    }

    /// What is known of a session, from the list or from the jump.
    pub fn row(&self, id: SessionId) -> Option<&Row> {
        let jumped = || match &self.overlay {
            Some(Overlay::Jump(jump)) => jump.rows.iter().find(|row| row.stored.id == id),
            _ => None,
        };
        self.browser.row(id).or_else(jumped)
    }

    /// What to call a session, listed here or not: one of another folder is
    /// known by the jump that found it, or else by what was said first.
    pub fn name(&self, id: Option<SessionId>) -> &str {
        let said = |id| {
            let items = self.pages.get(&id)?.conversation.items();
            items.iter().find_map(|item| match &item.body {
                Body::Prompt(text) => text.lines().find(|line| !line.trim().is_empty()),
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
    pub fn answerable(&self) -> Option<&Pending> {
        let first = self.permissions.front()?;
        let seen = first.seen?;
        (self.now - seen >= chrono::TimeDelta::milliseconds(HESITATION.as_millis() as i64)).then_some(first)
    }

    /// Makes the browser's list anew.
    pub(super) fn arrange(&mut self) {
        let new_in_seat = self.seat.active.is_none_or(|active| self.browser.row(active).is_none());
        // The cursor was on the new session, and that has a row of its own now.
        if self.browser.selected.is_none() && !new_in_seat {
            self.browser.selected = self.seat.active;
        }
        self.browser.arrange(self.now, self.offset, new_in_seat);
    }

    /// Puts the sessions that hold nothing among the others, or aside.
    pub(super) fn sort_out_empty(&mut self) {
        let active = self.seat.active;
        self.browser.sort_out_empty(active);
    }

    /// Says something in the line of news.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: false, until: self.now + Duration::from_secs(6) });
    }

    /// Says that something failed.
    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: true, until: self.now + Duration::from_secs(12) });
    }

    /// An id for the next prompt, different in every run.
    pub(super) fn next_prompt_id(&mut self) -> String {
        self.prompts += 1;
        let bits = self.run.as_u128().wrapping_add(self.prompts);
        uuid::Builder::from_u128(bits).with_version(uuid::Version::Random).into_uuid().to_string()
    }
}
