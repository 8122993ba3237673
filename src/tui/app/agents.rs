//! The agents that can take the seat, to pick one from, and what the one in it
//! lacks.

use super::command::Command;
use super::state::App;
use crate::slot::{Ability, Feature};

/// An agent on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What it is called.
    pub name: &'static str,
    /// How each switch would be done.
    pub how: String,
    /// Why it cannot be picked; none where it can.
    pub missing: Option<String>,
}

impl App {
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
