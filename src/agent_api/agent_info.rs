//! What agents report: about themselves, prompts, retries, costs, the context
//! window, MCP servers, sessions and rewinds.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Capabilities;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::message::Usage;
use crate::text::diff::Hunk;

/// What an agent reports about itself in the handshake.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentInfo {
    /// The driver's name: `hotseat`.
    pub name: String,
    /// Its version, in its own words.
    pub version: String,
    /// The agent's own pid, not that of a wrapper around it. A driver sets 0 if
    /// the agent does not report it; the slot then looks it up.
    pub pid: u32,
    /// The model in use.
    pub model: String,
    /// Something a person must know, such as that it is not logged in.
    pub notice: Option<String>,
    /// The active session.
    pub session: SessionId,
    /// The active session's transcript, which may not exist yet.
    pub transcript: PathBuf,
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// Which tools may run without asking.
    pub permission_mode: PermissionMode,
    /// Slash commands: name without the slash, and description.
    pub commands: Vec<(String, String)>,
    /// Names of the models it offers.
    pub models: Vec<String>,
    /// MCP servers: (connected, configured).
    pub mcp_servers: (usize, usize),
    /// What was repaired in a damaged transcript.
    pub repaired: Option<String>,
    /// What it supports.
    pub capabilities: Capabilities,
}

/// The stages of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// Waiting for the turns before it.
    Queued,
    /// Its turn runs.
    Started,
    /// Its turn is over.
    Completed,
    /// Withdrawn before its turn started.
    Cancelled,
    /// The process ended during its turn.
    Aborted,
}

/// A failed model request that will be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRetry {
    /// Number of this retry, from 1.
    pub attempt: u64,
    /// After this many retries the turn fails.
    pub max_attempts: u64,
    /// Time until the retry.
    pub delay: Duration,
    /// Why the request failed. Untrusted text.
    pub reason: String,
}

/// What the active session has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SlotTotals {
    /// US dollars; `None` if the price is unknown.
    pub usd: Option<f64>,
    /// Tokens.
    pub usage: Usage,
    /// Share of the context window in use, in percent; `None` if unknown.
    pub context_percent: Option<f64>,
}

/// Contents of the context window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContextUsage {
    /// Tokens in use.
    pub tokens: u64,
    /// Capacity in tokens.
    pub max: u64,
    /// Share in use, in percent.
    pub percent: f64,
    /// Tokens by category. Names are untrusted text.
    pub categories: Vec<(String, u64)>,
}

/// An MCP server of the agent. Untrusted text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct McpServerStatus {
    pub name: String,
    /// `connected`, `pending`, `failed`, `needs-auth` or `disabled`.
    pub status: String,
    /// Where it is configured: `user`, `project`, `local`, `dynamic`.
    pub scope: Option<String>,
    /// Number of tools it offers, if known.
    pub tools: Option<usize>,
    /// Why it is not connected.
    pub error: Option<String>,
}

/// A session in an agent's own list. Untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    pub session: SessionId,
    /// The agent's own id for it.
    pub id: String,
    pub title: Option<String>,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// When it was last active, if the agent reports it.
    pub last_active: Option<DateTime<Utc>>,
    /// The agent has given it no title yet: it is empty or its first turn did not
    /// end.
    pub unnamed: bool,
}

/// The file changes of a rewind to a prompt, done or previewed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RewindResult {
    pub files: Vec<FileChange>,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

/// A file that a rewind changes. Untrusted text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileChange {
    pub path: String,
    /// The changed lines; empty if the agent does not report them.
    pub patch: Vec<Hunk>,
}
