//! The warm process: one task that owns all state, and the loop that feeds it.
//!
//! Owns the order in which things happen. Requests are served while a turn
//! runs; prompts queue up. Nothing else holds any of this state, so nothing is
//! locked.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::active::ActiveSession;
use super::hook::Hooks;
use super::hooking::Starting;
use super::host::Host;
use super::inbox::Inbox;
use super::instructions::Instructions;
use super::mcp::Servers;
use super::outbox::Outbox;
use super::permission::Permissions;
use super::provider::{Provider, Thinking};
use super::record::new_uuid;
use super::retry::Retries;
use super::settings_files::SettingsFiles;
use super::tool::{Place, Side, SoFar, Toolbox};
use super::turn::{Happened, Prompt, Turn};
use crate::protocol::{HostFrame, UserLine};
use crate::session::Prices;
use crate::store::SessionStore;

/// A host that has closed its end and reads nothing for this long has gone.
const GONE: Duration = Duration::from_millis(1500);
/// For a host that does not read what is still to be written.
const LAST_FRAMES: Duration = Duration::from_millis(400);

/// What stays as it is across switches.
pub struct Settings {
    /// The model in use.
    pub model: String,
    /// Instructions for the model.
    pub instructions: Instructions,
    /// How much the model shall think.
    pub thinking: Thinking,
    /// How its thinking is told.
    pub thinking_display: Option<String>,
    /// How hard it shall try.
    pub effort: Option<String>,
    /// When a provider is asked again.
    pub retries: Retries,
    /// Requests to the model in one turn, at most.
    pub max_requests: Option<u64>,
    /// US dollars that a session may cost.
    pub budget: Option<f64>,
    /// What models cost.
    pub prices: Prices,
    /// Pieces of a reply are sent as they are made.
    pub sends_pieces: bool,
    /// Transcript entries are sent as they are written.
    pub mirrors: bool,
    /// The host is told when the state changes.
    pub tells_state: bool,
    /// Something may be written to disk.
    pub persists: bool,
    /// Where files are kept that tools change; none: nowhere.
    pub file_history: Option<PathBuf>,
    /// Runs what must not outlive us.
    pub guard: PathBuf,
}

/// What the process is doing, in the SDKs' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waiting for a prompt.
    Idle,
    /// A turn runs.
    Running,
    /// The host is asked for something.
    RequiresAction,
}

impl State {
    /// Its name on the wire.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::RequiresAction => "requires_action",
        }
    }
}

/// The process and all it knows.
pub struct Process {
    /// What stays as it is across switches.
    pub(super) settings: Settings,
    /// Where sessions live.
    pub(super) store: Arc<dyn SessionStore>,
    /// Who replies.
    pub(super) provider: Box<dyn Provider>,
    /// What the model can use.
    pub(super) tools: Toolbox,
    /// Where more of what it can use comes from.
    pub(super) mcp: Servers,
    /// What may run without asking.
    pub(super) permissions: Permissions,
    /// The settings files that count.
    pub(super) settings_files: SettingsFiles,
    /// Who is asked at certain moments.
    pub(super) hooks: Hooks,
    /// How the first session came to be, until its hooks were asked.
    pub(super) starts_by: Option<&'static str>,
    /// The hooks of the session's start, until its first turn.
    pub(super) starting: Option<Starting>,
    /// The session that has the seat.
    pub(super) session: ActiveSession,
    /// The way to the host.
    pub(super) out: Outbox,
    /// The host, as something to ask.
    pub(super) host: Host,
    /// Prompts that wait for the turns before them.
    pub(super) queue: VecDeque<Prompt>,
    /// The turn that runs.
    pub(super) turn: Option<Turn>,
    /// What the process is doing, as the host was told.
    pub(super) state: State,
    /// The host asked for the end.
    pub(super) ends: bool,
}

/// What the loop was woken by.
enum Woken {
    Frame(HostFrame),
    Turn(Happened),
    /// An MCP server is another way than before.
    Servers,
    InputEnded,
    Stop,
}

impl Process {
    /// Serves the host until it closes its end or `stop` says so. After the end
    /// of its input, what it asked for is still done, for as long as somebody
    /// reads the answer; at any other end a turn that runs is recorded as
    /// interrupted.
    pub async fn run(mut self, mut inbox: Inbox, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut has_input = true;
        loop {
            let waits_for_servers = self.turn.is_none() && !self.queue.is_empty();
            let Self { turn, out, mcp, .. } = &mut self;
            let woken = tokio::select! {
                biased;
                () = &mut stop => Woken::Stop,
                () = out.gone() => Woken::Stop,
                frame = inbox.next(), if has_input => frame.map_or(Woken::InputEnded, Woken::Frame),
                () = out.unread_for(GONE), if !has_input => Woken::Stop,
                happened = next(turn, out), if turn.is_some() => Woken::Turn(happened),
                () = mcp.changed(), if waits_for_servers => Woken::Servers,
            };
            match woken {
                Woken::Frame(frame) => self.take(frame),
                Woken::Turn(happened) => self.advance(happened),
                Woken::Servers => {}
                Woken::InputEnded => {
                    has_input = false;
                    self.host.ended();
                }
                Woken::Stop => break,
            }
            if !has_input {
                self.nobody_permits();
            }
            self.start_next();
            let is_done = !has_input && self.turn.is_none() && self.queue.is_empty();
            if self.ends || is_done {
                break;
            }
        }
        self.end().await;
    }

    async fn end(mut self) {
        self.queue.clear();
        self.interrupt();
        if let Err(error) = self.session.sync() {
            tracing::error!("the transcript's last lines may be lost: {error}");
        }
        self.last_session_ends().await;
        let _flushed_or_late = tokio::time::timeout(LAST_FRAMES, self.out.flushed()).await;
    }

    fn take(&mut self, frame: HostFrame) {
        match frame {
            HostFrame::User(line) => self.enqueue(line),
            HostFrame::ControlRequest(envelope) => self.serve(envelope.request_id, envelope.request),
            HostFrame::ControlResponse { response } => {
                if let Some(response) = self.host.answered(response) {
                    self.permission_answered(response);
                }
            }
            HostFrame::ControlCancelRequest { request_id } => {
                // Requests are answered at once, so there is none to drop.
                tracing::debug!("nothing to cancel for {request_id:?}");
            }
            HostFrame::KeepAlive => {}
            HostFrame::Unknown(frame) => {
                tracing::warn!("passed over a frame of the unknown type {}", frame["type"]);
            }
        }
    }

    fn enqueue(&mut self, line: UserLine) {
        let content = line.message["content"].clone();
        if !content.is_string() && !content.is_array() {
            tracing::warn!("passed over a user line without content");
            return;
        }
        let stamp = line.uuid.filter(|uuid| !uuid.is_empty());
        let uuid = stamp.clone().filter(|uuid| self.session.claim(uuid)).unwrap_or_else(new_uuid);
        self.send_lifecycle(stamp.as_deref(), "queued");
        let wants_reply = line.should_query != Some(false);
        self.queue.push_back(Prompt { uuid, stamp, content, wants_reply });
    }

    /// Takes up prompts until one of them begins a turn.
    fn start_next(&mut self) {
        while self.turn.is_none()
            && !self.mcp.is_settling()
            && let Some(prompt) = self.queue.pop_front()
        {
            self.enter(State::Running);
            self.send_lifecycle(prompt.stamp.as_deref(), "started");
            self.take_up(prompt);
        }
        if self.turn.is_none() && self.queue.is_empty() {
            self.enter(State::Idle);
        }
    }

    /// Tells the host, where it wants to know, that the state is another one.
    pub(super) fn enter(&mut self, state: State) {
        if std::mem::replace(&mut self.state, state) != state && self.settings.tells_state {
            self.send_system("session_state_changed", json!({"state": state.wire_name()}));
        }
    }

    /// Where tools work now.
    pub(super) fn place(&self) -> Place {
        Place {
            cwd: self.session.cwd.clone(),
            guard: self.settings.guard.clone(),
            seen: self.session.seen.clone(),
            todos: self.session.todos.clone(),
            side: if self.settings.persists { Side::of(self.session.path()) } else { Side::default() },
            hidden: self.permissions.hidden(&self.session.cwd),
            so_far: SoFar::default(),
        }
    }

    /// Tokens that the model in use can read at once.
    pub(super) fn context_window(&self) -> u64 {
        // As the official CLI lets it be set, for models that nobody knows.
        let set =
            std::env::var("CLAUDE_CODE_AUTO_COMPACT_WINDOW").ok().and_then(|tokens| tokens.parse().ok());
        set.or_else(|| self.window_of(&self.settings.model)).unwrap_or(0)
    }

    /// Tokens that a model can read at once, as far as somebody knows.
    pub(super) fn window_of(&self, model: &str) -> Option<u64> {
        self.provider.context_window(model).or_else(|| self.settings.prices.window(model))
    }
}

/// The turn's next step, once the host keeps up with what was sent.
async fn next(turn: &mut Option<Turn>, out: &Outbox) -> Happened {
    match turn {
        Some(turn) => {
            out.room().await;
            turn.next().await
        }
        None => std::future::pending().await,
    }
}
