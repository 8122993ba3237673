//! The MCP servers of this process.
//!
//! Owns which servers there are, their connections and what their tools are
//! called. Connections live as long as the process: nothing here knows a
//! session, so no switch can touch them. A server never holds up a turn; only
//! the first prompt waits a moment for servers that are just being started.

mod config;
mod connect;
mod named;
mod server;
mod tool;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::config::{Asked, Reach};
use self::server::{Server, State};
use super::host::Host;
use super::tool::Place;

pub use named::{Named, named};
pub use tool::McpTool;

/// How long the first prompt waits for servers that are being started: longer
/// than `node` takes, shorter than a person's patience.
const GRACE: Duration = Duration::from_secs(5);

/// The scope of what came over the wire or by a flag.
const DYNAMIC: &str = "dynamic";

/// All servers, by name.
pub struct Servers {
    known: BTreeMap<String, Server>,
    /// Those the host serves, until it has said that it is there.
    unasked: Vec<String>,
    /// Those that `mcp_set_servers` named last.
    set: Vec<String>,
    place: Place,
    host: Host,
    /// Told of every change of any server.
    news: Arc<Notify>,
    /// When waiting for servers that are being started ends.
    grace_ends: Instant,
}

impl Servers {
    /// Starts the servers of the official files, and those that these values of
    /// `--mcp-config` name. Of one name, the last counts.
    pub fn start(named: Vec<Named>, configs: &[String], place: Place, host: Host) -> Result<Self, String> {
        let asked = config::read(configs, &place.cwd)?;
        let mut servers = Self {
            known: BTreeMap::new(),
            unasked: Vec::new(),
            set: Vec::new(),
            place,
            host,
            news: Arc::default(),
            grace_ends: Instant::now() + GRACE,
        };
        let of_files = named.into_iter().filter(|named| !asked.contains_key(&named.name));
        for Named { name, scope, reach } in of_files {
            servers.keep(name, scope, reach);
        }
        for (name, reach) in asked {
            if reach == Ok(Reach::Host) {
                servers.unasked.push(name);
            } else {
                servers.keep(name, DYNAMIC, reach);
            }
        }
        Ok(servers)
    }

    /// The host has said that it is there, and which servers it serves besides
    /// those that are known.
    pub fn host_is_there(&mut self, also: impl IntoIterator<Item = String>) {
        let mut names = std::mem::take(&mut self.unasked);
        names.extend(also);
        for name in names {
            if !self.known.contains_key(&name) {
                self.keep(name, DYNAMIC, Ok(Reach::Host));
            }
        }
    }

    /// Replaces the servers that this named before; gives back what changed.
    pub fn set(&mut self, servers: &Map<String, Value>) -> Value {
        let asked: Asked = config::of(servers);
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for name in std::mem::take(&mut self.set) {
            if asked.get(&name) == self.known.get(&name).map(Server::reach) {
                self.set.push(name);
            } else {
                self.known.remove(&name);
                removed.push(name);
            }
        }
        let mut errors = Map::new();
        for (name, reach) in asked {
            if let Err(error) = &reach {
                errors.insert(name.clone(), json!(error));
            }
            if !self.known.contains_key(&name) {
                self.keep(name.clone(), DYNAMIC, reach);
                self.set.push(name.clone());
                added.push(name);
            }
        }
        removed.retain(|name| !added.contains(name));
        json!({"added": added, "removed": removed, "errors": errors})
    }

    /// Connects a server anew.
    pub fn reconnect(&self, name: &str) -> Result<(), String> {
        self.named(name).map(Server::reconnect)
    }

    /// Switches a server on or off.
    pub fn enable(&self, name: &str, enabled: bool) -> Result<(), String> {
        self.named(name).map(|server| server.enable(enabled))
    }

    /// Name and state of each, as `system/init` lists them.
    pub fn brief(&self) -> Vec<Value> {
        let waiting = self.unasked.iter().map(|name| json!({"name": name, "status": "pending"}));
        let known = self.known.iter();
        known
            .map(|(name, server)| json!({"name": name, "status": wire_name(&server.state())}))
            .chain(waiting)
            .collect()
    }

    /// All that is known of each, as `mcp_status` answers.
    pub fn status(&self) -> Vec<Value> {
        let waiting = self.unasked.iter().map(|name| {
            json!({"name": name, "status": "pending", "config": Reach::Host.shown(name), "scope": DYNAMIC})
        });
        self.known.iter().map(|(name, server)| status(name, server)).chain(waiting).collect()
    }

    /// The tools of all servers that are connected.
    pub fn tools(&self) -> Vec<McpTool> {
        let of_each = |(name, server): (&String, &Server)| match server.state() {
            State::Connected(connected) => McpTool::of(name, &connected),
            State::Pending | State::Failed(_) | State::NeedsAuth(_) | State::Disabled => Vec::new(),
        };
        self.known.iter().flat_map(of_each).collect()
    }

    /// Servers are being started, and a prompt had better wait for them.
    pub fn is_settling(&self) -> bool {
        let starting = |server: &Server| matches!(server.state(), State::Pending);
        Instant::now() < self.grace_ends && self.known.values().any(starting)
    }

    /// Returns at the next change, or when nothing needs to be waited for any more.
    pub async fn changed(&self) {
        let _changed_or_late = tokio::time::timeout_at(self.grace_ends, self.news.notified()).await;
    }

    fn keep(&mut self, name: String, scope: &'static str, reach: Result<Reach, String>) {
        let (place, host, news) = (self.place.clone(), self.host.clone(), self.news.clone());
        let server = Server::keep(name.clone(), scope, reach, place, host, news);
        self.known.insert(name, server);
    }

    fn named(&self, name: &str) -> Result<&Server, String> {
        self.known.get(name).ok_or_else(|| format!("there is no MCP server “{name}”"))
    }
}

fn wire_name(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Connected(_) => "connected",
        State::Failed(_) => "failed",
        State::NeedsAuth(_) => "needs-auth",
        State::Disabled => "disabled",
    }
}

fn status(name: &str, server: &Server) -> Value {
    let state = server.state();
    let mut status = json!({"name": name, "status": wire_name(&state), "scope": server.scope()});
    if let Ok(reach) = server.reach() {
        status["config"] = reach.shown(name);
    }
    match state {
        State::Connected(connected) => {
            status["serverInfo"] = connected.info.clone();
            status["tools"] = connected.tools.iter().map(tool::shown).collect();
        }
        State::Failed(error) | State::NeedsAuth(error) => status["error"] = json!(error),
        State::Pending | State::Disabled => {}
    }
    status
}
