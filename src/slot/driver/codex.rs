//! The driver for `codex app-server`: JSON-RPC by lines, one process for all of
//! its threads, so that every switch is in process (facts from 0.169.0).
//!
//! A thread is a session, and its id the session's. A prompt to a thread where a
//! turn runs would steer that turn, so the slot keeps it until none does.

mod ask;
mod hear;
mod items;
mod mode;
mod turns;

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use self::turns::{Cut, REVERT};

use super::{Ask, Driver, Heard, Known, Line, Origin, Start};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::message::Usage;
use crate::slot::{Abilities, Feature, Launch, PermissionRequest, Verdict};

/// The official program, as it lies on the PATH.
pub const CODEX: Known = Known {
    name: "codex",
    program: Some("codex"),
    install: "npm install -g @openai/codex",
    arguments: &["app-server"],
    official: false,
    driver: || Box::<Codex>::default(),
};

const ABILITIES: Abilities = Abilities {
    lacks: &[
        (Feature::Cost, "codex tells tokens, not prices"),
        (Feature::Servers, "codex tells of its MCP servers in its own program only"),
        (Feature::Rewind, "codex keeps no copies of the files it changes"),
    ],
    ..Abilities::WHOLE
};

/// A prompt that is a method of codex's, as [`REVERT`] is; what else begins with
/// a slash its own screen does, and nobody here.
const COMPACT: &str = "/compact";

/// One process of it.
#[derive(Debug, Default)]
struct Codex {
    origin: Option<Origin>,
    cwd: PathBuf,
    /// As a person chose it; none: as codex is configured.
    model: Option<String>,
    /// The slot's, whatever codex is configured to: what the screen says holds.
    mode: PermissionMode,
    ephemeral: bool,
    /// The active thread.
    thread: Option<SessionId>,
    /// What the handshake has brought so far.
    hello: Hello,
    /// What was asked and is not answered, by the id it was asked under.
    asked: HashMap<String, Asked>,
    turn: Option<Turn>,
    /// Tokens of the active thread, and what its context window holds of how much.
    usage: Usage,
    context: (u64, u64),
}

/// What the handshake brings.
#[derive(Debug, Default)]
struct Hello {
    version: String,
    notice: Option<String>,
    models: Vec<String>,
}

/// What an answer is to.
#[derive(Debug)]
enum Asked {
    /// The handshake, step by step; under which id it is owed.
    Initialize(String),
    Account(String),
    Models(String),
    First(String),
    /// A switch, from which thread, and the title of the one it makes.
    Switch(Option<SessionId>, Option<String>),
    /// A prompt, by its uuid.
    Prompt(String),
    /// The turns of a thread that is to be forked at one of them.
    Turns(Cut),
    /// The last turn, which a prompt of this uuid takes back.
    LastTurn(String),
    /// Taking it back; the ids of what is gone then.
    Reverted(String, Vec<String>),
    /// Anything that is only done or not.
    Plain,
    /// Nobody waits.
    Nothing,
}

/// The turn that runs.
#[derive(Debug, Default)]
struct Turn {
    /// The prompt's uuid.
    prompt: String,
    /// Its own id; empty until codex said it.
    id: String,
    /// It is to be interrupted as soon as its id is known.
    stop: bool,
    /// Tokens before it.
    before: Usage,
}

impl Driver for Codex {
    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    fn queues(&self) -> bool {
        false
    }

    fn start(&mut self, launch: &Launch, origin: &Origin) -> Start {
        self.origin = Some(origin.clone());
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        self.mode = launch.permission_mode;
        self.ephemeral = launch.ephemeral;
        Start::default()
    }

    fn ask(&mut self, id: &str, ask: Ask) -> Vec<Heard> {
        self.asked_for(id, ask)
    }

    fn prompt(&mut self, uuid: &str, text: &str) -> Vec<Heard> {
        let id = format!("prompt-{uuid}");
        self.turn = Some(Turn { prompt: uuid.to_owned(), before: self.usage, ..Turn::default() });
        if text.trim() == COMPACT {
            let params = json!({"threadId": self.thread});
            return vec![self.request(&id, Asked::Prompt(uuid.to_owned()), "thread/compact/start", &params)];
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
        vec![self.request(&id, Asked::Prompt(uuid.to_owned()), "turn/start", &params)]
    }

    fn verdict(&mut self, request: PermissionRequest, verdict: Verdict) -> Vec<Heard> {
        let decision = match verdict {
            Verdict::Once => "accept",
            Verdict::Session => "acceptForSession",
            Verdict::Deny(_) => "decline",
        };
        // Its ids are numbers; they went through the slot as text.
        let id: Value = serde_json::from_str(&request.id).unwrap_or(Value::Null);
        vec![Heard::Send(json!({"id": id, "result": {"decision": decision}}))]
    }

    fn hear(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        self.heard(&line)
    }
}

impl Codex {
    /// The line that asks for a method; its answer comes under this id.
    fn request(&mut self, id: &str, asked: Asked, method: &str, params: &Value) -> Heard {
        self.asked.insert(id.to_owned(), asked);
        Heard::Send(json!({"id": id, "method": method, "params": params}))
    }
}

#[cfg(test)]
mod tests;
