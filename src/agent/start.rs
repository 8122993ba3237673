//! From command line flags to an agent in its first session.
//!
//! Owns the order of the start and its errors. Must never write before the session
//! is open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::active_session::{ActiveSession, ResumePoint};
use super::flags::Flags;
use super::hook::Hooks;
use super::host_client::HostClient;
use super::host_sessions::HostSessions;
use super::mcp::{McpServers, configured_servers};
use super::outbox::Outbox;
use super::permission::Permissions;
use super::permission_requests::PermissionPrompt;
use super::provider::{ChoiceError, Provider};
use super::recorded_settings::{AdoptionMoment, PinnedSettings};
use super::retry::RetryPolicy;
use super::runtime::{AgentRuntime, RuntimeSettings, RuntimeState};
use super::settings_files::{SettingsFiles, SettingsSource, is_trusted, read_claude_json};
use super::switch::load_fork;
use super::system_prompt::SystemPrompt;
use super::tool::{StructuredOutput, ToolContext, Toolbox, WEB_FETCH};
use super::transcript_entry::new_uuid;
use crate::protocol::{AgentFrame, PermissionMode, TurnResult};
use crate::session::SessionOrigin;
use crate::session::message::{ApiMessage, Usage};
use crate::session::price::Price;
use crate::session::prompt;
use crate::session::raw_entry::{EntryKind, RawEntry};
use crate::session::transcript::PathScope;
use crate::session::{Prices, SessionId, Transcript};
use crate::store::{ForkSpec, MemoryStore, Scope, SessionStore, StoreError};
use crate::transcript::TranscriptText;

/// Bytes of a transcript's end that are read to find when it was last used.
const TAIL_BYTES: u64 = 64 * 1024;

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session cannot be opened.
    #[error(transparent)]
    Session(#[from] StoreError),
    /// `--session-id` names a session that exists.
    #[error("session {0} exists already; --resume goes on with it")]
    Exists(SessionId),
    /// `--session-id` beside a session that has an id of its own.
    #[error("--session-id goes with --resume and --continue only where --fork-session makes a copy")]
    TwoIds,
    /// `--mcp-config` cannot be read.
    #[error("cannot use the MCP servers: {0}")]
    Mcp(String),
    /// `--json-schema` is no JSON schema.
    #[error("cannot use the JSON schema: {0}")]
    Schema(String),
    /// `--resume-drops-turn` names another turn than the cut drops.
    #[error(
        "resuming at {at} drops {prompts} prompts, and not just the one turn of {expected}; nothing was resumed"
    )]
    DropsMore {
        /// Where the session was to be cut.
        at: String,
        /// The prompt of the turn that the host wanted to drop.
        expected: String,
        /// How many prompts the cut drops.
        prompts: usize,
    },
    /// A flag has a value that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The folder has settings of its own, nobody trusts it, and nobody can be asked.
    #[error(
        "{} is not trusted, and has its own settings: {}. Pass --setting-sources user to leave them out, or \
         --setting-sources user,project,local to trust them in this run; `hotseat` there asks once and remembers.",
        .folder.display(), .files.join(", ")
    )]
    Untrusted {
        folder: PathBuf,
        /// The files with its settings.
        files: Vec<String>,
    },
    /// There is no provider to ask.
    #[error(transparent)]
    Provider(#[from] ChoiceError),
    /// A file that a flag names cannot be read.
    #[error("cannot read the instructions: {0}")]
    Instructions(#[source] io::Error),
}

impl StartError {
    /// Sends the error as the `result` of a turn that never began, as the official CLI does: SDKs read
    /// that, and not stderr.
    pub fn send(&self, out: &Outbox, flags: &Flags) {
        let error = match self {
            Self::Session(StoreError::NotFound(id)) => format!("No conversation found with session ID: {id}"),
            other => other.to_string(),
        };
        let session_id = flags.session_id.or(flags.resume).unwrap_or_else(SessionId::random);
        let rest = json!({"errors": [error], "terminal_reason": "turn_setup_failed", "stop_reason": null});
        out.send(&AgentFrame::Result(TurnResult {
            subtype: "error_during_execution".to_owned(),
            is_error: true,
            session_id: session_id.to_string(),
            usage: json!(Usage::default()),
            model_usage: json!({}),
            uuid: new_uuid(),
            rest: rest.as_object().cloned().unwrap_or_default(),
            ..TurnResult::default()
        }));
    }
}

/// What the agent takes from its environment; gathered by the caller, so that tests can set it.
#[derive(Debug, Clone)]
pub struct AgentEnvironment {
    /// The folder it was started in.
    pub cwd: PathBuf,
    /// The official tools' folder (`~/.claude`), which holds the person's settings.
    pub root: PathBuf,
    /// The host is one of the official SDKs. That says nothing about whether a
    /// person trusts the folder.
    pub is_sdk: bool,
    pub checkpoints_files: bool,
    /// Our own executable, which runs children as `hotseat guard`.
    pub guard: PathBuf,
    /// The host reads `session_state_changed`.
    pub reports_state: bool,
    /// What models cost.
    pub prices: Prices,
}

impl AgentEnvironment {
    /// The variables that `env` of the settings files sets, of those files that are trusted.
    pub fn settings_env(&self, flags: &Flags) -> Vec<(String, String)> {
        let files = read_settings(flags, self, &read_claude_json(&self.root));
        let mut variables = Vec::new();
        for file in files.all() {
            for (name, value) in file.content["env"].as_object().into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let is_usable = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
                if is_usable {
                    variables.retain(|(other, _)| other != name);
                    variables.push((name.clone(), value));
                }
            }
        }
        variables
    }
}

impl AgentRuntime {
    /// Starts an agent with these flags, in its first session.
    pub fn start(
        flags: &Flags,
        environment: AgentEnvironment,
        store: Arc<dyn SessionStore>,
        provider: Box<dyn Provider>,
        out: Outbox,
    ) -> Result<Self, StartError> {
        let store = if flags.no_session_persistence { Arc::new(MemoryStore::over(store)) } else { store };
        let host = HostClient::new(out.clone());
        let place = ToolContext::new(environment.cwd.clone(), environment.guard.clone());
        let claude_json = read_claude_json(&environment.root);
        let trusts_folder = trusts_folder(flags, &environment, &claude_json);
        let (settings_files, mut permissions) = load_settings(flags, &environment, &claude_json);
        let permission_prompt = PermissionPrompt::from_flags(flags);
        // An SDK or a host asks a person, or chose that nobody is asked: it goes on without them.
        let is_alone = permission_prompt == PermissionPrompt::Nobody && !environment.is_sdk;
        if is_alone && !settings_files.left_out.is_empty() {
            return Err(StartError::Untrusted { folder: environment.cwd, files: settings_files.left_out });
        }
        let servers = if flags.strict_mcp_config {
            Vec::new()
        } else {
            configured_servers(&settings_files, &claude_json, &mut permissions.problems)
        };
        let prices = prices(&environment, &*provider);
        let session = open_first_session(flags, &*store, &environment.cwd, &prices)?;
        let structured = flags.json_schema.as_deref().map(StructuredOutput::new).transpose();
        let structured = structured.map_err(StartError::Schema)?;
        let mut process = Self {
            settings: RuntimeSettings {
                model: String::new(),
                system_prompt: SystemPrompt::from_flags(flags).map_err(StartError::Instructions)?,
                thinking: flags.thinking(),
                thinking_display: flags.thinking_display.clone(),
                effort: flags.effort.clone(),
                pinned: PinnedSettings::default(),
                mode_before_plan: None,
                retries: RetryPolicy::from_env(),
                max_requests: flags.max_turns,
                budget: flags.max_budget_usd,
                streams_partials: flags.include_partial_messages,
                replays_prompts: flags.replay_user_messages,
                permission_prompt,
                allows_bypass: flags.allow_dangerously_skip_permissions
                    || permissions.mode == PermissionMode::BypassPermissions,
                fallback_model: flags.fallback_model.clone(),
                mirrors_transcript: flags.session_mirror,
                reports_state: environment.reports_state,
                persists: !flags.no_session_persistence,
                file_history: (environment.checkpoints_files && !flags.no_session_persistence)
                    .then(|| environment.root.join("file-history")),
                trusts_folder,
                guard: environment.guard,
                prices,
            },
            session,
            store,
            provider,
            tools: Toolbox::new(flags.tools.as_deref(), permissions.has_allow_rule_for(WEB_FETCH))
                .with_tool(structured),
            hooks: load_hooks(&settings_files, &mut permissions.problems),
            permissions,
            settings_files,
            pending_start_source: None,
            start_hooks: None,
            mcp: McpServers::start(servers, &flags.mcp_config, place, host.clone())
                .map_err(StartError::Mcp)?,
            host,
            host_sessions: HostSessions::default(),
            mirrors_fork: flags.fork_session,
            out,
            queue: std::collections::VecDeque::new(),
            turn: None,
            state: RuntimeState::Idle,
            uses_fallback: false,
            last_turn_failed: false,
            end_requested: false,
        };
        let is_new = process.session.context.messages().is_empty();
        process.pending_start_source = Some(match (is_new, flags.fork_session) {
            (true, _) => "startup",
            (false, true) => "fork",
            (false, false) => "resume",
        });
        // Settings name Anthropic's models. The variable is the provider's default, and counts more.
        let is_in_variable = std::env::var_os("ANTHROPIC_MODEL").is_some_and(|name| !name.is_empty());
        let reads_settings = !is_in_variable && process.provider.name() == "anthropic";
        let mut files = process.settings_files.all().iter().rev().filter(|_| reads_settings);
        let of_settings = files.find_map(|file| file.content["model"].as_str()).map(str::to_owned);
        let named = flags.model.clone().or(of_settings);
        let named = named.filter(|name| !name.is_empty() && name != "default");
        process.settings.pinned = PinnedSettings {
            model: named.is_some() || is_in_variable,
            effort: flags.effort.is_some(),
            mode: flags.permission_mode.is_some() || default_mode(&process.settings_files).is_some(),
        };
        process.set_model(named);
        process.adopt_recorded_settings(AdoptionMoment::Start);
        Ok(process)
    }
}

/// Prices, with 0 for a provider that costs nothing.
fn prices(environment: &AgentEnvironment, provider: &dyn Provider) -> Prices {
    let mut prices = environment.prices.clone();
    if provider.is_free() {
        let nothing = Some(0.0);
        let free = Price { input: nothing, output: nothing, ..Price::default() };
        provider.models().into_iter().for_each(|model| prices.insert(model.name, free.clone()));
    }
    prices
}

/// Reads the settings files, and the permissions that they and the flags give.
fn load_settings(
    flags: &Flags,
    environment: &AgentEnvironment,
    claude_json: &Value,
) -> (SettingsFiles, Permissions) {
    let files = read_settings(flags, environment, claude_json);
    let mode = flags.permission_mode.or_else(|| default_mode(&files)).unwrap_or_default();
    let mut permissions =
        Permissions::new(mode, &flags.allowed_tools, &flags.disallowed_tools, &flags.add_dir);
    for file in files.all() {
        permissions.add_settings(&file.name, &file.content);
    }
    permissions.problems.extend_from_slice(&files.problems);
    (files, permissions)
}

/// Whether the settings of the folder count. Trust is a person's decision. Being started by an SDK is none,
/// not even if it names the sources: it would name them for any folder.
fn trusts_folder(flags: &Flags, environment: &AgentEnvironment, claude_json: &Value) -> bool {
    is_trusted(claude_json, &environment.cwd) || flags.setting_sources.is_some() && !environment.is_sdk
}

fn read_settings(flags: &Flags, environment: &AgentEnvironment, claude_json: &Value) -> SettingsFiles {
    let AgentEnvironment { root, cwd, .. } = environment;
    let sources = flags.setting_sources.as_deref();
    let trusts = trusts_folder(flags, environment, claude_json);
    let mut files = SettingsFiles::read(root, cwd, trusts, sources, flags.settings.as_deref());
    files.push_given(SettingsSource::Managed, "--managed-settings", flags.managed_settings.as_deref());
    files
}

/// The hooks of the settings files; what cannot be used goes to `problems`.
fn load_hooks(files: &SettingsFiles, problems: &mut Vec<String>) -> Hooks {
    let mut hooks = Hooks::default();
    for file in files.all() {
        problems.extend(hooks.add_settings(&file.name, &file.content));
    }
    hooks
}

/// The default mode of the settings file with the highest precedence. A project cannot choose
/// `bypassPermissions`.
fn default_mode(files: &SettingsFiles) -> Option<PermissionMode> {
    files.all().iter().rev().find_map(|file| {
        let mode = file.content["permissions"]["defaultMode"].as_str()?.parse().ok()?;
        let is_reckless = file.source == SettingsSource::Project && mode == PermissionMode::BypassPermissions;
        (!is_reckless).then_some(mode)
    })
}

fn open_first_session(
    flags: &Flags,
    store: &dyn SessionStore,
    cwd: &Path,
    prices: &Prices,
) -> Result<ActiveSession, StartError> {
    let last = if flags.continue_last { newest_session(store, cwd)? } else { None };
    if let Some(id) = flags.session_id.filter(|id| store.find(*id).is_ok()) {
        return Err(StartError::Exists(id));
    }
    let Some(id) = flags.resume.or(last) else {
        let id = flags.session_id.unwrap_or_else(SessionId::random);
        return Ok(ActiveSession::new(store, id, cwd)?);
    };
    let message = flags.resume_session_at.as_deref();
    check_dropped_turn(store, id, flags)?;
    if flags.fork_session {
        let order = ForkSpec { id: flags.session_id, at: message, repair: true, ..ForkSpec::default() };
        return Ok(load_fork(store, store.fork(id, &order)?, None, cwd, prices)?);
    }
    if flags.session_id.is_some() {
        return Err(StartError::TwoIds);
    }
    Ok(ActiveSession::load(store, id, ResumePoint { message, cwd: None }, cwd, prices)?)
}

/// Hosts that cut a session at a message can say which turn that drops: then it must be all that it drops.
fn check_dropped_turn(store: &dyn SessionStore, id: SessionId, flags: &Flags) -> Result<(), StartError> {
    let (Some(prompt), Some(at)) = (&flags.resume_drops_turn, &flags.resume_session_at) else {
        return Ok(());
    };
    let bytes = store.read(id)?;
    let clean = crate::transcript::TranscriptText::read(&bytes);
    let transcript = Transcript::read(&clean);
    let path = transcript.path(transcript.leaf(), PathScope::Model);
    let cut = transcript.position(at).and_then(|at| path.iter().position(|&on_path| on_path == at));
    let cut = cut.ok_or_else(|| StoreError::NoSuchMessage { id, uuid: at.clone() })?;
    let dropped = path[cut + 1..].iter().map(|&at| &transcript.entries[at]);
    let is_prompt = |entry: &&RawEntry<'_>| {
        let text =
            entry.message().and_then(ApiMessage::parse).and_then(|message| prompt::from_message(&message));
        entry.kind() == EntryKind::User && !entry.is_meta() && !entry.is_sidechain() && text.is_some()
    };
    let prompts: Vec<_> = dropped.filter(is_prompt).filter_map(RawEntry::uuid).collect();
    if prompts.len() == 1 && prompts[0] == *prompt {
        return Ok(());
    }
    Err(StartError::DropsMore { at: at.clone(), expected: prompt.clone(), prompts: prompts.len() })
}

/// The folder's session with the newest entry, of those that a person had. A file's modification time says
/// less: others touch it. Without a person here, as under `claude -p` and the SDKs, those count that were had
/// in the same way; never those of background jobs, daemons and teams.
fn newest_session(store: &dyn SessionStore, cwd: &Path) -> Result<Option<SessionId>, StoreError> {
    let is_headless =
        std::env::var("CLAUDE_CODE_ENTRYPOINT").map_or(true, |by| SessionOrigin::is_headless(&by));
    let last_entry = |id| {
        let tail = store.read_tail(id, TAIL_BYTES).ok()?;
        let text = TranscriptText::read(&tail.bytes);
        let transcript = Transcript::read_part(&text);
        let entries = &transcript.entries;
        let counts = match SessionOrigin::of_entries(entries) {
            SessionOrigin::Person => true,
            SessionOrigin::Headless => is_headless,
            _ => false,
        };
        let mut lines =
            entries.iter().rev().filter(|line| line.kind().is_conversation() && !line.is_sidechain());
        lines.find_map(RawEntry::timestamp).filter(|_| counts)
    };
    let sessions = store.list(&Scope::Project(cwd.to_owned()))?;
    let dated = sessions.iter().filter_map(|stored| Some((last_entry(stored.id)?, stored.id)));
    Ok(dated.max().map(|(_, id)| id))
}
