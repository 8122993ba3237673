//! The warm process: one task that owns all state, and the loop that feeds it.
//!
//! Owns the order in which things happen: control requests are served while a turn
//! runs, prompts queue up behind it. Nothing else holds any of this state, so
//! nothing is locked. Must never wait inside the loop: what takes time is a step of
//! a turn.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::active_session::ActiveSession;
use super::hook::Hooks;
use super::hook_dispatch::SessionStartHooks;
use super::host_client::HostClient;
use super::host_sessions::HostSessions;
use super::inbox::{HostInput, Inbox};
use super::mcp::McpServers;
use super::other_writer::IDLE_CHECK;
use super::outbox::Outbox;
use super::permission::Permissions;
use super::permission_requests::PermissionPrompt;
use super::provider::{Provider, Thinking};
use super::recorded_settings::PinnedSettings;
use super::retry::RetryPolicy;
use super::settings_files::SettingsFiles;
use super::system_prompt::SystemPrompt;
use super::tool::{LiveOutput, ResultDir, ToolContext, Toolbox};
use super::transcript_entry::new_uuid;
use super::turn::{PromptPriority, RunningTurn, StepEvent, UserPrompt};
use crate::protocol::{HostFrame, MAX_LINE_BYTES, PermissionMode, UserLine};
use crate::session::Prices;
use crate::store::SessionStore;

/// How long a host that closed its end may leave our output unread before we take it for gone.
const UNREAD_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long the end waits for the last frames to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(400);
/// How long MCP servers may take to end by themselves at our end.
const MCP_CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Settings that outlive a session. A resumed one brings its model and its effort
/// along where these are not pinned.
pub struct RuntimeSettings {
    /// The model in use.
    pub model: String,
    pub system_prompt: SystemPrompt,
    /// How much the model thinks before it answers.
    pub thinking: Thinking,
    /// How thinking is reported: `summarized` or `omitted`; `None` for the model's default.
    pub thinking_display: Option<String>,
    /// Effort: `low`, `medium`, `high`, …; `None` for the model's default.
    pub effort: Option<String>,
    /// What flags, variables or settings decide.
    pub pinned: PinnedSettings,
    /// The permission mode to go back to behind a session that was resumed in `plan`.
    pub mode_before_plan: Option<PermissionMode>,
    /// When a failed request to the provider is retried.
    pub retries: RetryPolicy,
    /// The most requests to the model in one turn (`--max-turns`).
    pub max_requests: Option<u64>,
    /// The most US dollars that a session may cost (`--max-budget-usd`).
    pub budget: Option<f64>,
    /// What models cost.
    pub prices: Prices,
    /// Whether stream events are sent (`--include-partial-messages`).
    pub streams_partials: bool,
    /// Whether prompts are sent back as they are taken up (`--replay-user-messages`).
    pub replays_prompts: bool,
    /// Who is asked for permission.
    pub permission_prompt: PermissionPrompt,
    /// Whether `bypassPermissions` may be switched to: the host has to say so at the start.
    pub allows_bypass: bool,
    /// The model to use while the chosen one cannot be had (`--fallback-model`).
    pub fallback_model: Option<String>,
    /// Whether transcript entries are sent to the host (`--session-mirror`).
    pub mirrors_transcript: bool,
    /// Whether `session_state_changed` is sent.
    pub reports_state: bool,
    /// Whether anything is written to disk (not with `--no-session-persistence`).
    pub persists: bool,
    /// The folder of file checkpoints; `None` if they are off.
    pub file_history: Option<PathBuf>,
    /// Whether the folder's own configuration may name programs that run.
    pub trusts_folder: bool,
    /// Our own executable, which runs children as `hotseat guard`.
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

/// The agent: one session at a time, and everything that outlives a session.
pub struct AgentRuntime {
    /// Settings that outlive a session.
    pub(super) settings: RuntimeSettings,
    /// Where sessions live.
    pub(super) store: Arc<dyn SessionStore>,
    /// The source of completions.
    pub(super) provider: Box<dyn Provider>,
    /// The built-in tools.
    pub(super) tools: Toolbox,
    /// MCP servers, whose tools come on top.
    pub(super) mcp: McpServers,
    /// Decides which tool calls may run.
    pub(super) permissions: Permissions,
    /// The settings files that were read.
    pub(super) settings_files: SettingsFiles,
    /// Hooks of the host and of the settings files.
    pub(super) hooks: Hooks,
    /// `startup`, `resume` or `fork`, until the first session's start hooks have run.
    pub(super) pending_start_source: Option<&'static str>,
    /// Start hooks at work; the first turn waits for them.
    pub(super) start_hooks: Option<SessionStartHooks>,
    pub(super) session: ActiveSession,
    /// Frames to the host.
    pub(super) out: Outbox,
    /// Sessions of the host's own store.
    pub(super) host_sessions: HostSessions,
    /// The copied history of the first session is still to be mirrored.
    pub(super) mirrors_fork: bool,
    /// Requests to the host.
    pub(super) host: HostClient,
    /// Prompts that wait for the running turn.
    pub(super) queue: VecDeque<UserPrompt>,
    /// The turn that runs.
    pub(super) turn: Option<RunningTurn>,
    /// The state that the host was told last.
    pub(super) state: RuntimeState,
    /// The running turn uses the fallback model.
    pub(super) uses_fallback: bool,
    /// The last turn failed: at the end of input the process then exits with 1, as the official CLI does.
    pub(super) last_turn_failed: bool,
    /// The host sent `end_session`.
    pub(super) end_requested: bool,
}

/// Why the loop woke up.
enum Wakeup {
    Input(HostInput),
    Step(StepEvent),
    /// An MCP server changed its state.
    McpChanged,
    /// The host's session store has answered.
    HostLoaded(Result<Value, String>),
    /// It is time to look for a second writer.
    IdleCheck,
    InputEnded,
    Stop,
}

impl AgentRuntime {
    /// Serves the host until it closes its end or `stop` resolves. After the end of input, queued prompts
    /// are still answered, as long as the host reads. At any other end the running turn is recorded as
    /// interrupted. Returns whether input ended behind a turn that failed.
    pub async fn run(mut self, mut inbox: Inbox, stop: impl Future<Output = ()>) -> bool {
        tokio::pin!(stop);
        let mut has_input = true;
        let mut failed = false;
        let mut idle_check = tokio::time::interval(IDLE_CHECK);
        idle_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_idle = self.turn.is_none() && self.queue.is_empty();
            let waits_for_servers = self.turn.is_none() && !self.queue.is_empty();
            let Self { turn, out, mcp, host_sessions, .. } = &mut self;
            let wakeup = tokio::select! {
                biased;
                () = &mut stop => Wakeup::Stop,
                () = out.host_gone() => Wakeup::Stop,
                frame = inbox.next(), if has_input => frame.map_or(Wakeup::InputEnded, Wakeup::Input),
                () = out.unread_for(UNREAD_TIMEOUT), if !has_input => Wakeup::Stop,
                step_event = next_step_event(turn, out), if turn.is_some() => Wakeup::Step(step_event),
                () = mcp.changed(), if waits_for_servers => Wakeup::McpChanged,
                loaded = host_sessions.loaded() => Wakeup::HostLoaded(loaded),
                _ = idle_check.tick(), if is_idle && has_input => Wakeup::IdleCheck,
            };
            match wakeup {
                Wakeup::Input(HostInput::Frame(frame)) => self.handle_frame(frame),
                Wakeup::Input(HostInput::TooLong) => self.send_warning(&format!(
                    "a line of more than {} MiB was dropped unread",
                    MAX_LINE_BYTES >> 20
                )),
                Wakeup::Step(step_event) => self.handle_step_event(step_event),
                Wakeup::McpChanged => {}
                Wakeup::HostLoaded(loaded) => self.handle_host_load(loaded),
                Wakeup::IdleCheck => self.check_other_writer(),
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
                failed = is_done && self.last_turn_failed;
                break;
            }
        }
        self.shut_down().await;
        failed
    }

    async fn shut_down(mut self) {
        self.queue.clear();
        self.interrupt();
        if let Err(error) = self.session.sync() {
            tracing::error!("the transcript's last lines may be lost: {error}");
        }
        self.run_final_hooks().await;
        tokio::time::timeout(FLUSH_TIMEOUT, self.out.flushed()).await.ok();
        // What does not end by itself is killed when it is dropped.
        tokio::time::timeout(MCP_CLOSE_TIMEOUT, self.mcp.close()).await.ok();
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
        let priority = PromptPriority::from_wire(line.priority.as_deref());
        let prompt =
            UserPrompt { uuid, host_uuid: stamp, content, wants_reply, priority, origin: line.origin };
        if priority == PromptPriority::Now {
            self.queue.push_front(prompt);
            self.interrupt();
        } else {
            self.queue.push_back(prompt);
        }
    }

    /// Starts queued prompts until one of them begins a turn; local commands need none.
    fn start_next_prompt(&mut self) {
        while self.turn.is_none()
            && !self.mcp.is_starting()
            && let Some(prompt) = self.queue.pop_front()
        {
            self.set_state(RuntimeState::Running);
            // Before the prompt is reported as started, so that hosts show both in this order.
            if super::slash_commands::parse(&prompt).is_none() {
                self.take_up_foreign_entries();
            }
            self.send_lifecycle(prompt.host_uuid.as_deref(), "started");
            self.uses_fallback = false;
            self.start_prompt(prompt);
        }
        if self.turn.is_none() && self.queue.is_empty() {
            self.set_state(RuntimeState::Idle);
        }
    }

    /// Changes the state, and tells a host that asked for it.
    pub(super) fn set_state(&mut self, state: RuntimeState) {
        if std::mem::replace(&mut self.state, state) != state && self.settings.reports_state {
            self.send_system("session_state_changed", json!({"state": state.wire_name()}));
        }
    }

    /// What a tool call is given: the folder, the files that were read, limits.
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
            held_target: None,
        }
    }

    /// The context window of the model in use, in tokens; 0 if nobody knows it.
    pub(super) fn context_window(&self) -> u64 {
        // The official CLI's variable, for models that no price list knows.
        let set =
            std::env::var("CLAUDE_CODE_AUTO_COMPACT_WINDOW").ok().and_then(|tokens| tokens.parse().ok());
        set.or_else(|| self.context_window_of(&self.settings.model)).unwrap_or(0)
    }

    /// The context window of a model, if the provider or the price list knows it.
    pub(super) fn context_window_of(&self, model: &str) -> Option<u64> {
        self.provider.context_window(model).or_else(|| self.settings.prices.window(model))
    }
}

/// Waits for the turn's next step; first for the host to keep up with our output.
async fn next_step_event(turn: &mut Option<RunningTurn>, out: &Outbox) -> StepEvent {
    match turn {
        Some(turn) => {
            out.wait_for_room().await;
            turn.next_event().await
        }
        None => std::future::pending().await,
    }
}
