//! The one warm process, and which session is in it.

use agent_client_protocol_schema::v1::{Error, McpServer};
use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::mcp;
use crate::protocol::PermissionMode;
use crate::slot::{self, Agent, Exit, Launch, News, SlotError, SlotEvent, SlotHandle, SlotState, Switch};

/// A process through its handshake.
pub(super) struct Seat {
    pub handle: SlotHandle,
    pub news: Receiver<SlotEvent>,
    pub agent: Agent,
    /// What may run without asking now.
    pub mode: PermissionMode,
    /// The MCP servers it was started with.
    pub servers: Vec<McpServer>,
    /// It ended, and is not started again by itself.
    pub dead: bool,
    /// Read when the process starts, also for another time.
    _config: Option<NamedTempFile>,
}

impl Seat {
    /// Starts our agent with these MCP servers, and waits until it is warm.
    pub async fn start(mut launch: Launch, servers: Vec<McpServer>) -> Result<Self, Error> {
        let mut config = None;
        if !servers.is_empty() {
            let file = mcp::config(&servers).map_err(|error| internal(&format!("{error:#}")))?;
            launch.args.extend(["--mcp-config".into(), file.path().into()]);
            config = Some(file);
        }
        let mode = launch.permission_mode;
        let (handle, mut news) = slot::spawn(launch);
        loop {
            match news.recv().await.map(|event| event.news) {
                Some(News::Ready(agent)) => {
                    return Ok(Self { handle, news, agent, mode, servers, dead: false, _config: config });
                }
                Some(News::State(SlotState::Exited(Exit { reason, restart_in: None, .. }))) => {
                    return Err(internal(&format!("the agent did not start: {reason}")));
                }
                Some(_) => {}
                None => return Err(internal("the agent did not start")),
            }
        }
    }

    /// Gives a session the seat, in the running process.
    pub async fn switch(&mut self, switch: Switch) -> Result<(), Error> {
        let switched = self.handle.switch(switch, false).await.map_err(|error| refused(&error))?;
        tracing::info!(what = switched.what, took = ?switched.took, pid = switched.pid, "switched");
        self.agent.session = switched.to;
        self.agent.cwd = switched.cwd;
        Ok(())
    }

    /// Changes what may run without asking.
    pub async fn permit(&mut self, mode: PermissionMode) -> Result<(), Error> {
        if self.mode != mode {
            self.handle.set_permission_mode(mode).await.map_err(|error| refused(&error))?;
            self.mode = mode;
        }
        Ok(())
    }
}

/// The slot's reason, as the editor is told.
pub(super) fn refused(error: &SlotError) -> Error {
    match error {
        SlotError::Refused { code, message } if code == "session_not_found" => {
            Error::new(Error::resource_not_found(None).code.into(), message.clone())
        }
        error => internal(&error.to_string()),
    }
}

/// Something that is not the editor's mistake.
pub(super) fn internal(reason: &str) -> Error {
    Error::new(Error::internal_error().code.into(), reason)
}
