//! The whole state of the screen.
//!
//! Owns [`App`] and the questions that the view and `update` both ask of it. No
//! I/O and no clock: [`App::now`] is the time of the last event. Only
//! `update` changes it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use uuid::Uuid;

use super::agent_status::AgentStatus;
use super::agents::AgentOffer;
use super::browser::Browser;
use super::composer::Composer;
use super::conversation_page::ConversationPage;
use super::deferred::Deferred;
use super::environment::SessionEnvironment;
use super::geometry::Geometry;
use super::keymap::{KeyContext, Keymap};
use super::overlay::Overlay;
use super::permission_card::PermissionCard;
use super::setup::AppSetup;
use super::trust::{FolderUse, PendingStart};
use super::undo::Undo;
use crate::index::SessionRow;
use crate::protocol::PermissionMode;
use crate::session::conversation::ItemKind;
use crate::session::{Prices, SessionId};
use crate::slot::{SlotState, SlotTotals};
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
    /// The key bindings.
    pub keymap: Keymap,
    /// The agents to choose from.
    pub agents: Vec<AgentOffer>,
    /// The folder hotseat was started in.
    pub folder: String,
    /// Nothing is written to disk.
    pub ephemeral: bool,
    /// Where the keys go.
    pub focus: Focus,
    /// The list of sessions.
    pub browser: Browser,
    /// What is known about sessions besides their transcripts.
    pub environment: SessionEnvironment,
    /// What models cost.
    pub prices: Prices,
    /// The prompt being written.
    pub composer: Composer,
    /// The agent process.
    pub agent: AgentStatus,
    /// The session in the conversation pane; `None` until the agent names its first
    /// one.
    pub shown: Option<SessionId>,
    /// Loaded conversations, by session.
    pub pages: HashMap<SessionId, ConversationPage>,
    /// The keys of `pages`, least recently shown first.
    pub recently_shown: Vec<SessionId>,
    /// Show or hide times and costs of turns.
    pub show_timestamps: bool,
    /// Tools that wait for permission, the oldest first.
    pub permissions: VecDeque<PermissionCard>,
    /// The open dialog.
    pub overlay: Option<Overlay>,
    /// The message above the hint line.
    pub toast: Option<Toast>,
    /// What undo reverts, the newest last.
    pub undo: Vec<Undo>,
    /// Sessions that are resumed without a question: they were active before, or
    /// the question was answered.
    pub confirmed: HashSet<SessionId>,
    /// Sessions with unreadable lines that are resumed without a question.
    pub damage_accepted: HashSet<SessionId>,
    /// Other folders than the opened one that a person agreed to work in.
    pub confirmed_folders: HashSet<PathBuf>,
    /// Folders whose own settings do not count: no person trusts them.
    pub restricted_folders: HashSet<PathBuf>,
    /// The session whose folder the shell is looking up, and what for. Only this
    /// answer counts.
    pub resolving: Option<(SessionId, FolderUse)>,
    /// The first process, while questions keep it from being started.
    pub pending_start: Option<PendingStart>,
    /// A switch or prompt that waits for the slot to be idle.
    pub deferred: Option<Deferred>,
    /// Where the last frame drew what.
    pub geometry: Geometry,
    /// The divider is being dragged.
    pub dragging: bool,
    /// When Ctrl-C was pressed with nothing to stop: pressed again soon, it quits.
    pub quit_armed: Option<DateTime<Utc>>,
    /// Resume the newest session as soon as the list is read (`--continue`).
    pub resume_newest: bool,
    /// The agent is being closed, then hotseat ends.
    pub closing: bool,
    /// The state changed since the last frame.
    pub needs_redraw: bool,
    /// Seconds since the start.
    pub(super) ticks: u64,
    /// Random base of this run's prompt ids.
    pub(super) run_id: Uuid,
    /// Prompt ids given out so far.
    pub(super) prompt_count: u128,
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list of sessions.
    Browser,
    Conversation,
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

/// A short message over the hint line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// It reports a failure.
    pub is_error: bool,
    /// When it disappears.
    pub until: DateTime<Utc>,
}

/// How long a key must come after a permission request could be seen, to count
/// as its answer.
pub const ANSWER_DELAY: Duration = Duration::from_millis(300);

impl App {
    /// The initial state: nothing listed, no agent ready.
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
            focus: Focus::Composer,
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
                ignores_project_settings: setup.ignores_project_settings,
                terminal: setup.terminal,
                warm_since: None,
                active: None,
                folder: None,
                previous: None,
                epoch: 0,
                mode: setup.mode,
                refused_modes: Vec::new(),
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
            damage_accepted: HashSet::new(),
            confirmed_folders: HashSet::new(),
            restricted_folders: HashSet::new(),
            resolving: None,
            pending_start: Some(PendingStart {
                resume: setup.resume,
                elsewhere: setup.resume_elsewhere,
                // An agent in a terminal of its own asks there.
                asks_for_trust: !setup.is_trusted && !setup.terminal,
            }),
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

    /// The session shown is the active one.
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
    /// named by the jump that found it, or else by its first prompt.
    pub fn display_name(&self, id: Option<SessionId>) -> &str {
        let said = |id| {
            let items = self.pages.get(&id)?.conversation.items();
            items.iter().find_map(|item| match &item.kind {
                ItemKind::Prompt(text) => text.lines().find(|line| !line.trim().is_empty()),
                _ => None,
            })
        };
        let listed = |id| self.row(id).map(|row| row.facts.title_text());
        let titled = |id| self.pages.get(&id)?.title.as_deref();
        id.and_then(|id| listed(id).or_else(|| titled(id)).or_else(|| said(id))).unwrap_or("New session")
    }

    /// A character that is typed is text for the composer, and nothing else.
    pub fn is_writing(&self) -> bool {
        self.focus == Focus::Composer && self.overlay.is_none() && !self.in_terminal()
    }

    /// Everything runs without a question: it is shown as a warning.
    pub fn allows_everything(&self) -> bool {
        self.agent.mode == PermissionMode::BypassPermissions
    }

    /// The terminal is too narrow for a pane beside the conversation: the
    /// browser is laid over it.
    pub fn is_narrow(&self) -> bool {
        self.size.0 < 78
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

    /// Rebuilds the browser's list.
    pub(super) fn rebuild_browser(&mut self) {
        let active_is_new = self.agent.active.is_none_or(|active| self.browser.row(active).is_none());
        // The cursor was on the new session, and that has a row of its own now.
        if self.browser.selected.is_none() && !active_is_new {
            self.browser.selected = self.agent.active;
        }
        self.browser.rebuild(self.now, self.offset, active_is_new);
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
