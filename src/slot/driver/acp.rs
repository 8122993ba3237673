//! The driver for agents that speak the Agent Client Protocol, version 1 (tried
//! with opencode 1.18): one process has many sessions, and every switch opens
//! one of them.
//!
//! Owns the requests to such an agent and the meaning of its messages, and
//! decides which files and terminals of this machine (`fs/*`, `terminal/*`) it
//! may use: reads in the session's folder are free, everything else needs the
//! mode or a person. It never opens a file or runs a program itself. An agent
//! with tools of its own uses those by its own rules.

mod client_ops;
mod command_line;
mod connection;
mod file_names;
mod grants;
mod handshake;
mod history;
mod incoming;
mod line_diff;
mod open_session;
mod options;
mod permissions;
mod remote_session;
mod shown_change;
mod tool_call;
mod turn_assembler;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, AgentCapabilities, CancelNotification, PromptRequest,
};

use self::client_ops::AcpClientOps;
use self::connection::AcpPending;
use self::history::ReplayBuffer;
use self::open_session::{OpenRequest, OpenTarget};
use self::options::SessionOptions;
use self::permissions::PermissionQueue;
use self::remote_session::RemoteSession;
use self::turn_assembler::TurnAssembler;
use super::{
    AgentResponse, AgentSpec, ClientOpEvent, Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs,
    StartSession,
};
use crate::agent_api::{AgentCall, AgentRequest, MeasureContext, SetMode, SetModel};
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::{self, JsonRpc};
use crate::session::SessionId;
use crate::slot::{
    Capabilities, ContextUsage, Feature, Launch, PermissionRequest, PromptState, SessionFinder, SlotError,
    SlotTotals, Switch, SwitchSupport,
};

const fn acp_agent(
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    install: &'static str,
) -> AgentSpec {
    AgentSpec {
        name,
        program: Some(program),
        install,
        args: arguments,
        official_format: false,
        // The protocol has no word for it.
        ignores_project_settings: false,
        driver: || Box::<AcpDriver>::default(),
    }
}

/// An agent that could not fork when it was tried. Its own capabilities count
/// once the handshake has reported them.
const fn without_fork(known: AgentSpec) -> AgentSpec {
    AgentSpec { driver: || Box::new(AcpDriver { assume_no_fork: true, ..AcpDriver::default() }), ..known }
}

/// opencode, the reference for this driver.
pub const OPENCODE: AgentSpec = acp_agent("opencode", "opencode", &["acp"], "npm install -g opencode-ai");
/// Qwen Code, by Alibaba.
pub const QWEN: AgentSpec =
    without_fork(acp_agent("qwen", "qwen", &["--acp"], "npm install -g @qwen-code/qwen-code"));
/// GitHub Copilot CLI.
pub const COPILOT: AgentSpec =
    without_fork(acp_agent("copilot", "copilot", &["--acp"], "npm install -g @github/copilot"));
/// Gemini CLI, by Google.
pub const GEMINI: AgentSpec =
    without_fork(acp_agent("gemini", "gemini", &["--acp"], "npm install -g @google/gemini-cli"));
/// The protocol's adapter for Claude Code; it writes official transcripts.
pub const CLAUDE_AGENT: AgentSpec = AgentSpec {
    official_format: true,
    ..acp_agent(
        "claude-agent-acp",
        "claude-agent-acp",
        &[],
        "npm install -g @agentclientprotocol/claude-agent-acp",
    )
};
/// The protocol's adapter for Codex.
pub const CODEX: AgentSpec =
    acp_agent("codex-acp", "codex-acp", &[], "npm install -g @agentclientprotocol/codex-acp");

/// Any other program that speaks the protocol; a person names it.
pub const CUSTOM_ACP: AgentSpec = acp_agent("acp", "", &[], "");

/// What no such agent can do, because the protocol does not provide it.
const UNSUPPORTED: &[(Feature, &str)] = &[
    (Feature::Rename, "this agent cannot rename sessions"),
    (Feature::Archive, "this agent cannot undo deletes, so nothing was deleted"),
    (Feature::ForkAt, "this agent cannot fork at a message, only at the end"),
    (Feature::Rewind, "this agent cannot rewind files"),
    (Feature::Servers, "this agent does not report its MCP servers"),
    (Feature::Ephemeral, "this agent always writes its sessions to disk"),
];

/// The active session.
#[derive(Debug, Clone)]
struct OpenedSession {
    session: SessionId,
    remote: RemoteSession,
}

/// A running turn.
#[derive(Debug)]
struct AcpTurn {
    uuid: String,
    session: SessionId,
    since: Instant,
    /// The session's totals before this turn.
    totals_before: SlotTotals,
}

/// One process of an ACP agent.
#[derive(Debug, Default)]
struct AcpDriver {
    connection: JsonRpc<AcpPending>,
    /// The session to open after the handshake.
    start_session: Option<StartSession>,
    /// The folder of new sessions.
    cwd: PathBuf,
    /// The chosen model; `None` for the agent's default.
    model: Option<String>,
    /// Report fork as unsupported until the handshake says otherwise.
    assume_no_fork: bool,
    /// The agent's reported capabilities; `None` before the handshake.
    agent_capabilities: Option<AgentCapabilities>,
    name: String,
    version: String,
    /// The ways to log in, in the agent's own words.
    login_hints: Vec<String>,
    /// The agent's sessions, as far as it has listed them.
    remote_sessions: BTreeMap<SessionId, RemoteSession>,
    active: Option<OpenedSession>,
    /// Other sessions that an agent without `session/close` still has open, with
    /// their options.
    open_options: BTreeMap<SessionId, SessionOptions>,
    /// Sessions being closed, each with the request to reopen it that arrived
    /// meanwhile: copilot 1.0 reopens a session only after it has closed it.
    closing: BTreeMap<SessionId, Option<OpenRequest>>,
    /// The history that the agent replays while it opens a session.
    replay: Option<ReplayBuffer>,
    /// Tells what of a session is recorded on disk.
    finder: SessionFinder,
    options: SessionOptions,
    permissions: PermissionQueue,
    client_ops: AcpClientOps,
    assembler: TurnAssembler,
    /// Slash commands received for a session that is not active yet.
    early_commands: Option<(SessionId, Vec<(String, String)>)>,
    turn: Option<AcpTurn>,
    /// A switch that waits for the interrupted turn to end.
    queued_switch: Option<OpenRequest>,
    spent: SlotTotals,
    context: Option<ContextUsage>,
}

impl Driver for AcpDriver {
    fn capabilities(&self) -> Capabilities {
        let by =
            |can: bool, why| if can { SwitchSupport::InProcess } else { SwitchSupport::Unsupported(why) };
        let can = self.agent_capabilities.as_ref();
        let resumes = can.is_none_or(|can| can.load_session || can.session_capabilities.resume.is_some());
        let forks = can.map_or(!self.assume_no_fork, |can| can.session_capabilities.fork.is_some());
        Capabilities {
            clear: SwitchSupport::InProcess,
            resume: by(resumes, "this agent cannot resume"),
            fork: by(forks, "this agent cannot fork"),
            unsupported_features: UNSUPPORTED,
        }
    }

    fn queues_prompts(&self) -> bool {
        false
    }

    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        self.start_session = Some(origin.clone());
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        self.permissions.mode = launch.permission_mode;
        self.finder = launch.finder.clone();
        SpawnArgs::default()
    }

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        match ask {
            SlotRequest::Handshake => self.send_initialize(id),
            SlotRequest::Interrupt => {
                let mut events = self.cancel_turn();
                events.push(respond_to(id, Ok(AgentResponse::Done)));
                events
            }
            SlotRequest::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            SlotRequest::Call(request) => self.handle_call(id, request),
            // The slot sends it one prompt at a time, so none is queued there.
            SlotRequest::CancelPrompt(_) => vec![respond_to(id, Ok(AgentResponse::Cancelled(false)))],
            SlotRequest::EndSession => self.cancel_turn(),
        }
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        let Some(active) = &self.active else { return Vec::new() };
        let request = PromptRequest::new(active.remote.id.clone(), vec![text.into()]);
        self.turn = Some(AcpTurn {
            uuid: uuid.to_owned(),
            session: active.session,
            since: Instant::now(),
            totals_before: self.spent,
        });
        let sent = self.send_request(AGENT_METHOD_NAMES.session_prompt, &request, AcpPending::Prompt);
        vec![sent, DriverOutput::prompt(uuid, PromptState::Started)]
    }

    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput> {
        let answered = self.answer_question(&request.id, denied.as_deref());
        answered.or_else(|| self.answer_agent(&request.id, denied.is_none())).into_iter().collect()
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        self.handle_line(line)
    }

    fn handle_client_op(&mut self, event: ClientOpEvent) -> Vec<DriverOutput> {
        self.handle_op_event(event)
    }

    fn deadline(&self) -> Option<tokio::time::Instant> {
        self.connection.deadline()
    }

    fn expire(&mut self, now: tokio::time::Instant) -> Vec<DriverOutput> {
        let expired = self.connection.expire(now);
        expired.into_iter().flat_map(|(then, error)| self.handle_response(then, Err(error)).1).collect()
    }
}

impl AcpDriver {
    fn handle_call(&mut self, id: &str, request: AgentRequest) -> Vec<DriverOutput> {
        match request {
            AgentRequest::SetModel(SetModel { model }) => self.set_model(id, model),
            AgentRequest::SetMode(SetMode { mode }) => self.set_mode(id, mode),
            AgentRequest::MeasureContext(_) => {
                let unknown = || refusal("the agent has not reported its context window");
                let usage = self.context.clone().ok_or_else(unknown);
                vec![reply_to::<MeasureContext>(id, usage)]
            }
            AgentRequest::RenameSession(_)
            | AgentRequest::ArchiveSession(_)
            | AgentRequest::ListMcpServers(_)
            | AgentRequest::ReconnectMcpServer(_)
            | AgentRequest::RewindFiles(_) => vec![unsupported(id, request.feature())],
        }
    }

    /// Cancels the running turn. The protocol requires open permission requests to
    /// be answered as well.
    fn cancel_turn(&mut self) -> Vec<DriverOutput> {
        let Some(active) = self.active.as_ref().filter(|_| self.turn.is_some()) else { return Vec::new() };
        let cancel = CancelNotification::new(active.remote.id.clone());
        let mut events =
            vec![DriverOutput::SendLine(json_rpc::notification(AGENT_METHOD_NAMES.session_cancel, &cancel))];
        events.extend(self.permissions.cancel_all());
        events.extend(self.cancel_questions());
        events
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<DriverOutput> {
        let goal = match switch {
            Switch::Clear => OpenTarget::New,
            Switch::Resume(session) => OpenTarget::Stored(session),
            Switch::ResumeOrCreate { .. } => {
                return vec![respond_to(id, Err(refusal("this agent assigns session ids itself")))];
            }
            Switch::Fork { source, cwd, .. } => OpenTarget::Fork { source, cwd },
        };
        let opening = OpenRequest { request_id: id.to_owned(), target: goal, is_handshake: false };
        if self.turn.is_none() {
            return self.open_session(opening);
        }
        if !interrupt {
            return vec![respond_to(id, Err(SlotError::Busy))];
        }
        self.queued_switch = Some(opening);
        self.cancel_turn()
    }

    /// Whether the agent can close sessions and free what they hold.
    fn can_close(&self) -> bool {
        self.agent_capabilities.as_ref().is_some_and(|can| can.session_capabilities.close.is_some())
    }

    fn mode(&self) -> PermissionMode {
        self.permissions.mode
    }
}

fn respond_to(id: &str, answer: Result<AgentResponse, SlotError>) -> DriverOutput {
    DriverOutput::Response { id: id.to_owned(), answer }
}

fn reply_to<C: AgentCall>(id: &str, reply: Result<C::Reply, SlotError>) -> DriverOutput {
    respond_to(id, reply.map(|reply| AgentResponse::Reply(C::respond(reply))))
}

fn unsupported(id: &str, feature: Feature) -> DriverOutput {
    let why = UNSUPPORTED.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why);
    respond_to(id, Err(refusal(why.unwrap_or_default())))
}

fn refusal(message: &str) -> SlotError {
    SlotError::refused(message)
}

#[cfg(test)]
mod tests;
