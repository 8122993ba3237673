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
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::turns::{ForkPoint, REVERT};

use super::{AgentSpec, Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::agent_api::AgentReply;
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::{self, JsonRpc, RequestId};
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

/// Timeout of what can do without an answer: codex reads its account and its list
/// of models over the network.
const OPTIONAL_TIMEOUT: Duration = Duration::from_secs(5);

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
    connection: JsonRpc<CodexPending>,
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
    /// A switch, with the id of the slot's request.
    Switch {
        request_id: String,
        /// The thread it leaves.
        left: Option<SessionId>,
        /// The title for the new one.
        title: Option<String>,
    },
    /// A prompt, by its uuid.
    Prompt(String),
    /// A page of turns, searched for a fork point.
    Turns(ForkPoint),
    /// The last turn, which the prompt with this uuid reverts.
    LastTurn(String),
    /// The revert itself: prompt uuid, and the ids of the dropped items.
    Revert(String, Vec<String>),
    /// A request of the slot, by its id, whose response carries no data.
    Done(String),
    /// A request of a caller, by the slot's id, and the reply if it succeeds.
    Call(String, AgentReply),
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

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        self.handle_request(id, ask)
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        self.turn =
            Some(CodexTurn { prompt: uuid.to_owned(), usage_before: self.usage, ..CodexTurn::default() });
        if text.trim() == COMPACT {
            let params = json!({"threadId": self.thread});
            let then = CodexPending::Prompt(uuid.to_owned());
            return vec![self.send_request("thread/compact/start", &params, then)];
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
        vec![self.send_request("turn/start", &params, CodexPending::Prompt(uuid.to_owned()))]
    }

    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput> {
        let decision = if denied.is_some() { "decline" } else { "accept" };
        // The slot carries ids as text.
        let id = serde_json::from_str(&request.id).unwrap_or(RequestId::Null);
        vec![DriverOutput::SendLine(json_rpc::response(&id, &json!({"decision": decision})))]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        self.handle_line(line)
    }

    fn deadline(&self) -> Option<Instant> {
        self.connection.deadline()
    }

    fn expire(&mut self, now: Instant) -> Vec<DriverOutput> {
        let expired = self.connection.expire(now);
        expired.into_iter().flat_map(|(then, error)| self.handle_response(then, Err(error))).collect()
    }
}

impl CodexDriver {
    /// The line that calls a method. The slot times its own requests out; those
    /// that it does not know of have a deadline here.
    fn send_request(&mut self, method: &str, params: &Value, then: CodexPending) -> DriverOutput {
        DriverOutput::SendLine(match then {
            CodexPending::Account(_) | CodexPending::Models(_) | CodexPending::Ignored => {
                self.connection.request_within(OPTIONAL_TIMEOUT, method, params, then)
            }
            then => self.connection.request(method, params, then),
        })
    }
}

#[cfg(test)]
mod tests;
