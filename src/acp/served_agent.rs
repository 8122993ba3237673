//! The warm agent process that is served, and its active session.

use agent_client_protocol_schema::v1::{Error, McpServer};
use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::mcp_config;
use super::sessions::run_blocking;
use crate::protocol::PermissionMode;
use crate::slot::{
    self, AgentInfo, ErrorCode, Launch, ProcessExit, SlotError, SlotEvent, SlotEventKind, SlotHandle,
    SlotState, Switch,
};

/// A process that is through its handshake.
pub(super) struct ServedAgent {
    pub handle: SlotHandle,
    pub events: Receiver<SlotEvent>,
    pub info: AgentInfo,
    /// The current permission mode.
    pub mode: PermissionMode,
    /// The MCP servers it was started with.
    pub servers: Vec<McpServer>,
    /// It has ended and does not restart automatically.
    pub stopped: bool,
    /// The MCP configuration, which every restart reads again.
    _config: Option<NamedTempFile>,
}

impl ServedAgent {
    /// Starts our agent with these MCP servers, and waits until it is warm.
    pub async fn start(mut launch: Launch, servers: Vec<McpServer>) -> Result<Self, Error> {
        let mut config = None;
        if !servers.is_empty() {
            let wanted = servers.clone();
            let file = run_blocking(move || mcp_config::write_config(&wanted)).await?;
            let file = file.map_err(|error| internal_error(&format!("{error:#}")))?;
            launch.args.extend(["--mcp-config".into(), file.path().into()]);
            config = Some(file);
        }
        let mode = launch.permission_mode;
        let (handle, mut events_rx) = slot::spawn(launch);
        loop {
            match events_rx.recv().await.map(|event| event.kind) {
                Some(SlotEventKind::Ready(agent)) => {
                    return Ok(Self {
                        handle,
                        events: events_rx,
                        info: agent,
                        mode,
                        servers,
                        stopped: false,
                        _config: config,
                    });
                }
                Some(SlotEventKind::StateChanged(SlotState::Exited(ProcessExit {
                    reason,
                    restart_in: None,
                    ..
                }))) => {
                    return Err(internal_error(&format!("the agent did not start: {reason}")));
                }
                Some(_) => {}
                None => return Err(internal_error("the agent did not start")),
            }
        }
    }

    /// Switches to a session in the running process.
    pub async fn switch(&mut self, switch: Switch) -> Result<(), Error> {
        let switched = self.handle.switch(switch, false).await.map_err(|error| slot_error(&error))?;
        tracing::info!(what = switched.kind, took = ?switched.duration, pid = switched.pid, "switched");
        self.info.session = switched.to;
        self.info.cwd = switched.cwd;
        Ok(())
    }

    /// Changes the permission mode.
    pub async fn set_mode(&mut self, mode: PermissionMode) -> Result<(), Error> {
        if self.mode != mode {
            self.handle.set_permission_mode(mode).await.map_err(|error| slot_error(&error))?;
            self.mode = mode;
        }
        Ok(())
    }
}

/// A slot error as a JSON-RPC error.
pub(super) fn slot_error(error: &SlotError) -> Error {
    match error {
        SlotError::Refused { code: Some(ErrorCode::SessionNotFound), message } => {
            Error::new(Error::resource_not_found(None).code.into(), message.clone())
        }
        error => internal_error(&error.to_string()),
    }
}

/// An internal error, with a message for people.
pub(super) fn internal_error(reason: &str) -> Error {
    Error::new(Error::internal_error().code.into(), reason)
}
