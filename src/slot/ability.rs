//! What an agent can do in the seat, as its driver declares it.

use super::Switch;

/// How a driver does one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// In the running process: same pid.
    InProcess,
    /// By a second process, started in the session and kept ready, that takes
    /// the seat. Where none is ready the switch waits for one, and is cold.
    Standby,
    /// Not at all; why, for a person.
    Missing(&'static str),
}

/// What an agent may lack besides switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Another model for the active session.
    Model,
    /// Another permission mode.
    Mode,
    /// A title for the active session.
    Rename,
    /// Putting a session aside that it alone keeps, and bringing it back.
    Archive,
    /// How full the context window is.
    Context,
    /// What a turn costs.
    Cost,
    /// Copying a session only up to a message.
    ForkAt,
    /// Writing nothing to disk.
    Ephemeral,
    /// Saying which MCP servers it has.
    Servers,
    /// Bringing back what files were when a prompt came.
    Rewind,
}

/// What an agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// To a new session.
    pub clear: Ability,
    /// To a stored session.
    pub resume: Ability,
    /// To a copy of a stored session.
    pub fork: Ability,
    /// What it lacks, and why, for a person.
    pub lacks: &'static [(Feature, &'static str)],
}

impl Abilities {
    /// How it does this switch.
    pub fn of(&self, switch: &Switch) -> Ability {
        match switch {
            Switch::Clear => self.clear,
            Switch::Resume(_) | Switch::Begin { .. } => self.resume,
            Switch::Fork { at: Some(_), .. } => {
                self.lack(Feature::ForkAt).map_or(self.fork, Ability::Missing)
            }
            Switch::Fork { .. } => self.fork,
        }
    }

    /// Every switch in process, and nothing lacking.
    pub const WHOLE: Self =
        Self { clear: Ability::InProcess, resume: Ability::InProcess, fork: Ability::InProcess, lacks: &[] };

    /// Why it lacks this; none where it does not.
    pub fn lack(&self, feature: Feature) -> Option<&'static str> {
        self.lacks.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why)
    }
}
