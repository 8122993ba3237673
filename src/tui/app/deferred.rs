//! What waits until the slot can do it.

use crate::session::SessionId;
use crate::slot::Switch;

/// What is done as soon as the slot is idle.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deferred {
    /// Change who has the seat first.
    pub change: Option<DeferredChange>,
    /// Then send this text to this session.
    pub prompt: Option<(SessionId, String)>,
}

/// Who is to have the seat next.
#[derive(Debug, Clone, PartialEq)]
pub enum DeferredChange {
    /// Another session, with the same agent.
    Switch(Switch),
    /// Another agent.
    Agent {
        /// Which of those on offer.
        at: usize,
        /// Its name.
        name: &'static str,
        /// The session it is to go on in; none: the one that has the seat where
        /// it can go on in that, else a new one.
        session: Option<SessionId>,
    },
}

impl DeferredChange {
    /// What is to be done: `resume`, `seat codex`.
    pub fn label(&self) -> String {
        match self {
            Self::Switch(switch) => switch.name().to_owned(),
            Self::Agent { name, .. } => format!("seat {name}"),
        }
    }
}
