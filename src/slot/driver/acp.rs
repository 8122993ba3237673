//! The driver for agents that speak the Agent Client Protocol, version 1 (seen:
//! opencode 1.18): one process, many sessions, and every switch the opening of
//! another.
//!
//! Owns what is asked of such an agent and what its news mean, and says which
//! of the files and terminals of this machine (`fs/*`, `terminal/*`) it is lent:
//! reads in the session's folder are free, and for the rest a person or the mode
//! has a say. An agent that has its own uses them by its own rules.

mod client_ops;
mod command_line;
mod connection;
mod grants;
mod handshake;
mod history;
mod incoming;
mod line_diff;
mod open_session;
mod options;
mod permissions;
mod remote_session;
mod tool_call;
mod turn_assembler;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, AgentCapabilities, CancelNotification, PromptRequest,
};

use self::client_ops::AcpClientOps;
use self::connection::{AcpConnection, AcpPending};
use self::history::ReplayBuffer;
use self::open_session::{OpenRequest, OpenTarget};
use self::options::SessionOptions;
use self::permissions::PermissionQueue;
use self::remote_session::RemoteSession;
use self::turn_assembler::TurnAssembler;
use super::{
    AgentEvent, AgentResponse, AgentSpec, ClientOpEvent, Driver, JsonLine, SlotRequest, SpawnArgs,
    StartSession,
};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{
    Capabilities, ContextUsage, Feature, Launch, PermissionDecision, PermissionRequest, PromptState,
    SessionFinder, SlotError, SlotTotals, Switch, SwitchSupport,
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
        driver: || Box::<AcpDriver>::default(),
    }
}

/// One that could not fork when it was tried; what it says itself counts once it
/// has said it.
const fn without_fork(known: AgentSpec) -> AgentSpec {
    AgentSpec { driver: || Box::new(AcpDriver { assume_no_fork: true, ..AcpDriver::default() }), ..known }
}

/// The reference.
pub const OPENCODE: AgentSpec = acp_agent("opencode", "opencode", &["acp"], "npm install -g opencode-ai");
/// Alibaba's.
pub const QWEN: AgentSpec =
    without_fork(acp_agent("qwen", "qwen", &["--acp"], "npm install -g @qwen-code/qwen-code"));
/// GitHub's.
pub const COPILOT: AgentSpec =
    without_fork(acp_agent("copilot", "copilot", &["--acp"], "npm install -g @github/copilot"));
/// Google's.
pub const GEMINI: AgentSpec =
    without_fork(acp_agent("gemini", "gemini", &["--acp"], "npm install -g @google/gemini-cli"));
/// Claude's, by the protocol's own people: the official transcripts.
pub const CLAUDE_AGENT: AgentSpec = AgentSpec {
    official_format: true,
    ..acp_agent(
        "claude-agent-acp",
        "claude-agent-acp",
        &[],
        "npm install -g @agentclientprotocol/claude-agent-acp",
    )
};
/// Codex, by the same.
pub const CODEX: AgentSpec =
    acp_agent("codex-acp", "codex-acp", &[], "npm install -g @agentclientprotocol/codex-acp");

/// Any other program that speaks so; the person names it.
pub const CUSTOM_ACP: AgentSpec = acp_agent("acp", "", &[], "");

/// What no such agent can: the protocol has no word for it.
const UNSUPPORTED: &[(Feature, &str)] = &[
    (Feature::Rename, "the Agent Client Protocol cannot rename"),
    (Feature::Archive, "the Agent Client Protocol cannot bring back what it deletes"),
    (Feature::ForkAt, "the Agent Client Protocol copies a session to its end only"),
    (Feature::Rewind, "the Agent Client Protocol cannot bring files back"),
    (Feature::Servers, "the Agent Client Protocol does not tell of MCP servers"),
    (Feature::Ephemeral, "the Agent Client Protocol cannot keep it from writing to disk"),
];

/// The session in the seat.
#[derive(Debug, Clone)]
struct OpenedSession {
    session: SessionId,
    remote: RemoteSession,
}

/// A turn that runs.
#[derive(Debug)]
struct AcpTurn {
    uuid: String,
    session: SessionId,
    since: Instant,
    /// What was spent before it.
    totals_before: SlotTotals,
}

/// One process of such an agent.
#[derive(Debug, Default)]
struct AcpDriver {
    connection: AcpConnection,
    /// The session it is started in.
    start_session: Option<StartSession>,
    /// Where new sessions begin.
    cwd: PathBuf,
    /// The model that was asked for; none: the agent's choice.
    model: Option<String>,
    /// Before it says what it can do, it is not taken to fork.
    assume_no_fork: bool,
    /// What it says it can do; none before the handshake.
    agent_capabilities: Option<AgentCapabilities>,
    name: String,
    version: String,
    /// How a person logs in with it, in its own words.
    login_hints: Vec<String>,
    /// Its sessions, as far as it has told of them.
    remote_sessions: BTreeMap<SessionId, RemoteSession>,
    active: Option<OpenedSession>,
    /// The sessions that it has open beside that one, and what each offers: those
    /// of an agent that closes none.
    open_options: BTreeMap<SessionId, SessionOptions>,
    /// The sessions that it is closing, and who wants one back meanwhile: copilot
    /// 1.0 opens none before it has closed it.
    closing: BTreeMap<SessionId, Option<OpenRequest>>,
    /// What the agent replays of the session it opens.
    replay: Option<ReplayBuffer>,
    /// Knows what of a session is written down.
    finder: SessionFinder,
    options: SessionOptions,
    permissions: PermissionQueue,
    client_ops: AcpClientOps,
    assembler: TurnAssembler,
    /// Slash commands in a session that is not active yet.
    early_commands: Option<(SessionId, Vec<(String, String)>)>,
    turn: Option<AcpTurn>,
    /// A switch that waits for the end of the turn it interrupts.
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

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<AgentEvent> {
        match ask {
            SlotRequest::Handshake => self.send_initialize(id),
            SlotRequest::Interrupt => {
                let mut heard = self.cancel_turn();
                heard.push(respond_to(id, Ok(AgentResponse::Done)));
                heard
            }
            SlotRequest::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            SlotRequest::SetModel(model) => self.set_model(id, model),
            SlotRequest::SetMode(mode) => self.set_mode(id, mode),
            SlotRequest::ContextUsage => {
                let unknown = || refusal("the agent has not said how full its context window is");
                vec![respond_to(
                    id,
                    self.context.clone().map(AgentResponse::ContextUsage).ok_or_else(unknown),
                )]
            }
            // It is given one at a time.
            SlotRequest::CancelPrompt(_) => vec![respond_to(id, Ok(AgentResponse::Cancelled(false)))],
            SlotRequest::EndSession => self.cancel_turn(),
            SlotRequest::Archive { .. } => vec![unsupported(id, Feature::Archive)],
            SlotRequest::Rename { .. } => vec![unsupported(id, Feature::Rename)],
            SlotRequest::McpServers => vec![unsupported(id, Feature::Servers)],
            SlotRequest::Rewind { .. } => vec![unsupported(id, Feature::Rewind)],
        }
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<AgentEvent> {
        let Some(active) = &self.active else { return Vec::new() };
        let request = PromptRequest::new(active.remote.id.clone(), vec![text.into()]);
        self.turn = Some(AcpTurn {
            uuid: uuid.to_owned(),
            session: active.session,
            since: Instant::now(),
            totals_before: self.spent,
        });
        let sent = self.connection.request(AGENT_METHOD_NAMES.session_prompt, &request, AcpPending::Prompt);
        vec![sent, AgentEvent::PromptStateChanged { uuid: uuid.to_owned(), state: PromptState::Started }]
    }

    fn answer_permission(
        &mut self,
        request: PermissionRequest,
        verdict: PermissionDecision,
    ) -> Vec<AgentEvent> {
        let lent = self.answer_question(&request.id, &verdict);
        lent.or_else(|| self.answer_agent(&request.id, &verdict)).into_iter().collect()
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>) {
        self.handle_line(line)
    }

    fn handle_client_op(&mut self, news: ClientOpEvent) -> Vec<AgentEvent> {
        self.handle_op_event(news)
    }
}

impl AcpDriver {
    /// Stops the turn that runs. What it asks has to be answered, says the protocol.
    fn cancel_turn(&mut self) -> Vec<AgentEvent> {
        let Some(active) = self.active.as_ref().filter(|_| self.turn.is_some()) else { return Vec::new() };
        let cancel = CancelNotification::new(active.remote.id.clone());
        let mut heard = vec![AcpConnection::notify(AGENT_METHOD_NAMES.session_cancel, &cancel)];
        heard.extend(self.permissions.cancel_all());
        heard.extend(self.cancel_questions());
        heard
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<AgentEvent> {
        let goal = match switch {
            Switch::Clear => OpenTarget::New,
            Switch::Resume(session) => OpenTarget::Stored(session),
            Switch::ResumeOrCreate { .. } => {
                return vec![respond_to(id, Err(refusal("this agent gives its sessions their ids itself")))];
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

    /// Whether the agent closes sessions, so that what one holds can be let go.
    fn can_close(&self) -> bool {
        self.agent_capabilities.as_ref().is_some_and(|can| can.session_capabilities.close.is_some())
    }

    fn mode(&self) -> PermissionMode {
        self.permissions.mode
    }
}

fn respond_to(id: &str, answer: Result<AgentResponse, SlotError>) -> AgentEvent {
    AgentEvent::Response { id: id.to_owned(), answer }
}

fn unsupported(id: &str, feature: Feature) -> AgentEvent {
    let why = UNSUPPORTED.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why);
    respond_to(id, Err(refusal(why.unwrap_or_default())))
}

fn refusal(message: &str) -> SlotError {
    SlotError::Refused { code: String::new(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
