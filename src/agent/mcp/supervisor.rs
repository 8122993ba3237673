//! One MCP server: a task that keeps it connected as long as the process lives, and
//! its state for others to see.
//!
//! Owns retries and the state. Knows nothing of sessions, so a switch cannot touch
//! a connection; nothing but a call ever waits for it.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::Tool;
use rmcp::service::{Peer, QuitReason, RoleClient};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::config::McpTransport;
use super::connect::{McpConnectError, McpConnection, connect};
use crate::agent::host_client::HostClient;
use crate::agent::tool::ToolContext;

/// The time limit from start to handshake (`MCP_TIMEOUT`, in milliseconds, overrides it as in the
/// official CLI).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after the first failure; doubled after each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest pause between attempts.
const MAX_BACKOFF: Duration = Duration::from_mins(1);
/// After a connection of this length, pauses start small again.
const STABLE_AFTER: Duration = Duration::from_mins(1);
/// How long a program may take to end after its stdin was closed; then it is killed.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// What a server is doing.
#[derive(Debug, Clone)]
pub enum McpState {
    /// It is being connected for the first time, or again.
    Pending,
    /// It can be called.
    Connected(ReadyServer),
    /// It is not connected, and why; it will be tried again.
    Failed(String),
    /// It wants a login, and why; it is not tried again.
    NeedsAuth(String),
    /// A person switched it off.
    Disabled,
}

/// A server that can be called.
#[derive(Debug, Clone)]
pub struct ReadyServer {
    /// To call it.
    pub peer: Peer<RoleClient>,
    /// Its own name and version, as it said.
    pub info: Value,
    /// What it offers.
    pub tools: Arc<Vec<Tool>>,
}

/// A server and the task that keeps it. Dropping it ends both.
#[derive(Debug)]
pub struct McpServer {
    scope: &'static str,
    /// Its transport; the error says why it cannot be used.
    transport: Result<McpTransport, String>,
    state: watch::Receiver<McpState>,
    orders: mpsc::UnboundedSender<SupervisorCommand>,
}

/// What the task is told.
#[derive(Debug, Clone, Copy)]
enum SupervisorCommand {
    Reconnect,
    Enable(bool),
}

impl McpServer {
    /// Starts a supervisor. `changed` is notified of every change of state.
    pub fn spawn(
        name: String,
        scope: &'static str,
        transport: Result<McpTransport, String>,
        tool_context: ToolContext,
        host: HostClient,
        news: Arc<Notify>,
    ) -> Self {
        let first = match &transport {
            Ok(_) => McpState::Pending,
            Err(error) => McpState::Failed(error.clone()),
        };
        let (state, seen) = watch::channel(first);
        let (orders, given) = mpsc::unbounded_channel();
        if let Ok(transport) = transport.clone() {
            tokio::spawn(McpSupervisor { name, transport, tool_context, host, state, news, orders: given }.run());
        }
        Self { scope, transport, state: seen, orders }
    }

    /// Who named it, as the official reports have it: `user`, `project`, `local`
    /// or `dynamic`.
    pub fn scope(&self) -> &'static str {
        self.scope
    }

    /// What it is doing now.
    pub fn state(&self) -> McpState {
        self.state.borrow().clone()
    }

    /// Where it is reached.
    pub fn transport(&self) -> &Result<McpTransport, String> {
        &self.transport
    }

    /// Connects anew, whatever it is doing.
    pub fn reconnect(&self) {
        self.command(SupervisorCommand::Reconnect);
    }

    /// Switches it on or off.
    pub fn enable(&self, enabled: bool) {
        self.command(SupervisorCommand::Enable(enabled));
    }

    fn command(&self, order: SupervisorCommand) {
        // A server with unusable configuration has no supervisor.
        let _told_or_hopeless = self.orders.send(order);
    }
}

struct McpSupervisor {
    name: String,
    transport: McpTransport,
    tool_context: ToolContext,
    host: HostClient,
    state: watch::Sender<McpState>,
    news: Arc<Notify>,
    orders: mpsc::UnboundedReceiver<SupervisorCommand>,
}

/// Why a wait ended.
enum WaitEnd {
    /// The server ended; its last words.
    ServerGone(String),
    /// We were told to.
    Command(SupervisorCommand),
    /// The server was removed, or the process ends.
    Dropped,
}

impl McpSupervisor {
    async fn run(mut self) {
        let mut pause = FIRST_BACKOFF;
        loop {
            self.set_state(McpState::Pending);
            let ended = match self.connect().await {
                Ok((connection, connected)) => {
                    let since = tokio::time::Instant::now();
                    self.set_state(McpState::Connected(connected));
                    let ended = self.supervise(connection).await;
                    if since.elapsed() > STABLE_AFTER {
                        pause = FIRST_BACKOFF;
                    }
                    ended
                }
                Err(McpConnectError::NeedsAuth(error)) => {
                    self.set_state(McpState::NeedsAuth(error));
                    self.wait(None).await
                }
                Err(McpConnectError::Other(error)) => WaitEnd::ServerGone(error),
            };
            let ended = match ended {
                WaitEnd::ServerGone(error) => {
                    tracing::warn!("the MCP server {} is not there: {error}", self.name);
                    self.set_state(McpState::Failed(error));
                    let ended = self.wait(Some(pause)).await;
                    pause = (pause * 2).min(MAX_BACKOFF);
                    ended
                }
                ended => ended,
            };
            match ended {
                WaitEnd::Dropped => return,
                WaitEnd::Command(SupervisorCommand::Enable(false)) => {
                    self.set_state(McpState::Disabled);
                    loop {
                        match self.wait(None).await {
                            WaitEnd::Dropped => return,
                            WaitEnd::Command(SupervisorCommand::Enable(false)) => {}
                            WaitEnd::Command(_) | WaitEnd::ServerGone(_) => break,
                        }
                    }
                }
                WaitEnd::Command(SupervisorCommand::Reconnect | SupervisorCommand::Enable(true)) => {
                    pause = FIRST_BACKOFF
                }
                WaitEnd::ServerGone(_) => {}
            }
        }
    }

    fn set_state(&self, state: McpState) {
        self.state.send_replace(state);
        self.news.notify_one();
    }

    async fn connect(&mut self) -> Result<(McpConnection, ReadyServer), McpConnectError> {
        let limit = std::env::var("MCP_TIMEOUT").ok().and_then(|text| text.parse().ok());
        let limit = limit.map_or(HANDSHAKE_TIMEOUT, Duration::from_millis);
        let handshake = async {
            let connection = connect(&self.name, &self.transport, &self.tool_context, &self.host).await?;
            let connected = fetch_tools(connection.service.peer()).await.map_err(McpConnectError::Other)?;
            Ok((connection, connected))
        };
        let late =
            || Err(McpConnectError::Other(format!("it did not answer within {} s", limit.as_secs_f32())));
        timeout(limit, handshake).await.unwrap_or_else(|_| late())
    }

    /// Holds a connection until it ends, one way or the other.
    async fn supervise(&mut self, connection: McpConnection) -> WaitEnd {
        let McpConnection { service, mut program } = connection;
        let (peer, close) = (service.peer().clone(), service.cancellation_token());
        let changed = service.service().tools_changed.clone();
        let over = service.waiting();
        tokio::pin!(over);
        let ended = loop {
            tokio::select! {
                reason = &mut over => break WaitEnd::ServerGone(exit_message(program.as_ref(), &reason)),
                () = changed.notified() => match fetch_tools(&peer).await {
                    Ok(connected) => self.set_state(McpState::Connected(connected)),
                    Err(error) => tracing::warn!("the MCP server {} hides its new tools: {error}", self.name),
                },
                order = self.orders.recv() => match order {
                    Some(SupervisorCommand::Enable(true)) => {}
                    Some(order) => break WaitEnd::Command(order),
                    None => break WaitEnd::Dropped,
                },
            }
        };
        if !matches!(ended, WaitEnd::ServerGone(_)) {
            close.cancel();
            let _closed_or_late = timeout(EXIT_GRACE, over).await;
        }
        if let Some(program) = &mut program {
            // Its stdin is closed now; dropping the program kills what is left.
            let _gone_or_killed = timeout(EXIT_GRACE, program.child.wait()).await;
        }
        ended
    }

    /// Waits for a command, or for the end of a pause.
    async fn wait(&mut self, pause: Option<Duration>) -> WaitEnd {
        tokio::select! {
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => WaitEnd::Command(SupervisorCommand::Enable(true)),
            order = self.orders.recv() => order.map_or(WaitEnd::Dropped, WaitEnd::Command),
        }
    }
}

/// Asks a server who it is and what it offers.
async fn fetch_tools(peer: &Peer<RoleClient>) -> Result<ReadyServer, String> {
    let about = peer.peer_info();
    let offers = about.as_ref().is_none_or(|about| about.capabilities.tools.is_some());
    let tools =
        if offers { peer.list_all_tools().await.map_err(|error| error.to_string())? } else { Vec::new() };
    let info = about.and_then(|about| about.server_info.clone());
    let info = info.map_or(Value::Null, |info| json!({"name": info.name, "version": info.version}));
    Ok(ReadyServer { peer: peer.clone(), info, tools: Arc::new(tools) })
}

fn exit_message<E: std::fmt::Display>(
    program: Option<&super::connect::McpProgram>,
    reason: &Result<QuitReason, E>,
) -> String {
    let words = program.map(|program| program.last_stderr_line.borrow().clone()).unwrap_or_default();
    match reason {
        _ if !words.is_empty() => format!("it ended: {words}"),
        Err(error) => format!("the connection broke: {error}"),
        Ok(_) => "it ended".to_owned(),
    }
}
