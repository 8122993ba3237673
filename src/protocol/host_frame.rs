//! Frames from a host to an agent.
//!
//! Field names are the wire's. Must never interpret a frame.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::{CanUseTool, ControlEnvelope, ControlResponse};

/// One line on an agent's stdin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HostFrame {
    /// A prompt.
    User(UserLine),
    /// A request that wants an answer.
    ControlRequest(ControlEnvelope<HostControlRequest>),
    /// The answer to a request of the agent's.
    ControlResponse {
        /// The answer.
        response: ControlResponse,
    },
    /// The host no longer wants an answer to this request.
    ControlCancelRequest {
        /// The request it drops.
        request_id: String,
    },
    /// Sent now and then so that a pipe does not look dead.
    KeepAlive,
    /// A frame this version does not know.
    #[serde(untagged)]
    Unknown(Value),
}

/// A prompt line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserLine {
    /// `{"role":"user","content":…}`, the content a string or a list of blocks.
    pub message: Value,
    /// Set for messages to a sub-agent.
    #[serde(default)]
    pub parent_tool_use_id: Option<String>,
    /// Ignored: a prompt goes to the active session.
    #[serde(default)]
    pub session_id: String,
    /// Becomes the transcript entry's uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// `false`: append without a turn.
    #[serde(default, rename = "shouldQuery", skip_serializing_if = "Option::is_none")]
    pub should_query: Option<bool>,
    /// `now`, `next` or `later`: when it is taken up if a turn runs. `None` means `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Where it comes from; the turn's result repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Value>,
}

/// The `request` of a host's control request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub enum HostControlRequest {
    /// The handshake; may be repeated.
    Initialize {
        /// Everything the host declares: hooks, agents, SDK MCP servers, …
        #[serde(flatten)]
        options: serde_json::Map<String, Value>,
    },
    /// Stop the running turn.
    Interrupt,
    /// Change what needs permission.
    SetPermissionMode {
        /// A [`PermissionMode`] by its wire name.
        mode: String,
    },
    /// Change the model; none for the default.
    SetModel {
        /// The model's name.
        #[serde(default)]
        model: Option<String>,
    },
    /// The state of the MCP servers.
    McpStatus,
    /// Connect an MCP server anew.
    McpReconnect {
        #[serde(rename = "serverName")]
        server_name: String,
    },
    /// Switch an MCP server on or off.
    McpToggle {
        #[serde(rename = "serverName")]
        server_name: String,
        /// On.
        enabled: bool,
    },
    /// Replace the MCP servers that this request named before.
    McpSetServers {
        /// Their descriptions, by name.
        servers: serde_json::Map<String, Value>,
    },
    /// What the context window holds.
    GetContextUsage,
    /// What the session cost so far.
    GetSessionCost,
    /// The models on offer.
    ListModels,
    /// The settings in effect.
    GetSettings,
    /// How much the model may think.
    SetMaxThinkingTokens {
        /// Tokens; none for the default.
        #[serde(default)]
        max_thinking_tokens: Option<u64>,
    },
    /// Bring the files back to what they were when a prompt came.
    RewindFiles {
        /// The prompt's uuid.
        user_message_id: String,
        /// Only say what that would change.
        #[serde(default)]
        dry_run: bool,
    },
    /// Give a session a title.
    RenameSession {
        title: String,
        /// Refused when this is no longer the active session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<String>,
    },
    /// Remove a queued prompt.
    CancelAsyncMessage {
        /// The uuid of its user line.
        message_uuid: String,
    },
    /// Finish what is being written and exit.
    EndSession {
        /// Why, for the log.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Leave the active session for a new, empty one.
    Clear {
        /// Resume this one instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<String>,
        /// A running turn is interrupted first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        interrupt: bool,
    },
    /// Make a stored session the active one.
    #[serde(alias = "load_session")]
    Resume(ResumeRequest),
    /// Make a copy of a session the active one.
    Fork(ForkRequest),
    /// A request this version does not know: answered with `unsupported_request`.
    #[serde(untagged)]
    Unknown(Value),
}

/// The fields of `resume`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResumeRequest {
    pub session_id: String,
    /// Resume a copy of it instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fork_session: bool,
    /// Continue from this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_session_at: Option<String>,
    /// Look for it, and run it, in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Where there is no such session yet, begin it with this id (hotseat's addition).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// A running turn is interrupted first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
}

/// The fields of `fork`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ForkRequest {
    /// The session to copy; none: the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Copy up to this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_session_at: Option<String>,
    /// The copy's title (hotseat's addition; the default is "TITLE ⑂2").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The folder the copy belongs to and works in (hotseat's addition); none: the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// A running turn is interrupted first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
}

/// The host's answer to [`CanUseTool`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "behavior", rename_all = "snake_case")]
pub enum PermissionResponse {
    /// Run it.
    #[serde(rename_all = "camelCase")]
    Allow {
        /// Run it with this input instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated_input: Option<Value>,
        /// Rules to remember.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated_permissions: Option<Vec<Value>>,
    },
    /// Do not run it.
    Deny {
        /// Told to the model.
        message: String,
        /// End the turn as well.
        #[serde(default)]
        interrupt: bool,
    },
}

/// What may run without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Ask before anything that changes something.
    #[default]
    Default,
    /// Edit files without asking.
    AcceptEdits,
    /// Read only.
    Plan,
    /// Run everything.
    BypassPermissions,
    /// Refuse instead of asking.
    DontAsk,
}

impl PermissionMode {
    /// All modes, in the order a key cycles through them.
    pub const ALL: [Self; 5] =
        [Self::Default, Self::AcceptEdits, Self::Plan, Self::DontAsk, Self::BypassPermissions];

    /// The mode's name on the wire and on the command line.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::BypassPermissions => "bypassPermissions",
            Self::DontAsk => "dontAsk",
        }
    }
}

impl std::str::FromStr for PermissionMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.wire_name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::wire_name).join(", ");
            format!("unknown permission mode “{text}”; known are {names}")
        })
    }
}

/// A session in a host's store, by the SDKs' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStoreKey {
    /// The name of its folder under `projects`.
    pub project_key: String,
    pub session_id: String,
}

/// What an agent asks of its host.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub enum AgentControlRequest {
    /// May this tool run?
    CanUseTool(CanUseTool),
    /// Run a hook callback of the host.
    HookCallback {
        /// The callback, as `initialize` named it.
        callback_id: String,
        /// What happened, as hooks are told it.
        input: Value,
        /// The call it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<String>,
    },
    /// All entries of a session, from the host's own store (hotseat's addition). Answered with
    /// `{"entries":[…]}`, `null` if there is no such session.
    SessionStoreLoad { key: SessionStoreKey },
    /// A JSON-RPC message for an MCP server that the host serves itself.
    McpMessage {
        /// The server's name.
        server_name: String,
        message: Value,
    },
    /// A request this version does not know.
    #[serde(untagged)]
    Unknown(Value),
}
