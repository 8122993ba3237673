//! Requests from the slot to an agent.

use crate::agent_api::{AgentCall, AgentRequest, Switch};
use crate::session::SessionId;

/// The session a process is started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSession {
    New,
    /// A new one with this id, such as one whose process died before its first
    /// entry was written.
    WithId(SessionId),
    Stored(SessionId),
    /// A copy of a stored one.
    Fork {
        /// The session to copy.
        source: SessionId,
        /// Copy up to and including this message; `None` copies everything.
        at: Option<String>,
    },
}

/// A request that the agent must answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotRequest {
    /// Identify yourself; answered with
    /// [`Handshake`](super::AgentResponse::Handshake).
    Handshake,
    /// Stop the running turn.
    Interrupt,
    /// Change the active session; answered with
    /// [`Switched`](super::AgentResponse::Switched).
    Switch {
        /// The process that asked.
        switch: Switch,
        /// Stop a running turn first.
        interrupt: bool,
    },
    /// A request of a caller; answered with its
    /// [`Reply`](super::AgentResponse::Reply).
    Call(AgentRequest),
    /// Withdraw a queued prompt; answered with
    /// [`Cancelled`](super::AgentResponse::Cancelled).
    CancelPrompt(String),
    /// Stop the running turn and exit. No response is awaited.
    EndSession,
}

impl SlotRequest {
    /// The request of a caller.
    pub fn call(request: impl AgentCall) -> Self {
        Self::Call(request.request())
    }

    /// A short name for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Interrupt => "interrupt",
            Self::Switch { switch, .. } => switch.name(),
            Self::Call(request) => request.name(),
            Self::CancelPrompt(_) => "cancel",
            Self::EndSession => "end",
        }
    }
}
