//! The MCP servers of this process.
//!
//! Owns which servers there are, their connections and the names of their tools.
//! Connections live as long as the process and know no session, so that no switch
//! can touch them. A server never holds up a turn; only the first prompt waits a
//! moment for servers that are starting. Start reading in `supervisor`.

mod approval_pins;
mod config;
mod config_files;
mod connect;
mod supervisor;
mod tool;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::config::{McpTransport, ServerConfigs};
use self::supervisor::{McpServer, McpState};
use super::host_client::HostClient;
use super::tool::ToolContext;

pub use config_files::{ConfiguredServer, configured_servers};
pub use tool::McpTool;

/// How long the first prompt waits for servers that are starting: longer than `node` takes to start,
/// shorter than a person waits.
const STARTUP_WAIT: Duration = Duration::from_secs(5);

/// The scope of servers from the wire or a flag.
const DYNAMIC: &str = "dynamic";

/// All servers, by name.
pub struct McpServers {
    servers: BTreeMap<String, McpServer>,
    /// Those the host serves, until it has said that it is there.
    awaiting_host: Vec<String>,
    /// Those that `mcp_set_servers` named last.
    set_by_host: Vec<String>,
    tool_context: ToolContext,
    host: HostClient,
    /// Told of every change of any server.
    changed_notify: Arc<Notify>,
    /// When waiting for servers that are being started ends.
    startup_deadline: Instant,
}

impl McpServers {
    /// Starts the servers of the official files, and those that these values of
    /// `--mcp-config` name. Of one name, the last counts.
    pub fn start(
        named: Vec<ConfiguredServer>,
        configs: &[String],
        tool_context: ToolContext,
        host: HostClient,
    ) -> Result<Self, String> {
        let configs = config::read(configs, &tool_context.cwd)?;
        let mut servers = Self {
            servers: BTreeMap::new(),
            awaiting_host: Vec::new(),
            set_by_host: Vec::new(),
            tool_context,
            host,
            changed_notify: Arc::default(),
            startup_deadline: Instant::now() + STARTUP_WAIT,
        };
        let of_files = named.into_iter().filter(|named| !configs.contains_key(&named.name));
        for ConfiguredServer { name, scope, transport } in of_files {
            servers.add(name, scope, transport);
        }
        for (name, transport) in configs {
            if transport == Ok(McpTransport::Host) {
                servers.awaiting_host.push(name);
            } else {
                servers.add(name, DYNAMIC, transport);
            }
        }
        Ok(servers)
    }

    /// The host has said that it is there, and which servers it serves besides
    /// those that are known.
    pub fn host_initialized(&mut self, also: impl IntoIterator<Item = String>) {
        let mut names = std::mem::take(&mut self.awaiting_host);
        names.extend(also);
        for name in names {
            if !self.servers.contains_key(&name) {
                self.add(name, DYNAMIC, Ok(McpTransport::Host));
            }
        }
    }

    /// Replaces the servers that this named before. The future resolves to what changed, once the new
    /// servers are connected or failed.
    pub fn replace_set(
        &mut self,
        servers: &Map<String, Value>,
    ) -> impl Future<Output = Value> + Send + use<> {
        let configs: ServerConfigs = config::parse_servers(servers);
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for name in std::mem::take(&mut self.set_by_host) {
            if configs.get(&name) == self.servers.get(&name).map(McpServer::transport) {
                self.set_by_host.push(name);
            } else {
                self.servers.remove(&name);
                removed.push(name);
            }
        }
        for (name, transport) in configs {
            if !self.servers.contains_key(&name) {
                self.add(name.clone(), DYNAMIC, transport);
                self.set_by_host.push(name.clone());
                added.push(name);
            }
        }
        removed.retain(|name| !added.contains(name));
        let settled: Vec<_> =
            added.iter().filter_map(|name| Some(self.servers.get(name)?.settled())).collect();
        async move {
            let outcomes = join_all(settled).await;
            let failed =
                added.iter().zip(outcomes).filter_map(|(name, outcome)| Some((name.clone(), outcome.err()?)));
            let errors: Map<_, _> = failed.map(|(name, error)| (name, json!(error))).collect();
            json!({"added": added, "removed": removed, "errors": errors})
        }
    }

    /// Connects a server again. The future resolves once it is connected, or to the error.
    pub fn reconnect(&self, name: &str) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let reconnected = self.get(name).map(McpServer::reconnect);
        async move { reconnected?.await }
    }

    /// Switches a server on or off. The future resolves once that is done.
    pub fn enable(
        &self,
        name: &str,
        enabled: bool,
    ) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let switched = self.get(name).map(|server| server.enable(enabled));
        async move { switched?.await }
    }

    /// Ends all servers and waits until they have.
    pub async fn close(self) {
        join_all(self.servers.into_values().map(McpServer::close)).await;
    }

    /// Name and state of each, as `system/init` lists them.
    pub fn brief_status(&self) -> Vec<Value> {
        let waiting = self.awaiting_host.iter().map(|name| json!({"name": name, "status": "pending"}));
        let known = self.servers.iter();
        known
            .map(|(name, server)| json!({"name": name, "status": wire_name(&server.state())}))
            .chain(waiting)
            .collect()
    }

    /// All that is known of each, as `mcp_status` answers.
    pub fn status(&self) -> Vec<Value> {
        let waiting = self.awaiting_host.iter().map(|name| {
            json!({"name": name, "status": "pending", "config": McpTransport::Host.redacted(name), "scope": DYNAMIC})
        });
        self.servers.iter().map(|(name, server)| status(name, server)).chain(waiting).collect()
    }

    /// The tools of all servers that are connected.
    pub fn tools(&self) -> Vec<McpTool> {
        let of_each = |(name, server): (&String, &McpServer)| match server.state() {
            McpState::Connected(connected) => McpTool::all_of(name, &connected),
            McpState::Pending | McpState::Failed(_) | McpState::NeedsAuth(_) | McpState::Disabled => {
                Vec::new()
            }
        };
        self.servers.iter().flat_map(of_each).collect()
    }

    /// Servers are being started, and a prompt had better wait for them.
    pub fn is_starting(&self) -> bool {
        let starting = |server: &McpServer| matches!(server.state(), McpState::Pending);
        Instant::now() < self.startup_deadline && self.servers.values().any(starting)
    }

    /// Returns at the next change, or when nothing needs to be waited for any more.
    pub async fn changed(&self) {
        let _changed_or_late =
            tokio::time::timeout_at(self.startup_deadline, self.changed_notify.notified()).await;
    }

    fn add(&mut self, name: String, scope: &'static str, transport: Result<McpTransport, String>) {
        let (tool_context, host, news) =
            (self.tool_context.clone(), self.host.clone(), self.changed_notify.clone());
        let server = McpServer::spawn(name.clone(), scope, transport, tool_context, host, news);
        self.servers.insert(name, server);
    }

    fn get(&self, name: &str) -> Result<&McpServer, String> {
        self.servers.get(name).ok_or_else(|| format!("there is no MCP server “{name}”"))
    }
}

fn wire_name(state: &McpState) -> &'static str {
    match state {
        McpState::Pending => "pending",
        McpState::Connected(_) => "connected",
        McpState::Failed(_) => "failed",
        McpState::NeedsAuth(_) => "needs-auth",
        McpState::Disabled => "disabled",
    }
}

fn status(name: &str, server: &McpServer) -> Value {
    let state = server.state();
    let mut status = json!({"name": name, "status": wire_name(&state), "scope": server.scope()});
    if let Ok(transport) = server.transport() {
        status["config"] = transport.redacted(name);
    }
    match state {
        McpState::Connected(connected) => {
            status["serverInfo"] = connected.info.clone();
            status["tools"] = connected.tools.iter().map(tool::describe).collect();
        }
        McpState::Failed(error) | McpState::NeedsAuth(error) => status["error"] = json!(error),
        McpState::Pending | McpState::Disabled => {}
    }
    status
}
