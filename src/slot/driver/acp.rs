//! The driver for agents that speak the Agent Client Protocol, version 1 (seen:
//! opencode 1.18): one process, many sessions, and every switch the opening of
//! another.
//!
//! Owns what is asked of such an agent and what its news mean, and says which
//! of the files and terminals of this machine (`fs/*`, `terminal/*`) it is lent:
//! reads in the session's folder are free, and for the rest a person or the mode
//! has a say. An agent that has its own uses them by its own rules.

mod call;
mod changed;
mod command;
mod connection;
mod grants;
mod greeting;
mod hear;
mod history;
mod ids;
mod lend;
mod opening;
mod options;
mod permit;
mod said;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, AgentCapabilities, CancelNotification, PromptRequest,
};

use self::connection::{Connection, Step};
use self::history::History;
use self::ids::Place;
use self::lend::Lending;
use self::opening::{Goal, Opening};
use self::options::Options;
use self::permit::Permits;
use self::said::Said;
use super::{Answer, Ask, Driver, Heard, Known, Line, LoanNews, Origin, Start};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{
    Abilities, Ability, ContextUsage, Feature, Finder, Launch, PermissionRequest, PromptState, SlotError,
    Switch, Totals, Verdict,
};

const fn speaks(
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    install: &'static str,
) -> Known {
    Known {
        name,
        program: Some(program),
        install,
        arguments,
        official: false,
        driver: || Box::<Acp>::default(),
    }
}

/// One that could not fork when it was tried; what it says itself counts once it
/// has said it.
const fn without_fork(known: Known) -> Known {
    Known { driver: || Box::new(Acp { no_fork: true, ..Acp::default() }), ..known }
}

/// The reference.
pub const OPENCODE: Known = speaks("opencode", "opencode", &["acp"], "npm install -g opencode-ai");
/// Alibaba's.
pub const QWEN: Known =
    without_fork(speaks("qwen", "qwen", &["--acp"], "npm install -g @qwen-code/qwen-code"));
/// GitHub's.
pub const COPILOT: Known =
    without_fork(speaks("copilot", "copilot", &["--acp"], "npm install -g @github/copilot"));
/// Google's.
pub const GEMINI: Known =
    without_fork(speaks("gemini", "gemini", &["--acp"], "npm install -g @google/gemini-cli"));
/// Claude's, by the protocol's own people: the official transcripts.
pub const CLAUDE_AGENT: Known = Known {
    official: true,
    ..speaks(
        "claude-agent-acp",
        "claude-agent-acp",
        &[],
        "npm install -g @agentclientprotocol/claude-agent-acp",
    )
};
/// Codex, by the same.
pub const CODEX: Known =
    speaks("codex-acp", "codex-acp", &[], "npm install -g @agentclientprotocol/codex-acp");

/// Any other program that speaks so; the person names it.
pub const ACP: Known = speaks("acp", "", &[], "");

/// What no such agent can: the protocol has no word for it.
const LACKS: &[(Feature, &str)] = &[
    (Feature::Rename, "the Agent Client Protocol cannot rename"),
    (Feature::Archive, "the Agent Client Protocol cannot bring back what it deletes"),
    (Feature::ForkAt, "the Agent Client Protocol copies a session to its end only"),
    (Feature::Rewind, "the Agent Client Protocol cannot bring files back"),
    (Feature::Servers, "the Agent Client Protocol does not tell of MCP servers"),
    (Feature::Ephemeral, "the Agent Client Protocol cannot keep it from writing to disk"),
];

/// The session in the seat.
#[derive(Debug, Clone)]
struct Active {
    session: SessionId,
    place: Place,
}

/// A turn that runs.
#[derive(Debug)]
struct Turn {
    uuid: String,
    session: SessionId,
    since: Instant,
    /// What was spent before it.
    before: Totals,
}

/// One process of such an agent.
#[derive(Debug, Default)]
struct Acp {
    connection: Connection,
    /// The session it is started in.
    origin: Option<Origin>,
    /// Where new sessions begin.
    cwd: PathBuf,
    /// The model that was asked for; none: the agent's choice.
    model: Option<String>,
    /// Before it says what it can do, it is not taken to fork.
    no_fork: bool,
    /// What it says it can do; none before the handshake.
    can: Option<AgentCapabilities>,
    name: String,
    version: String,
    /// How a person logs in with it, in its own words.
    logins: Vec<String>,
    /// Its sessions, as far as it has told of them.
    places: BTreeMap<SessionId, Place>,
    active: Option<Active>,
    /// The sessions that it has open beside that one, and what each offers: those
    /// of an agent that closes none.
    open: BTreeMap<SessionId, Options>,
    /// The sessions that it is closing, and who wants one back meanwhile: copilot
    /// 1.0 opens none before it has closed it.
    closing: BTreeMap<SessionId, Option<Opening>>,
    /// What the agent replays of the session it opens.
    history: Option<History>,
    /// Knows what of a session is written down.
    finder: Finder,
    options: Options,
    permits: Permits,
    lending: Lending,
    said: Said,
    /// Slash commands in a session that is not active yet.
    early: Option<(SessionId, Vec<(String, String)>)>,
    turn: Option<Turn>,
    /// A switch that waits for the end of the turn it interrupts.
    waits: Option<Opening>,
    spent: Totals,
    context: Option<ContextUsage>,
}

impl Driver for Acp {
    fn abilities(&self) -> Abilities {
        let by = |can: bool, why| if can { Ability::InProcess } else { Ability::Missing(why) };
        let can = self.can.as_ref();
        let resumes = can.is_none_or(|can| can.load_session || can.session_capabilities.resume.is_some());
        let forks = can.map_or(!self.no_fork, |can| can.session_capabilities.fork.is_some());
        Abilities {
            clear: Ability::InProcess,
            resume: by(resumes, "this agent cannot resume"),
            fork: by(forks, "this agent cannot fork"),
            lacks: LACKS,
        }
    }

    fn queues(&self) -> bool {
        false
    }

    fn start(&mut self, launch: &Launch, origin: &Origin) -> Start {
        self.origin = Some(origin.clone());
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        self.permits.mode = launch.permission_mode;
        self.finder = launch.finder.clone();
        Start::default()
    }

    fn ask(&mut self, id: &str, ask: Ask) -> Vec<Heard> {
        match ask {
            Ask::Handshake => self.greet(id),
            Ask::Interrupt => {
                let mut heard = self.cancel();
                heard.push(answer(id, Ok(Answer::Done)));
                heard
            }
            Ask::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            Ask::Model(model) => self.set_model(id, model),
            Ask::Mode(mode) => self.set_mode(id, mode),
            Ask::Context => {
                let unknown = || refused("the agent has not said how full its context window is");
                vec![answer(id, self.context.clone().map(Answer::Context).ok_or_else(unknown))]
            }
            // It is given one at a time.
            Ask::Cancel(_) => vec![answer(id, Ok(Answer::Cancelled(false)))],
            Ask::End => self.cancel(),
            Ask::Archive { .. } => vec![lacking(id, Feature::Archive)],
            Ask::Rename { .. } => vec![lacking(id, Feature::Rename)],
            Ask::Servers => vec![lacking(id, Feature::Servers)],
            Ask::Rewind { .. } => vec![lacking(id, Feature::Rewind)],
        }
    }

    fn prompt(&mut self, uuid: &str, text: &str) -> Vec<Heard> {
        let Some(active) = &self.active else { return Vec::new() };
        let request = PromptRequest::new(active.place.id.clone(), vec![text.into()]);
        self.turn = Some(Turn {
            uuid: uuid.to_owned(),
            session: active.session,
            since: Instant::now(),
            before: self.spent,
        });
        let sent = self.connection.request(AGENT_METHOD_NAMES.session_prompt, &request, Step::Prompted);
        vec![sent, Heard::Prompt { uuid: uuid.to_owned(), state: PromptState::Started }]
    }

    fn verdict(&mut self, request: PermissionRequest, verdict: Verdict) -> Vec<Heard> {
        let lent = self.lend_by(&request.id, &verdict);
        lent.or_else(|| self.permit(&request.id, &verdict)).into_iter().collect()
    }

    fn hear(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        self.take(line)
    }

    fn lent(&mut self, news: LoanNews) -> Vec<Heard> {
        self.loan_moved(news)
    }
}

impl Acp {
    /// Stops the turn that runs. What it asks has to be answered, says the protocol.
    fn cancel(&mut self) -> Vec<Heard> {
        let Some(active) = self.active.as_ref().filter(|_| self.turn.is_some()) else { return Vec::new() };
        let cancel = CancelNotification::new(active.place.id.clone());
        let mut heard = vec![Connection::notify(AGENT_METHOD_NAMES.session_cancel, &cancel)];
        heard.extend(self.permits.drop_all());
        heard.extend(self.drop_questions());
        heard
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<Heard> {
        let goal = match switch {
            Switch::Clear => Goal::New,
            Switch::Resume(session) => Goal::Stored(session),
            Switch::Begin { .. } => {
                return vec![answer(id, Err(refused("this agent gives its sessions their ids itself")))];
            }
            Switch::Fork { source, cwd, .. } => Goal::Copy { source, cwd },
        };
        let opening = Opening { ask: id.to_owned(), goal, greets: false };
        if self.turn.is_none() {
            return self.open(opening);
        }
        if !interrupt {
            return vec![answer(id, Err(SlotError::Busy))];
        }
        self.waits = Some(opening);
        self.cancel()
    }

    /// Whether the agent closes sessions, so that what one holds can be let go.
    fn closes(&self) -> bool {
        self.can.as_ref().is_some_and(|can| can.session_capabilities.close.is_some())
    }

    fn mode(&self) -> PermissionMode {
        self.permits.mode
    }
}

fn answer(id: &str, answer: Result<Answer, SlotError>) -> Heard {
    Heard::Answer { id: id.to_owned(), answer }
}

fn lacking(id: &str, feature: Feature) -> Heard {
    let why = LACKS.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why);
    answer(id, Err(refused(why.unwrap_or_default())))
}

fn refused(message: &str) -> SlotError {
    SlotError::Refused { code: String::new(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
