//! The contract between the slot and the agents' protocols, with one file below
//! for each protocol.
//!
//! Owns the requests to agents and the events from them, independent of any
//! protocol. It owns no process and no slot state: the active session, queued
//! prompts and timeouts belong to the `machine`.
//!
//! # How to write a driver
//! 1. Implement [`Driver`] in a file of its own. One value serves one process:
//!    [`AgentSpec::driver`] makes it before the process starts and it is dropped
//!    with the process, so it may hold protocol state (request ids, the running
//!    turn, costs so far).
//! 2. A line is one JSON object in either direction; only the driver interprets
//!    it. Garbage and partial lines never reach it. Pass over what you do not
//!    know: an empty list is always a valid answer.
//! 3. Every [`SlotRequest`] comes with an id of the slot's and must get exactly
//!    one [`DriverOutput::Response`] under that id, at once or after any number of
//!    lines ([`DriverOutput::SendLine`]) to and fro. The slot times out requests
//!    that are never answered. [`SlotRequest::Handshake`] comes first and its
//!    response names the active session: create or load the session given to
//!    [`Driver::start`], if the agent does that by a request.
//! 4. A prompt produces events: [`AgentEvent::PromptStateChanged`] when its turn
//!    starts and ends, [`AgentEvent::ConversationChanged`] for its content,
//!    [`DriverOutput::TurnEnded`] with its cost, [`DriverOutput::Idle`] when nothing
//!    runs any more. Events carry the session they belong to; the slot drops
//!    those of a session that is not active.
//! 5. Declare in [`Driver::capabilities`] how each switch works. For
//!    [`InProcess`](super::SwitchSupport::InProcess) the driver receives
//!    [`SlotRequest::Switch`]; a failed one must leave the former session active.
//!    For [`Standby`](super::SwitchSupport::Standby) it receives nothing: another
//!    process is started, with a driver of its own, in the target session.
//!    What the driver sends for itself it times out itself ([`Driver::deadline`]).
//! 6. An agent that asks for files or terminals of this machine gets them through
//!    [`DriverOutput::ClientOp`], once permission is given; results come to
//!    [`Driver::handle_client_op`]. A driver runs no program itself.
//! 7. Add a row to [`AGENTS`]. Nothing else in hotseat may know the agent's name.

mod acp;
mod claude;
mod claude_tty;
mod codex;
mod hotseat;
mod shell_words;
mod stream_json;

use std::ffi::OsString;
use std::fmt::Debug;

use tokio::time::Instant;

pub use crate::agent_api::{
    AgentEvent, AgentRequest, AgentResponse, ClientOp, ClientOpEvent, ClientOpResult, CreateTerminal,
    DriverOutput, JsonLine, SlotRequest, StartSession, SwitchResult, TerminalExit,
};
pub use acp::CUSTOM_ACP;
pub(super) use claude_tty::claude_tty;
pub use hotseat::HOTSEAT_AGENT;

use super::{Capabilities, Launch, PermissionRequest};
use crate::session::SessionId;

/// Speaks one agent's protocol, for one process.
pub trait Driver: Debug + Send {
    /// What the agent supports. The answer may change with the handshake.
    fn capabilities(&self) -> Capabilities;

    /// Whether the agent queues prompts that arrive during a turn. If not, the slot
    /// sends the next prompt only when no turn runs.
    fn queues_prompts(&self) -> bool {
        true
    }

    /// How to start the process in this session. Called once, before anything else.
    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs;

    /// Sends a request; its response must carry this id.
    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput>;

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput>;

    /// Answers a permission request: `denied` is the reason against it, `None`
    /// allows this one call. Nothing may be allowed for longer: what a person
    /// allows for a session the slot itself remembers.
    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput>;

    /// Interprets a line: the session it belongs to, if it names one, and the
    /// resulting events.
    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>);

    /// Takes the result of a [`ClientOp`]. Only drivers that request client
    /// operations need it.
    fn handle_client_op(&mut self, _news: ClientOpEvent) -> Vec<DriverOutput> {
        Vec::new()
    }

    /// The person typed keys for the program in the terminal.
    fn handle_keys(&mut self, _keys: Vec<u8>) -> Vec<DriverOutput> {
        Vec::new()
    }

    /// Whether the driver itself fails every request that is not answered in time.
    /// Otherwise the slot does, and starts the process again where that leaves
    /// unknown which session is active.
    fn has_own_timeouts(&self) -> bool {
        false
    }

    /// Whether a process that has ended by itself is started again.
    fn restarts(&self) -> bool {
        true
    }

    /// When [`expire`](Self::expire) is due; `None` if the driver waits for nothing
    /// that may fail to come.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Gives up what has not come in time.
    fn expire(&mut self, _now: Instant) -> Vec<DriverOutput> {
        Vec::new()
    }
}

/// Arguments and environment in addition to those of the [`Launch`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpawnArgs {
    /// Arguments after those of the launch.
    pub args: Vec<OsString>,
    /// Environment; a variable that the launch also sets has the launch's value.
    pub env: Vec<(OsString, OsString)>,
}

/// An agent that hotseat can run.
#[derive(Debug, Clone, Copy)]
pub struct AgentSpec {
    /// What `--agent` calls it.
    pub name: &'static str,
    /// The program to look for on `PATH`; `None` for hotseat itself.
    pub program: Option<&'static str>,
    /// The command that installs it; empty for hotseat itself.
    pub install: &'static str,
    /// Arguments before those of the driver.
    pub args: &'static [&'static str],
    /// Its transcripts are in the official Claude format, so it shares its sessions
    /// with the browser and with every other such agent.
    pub official_format: bool,
    /// It can be started without the settings of the project it works in.
    pub ignores_project_settings: bool,
    /// Makes the driver of one process.
    pub driver: fn() -> Box<dyn Driver>,
}

/// The default agent is the first of these that is installed.
pub const DEFAULT_ORDER: &[&str] = &["claude", "codex", "opencode"];

/// All agents that hotseat can run.
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
