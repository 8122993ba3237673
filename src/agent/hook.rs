//! What others have to say at certain moments: callbacks of the host, and
//! commands of the settings files, by the official events and forms (CLI 2.1.329).
//!
//! Owns who is asked when, all at once and each with a time limit. What an
//! answer does to a turn is decided by the turn. Dropping a [`HookFuture`] kills the
//! commands and takes the questions back.

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
    /// A tool did its work.
    PostToolUse,
    /// A tool failed.
    PostToolUseFailure,
    /// A person sent a prompt.
    UserPromptSubmit,
    /// A session takes the seat.
    SessionStart,
    /// A session leaves it.
    SessionEnd,
    /// The model has nothing more to say.
    Stop,
}

impl HookEvent {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::PreToolUse,
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
            Self::PostToolUse => "PostToolUse",
            Self::PostToolUseFailure => "PostToolUseFailure",
            Self::UserPromptSubmit => "UserPromptSubmit",
            Self::SessionStart => "SessionStart",
            Self::SessionEnd => "SessionEnd",
            Self::Stop => "Stop",
        }
    }

    /// What a hook says in plain words is context for the model.
    fn accepts_plain_text(self) -> bool {
        matches!(self, Self::UserPromptSubmit | Self::SessionStart)
    }
}

/// Somebody who is asked.
#[derive(Debug, Clone)]
struct HookEntry {
    event: HookEvent,
    matcher: HookMatcher,
    timeout: Duration,
    /// Where it cannot be asked, what it is asked about may not be.
    blocks_on_failure: bool,
    run: HookRunner,
}

/// How.
#[derive(Debug, Clone)]
enum HookRunner {
    /// A callback of the host's, by its id.
    Callback(String),
    /// A shell command.
    Command(String),
}

/// All hooks of this process.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    host_hooks: Vec<HookEntry>,
    settings_hooks: Vec<HookEntry>,
}

/// Hooks at work.
pub type HookFuture = Pin<Box<dyn Future<Output = HookOutcome> + Send>>;

/// What happened, as hooks are told it.
#[derive(Debug, Clone)]
pub struct HookInvocation {
    /// Which moment.
    pub event: HookEvent,
    /// What a matcher is held against: a tool's name, a session's source.
    pub subject: Option<String>,
    /// The call it is about.
    pub tool_use_id: Option<String>,
    /// The fields of this event.
    pub fields: Value,
    /// The fields of every event: session, transcript, folder, mode.
    pub common: Value,
}

impl HookInvocation {
    /// How transcripts name it: `PreToolUse:Bash`.
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
    /// The host, for callbacks; none where it has gone.
    pub host: Option<HostClient>,
    /// The session's folder.
    pub context: ToolContext,
    /// The folder that the process was started in.
    pub project: PathBuf,
}

impl Hooks {
    /// Those that `initialize` declares replace the host's former ones:
    /// `{EVENT: [{matcher, hookCallbackIds, timeout}]}`. Gives back what makes no sense.
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

    /// Asks all whom this concerns; none where it concerns nobody.
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

/// Asks one of them. Whoever does not answer in time, or not so that it can be
/// understood, has nothing to say, or blocks where it is to.
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
    let late = |_| Err(format!("a hook did not answer within {:?} at {name}", hook.timeout));
    match tokio::time::timeout(hook.timeout, answer).await.unwrap_or_else(late) {
        Ok(verdict) => verdict,
        Err(why) if hook.blocks_on_failure => {
            HookOutcome { blocked: Some(why), decision: Some(HookDecision::Deny), ..HookOutcome::default() }
        }
        Err(why) => HookOutcome::failure(why),
    }
}

#[cfg(test)]
mod tests;
