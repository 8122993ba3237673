//! What an agent can do in the seat, as its driver declares it.

use super::Switch;

/// How a driver does one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchSupport {
    /// In the running process: same pid.
    InProcess,
    /// By a second process, started in the session and kept ready, that takes
    /// the seat. Where none is ready the switch waits for one, and is cold.
    Standby,
    /// Not at all; why, for a person.
    Unsupported(&'static str),
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
pub struct Capabilities {
    /// To a new session.
    pub clear: SwitchSupport,
    /// To a stored session.
    pub resume: SwitchSupport,
    /// To a copy of a stored session.
    pub fork: SwitchSupport,
    /// What it lacks, and why, for a person.
    pub unsupported_features: &'static [(Feature, &'static str)],
}

impl Capabilities {
    /// How it does this switch.
    pub fn switch_support(&self, switch: &Switch) -> SwitchSupport {
        match switch {
            Switch::Clear => self.clear,
            Switch::Resume(_) | Switch::ResumeOrCreate { .. } => self.resume,
            Switch::Fork { at: Some(_), .. } => {
                self.unsupported(Feature::ForkAt).map_or(self.fork, SwitchSupport::Unsupported)
            }
            Switch::Fork { .. } => self.fork,
        }
    }

    /// Every switch in process, and nothing lacking.
    pub const FULL: Self = Self {
        clear: SwitchSupport::InProcess,
        resume: SwitchSupport::InProcess,
        fork: SwitchSupport::InProcess,
        unsupported_features: &[],
    };

    /// Why it lacks this; none where it does not.
    pub fn unsupported(&self, feature: Feature) -> Option<&'static str> {
        self.unsupported_features.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why)
    }
}
