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
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::config::McpTransport;
use super::connect::{McpConnectError, McpConnection, McpProgram, connect};
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
/// How long a host waits for a server to be connected before it is told that it is not yet.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How long the output of a program that has ended is read on.
const LAST_WORDS: Duration = Duration::from_millis(500);
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
    /// Cancelled once the connection is over: no call on it will be answered.
    pub over: CancellationToken,
}

/// A server and its supervisor. Dropping it ends both.
#[derive(Debug)]
pub struct McpServer {
    scope: &'static str,
    /// Its transport; the error says why it cannot be used.
    transport: Result<McpTransport, String>,
    state: watch::Receiver<McpState>,
    commands: mpsc::UnboundedSender<(SupervisorCommand, oneshot::Sender<()>)>,
    supervisor: Option<JoinHandle<()>>,
}

/// What a supervisor is told.
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
        changed: Arc<Notify>,
    ) -> Self {
        let first = match &transport {
            Ok(_) => McpState::Pending,
            Err(error) => McpState::Failed(error.clone()),
        };
        let (state_tx, state) = watch::channel(first);
        // Unbounded: one command for each request of a person or host.
        let (commands, commands_rx) = mpsc::unbounded_channel();
        let supervisor = transport.clone().ok().map(|transport| {
            let supervisor = McpSupervisor {
                name,
                transport,
                tool_context,
                host,
                state: state_tx,
                changed,
                commands: commands_rx,
                acks: Vec::new(),
            };
            tokio::spawn(supervisor.run())
        });
        Self { scope, transport, state, commands, supervisor }
    }

    /// Who named it, in the words of official reports: `user`, `project`, `local` or `dynamic`.
    pub fn scope(&self) -> &'static str {
        self.scope
    }

    /// What it is doing now.
    pub fn state(&self) -> McpState {
        self.state.borrow().clone()
    }

    /// Its transport; the error says why it cannot be used.
    pub fn transport(&self) -> &Result<McpTransport, String> {
        &self.transport
    }

    /// Connects again, whatever it is doing. The future resolves once it is connected, or to the error.
    pub fn reconnect(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        self.command(SupervisorCommand::Reconnect)
    }

    /// Switches it on or off. The future resolves once that is done.
    pub fn enable(&self, enabled: bool) -> impl Future<Output = Result<(), String>> + Send + use<> {
        self.command(SupervisorCommand::Enable(enabled))
    }

    /// Resolves once it is no longer being connected, to the error if it failed; after a while also if it
    /// still is, since a host waits for an answer.
    pub fn settled(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let mut state = self.state.clone();
        async move {
            let settled = state.wait_for(|state| !matches!(state, McpState::Pending));
            let Ok(settled) = timeout(ANSWER_LIMIT, settled).await else {
                return Err("it is still being connected".to_owned());
            };
            match settled.as_deref() {
                Ok(McpState::Failed(error) | McpState::NeedsAuth(error)) => Err(error.clone()),
                Ok(_) => Ok(()),
                Err(_) => Err("the server was removed".to_owned()),
            }
        }
    }

    /// Ends the server and waits until it has: its stdin is closed first, and what does not end then is
    /// killed.
    pub async fn close(self) {
        let Self { commands, supervisor, .. } = self;
        drop(commands);
        if let Some(supervisor) = supervisor {
            // An error says that the supervisor panicked; its program died with it.
            supervisor.await.ok();
        }
    }

    fn command(&self, command: SupervisorCommand) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let (ack, acted) = oneshot::channel();
        // A server with unusable configuration has no supervisor: its state says why.
        self.commands.send((command, ack)).ok();
        let settled = self.settled();
        async move {
            acted.await.ok();
            settled.await
        }
    }
}

struct McpSupervisor {
    name: String,
    transport: McpTransport,
    tool_context: ToolContext,
    host: HostClient,
    state: watch::Sender<McpState>,
    changed: Arc<Notify>,
    commands: mpsc::UnboundedReceiver<(SupervisorCommand, oneshot::Sender<()>)>,
    /// Those who wait for a command to take effect, which the next change of state shows.
    acks: Vec<oneshot::Sender<()>>,
}

/// Why a wait ended.
enum WaitEnd {
    /// The server ended or never came; its last words.
    ServerGone(String),
    PauseOver,
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
            let since = tokio::time::Instant::now();
            let mut ended = self.connect_and_supervise().await;
            if since.elapsed() > STABLE_AFTER {
                pause = FIRST_BACKOFF;
            }
            if let WaitEnd::ServerGone(error) = ended {
                tracing::warn!("the MCP server {} is not there: {error}", self.name);
                self.set_state(McpState::Failed(error));
                ended = self.wait(Some(pause)).await;
                pause = (pause * 2).min(MAX_BACKOFF);
            }
            while let WaitEnd::Command(SupervisorCommand::Enable(false)) = ended {
                self.set_state(McpState::Disabled);
                ended = self.wait(None).await;
            }
            match ended {
                WaitEnd::Dropped => return,
                // A person wants it now.
                WaitEnd::Command(_) => pause = FIRST_BACKOFF,
                WaitEnd::PauseOver | WaitEnd::ServerGone(_) => {}
            }
        }
    }

    fn set_state(&mut self, state: McpState) {
        self.state.send_replace(state);
        self.changed.notify_one();
        self.acknowledge();
    }

    fn acknowledge(&mut self) {
        // Whoever waited may be gone.
        for ack in self.acks.drain(..) {
            ack.send(()).ok();
        }
    }

    /// The next command; a server that nobody holds any more gets [`WaitEnd::Dropped`].
    async fn next_command(&mut self) -> WaitEnd {
        match self.commands.recv().await {
            Some((command, ack)) => {
                self.acks.push(ack);
                WaitEnd::Command(command)
            }
            None => WaitEnd::Dropped,
        }
    }

    async fn connect_and_supervise(&mut self) -> WaitEnd {
        let limit = std::env::var("MCP_TIMEOUT").ok().and_then(|text| text.parse().ok());
        let limit = limit.map_or(HANDSHAKE_TIMEOUT, Duration::from_millis);
        let (name, transport) = (self.name.clone(), self.transport.clone());
        let (tool_context, host) = (self.tool_context.clone(), self.host.clone());
        let handshake = async move {
            let connection = connect(&name, &transport, &tool_context, &host).await?;
            let over = CancellationToken::new();
            let ready = fetch_tools(connection.service.peer(), over).await.map_err(McpConnectError::Other)?;
            Ok((connection, ready))
        };
        let connected = tokio::select! {
            connected = timeout(limit, handshake) => connected.unwrap_or_else(|_| {
                Err(McpConnectError::Other(format!("it did not answer within {} s", limit.as_secs_f32())))
            }),
            // A server that hangs in its handshake must not be deaf to us.
            ended = self.next_command() => return ended,
        };
        match connected {
            Ok((connection, ready)) => {
                let over = ready.over.clone();
                self.set_state(McpState::Connected(ready));
                self.supervise(connection, over).await
            }
            Err(McpConnectError::NeedsAuth(error)) => {
                self.set_state(McpState::NeedsAuth(error));
                self.wait(None).await
            }
            Err(McpConnectError::Other(error)) => WaitEnd::ServerGone(error),
        }
    }

    /// Holds a connection until it ends, one way or the other.
    async fn supervise(&mut self, connection: McpConnection, token: CancellationToken) -> WaitEnd {
        let McpConnection { service, mut program } = connection;
        // However this ends, nobody waits for an answer any more.
        let _over = token.clone().drop_guard();
        let (peer, close) = (service.peer().clone(), service.cancellation_token());
        let tools_changed = service.service().tools_changed.clone();
        let over = service.waiting();
        tokio::pin!(over);
        let ended = loop {
            tokio::select! {
                // Its last answers are still read: `over` comes with the end of its output.
                () = exited(program.as_mut()) => {
                    timeout(LAST_WORDS, &mut over).await.ok();
                    let end: Result<_, &str> = Ok(QuitReason::Closed);
                    break WaitEnd::ServerGone(exit_message(program.as_ref(), &end));
                }
                reason = &mut over => break WaitEnd::ServerGone(exit_message(program.as_ref(), &reason)),
                () = tools_changed.notified() => match fetch_tools(&peer, token.clone()).await {
                    Ok(ready) => self.set_state(McpState::Connected(ready)),
                    Err(error) => tracing::warn!("the MCP server {} hides its new tools: {error}", self.name),
                },
                ended = self.next_command() => match ended {
                    // It is on.
                    WaitEnd::Command(SupervisorCommand::Enable(true)) => self.acknowledge(),
                    ended => break ended,
                },
            }
        };
        token.cancel();
        if !matches!(ended, WaitEnd::ServerGone(_)) {
            close.cancel();
            timeout(EXIT_GRACE, over).await.ok();
        }
        if let Some(program) = &mut program {
            // Its stdin is closed now; dropping the program kills what is left.
            timeout(EXIT_GRACE, program.child.wait()).await.ok();
        }
        ended
    }

    /// Waits for a command, or for the end of a pause.
    async fn wait(&mut self, pause: Option<Duration>) -> WaitEnd {
        tokio::select! {
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => WaitEnd::PauseOver,
            ended = self.next_command() => ended,
        }
    }
}

/// Asks a server who it is and what it offers.
async fn fetch_tools(peer: &Peer<RoleClient>, over: CancellationToken) -> Result<ReadyServer, String> {
    let about = peer.peer_info();
    let offers = about.as_ref().is_none_or(|about| about.capabilities.tools.is_some());
    let tools =
        if offers { peer.list_all_tools().await.map_err(|error| error.to_string())? } else { Vec::new() };
    let info = about.and_then(|about| about.server_info.clone());
    let info = info.map_or(Value::Null, |info| json!({"name": info.name, "version": info.version}));
    Ok(ReadyServer { peer: peer.clone(), info, tools: Arc::new(tools), over })
}

/// Returns when the program has ended; never without one.
async fn exited(program: Option<&mut McpProgram>) {
    match program {
        Some(program) => drop(program.child.wait().await),
        None => std::future::pending().await,
    }
}

fn exit_message<E: std::fmt::Display>(
    program: Option<&McpProgram>,
    reason: &Result<QuitReason, E>,
) -> String {
    let words = program.map(|program| program.last_stderr_line.borrow().clone()).unwrap_or_default();
    match reason {
        _ if !words.is_empty() => format!("it ended: {words}"),
        Err(error) => format!("the connection broke: {error}"),
        Ok(_) => "it ended".to_owned(),
    }
}

#[cfg(test)]
mod tests;
