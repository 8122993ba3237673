//! Frames from an agent to its host.
//!
//! Field names are the wire's. Must never interpret a frame.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::{AgentControlRequest, ErrorCode};

/// One line on an agent's stdout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentFrame {
    /// Events of the process: `init`, `session_state_changed`, …
    System(SystemFrame),
    /// A piece of a reply as it is made.
    StreamEvent(StreamEvent),
    /// What a tool says while it runs.
    ToolProgress(ToolProgress),
    /// One complete content block of a reply.
    Assistant(MessageFrame),
    /// Tool results and interruptions.
    User(MessageFrame),
    /// The end of a turn.
    Result(TurnResult),
    /// A request that wants an answer.
    ControlRequest(ControlEnvelope<AgentControlRequest>),
    /// The answer to a request of the host's.
    ControlResponse {
        /// The answer.
        response: ControlResponse,
    },
    /// The agent no longer wants an answer to this request.
    ControlCancelRequest {
        /// The request it drops.
        request_id: String,
    },
    /// A switch: what follows belongs to another session.
    ConversationReset(ConversationReset),
    /// What becomes of a prompt.
    CommandLifecycle {
        /// The uuid of its user line.
        command_uuid: String,
        /// `queued`, `started`, `completed` or `cancelled`.
        state: String,
        /// The session it belongs to.
        #[serde(default)]
        session_id: String,
    },
    /// Transcript entries as they are written, with `--session-mirror`.
    TranscriptMirror {
        /// The transcript's path.
        #[serde(rename = "filePath")]
        file_path: String,
        entries: Vec<Value>,
    },
    /// Sent now and then so that a pipe does not look dead.
    KeepAlive,
    /// A frame this version does not know.
    #[serde(untagged)]
    Unknown(Value),
}

/// A control request of either side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlEnvelope<T> {
    /// Ties the answer to the request.
    pub request_id: String,
    /// What is asked.
    pub request: T,
}

/// The answer to a control request of either side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub enum ControlResponse {
    /// Done.
    Success {
        /// The request it answers.
        request_id: String,
        /// The answer's body.
        #[serde(default)]
        response: Value,
    },
    /// Not done.
    Error {
        /// The request it answers.
        request_id: String,
        /// What happened, for a person.
        error: String,
        /// What happened, for a program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_code: Option<ErrorCode>,
    },
}

impl ControlResponse {
    /// The request it answers.
    pub fn request_id(&self) -> &str {
        match self {
            Self::Success { request_id, .. } | Self::Error { request_id, .. } => request_id,
        }
    }
}

/// A `system` frame: `subtype` says which, the rest is that subtype's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemFrame {
    /// `init`, `session_state_changed`, `status`, `api_retry`, `compact_boundary`, …
    pub subtype: String,
    /// The active session.
    #[serde(default)]
    pub session_id: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A Messages API stream event in its envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamEvent {
    /// `message_start`, `content_block_delta`, …, as the Messages API has them.
    pub event: Value,
    /// The session it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// Set for a sub-agent's.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// The frame's own id.
    #[serde(default)]
    pub uuid: String,
}

/// A `tool_progress` frame, with `--include-partial-messages`. The official CLI
/// (2.1.329) says in it only how long a tool has run; `output` is ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToolProgress {
    /// The call.
    pub tool_use_id: String,
    /// The tool's name.
    pub tool_name: String,
    /// Set for a sub-agent's.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// Seconds since it began.
    #[serde(default)]
    pub elapsed_time_seconds: f64,
    /// Its output since the last such frame, or the end of that.
    #[serde(default)]
    pub output: String,
    /// The session it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// The frame's own id.
    #[serde(default)]
    pub uuid: String,
}

/// An `assistant` or `user` frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageFrame {
    /// The Messages API message.
    pub message: Value,
    /// Set for a sub-agent's.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// The session it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// The transcript entry's uuid.
    #[serde(default)]
    pub uuid: String,
    /// The structured result of a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_result: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The end of a turn. Totals are cumulative for the session; a clear resets them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TurnResult {
    /// `success`, `error_during_execution`, `error_max_turns` or `error_max_budget_usd`.
    pub subtype: String,
    /// The turn did not succeed.
    #[serde(default)]
    pub is_error: bool,
    /// The last reply's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Model requests of this turn.
    #[serde(default)]
    pub num_turns: u64,
    /// Wall time of the turn.
    #[serde(default)]
    pub duration_ms: u64,
    /// Of that, waiting for the model.
    #[serde(default)]
    pub duration_api_ms: u64,
    /// The session it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// US dollars, for the session.
    #[serde(default)]
    pub total_cost_usd: f64,
    /// Tokens, as the Messages API names them.
    #[serde(default)]
    pub usage: Value,
    /// Tokens and cost by model.
    #[serde(default, rename = "modelUsage")]
    pub model_usage: Value,
    /// Tools that were refused in this turn.
    #[serde(default)]
    pub permission_denials: Vec<Value>,
    /// The frame's own id.
    #[serde(default)]
    pub uuid: String,
    /// Everything else, such as `local_command`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A switch happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConversationReset {
    /// The new session's id (the official CLI sends another kind of id).
    pub new_conversation_id: String,
    /// `clear`, `resume` or `fork`.
    #[serde(default)]
    pub trigger: String,
    /// The session that was left.
    #[serde(default)]
    pub session_id: String,
    /// The frame's own id.
    #[serde(default)]
    pub uuid: String,
    /// When, RFC 3339.
    #[serde(default)]
    pub timestamp: String,
}

/// May this tool run?
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CanUseTool {
    /// The tool's name.
    pub tool_name: String,
    /// Its arguments, exactly as they would be used.
    pub input: Value,
    /// Rules that would make asking needless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_suggestions: Option<Vec<Value>>,
    /// The path that made it ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_path: Option<String>,
    /// Why a person is asked, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
    /// What kind of reason that is: `rule`, `hook`, `safetyCheck`, `workingDir`, `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_reason_type: Option<String>,
    /// The call it is about.
    #[serde(default)]
    pub tool_use_id: String,
    /// What it does, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The answer to `initialize`. The official CLI says the first eight; the rest
/// is what ours adds, so that a host knows the active session at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitializeResponse {
    /// Slash commands: `name` without the slash, `description`, `argumentHint`.
    pub commands: Vec<Value>,
    /// Models to choose from: `value`, `displayName`, `description`.
    pub models: Vec<Value>,
    /// The process.
    pub pid: u32,
    /// The protocol's version, `N.N.N`.
    pub claude_code_version: String,
    /// A [`PermissionMode`](crate::protocol::PermissionMode) by its wire name.
    pub current_permission_mode: String,
    /// `idle`, `running` or `requires_action`.
    pub session_state: String,
    /// `clear`, `resume` and `fork`, where they happen in the process.
    pub capabilities: Vec<String>,
    /// MCP servers: `name`, `status`.
    pub mcp_servers: Vec<Value>,
    /// The agent's own version.
    pub agent_version: String,
    /// The active session.
    pub session_id: String,
    /// Where its transcript lies, or will with its first entry.
    pub transcript_path: String,
    /// The folder it runs in.
    pub cwd: String,
    /// The model in use.
    pub model: String,
    /// What a person must know, such as that the model is offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// US dollars so far, for the session.
    pub total_cost_usd: f64,
    /// Tokens so far, for the session, as the Messages API names them.
    pub usage: Value,
    /// What a person should know of the session as it was loaded: what was repaired in
    /// a damaged transcript or left out, and that the model is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The answer to `clear`, `resume` and `fork`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SwitchResponse {
    /// The session that is active now.
    pub session_id: String,
    /// The session that was left.
    pub previous_session_id: String,
    /// The session that was copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// Messages in the model's context.
    pub message_count: u64,
    /// Prompts in the model's context.
    pub num_turns: u64,
    /// US dollars so far, for the session.
    pub total_cost_usd: f64,
    /// The folder the session runs in.
    pub cwd: String,
    /// Where the transcript lies, or will with its first entry.
    pub transcript_path: String,
    /// From the request's arrival to this answer.
    pub duration_ms: f64,
    /// The model that answers in it (hotseat's addition).
    pub model: String,
    /// The process (hotseat's addition): the same as before shows that nothing was restarted.
    pub pid: u32,
    /// Tokens so far, for the session, as the Messages API names them (hotseat's addition).
    pub usage: Value,
    /// What a person should know of the session as it was loaded: what was repaired in
    /// a damaged transcript or left out, and that the model is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<String>,
}
