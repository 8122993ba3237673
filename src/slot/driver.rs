//! The contract between the slot and the agents' dialects; one file below for
//! each dialect.
//!
//! Owns what is asked of an agent and heard from it, free of any dialect. Owns
//! no process and no state of the slot: which session is active, what waits,
//! what is overdue is the `machine`'s to know.
//!
//! # How to write a driver
//! 1. Implement [`Driver`] in a file of its own. One value serves one process:
//!    it is made by [`Known::driver`] before the process starts, and dropped
//!    with it, so it may keep what it needs to understand the agent (ids of
//!    requests, the running turn, what was spent).
//! 2. A line is one JSON object, either way; what it means is yours alone.
//!    Garbage and partial lines never reach you. What you do not know you pass
//!    over: an empty list is always a valid answer.
//! 3. Every [`Ask`] comes with an id of the slot's and is owed exactly one
//!    [`AgentEvent::Response`] under that id, at once or after as many lines to and fro
//!    as it takes: give back [`AgentEvent::SendLine`] for each, and keep in yourself how
//!    far you are. What you never answer the slot gives up by itself.
//!    [`Ask::Handshake`] comes first, and its answer says which session is
//!    active: create or load the one that [`Driver::start`] named, if your agent
//!    does that by a request.
//! 4. A prompt is answered by news: [`AgentEvent::PromptStateChanged`] when its turn starts and
//!    when it is over, [`AgentEvent::ConversationChanged`] for what is said, [`AgentEvent::TurnEnded`] with
//!    what the turn took, [`AgentEvent::Idle`] when nothing runs any more. News carry
//!    the session they belong to; news of another than the active one are
//!    dropped.
//! 5. Say in [`Driver::capabilities`] how each switch is done. For those that are
//!    [`InProcess`](super::Ability::InProcess) you get [`Ask::Switch`]; a failed
//!    one must leave the former session active. For those that are
//!    [`StandbyProcess`](super::Ability::Standby) you get nothing: another process is
//!    started, with a driver of its own, whose origin is that session.
//! 6. An agent that asks for files or terminals of this machine gets them by
//!    [`AgentEvent::ClientOp`], once whoever has a say has said yes; what comes of it comes
//!    to [`Driver::handle_client_op`]. You read no file and run no program yourself.
//! 7. Add a row to [`KNOWN`]. Nothing else in hotseat may know the agent's name.

mod acp;
mod agent_event;
mod claude;
mod client_op;
mod codex;
mod hotseat;
mod slot_request;
mod stream_json;

use std::ffi::OsString;
use std::fmt::Debug;

use serde_json::Value;

pub use acp::CUSTOM_ACP;
pub use agent_event::{AgentEvent, AgentResponse, SwitchResult};
pub use client_op::{ClientOp, ClientOpEvent, ClientOpResult, CreateTerminal, TerminalExit};
pub use hotseat::HOTSEAT_AGENT;
pub use slot_request::{SlotRequest, StartSession};

use super::{Capabilities, Launch, PermissionDecision, PermissionRequest};
use crate::session::SessionId;

/// One line of an agent's stdin or stdout: a JSON object.
pub type JsonLine = Value;

/// The code that speaks one agent's dialect, for one process.
pub trait Driver: Debug + Send {
    /// What the agent can do. It may know better after the handshake than before.
    fn capabilities(&self) -> Capabilities;

    /// Whether the agent keeps prompts that come while a turn runs, and runs
    /// them one after the other. To one that does not the slot gives the next
    /// prompt when no turn runs.
    fn queues_prompts(&self) -> bool {
        true
    }

    /// How the process is to be started, in which session. Called once, first.
    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs;

    /// Asks the agent; the answer comes under this id.
    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<AgentEvent>;

    /// Gives the agent a prompt.
    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<AgentEvent>;

    /// Answers a permission request.
    fn answer_permission(
        &mut self,
        request: PermissionRequest,
        verdict: PermissionDecision,
    ) -> Vec<AgentEvent>;

    /// What a line means, and the session it belongs to where it says so.
    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>);

    /// What comes of what was lent. To an agent that asks for nothing nothing is.
    fn handle_client_op(&mut self, _news: ClientOpEvent) -> Vec<AgentEvent> {
        Vec::new()
    }
}

/// What a process is started with, on top of what the [`Launch`] brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpawnArgs {
    /// Arguments after the launch's.
    pub args: Vec<OsString>,
    /// Environment under the launch's.
    pub env: Vec<(OsString, OsString)>,
}

/// An agent that hotseat can seat.
#[derive(Debug, Clone, Copy)]
pub struct AgentSpec {
    /// What `--agent` calls it.
    pub name: &'static str,
    /// The program to look for; none: hotseat itself.
    pub program: Option<&'static str>,
    /// How to get it; empty for hotseat itself.
    pub install: &'static str,
    /// Its arguments before the driver's.
    pub args: &'static [&'static str],
    /// Its transcripts are in the official format, so that its sessions are
    /// those of the browser and of every other such agent.
    pub official_format: bool,
    /// Makes the driver of one process.
    pub driver: fn() -> Box<dyn Driver>,
}

/// Where nobody says which agent takes the seat, the first of these that is found.
pub const DEFAULT_ORDER: &[&str] = &["claude", "codex", "opencode"];

/// The agents that can take the seat.
pub const AGENTS: &[AgentSpec] = &[
    HOTSEAT_AGENT,
    claude::CLAUDE,
    codex::CODEX,
    acp::OPENCODE,
    acp::QWEN,
    acp::COPILOT,
    acp::GEMINI,
    acp::CLAUDE_AGENT,
    acp::CODEX,
];
