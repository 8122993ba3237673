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

use super::active_session::ActiveSession;
use super::hook::Hooks;
use super::hook_dispatch::SessionStartHooks;
use super::host_client::HostClient;
use super::inbox::Inbox;
use super::mcp::McpServers;
use super::outbox::Outbox;
use super::permission::Permissions;
use super::provider::{Provider, Thinking};
use super::retry::RetryPolicy;
use super::settings_files::SettingsFiles;
use super::system_prompt::SystemPrompt;
use super::tool::{LiveOutput, ResultDir, ToolContext, Toolbox};
use super::transcript_entry::new_uuid;
use super::turn::{RunningTurn, StepEvent, UserPrompt};
use crate::protocol::{HostFrame, UserLine};
use crate::session::Prices;
use crate::store::SessionStore;

/// A host that has closed its end and reads nothing for this long has gone.
const UNREAD_TIMEOUT: Duration = Duration::from_millis(1500);
/// For a host that does not read what is still to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(400);

/// What stays as it is across switches.
pub struct RuntimeSettings {
    /// The model in use.
    pub model: String,
    /// Instructions for the model.
    pub system_prompt: SystemPrompt,
    /// How much the model shall think.
    pub thinking: Thinking,
    /// How its thinking is told.
    pub thinking_display: Option<String>,
    /// How hard it shall try.
    pub effort: Option<String>,
    /// When a provider is asked again.
    pub retries: RetryPolicy,
    /// Requests to the model in one turn, at most.
    pub max_requests: Option<u64>,
    /// US dollars that a session may cost.
    pub budget: Option<f64>,
    /// What models cost.
    pub prices: Prices,
    /// Pieces of a reply are sent as they are made.
    pub streams_partials: bool,
    /// Transcript entries are sent as they are written.
    pub mirrors_transcript: bool,
    /// The host is told when the state changes.
    pub reports_state: bool,
    /// Something may be written to disk.
    pub persists: bool,
    /// Where files are kept that tools change; none: nowhere.
    pub file_history: Option<PathBuf>,
    /// Runs what must not outlive us.
    pub guard: PathBuf,
}

/// What the process is doing, in the SDKs' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeState {
    /// Waiting for a prompt.
    Idle,
    /// A turn runs.
    Running,
    /// The host is asked for something.
    RequiresAction,
}

impl RuntimeState {
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
pub struct AgentRuntime {
    /// What stays as it is across switches.
    pub(super) settings: RuntimeSettings,
    /// Where sessions live.
    pub(super) store: Arc<dyn SessionStore>,
    /// Who replies.
    pub(super) provider: Box<dyn Provider>,
    /// What the model can use.
    pub(super) tools: Toolbox,
    /// Where more of what it can use comes from.
    pub(super) mcp: McpServers,
    /// What may run without asking.
    pub(super) permissions: Permissions,
    /// The settings files that count.
    pub(super) settings_files: SettingsFiles,
    /// Who is asked at certain moments.
    pub(super) hooks: Hooks,
    /// How the first session came to be, until its hooks were asked.
    pub(super) pending_start_source: Option<&'static str>,
    /// The hooks of the session's start, until its first turn.
    pub(super) start_hooks: Option<SessionStartHooks>,
    /// The session that has the seat.
    pub(super) session: ActiveSession,
    /// The way to the host.
    pub(super) out: Outbox,
    /// The host, as something to ask.
    pub(super) host: HostClient,
    /// Prompts that wait for the turns before them.
    pub(super) queue: VecDeque<UserPrompt>,
    /// The turn that runs.
    pub(super) turn: Option<RunningTurn>,
    /// What the process is doing, as the host was told.
    pub(super) state: RuntimeState,
    /// The host asked for the end.
    pub(super) end_requested: bool,
}

/// What the loop was woken by.
enum Wakeup {
    Frame(HostFrame),
    Step(StepEvent),
    /// An MCP server is another way than before.
    McpChanged,
    InputEnded,
    Stop,
}

impl AgentRuntime {
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
                () = &mut stop => Wakeup::Stop,
                () = out.host_gone() => Wakeup::Stop,
                frame = inbox.next(), if has_input => frame.map_or(Wakeup::InputEnded, Wakeup::Frame),
                () = out.unread_for(UNREAD_TIMEOUT), if !has_input => Wakeup::Stop,
                happened = next_step_event(turn, out), if turn.is_some() => Wakeup::Step(happened),
                () = mcp.changed(), if waits_for_servers => Wakeup::McpChanged,
            };
            match woken {
                Wakeup::Frame(frame) => self.handle_frame(frame),
                Wakeup::Step(happened) => self.handle_step_event(happened),
                Wakeup::McpChanged => {}
                Wakeup::InputEnded => {
                    has_input = false;
                    self.host.close();
                }
                Wakeup::Stop => break,
            }
            if !has_input {
                self.deny_unanswerable();
            }
            self.start_next_prompt();
            let is_done = !has_input && self.turn.is_none() && self.queue.is_empty();
            if self.end_requested || is_done {
                break;
            }
        }
        self.shut_down().await;
    }

    async fn shut_down(mut self) {
        self.queue.clear();
        self.interrupt();
        if let Err(error) = self.session.sync() {
            tracing::error!("the transcript's last lines may be lost: {error}");
        }
        self.run_final_hooks().await;
        let _flushed_or_late = tokio::time::timeout(FLUSH_TIMEOUT, self.out.flushed()).await;
    }

    fn handle_frame(&mut self, frame: HostFrame) {
        match frame {
            HostFrame::User(line) => self.enqueue(line),
            HostFrame::ControlRequest(envelope) => self.handle_request(envelope.request_id, envelope.request),
            HostFrame::ControlResponse { response } => {
                if let Some(response) = self.host.deliver(response) {
                    self.handle_permission_response(response);
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
        let uuid = stamp.clone().filter(|uuid| self.session.reserve_uuid(uuid)).unwrap_or_else(new_uuid);
        self.send_lifecycle(stamp.as_deref(), "queued");
        let wants_reply = line.should_query != Some(false);
        self.queue.push_back(UserPrompt { uuid, host_uuid: stamp, content, wants_reply });
    }

    /// Takes up prompts until one of them begins a turn.
    fn start_next_prompt(&mut self) {
        while self.turn.is_none()
            && !self.mcp.is_starting()
            && let Some(prompt) = self.queue.pop_front()
        {
            self.set_state(RuntimeState::Running);
            self.send_lifecycle(prompt.host_uuid.as_deref(), "started");
            self.start_prompt(prompt);
        }
        if self.turn.is_none() && self.queue.is_empty() {
            self.set_state(RuntimeState::Idle);
        }
    }

    /// Tells the host, where it wants to know, that the state is another one.
    pub(super) fn set_state(&mut self, state: RuntimeState) {
        if std::mem::replace(&mut self.state, state) != state && self.settings.reports_state {
            self.send_system("session_state_changed", json!({"state": state.wire_name()}));
        }
    }

    /// Where tools work now.
    pub(super) fn tool_context(&self) -> ToolContext {
        ToolContext {
            cwd: self.session.cwd.clone(),
            guard: self.settings.guard.clone(),
            read_files: self.session.read_files.clone(),
            todos: self.session.todos.clone(),
            result_dir: if self.settings.persists {
                ResultDir::for_transcript(self.session.path())
            } else {
                ResultDir::default()
            },
            hidden_files: self.permissions.unreadable_files(&self.session.cwd),
            live_output: LiveOutput::default(),
        }
    }

    /// Tokens that the model in use can read at once.
    pub(super) fn context_window(&self) -> u64 {
        // As the official CLI lets it be set, for models that nobody knows.
        let set =
            std::env::var("CLAUDE_CODE_AUTO_COMPACT_WINDOW").ok().and_then(|tokens| tokens.parse().ok());
        set.or_else(|| self.context_window_of(&self.settings.model)).unwrap_or(0)
    }

    /// Tokens that a model can read at once, as far as somebody knows.
    pub(super) fn context_window_of(&self, model: &str) -> Option<u64> {
        self.provider.context_window(model).or_else(|| self.settings.prices.window(model))
    }
}

/// The turn's next step, once the host keeps up with what was sent.
async fn next_step_event(turn: &mut Option<RunningTurn>, out: &Outbox) -> StepEvent {
    match turn {
        Some(turn) => {
            out.wait_for_room().await;
            turn.next_event().await
        }
        None => std::future::pending().await,
    }
}
