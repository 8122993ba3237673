//! The agents to choose from, who owns a session, and what the active agent
//! cannot do.

use super::command::Command;
use super::state::App;
use crate::session::SessionId;
use crate::slot::{Feature, SwitchSupport};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOffer {
    /// What it is called.
    pub name: &'static str,
    /// How each switch would be done.
    pub switch_methods: String,
    /// Its sessions are the ones of the official transcripts.
    pub official_transcripts: bool,
    /// It can be started without the settings of the project it works in.
    pub ignores_project_settings: bool,
    /// Why it cannot be started; `None` if it can.
    pub unavailable: Option<String>,
}

/// Which agent can continue a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionOwner {
    Active,
    /// Another one, by its index in [`App::agents`].
    Offered(usize),
    /// An agent that is not configured here.
    Unknown,
}

impl App {
    /// Which agent can continue a session: the one that stores it, or, if it is in
    /// the official format, one that reads that.
    pub fn session_owner(&self, session: SessionId) -> SessionOwner {
        let Some(row) = self.row(session) else { return SessionOwner::Active };
        let named = |name: &str| self.agents.iter().position(|offered| offered.name == name);
        let place = match row.facts.agent.as_deref() {
            Some(keeper) if keeper == self.agent.name => return SessionOwner::Active,
            Some(keeper) => named(keeper),
            None if self.agents.is_empty() || self.shares_transcripts() => return SessionOwner::Active,
            // The official one where it is there, else our own.
            None => self.agent.last_official.or_else(|| {
                self.agents
                    .iter()
                    .rposition(|offered| offered.official_transcripts && offered.unavailable.is_none())
            }),
        };
        place.map_or(SessionOwner::Unknown, SessionOwner::Offered)
    }

    /// Whether the active agent reads and writes the official transcripts.
    pub fn shares_transcripts(&self) -> bool {
        let is_official =
            |offered: &AgentOffer| offered.name == self.agent.name && offered.official_transcripts;
        self.agent.terminal || self.agents.iter().any(is_official)
    }

    /// The name of the active agent if it keeps no official transcripts, so that its
    /// sessions have to be recorded.
    pub fn recording_agent(&self) -> Option<&'static str> {
        let seated = self.agents.iter().find(|offered| offered.name == self.agent.name);
        seated.filter(|offered| !offered.official_transcripts).map(|offered| offered.name)
    }

    /// The agent that alone keeps a session; hostile text.
    pub fn owner_name(&self, session: SessionId) -> Option<&str> {
        self.row(session)?.facts.agent.as_deref()
    }

    /// Whether the active agent is the only one that stores a session.
    pub fn owned_by_active(&self, session: SessionId) -> bool {
        self.owner_name(session) == Some(self.agent.name.as_str())
    }

    /// Why the active agent cannot run a command; `None` if it can, or is not
    /// involved. Hints show it ahead of time; the slot refuses it in any case.
    pub fn missing_capability(&self, command: Command) -> Option<&'static str> {
        let abilities = &self.agent.info.as_ref()?.capabilities;
        let missing = |ability| match ability {
            SwitchSupport::Unsupported(why) => Some(why),
            SwitchSupport::InProcess | SwitchSupport::Standby => None,
        };
        match command {
            Command::Clear => missing(abilities.clear),
            Command::Resume | Command::ResumeRecent(_) | Command::PreviousSession => {
                missing(abilities.resume)
            }
            Command::Fork => missing(abilities.fork),
            Command::CycleMode => abilities.unsupported(Feature::Mode),
            Command::Rewind => abilities.unsupported(Feature::Rewind),
            _ => None,
        }
    }
}
