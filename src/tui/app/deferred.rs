//! A switch, a prompt or both that wait until the slot is idle.

use crate::session::SessionId;
use crate::slot::Switch;

/// What is done as soon as the slot is idle.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deferred {
    /// The change to make first.
    pub change: Option<DeferredChange>,
    /// Then send this text to this session.
    pub prompt: Option<(SessionId, String)>,
}

/// A change of the active session or agent.
#[derive(Debug, Clone, PartialEq)]
pub enum DeferredChange {
    /// Another session, with the same agent.
    Switch(Switch),
    /// Another agent.
    Agent {
        /// Which of those on offer.
        at: usize,
        name: &'static str,
        /// The session to continue; `None` for the active one if the agent can
        /// continue it, else a new one.
        session: Option<SessionId>,
    },
}

impl DeferredChange {
    /// What is to be done: `resume`, `switch to codex`.
    pub fn label(&self) -> String {
        match self {
            Self::Switch(switch) => switch.name().to_owned(),
            Self::Agent { name, .. } => format!("switch to {name}"),
        }
    }
}
