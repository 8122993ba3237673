//! Hooks: callbacks of the host and commands of the settings files that are
//! asked at certain moments, by the official events and forms (CLI 2.1.329).
//!
//! Owns which hooks are asked when: all of a moment at once, each with a time
//! limit. What an answer does to a turn is decided in `hook_dispatch`. Dropping
//! a [`HookFuture`] kills the commands and withdraws the questions. Start at
//! [`Hooks::fire`].

mod hook_command;
mod matcher;
mod outcome;

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::host_client::HostClient;
use super::tool::ToolContext;
use crate::protocol::AgentControlRequest;
use matcher::HookMatcher;
pub use outcome::{AdditionalContext, HookDecision, HookOutcome};

/// A moment at which hooks are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookEvent {
    /// A tool is about to run, or to be asked for.
    PreToolUse,
    /// A person is about to be asked whether a tool may run.
    PermissionRequest,
    /// A tool succeeded.
    PostToolUse,
    /// A tool failed.
    PostToolUseFailure,
    /// A person sent a prompt.
    UserPromptSubmit,
    /// A session becomes the active one.
    SessionStart,
    /// The active session is left.
    SessionEnd,
    /// The model has nothing more to say.
    Stop,
}

impl HookEvent {
    /// All of them.
    const ALL: [Self; 8] = [
        Self::PreToolUse,
        Self::PermissionRequest,
        Self::PostToolUse,
        Self::PostToolUseFailure,
        Self::UserPromptSubmit,
        Self::SessionStart,
        Self::SessionEnd,
        Self::Stop,
    ];

    /// Its name on the wire and in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreToolUse => "PreToolUse",
            Self::PermissionRequest => "PermissionRequest",
            Self::PostToolUse => "PostToolUse",
            Self::PostToolUseFailure => "PostToolUseFailure",
            Self::UserPromptSubmit => "UserPromptSubmit",
            Self::SessionStart => "SessionStart",
            Self::SessionEnd => "SessionEnd",
            Self::Stop => "Stop",
        }
    }

    /// Whether plain text from a hook is context for the model.
    fn accepts_plain_text(self) -> bool {
        matches!(self, Self::UserPromptSubmit | Self::SessionStart)
    }

    /// Whether a hook of this event is a gate: one that does not answer in time
    /// blocks what it was asked about. Nobody would expect a check to be skipped
    /// because it is slow. (Claude Code 2.1.332 skips it, and says so:
    /// `hook_no_verdict`.)
    fn blocks_on_timeout(self) -> bool {
        matches!(self, Self::PreToolUse | Self::PermissionRequest | Self::UserPromptSubmit)
    }
}

/// One declared hook.
#[derive(Debug, Clone)]
struct HookEntry {
    event: HookEvent,
    matcher: HookMatcher,
    timeout: Duration,
    /// If it fails, what it was asked about is blocked (`onFailure`).
    blocks_on_failure: bool,
    run: HookRunner,
}

/// How a hook is asked.
#[derive(Debug, Clone)]
enum HookRunner {
    /// By a callback of the host, with this id.
    Callback(String),
    /// By a shell command.
    Command(String),
}

/// All hooks of this process.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    host_hooks: Vec<HookEntry>,
    settings_hooks: Vec<HookEntry>,
}

/// Hooks that are being asked.
pub type HookFuture = Pin<Box<dyn Future<Output = HookOutcome> + Send>>;

/// What happened, as hooks are told it.
#[derive(Debug, Clone)]
pub struct HookInvocation {
    /// The moment.
    pub event: HookEvent,
    /// What matchers are compared with: a tool's name, a session's source.
    pub subject: Option<String>,
    /// The id of the call that it is about.
    pub tool_use_id: Option<String>,
    /// The fields of this event.
    pub fields: Value,
    /// The fields of every event: session, transcript, folder, mode.
    pub common: Value,
}

impl HookInvocation {
    /// Its name in transcripts: `PreToolUse:Bash`.
    pub fn qualified_name(&self) -> String {
        let subject = self.subject.as_ref().map(|subject| format!(":{subject}")).unwrap_or_default();
        format!("{}{subject}", self.event.name())
    }

    fn input(&self) -> Value {
        let mut input = self.common.as_object().cloned().unwrap_or_default();
        input.insert("hook_event_name".to_owned(), json!(self.event.name()));
        input.extend(self.fields.as_object().cloned().unwrap_or_default());
        Value::Object(input)
    }
}

/// Where hooks run.
#[derive(Debug, Clone)]
pub struct HookEnvironment {
    /// The host, for callbacks; `None` if it has gone.
    pub host: Option<HostClient>,
    /// The session's folder.
    pub context: ToolContext,
    /// The folder that the process was started in.
    pub project: PathBuf,
}

impl Hooks {
    /// Replaces the host's hooks by those that `initialize` declares:
    /// `{EVENT: [{matcher, hookCallbackIds, timeout}]}`. Returns what makes no
    /// sense, for a person.
    pub fn set_host_hooks(&mut self, declared: &Value) -> Vec<String> {
        let (hooks, problems) = matcher::parse_hooks(declared, "initialize", |entry| {
            let ids = entry["hookCallbackIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
            ids.map(|id| (HookRunner::Callback(id.to_owned()), entry["timeout"].as_f64())).collect()
        });
        self.host_hooks = hooks;
        problems
    }

    /// Adds those of a settings file: `{hooks: {EVENT: [{matcher, hooks: [{type, command, timeout}]}]}}`.
    pub fn add_settings(&mut self, name: &str, settings: &Value) -> Vec<String> {
        if settings["disableAllHooks"] == true {
            self.settings_hooks.clear();
            return Vec::new();
        }
        let (hooks, problems) = matcher::parse_hooks(&settings["hooks"], name, |entry| {
            let hooks = entry["hooks"].as_array().into_iter().flatten();
            let hooks = hooks.filter(|hook| hook["type"] == "command");
            let command = |hook: &Value| {
                Some((HookRunner::Command(hook["command"].as_str()?.to_owned()), hook["timeout"].as_f64()))
            };
            hooks.filter_map(command).collect()
        });
        self.settings_hooks.extend(hooks);
        problems
    }

    /// Asks all hooks that match; `None` if there are none.
    pub fn fire(&self, occasion: HookInvocation, surroundings: HookEnvironment) -> Option<HookFuture> {
        let subject = occasion.subject.as_deref();
        let concerned = |hook: &&HookEntry| {
            hook.event == occasion.event
                && hook.matcher.matches(subject)
                && (surroundings.host.is_some() || matches!(hook.run, HookRunner::Command(_)))
        };
        let hooks: Vec<_> =
            self.host_hooks.iter().chain(&self.settings_hooks).filter(concerned).cloned().collect();
        if hooks.is_empty() {
            return None;
        }
        Some(Box::pin(async move {
            let answers = hooks.iter().map(|hook| run_hook(hook, &occasion, &surroundings));
            join_all(answers).await.into_iter().fold(HookOutcome::default(), HookOutcome::merge)
        }))
    }
}

/// Asks one hook. One that fails, or does not answer in time, has no opinion,
/// unless it is a gate (see [`HookEvent::blocks_on_timeout`]) or is declared to
/// block.
async fn run_hook(
    hook: &HookEntry,
    occasion: &HookInvocation,
    surroundings: &HookEnvironment,
) -> HookOutcome {
    let name = occasion.qualified_name();
    let answer = async {
        match (&hook.run, &surroundings.host) {
            (HookRunner::Callback(id), Some(host)) => {
                let request = AgentControlRequest::HookCallback {
                    callback_id: id.clone(),
                    input: occasion.input(),
                    tool_use_id: occasion.tool_use_id.clone(),
                };
                let answer = host.request(request).await;
                let answer =
                    answer.map_err(|error| format!("a hook of the host's failed at {name}: {error}"))?;
                Ok(HookOutcome::from_json(&answer, &name))
            }
            (HookRunner::Callback(_), None) => Ok(HookOutcome::default()),
            (HookRunner::Command(command), _) => {
                let said = hook_command::run_hook_command(command, &occasion.input(), surroundings).await;
                let said =
                    said.map_err(|error| format!("cannot run the hook “{command}” at {name}: {error}"))?;
                Ok(HookOutcome::from_command(command, &said, &name, occasion.event.accepts_plain_text()))
            }
        }
    };
    match tokio::time::timeout(hook.timeout, answer).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(why)) if hook.blocks_on_failure => HookOutcome::block(why),
        Ok(Err(why)) => HookOutcome::failure(why),
        Err(_) => {
            let why = format!("a hook did not answer within {:?} at {name}", hook.timeout);
            if hook.blocks_on_failure || hook.event.blocks_on_timeout() {
                HookOutcome::block(why)
            } else {
                HookOutcome::failure(why)
            }
        }
    }
}

#[cfg(test)]
mod tests;
