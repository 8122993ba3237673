//! What the screen knows of the agent process: its state, its session, its costs.
//!
//! Owns the data only; slot events change it, in `update`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{AgentInfo, CompletedSwitch, ModelRetry, SlotState, SlotTotals};

/// The agent process, as the slot last reported it.
#[derive(Debug)]
pub struct AgentStatus {
    /// What it is doing.
    pub state: SlotState,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// An agent with a terminal of its own was interrupted while a turn ran: it
    /// does not report whether that ended it.
    pub interrupt_unconfirmed: bool,
    /// What the handshake reported; `None` before it.
    pub info: Option<AgentInfo>,
    /// The agent's name until then.
    pub name: String,
    /// When a replacement by another agent was asked for; `None` once that is ready.
    pub replacing_since: Option<DateTime<Utc>>,
    /// Index of the last active agent that writes the official transcripts.
    pub last_official: Option<usize>,
    /// It can be started without the settings of the project it works in.
    pub ignores_project_settings: bool,
    /// The agent has a terminal of its own, shown instead of a conversation.
    pub terminal: bool,
    /// When the handshake was through: what "uptime" counts from.
    pub warm_since: Option<DateTime<Utc>>,
    pub active: Option<SessionId>,
    /// The folder the agent works in, once it reported it.
    pub folder: Option<PathBuf>,
    /// The session that was active before.
    pub previous: Option<SessionId>,
    /// The epoch of the last slot event; events of an older one are dropped.
    pub epoch: u64,
    /// What may run without asking.
    pub mode: PermissionMode,
    /// Modes that the agent refused: the cycle passes them over.
    pub refused_modes: Vec<PermissionMode>,
    /// What the session used so far.
    pub totals: SlotTotals,
    pub last_switch: Option<CompletedSwitch>,
    /// The session that a standby process is ready for.
    pub prepared: Option<SessionId>,
    /// The model failed and is retried; with the time of that report.
    pub retry: Option<(ModelRetry, DateTime<Utc>)>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
}
