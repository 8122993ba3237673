//! Our own agent for editors: the Agent Client Protocol (version 1) on stdio.
//!
//! Owns what an editor asks and is told: a thin translation of the slot's news
//! and of the store's sessions. One warm process serves all sessions; a prompt
//! to another than the active one first switches. Never knows screens, nor how
//! the agent thinks.
//!
//! The types are those of `agent-client-protocol-schema`. The runtime that goes
//! with them is left out: it wants a task and callbacks for each message, and
//! here one loop owns everything (as in the slot).

mod handshake;
mod json_rpc;
mod mcp_config;
mod permission;
mod prompt;
mod served_agent;
mod server;
mod session_list;
mod sessions;
mod tool_calls;
mod turn;
mod updates;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::slot::Launch;
use crate::store::SessionStore;

/// What is served.
pub struct AcpServerConfig {
    /// How our own agent is started.
    pub launch: Launch,
    /// Where the sessions lie.
    pub store: Arc<dyn SessionStore>,
    /// The file of the index over them.
    pub index: PathBuf,
}

/// Serves one editor until it closes its end, or `stop` returns. Must be called
/// within a tokio runtime. An error is one of its streams'.
pub async fn serve(
    what: AcpServerConfig,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut server = server::EditorServer::new(what, output);
    let ended = tokio::select! {
        ended = server.run(BufReader::new(input)) => ended,
        () = stop => Ok(()),
    };
    server.close().await;
    ended
}
