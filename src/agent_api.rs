//! The contract between whoever runs an agent and the code that speaks its
//! protocol: requests with their replies, events, capabilities, permissions,
//! client operations, errors.
//!
//! Plain data that both sides share, free of any agent's protocol. It must never
//! know how a process is run, nor how anything is shown. Start reading in
//! [`AgentCall`] for what can be asked, and [`AgentEvent`] for what comes back.

mod agent_event;
mod agent_info;
mod agent_request;
mod capabilities;
mod client_op;
mod error;
mod permission;
mod pty_input;
mod slot_request;
mod switch;

pub use agent_event::{AgentEvent, AgentResponse, DriverOutput, JsonLine, ResetDetails, SwitchResult};
pub use agent_info::{
    AgentInfo, ContextUsage, FileChange, ListedSession, McpServerStatus, ModelRetry, PromptState,
    RewindResult, SlotTotals,
};
pub(crate) use agent_request::ReplySender;
pub use agent_request::{
    AgentCall, AgentReply, AgentRequest, ArchiveSession, ListMcpServers, MeasureContext, ReconnectMcpServer,
    RenameSession, RewindFiles, SetMode, SetModel,
};
pub use capabilities::{Capabilities, Feature, SwitchSupport};
pub use client_op::{ClientOp, ClientOpEvent, ClientOpResult, CreateTerminal, TerminalExit};
pub use error::SlotError;
pub use permission::{PermissionDecision, PermissionRequest, PermissionTarget, SessionScope};
pub(crate) use permission::{SessionGrants, resolve_targets};
pub use pty_input::PtyInput;
pub use slot_request::{SlotRequest, StartSession};
pub use switch::Switch;

pub use crate::protocol::ErrorCode;
