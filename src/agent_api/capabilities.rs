//! What an agent supports, as its driver declares it.

use super::Switch;

/// How an agent carries out one kind of switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchSupport {
    /// In the running process, which keeps its pid.
    InProcess,
    /// By a second process that is started in the session beforehand and takes
    /// over. If none is ready, the switch waits for one to start.
    Standby,
    /// Not at all; the reason is for a person.
    Unsupported(&'static str),
}

/// Features that not every agent has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Changing the model.
    Model,
    /// Changing the permission mode.
    Mode,
    /// Renaming the active session.
    Rename,
    /// Archiving and restoring a session that only the agent keeps.
    Archive,
    /// Reporting how full the context window is.
    Context,
    /// Reporting what a turn costs.
    Cost,
    /// Forking a session at a message.
    ForkAt,
    /// Running without writing a transcript.
    Ephemeral,
    /// Listing its MCP servers.
    Servers,
    /// Restoring files to their state at a prompt.
    Rewind,
}

/// What an agent supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Switching to a new session.
    pub clear: SwitchSupport,
    /// Switching to a stored session.
    pub resume: SwitchSupport,
    /// Switching to a copy of a stored session.
    pub fork: SwitchSupport,
    /// Missing features, each with the reason for a person.
    pub unsupported_features: &'static [(Feature, &'static str)],
}

impl Capabilities {
    /// How it carries out this switch.
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

    /// Every switch in process, and every feature.
    pub const FULL: Self = Self {
        clear: SwitchSupport::InProcess,
        resume: SwitchSupport::InProcess,
        fork: SwitchSupport::InProcess,
        unsupported_features: &[],
    };

    /// Why it lacks this feature; `None` if it has it.
    pub fn unsupported(&self, feature: Feature) -> Option<&'static str> {
        self.unsupported_features.iter().find(|(lacking, _)| *lacking == feature).map(|(_, why)| *why)
    }
}
