//! Requests to an agent with a typed reply, for whoever holds a slot.
//!
//! Adding a request takes four places: a variant of [`SlotRequest`] with its
//! [`name`](SlotRequest::name) and [`feature`](SlotRequest::feature); a call here
//! that says what its reply is; its encoding in each driver that supports it; and
//! the caller, through `SlotHandle::call`. The
//! state machine passes requests and replies on without knowing them.

use std::fmt;

use super::{AgentResponse, SlotRequest};
use crate::agent_api::{ContextUsage, McpServerStatus, RewindResult, SlotError};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// A request with the type of its reply.
pub trait AgentCall {
    /// What the caller gets.
    type Reply: Send + 'static;

    /// The request as drivers know it.
    fn request(self) -> SlotRequest;

    /// The reply in a response; `None` if a driver answered with another kind.
    fn reply(response: AgentResponse) -> Option<Self::Reply>;
}

/// Defines calls: each with its fields, its request and the reply in its response.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }
        => $request:expr, $response:pat => $reply:expr, $reply_type:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        impl AgentCall for $name {
            type Reply = $reply_type;

            fn request(self) -> SlotRequest {
                let Self { $($field),* } = self;
                $request
            }

            fn reply(response: AgentResponse) -> Option<$reply_type> {
                #[allow(clippy::match_wildcard_for_single_variants, reason = "one pattern for every call")]
                match response {
                    $response => Some($reply),
                    #[allow(unreachable_patterns, reason = "some calls take any response")]
                    _ => None,
                }
            }
        }
    )*};
}

calls! {
    /// Changes the model.
    SetModel {
        /// The model; `None` for the agent's default.
        model: Option<String>,
    } => SlotRequest::SetModel(model), _ => (), ();
    /// Changes the permission mode.
    SetMode {
        /// The mode.
        mode: PermissionMode,
    } => SlotRequest::SetMode(mode), _ => (), ();
    /// Gives a session a title.
    RenameSession {
        /// The active session, or one that only the agent keeps.
        session: SessionId,
        /// The title.
        title: String,
    } => SlotRequest::Rename { title, session }, _ => (), ();
    /// Archives a session that only the agent keeps, or restores it.
    ArchiveSession {
        /// The session; never the active one.
        session: SessionId,
        /// Restore it instead.
        back: bool,
    } => SlotRequest::Archive { session, back }, _ => (), ();
    /// Measures the context window.
    MeasureContext {} => SlotRequest::ContextUsage, AgentResponse::ContextUsage(usage) => usage, ContextUsage;
    /// Lists the agent's MCP servers.
    ListMcpServers {} => SlotRequest::McpServers, AgentResponse::McpServers(servers) => servers,
        Vec<McpServerStatus>;
    /// Restores files to their state when a prompt was submitted.
    RewindFiles {
        /// The prompt's uuid.
        prompt: String,
        /// Only report what would change.
        dry_run: bool,
    } => SlotRequest::Rewind { prompt, dry_run }, AgentResponse::Rewind(result) => result, RewindResult;
}

/// Takes the response to a call, and passes it to the caller.
pub(crate) struct ResponseSender(Box<dyn FnOnce(Result<AgentResponse, SlotError>) + Send>);

impl ResponseSender {
    /// Passes the response to this function.
    pub fn new(send: impl FnOnce(Result<AgentResponse, SlotError>) + Send + 'static) -> Self {
        Self(Box::new(send))
    }

    /// Nobody waits for it.
    pub fn nobody() -> Self {
        Self::new(drop)
    }

    /// Passes the response on.
    pub fn send(self, response: Result<AgentResponse, SlotError>) {
        (self.0)(response);
    }
}

impl fmt::Debug for ResponseSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseSender")
    }
}
