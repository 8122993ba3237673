//! The driver for `codex app-server`: JSON-RPC by lines, one process for all of
//! its threads, so that every switch is in process (facts from 0.169.0).
//!
//! A thread is a session, and its id the session's. A prompt to a thread where a
//! turn runs would steer that turn, so the slot keeps it until none does.

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
use crate::slot::{Capabilities, Feature, Launch, PermissionDecision, PermissionRequest};

/// The official program, as it lies on the PATH.
pub const CODEX: AgentSpec = AgentSpec {
    name: "codex",
    program: Some("codex"),
    install: "npm install -g @openai/codex",
    args: &["app-server"],
    official_format: false,
    driver: || Box::<CodexDriver>::default(),
};

const CAPABILITIES: Capabilities = Capabilities {
    unsupported_features: &[
        (Feature::Cost, "codex tells tokens, not prices"),
        (Feature::Servers, "codex tells of its MCP servers in its own program only"),
        (Feature::Rewind, "codex keeps no copies of the files it changes"),
    ],
    ..Capabilities::FULL
};

/// A prompt that is a method of codex's, as [`REVERT`] is; what else begins with
/// a slash its own screen does, and nobody here.
const COMPACT: &str = "/compact";

/// One process of it.
#[derive(Debug, Default)]
struct CodexDriver {
    start_session: Option<StartSession>,
    cwd: PathBuf,
    /// As a person chose it; none: as codex is configured.
    model: Option<String>,
    /// The slot's, whatever codex is configured to: what the screen says holds.
    mode: PermissionMode,
    ephemeral: bool,
    /// The active thread.
    thread: Option<SessionId>,
    /// What the handshake has brought so far.
    handshake: HandshakeProgress,
    /// What was asked and is not answered, by the id it was asked under.
    pending: HashMap<String, CodexPending>,
    turn: Option<CodexTurn>,
    /// Tokens of the active thread, and what its context window holds of how much.
    usage: Usage,
    context: (u64, u64),
}

/// What the handshake brings.
#[derive(Debug, Default)]
struct HandshakeProgress {
    version: String,
    notice: Option<String>,
    models: Vec<String>,
}

/// What an answer is to.
#[derive(Debug)]
enum CodexPending {
    /// The handshake, step by step; under which id it is owed.
    Initialize(String),
    Account(String),
    Models(String),
    FirstThread(String),
    /// A switch, from which thread, and the title of the one it makes.
    Switch(Option<SessionId>, Option<String>),
    /// A prompt, by its uuid.
    Prompt(String),
    /// The turns of a thread that is to be forked at one of them.
    Turns(ForkPoint),
    /// The last turn, which a prompt of this uuid takes back.
    LastTurn(String),
    /// Taking it back; the ids of what is gone then.
    Revert(String, Vec<String>),
    /// Anything that is only done or not.
    Plain,
    /// Nobody waits.
    Ignored,
}

/// The turn that runs.
#[derive(Debug, Default)]
struct CodexTurn {
    /// The prompt's uuid.
    prompt: String,
    /// Its own id; empty until codex said it.
    id: String,
    /// It is to be interrupted as soon as its id is known.
    interrupt_requested: bool,
    /// Tokens before it.
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
            "approvalPolicy": mode::approval(self.mode), "sandboxPolicy": {"type": mode::sandbox(self.mode).1},
        });
        if let Some(model) = &self.model {
            params["model"] = json!(model);
        }
        vec![self.send_request(&id, CodexPending::Prompt(uuid.to_owned()), "turn/start", &params)]
    }

    fn answer_permission(
        &mut self,
        request: PermissionRequest,
        verdict: PermissionDecision,
    ) -> Vec<AgentEvent> {
        let decision = match verdict {
            PermissionDecision::AllowOnce => "accept",
            PermissionDecision::AllowSession => "acceptForSession",
            PermissionDecision::Deny(_) => "decline",
        };
        // Its ids are numbers; they went through the slot as text.
        let id: Value = serde_json::from_str(&request.id).unwrap_or(Value::Null);
        vec![AgentEvent::SendLine(json!({"id": id, "result": {"decision": decision}}))]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>) {
        self.handle_line(&line)
    }
}

impl CodexDriver {
    /// The line that asks for a method; its answer comes under this id.
    fn send_request(&mut self, id: &str, asked: CodexPending, method: &str, params: &Value) -> AgentEvent {
        self.pending.insert(id.to_owned(), asked);
        AgentEvent::SendLine(json!({"id": id, "method": method, "params": params}))
    }
}

#[cfg(test)]
mod tests;
