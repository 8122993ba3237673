//! The agents that can take the seat, to pick one from, and what the one in it
//! lacks.

use super::command::Command;
use super::state::App;
use crate::session::SessionId;
use crate::slot::{Ability, Feature};

/// An agent on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What it is called.
    pub name: &'static str,
    /// How each switch would be done.
    pub how: String,
    /// Its sessions are the ones of the official transcripts.
    pub official: bool,
    /// Why it cannot be picked; none where it can.
    pub missing: Option<String>,
}

/// Who has to be in the seat for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// Who is.
    Seated,
    /// This one of the agents on offer.
    Offered(usize),
    /// An agent that is not on offer.
    Unknown,
}

impl App {
    /// Who can go on in a session: the agent that keeps it, or, where it is in
    /// the official format, one that shares that.
    pub fn keeper(&self, session: SessionId) -> Keeper {
        let Some(row) = self.row(session) else { return Keeper::Seated };
        let named = |name: &str| self.agents.iter().position(|offered| offered.name == name);
        let place = match row.facts.agent.as_deref() {
            Some(keeper) if keeper == self.seat.name => return Keeper::Seated,
            Some(keeper) => named(keeper),
            None if self.agents.is_empty() || self.shares_transcripts() => return Keeper::Seated,
            // The official one where it is there, else our own.
            None => self.seat.sharing.or_else(|| {
                self.agents.iter().rposition(|offered| offered.official && offered.missing.is_none())
            }),
        };
        place.map_or(Keeper::Unknown, Keeper::Offered)
    }

    /// Whether the agent in the seat writes the official transcripts, and reads
    /// those of others.
    pub fn shares_transcripts(&self) -> bool {
        let is_official = |offered: &Offered| offered.name == self.seat.name && offered.official;
        self.seat.terminal || self.agents.iter().any(is_official)
    }

    /// The agent in the seat, where its sessions are not those of the official
    /// transcripts and another run can seat it by this name.
    pub fn only_teller(&self) -> Option<&'static str> {
        let seated = self.agents.iter().find(|offered| offered.name == self.seat.name);
        seated.filter(|offered| !offered.official).map(|offered| offered.name)
    }

    /// The agent that alone keeps a session; hostile text.
    pub fn keeper_name(&self, session: SessionId) -> Option<&str> {
        self.row(session)?.facts.agent.as_deref()
    }

    /// Whether the agent in the seat is the only one that keeps a session.
    pub fn is_kept_by_seated(&self, session: SessionId) -> bool {
        self.keeper_name(session) == Some(self.seat.name.as_str())
    }

    /// Why the agent in the seat cannot do what a command asks of it; none where
    /// it can, or is not asked. It is shown ahead of time; who asks all the same
    /// is told by the slot.
    pub fn lacks(&self, command: Command) -> Option<&'static str> {
        let abilities = &self.seat.agent.as_ref()?.abilities;
        let missing = |ability| match ability {
            Ability::Missing(why) => Some(why),
            Ability::InProcess | Ability::Standby => None,
        };
        match command {
            Command::Clear => missing(abilities.clear),
            Command::Seat | Command::SeatRecent(_) | Command::Flip => missing(abilities.resume),
            Command::Fork => missing(abilities.fork),
            Command::CycleMode => abilities.lack(Feature::Mode),
            Command::Rewind => abilities.lack(Feature::Rewind),
            _ => None,
        }
    }
}
