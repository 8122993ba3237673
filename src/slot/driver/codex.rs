//! The driver for `codex app-server`: line-delimited JSON-RPC. One process has
//! all threads, so every switch is in process (facts from 0.169.0).
//!
//! A thread is a session and its id is the session's. A prompt sent during a
//! turn would steer that turn, so the slot keeps it until the turn has ended.

mod approvals;
mod incoming;
mod items;
mod mode;
mod requests;
mod turns;

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use self::turns::{ForkPoint, REVERT};

use super::{AgentEvent, AgentSpec, Driver, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::message::Usage;
use crate::slot::{Capabilities, Feature, Launch, PermissionRequest};

/// The official program on `PATH`.
pub const CODEX: AgentSpec = AgentSpec {
    name: "codex",
    program: Some("codex"),
    install: "npm install -g @openai/codex",
    args: &["app-server"],
    official_format: false,
    // It leaves them out by itself in a folder that it was not told to trust (see
    // `mode::THREAD_SANDBOX`).
    ignores_project_settings: true,
    driver: || Box::<CodexDriver>::default(),
};

const CAPABILITIES: Capabilities = Capabilities {
    unsupported_features: &[
        (Feature::Cost, "codex reports tokens, not prices"),
        (Feature::Servers, "codex lists its MCP servers only in its own program"),
        (Feature::Rewind, "codex keeps no checkpoints of the files it changes"),
    ],
    ..Capabilities::FULL
};

/// A prompt that stands for a method of codex, as [`REVERT`] does. codex's other
/// slash commands belong to its own screen.
const COMPACT: &str = "/compact";

/// One process of the agent.
#[derive(Debug, Default)]
struct CodexDriver {
    start_session: Option<StartSession>,
    cwd: PathBuf,
    /// The chosen model; `None` for codex's configured one.
    model: Option<String>,
    /// The slot's mode. It overrides codex's configuration, so that the mode shown
    /// on the screen is the one in force.
    mode: PermissionMode,
    ephemeral: bool,
    /// The active thread.
    thread: Option<SessionId>,
    /// The folder it works in.
    thread_cwd: PathBuf,
    /// The unfinished items of its turn, by id: approvals are about them.
    open_items: HashMap<String, Value>,
    /// Results of the handshake so far.
    handshake: HandshakeProgress,
    /// Open requests, by id.
    pending: HashMap<String, CodexPending>,
    turn: Option<CodexTurn>,
    /// Tokens of the active thread; `context` is (used, size of the window).
    usage: Usage,
    context: (u64, u64),
}

/// Results of the handshake.
#[derive(Debug, Default)]
struct HandshakeProgress {
    version: String,
    notice: Option<String>,
    models: Vec<String>,
}

/// What a response belongs to.
#[derive(Debug)]
enum CodexPending {
    /// The steps of the handshake, each with the id of the slot's request.
    Initialize(String),
    Account(String),
    Models(String),
    FirstThread(String),
    /// A switch: the thread it leaves, and the title for the new one.
    Switch(Option<SessionId>, Option<String>),
    /// A prompt, by its uuid.
    Prompt(String),
    /// A page of turns, searched for a fork point.
    Turns(ForkPoint),
    /// The last turn, which the prompt with this uuid reverts.
    LastTurn(String),
    /// The revert itself: prompt uuid, and the ids of the dropped items.
    Revert(String, Vec<String>),
    /// A request whose response carries no data.
    Plain,
    /// The response is ignored.
    Ignored,
}

/// The running turn.
#[derive(Debug, Default)]
struct CodexTurn {
    /// The prompt's uuid.
    prompt: String,
    /// codex's id for the turn; empty until known.
    id: String,
    /// Interrupt it as soon as its id is known.
    interrupt_requested: bool,
    /// The thread's tokens before this turn.
    usage_before: Usage,
}

impl Driver for CodexDriver {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn queues_prompts(&self) -> bool {
        false
    }

    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        self.start_session = Some(origin.clone());
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        self.mode = launch.permission_mode;
        self.ephemeral = launch.ephemeral;
        SpawnArgs::default()
    }

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<AgentEvent> {
        self.handle_request(id, ask)
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<AgentEvent> {
        let id = format!("prompt-{uuid}");
        self.turn =
            Some(CodexTurn { prompt: uuid.to_owned(), usage_before: self.usage, ..CodexTurn::default() });
        if text.trim() == COMPACT {
            let params = json!({"threadId": self.thread});
            return vec![self.send_request(
                &id,
                CodexPending::Prompt(uuid.to_owned()),
                "thread/compact/start",
                &params,
            )];
        }
        if text.trim() == REVERT {
            return self.revert(uuid);
        }
        let mut params = json!({
            "threadId": self.thread, "clientUserMessageId": uuid, "input": [{"type": "text", "text": text}],
            "approvalPolicy": mode::approval(self.mode), "sandboxPolicy": {"type": mode::sandbox(self.mode)},
        });
        if let Some(model) = &self.model {
            params["model"] = json!(model);
        }
        vec![self.send_request(&id, CodexPending::Prompt(uuid.to_owned()), "turn/start", &params)]
    }

    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<AgentEvent> {
        let decision = if denied.is_some() { "decline" } else { "accept" };
        // codex's ids are numbers; the slot carries them as text.
        let id: Value = serde_json::from_str(&request.id).unwrap_or(Value::Null);
        vec![AgentEvent::SendLine(json!({"id": id, "result": {"decision": decision}}))]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>) {
        self.handle_line(&line)
    }
}

impl CodexDriver {
    /// The line that calls a method; the response carries this id.
    fn send_request(&mut self, id: &str, asked: CodexPending, method: &str, params: &Value) -> AgentEvent {
        self.pending.insert(id.to_owned(), asked);
        AgentEvent::SendLine(json!({"id": id, "method": method, "params": params}))
    }
}

#[cfg(test)]
mod tests;
