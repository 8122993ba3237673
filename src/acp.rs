//! Serves our own agent to editors: the Agent Client Protocol (version 1) on
//! stdio.
//!
//! A thin translation of slot events and stored sessions. One warm process
//! serves all sessions; a prompt to a session that is not active switches first.
//! It must never know screens, nor how the agent thinks. Start reading in
//! `server`, the loop.
//!
//! The types come from `agent-client-protocol-schema`. Its runtime is not used:
//! it needs a task and callbacks per message, while here one loop owns
//! everything.

mod editor_connection;
mod handshake;
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

pub struct AcpServerConfig {
    /// How our own agent is started.
    pub launch: Launch,
    pub store: Arc<dyn SessionStore>,
    /// The index file over them.
    pub index: PathBuf,
}

/// Serves one editor until it closes its input or `stop` returns. Must be called
/// within a tokio runtime. Errors are those of the streams.
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
