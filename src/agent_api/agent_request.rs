//! Requests to an agent, each with the type of its reply.
//!
//! Adding one takes its row in the table here, its encoding in each driver that
//! supports it, and its caller, through `SlotHandle::call`. A driver that does not
//! support it says so in its capabilities, so that the request never reaches it.
//! The state machine passes requests and replies on without knowing them.

use std::fmt;

use super::{ContextUsage, Feature, McpServerStatus, RewindResult, SlotError};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// A request with the type of its reply.
pub trait AgentCall {
    /// What the caller gets.
    type Reply: Send + 'static;

    /// The request as drivers know it.
    fn request(self) -> AgentRequest;

    /// The reply as drivers return it.
    fn respond(reply: Self::Reply) -> AgentReply;

    /// The reply; `None` if a driver answered with that of another request.
    fn reply(reply: AgentReply) -> Option<Self::Reply>;
}

/// Makes a type of each request, one enum of all requests and one of all replies.
macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }
        -> $reply:ty, $feature:ident, $words:literal;)*) => {
        /// A request to the agent.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum AgentRequest { $($(#[$doc])* $name($name)),* }

        /// The reply to a request of the same name.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AgentReply { $($(#[$doc])* $name($reply)),* }

        impl AgentRequest {
            /// The feature that an agent needs for it.
            pub fn feature(&self) -> Feature {
                match self { $(Self::$name(_) => Feature::$feature),* }
            }

            /// A short name for messages.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $words),* }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

            impl AgentCall for $name {
                type Reply = $reply;

                fn request(self) -> AgentRequest {
                    AgentRequest::$name(self)
                }

                fn respond(reply: $reply) -> AgentReply {
                    AgentReply::$name(reply)
                }

                #[allow(clippy::match_wildcard_for_single_variants, reason = "one pattern for every request")]
                fn reply(reply: AgentReply) -> Option<$reply> {
                    match reply {
                        AgentReply::$name(reply) => Some(reply),
                        _ => None,
                    }
                }
            }
        )*
    };
}

requests! {
    /// Changes the model. The reply is what the agent calls it, if it says so.
    SetModel {
        /// The model; `None` for the agent's default.
        model: Option<String>,
    } -> Option<String>, Model, "model";
    /// Changes the permission mode.
    SetMode {
        mode: PermissionMode,
    } -> (), Mode, "permission mode";
    /// Gives a session a title.
    RenameSession {
        /// The active session, or one that only the agent keeps. If it is no longer
        /// active, an agent whose sessions are also changed by others renames
        /// nothing.
        session: SessionId,
        title: String,
    } -> (), Rename, "rename";
    /// Archives a stored session that only the agent keeps, or restores it.
    ArchiveSession {
        /// The session; never the active one.
        session: SessionId,
        /// Restore it instead.
        back: bool,
    } -> (), Archive, "archive";
    /// Measures the context window.
    MeasureContext {} -> ContextUsage, Context, "context";
    /// Lists the agent's MCP servers.
    ListMcpServers {} -> Vec<McpServerStatus>, Servers, "MCP servers";
    /// Connects an MCP server anew. The reply comes once it is connected or has
    /// failed again.
    ReconnectMcpServer {
        name: String,
    } -> (), Servers, "MCP server";
    /// Restores files to their state when a prompt was submitted.
    RewindFiles {
        /// The prompt's uuid.
        prompt: String,
        /// Only report what would change.
        dry_run: bool,
    } -> RewindResult, Rewind, "rewind";
}

/// Takes the reply to a request, and passes it to the caller.
pub(crate) struct ReplySender(Box<dyn FnOnce(Result<AgentReply, SlotError>) + Send>);

impl ReplySender {
    /// Passes the reply to this function.
    pub fn new(send: impl FnOnce(Result<AgentReply, SlotError>) + Send + 'static) -> Self {
        Self(Box::new(send))
    }

    /// Nobody waits for it.
    pub fn nobody() -> Self {
        Self::new(drop)
    }

    /// Nobody waits for it, but a failure is logged.
    pub fn logged(what: &'static str) -> Self {
        Self::new(move |reply| {
            if let Err(error) = reply {
                tracing::warn!(what, %error, "the agent did not do it");
            }
        })
    }

    /// Passes the reply on.
    pub fn send(self, reply: Result<AgentReply, SlotError>) {
        (self.0)(reply);
    }
}

impl fmt::Debug for ReplySender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplySender")
    }
}
