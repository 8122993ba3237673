//! The one warm process, and which session is in it.

use agent_client_protocol_schema::v1::{Error, McpServer};
use tempfile::NamedTempFile;
use tokio::sync::mpsc::Receiver;

use super::mcp_config;
use crate::protocol::PermissionMode;
use crate::slot::{
    self, AgentInfo, Launch, ProcessExit, SlotError, SlotEvent, SlotEventKind, SlotHandle, SlotState, Switch,
};

/// A process through its handshake.
pub(super) struct ServedAgent {
    pub handle: SlotHandle,
    pub events: Receiver<SlotEvent>,
    pub info: AgentInfo,
    /// What may run without asking now.
    pub mode: PermissionMode,
    /// The MCP servers it was started with.
    pub servers: Vec<McpServer>,
    /// It ended, and is not started again by itself.
    pub stopped: bool,
    /// Read when the process starts, also for another time.
    _config: Option<NamedTempFile>,
}

impl ServedAgent {
    /// Starts our agent with these MCP servers, and waits until it is warm.
    pub async fn start(mut launch: Launch, servers: Vec<McpServer>) -> Result<Self, Error> {
        let mut config = None;
        if !servers.is_empty() {
            let file =
                mcp_config::write_config(&servers).map_err(|error| internal_error(&format!("{error:#}")))?;
            launch.args.extend(["--mcp-config".into(), file.path().into()]);
            config = Some(file);
        }
        let mode = launch.permission_mode;
        let (handle, mut news) = slot::spawn(launch);
        loop {
            match news.recv().await.map(|event| event.kind) {
                Some(SlotEventKind::Ready(agent)) => {
                    return Ok(Self {
                        handle,
                        events: news,
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

    /// Gives a session the seat, in the running process.
    pub async fn switch(&mut self, switch: Switch) -> Result<(), Error> {
        let switched = self.handle.switch(switch, false).await.map_err(|error| slot_error(&error))?;
        tracing::info!(what = switched.kind, took = ?switched.duration, pid = switched.pid, "switched");
        self.info.session = switched.to;
        self.info.cwd = switched.cwd;
        Ok(())
    }

    /// Changes what may run without asking.
    pub async fn set_mode(&mut self, mode: PermissionMode) -> Result<(), Error> {
        if self.mode != mode {
            self.handle.set_permission_mode(mode).await.map_err(|error| slot_error(&error))?;
            self.mode = mode;
        }
        Ok(())
    }
}

/// The slot's reason, as the editor is told.
pub(super) fn slot_error(error: &SlotError) -> Error {
    match error {
        SlotError::Refused { code, message } if code == "session_not_found" => {
            Error::new(Error::resource_not_found(None).code.into(), message.clone())
        }
        error => internal_error(&error.to_string()),
    }
}

/// Something that is not the editor's mistake.
pub(super) fn internal_error(reason: &str) -> Error {
    Error::new(Error::internal_error().code.into(), reason)
}
