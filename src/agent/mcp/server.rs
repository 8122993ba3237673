//! One MCP server: a task that keeps it connected for as long as the process
//! lives, and what others can see of it.
//!
//! Owns retries and the server's state. It knows nothing of sessions, so a
//! switch cannot touch a connection; nobody ever waits for it but a call.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::Tool;
use rmcp::service::{Peer, QuitReason, RoleClient};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::config::Reach;
use super::connect::{Connection, Failed, connect};
use crate::agent::host::Host;
use crate::agent::tool::Place;

/// From the start of a server to the end of its handshake (`MCP_TIMEOUT`, in
/// milliseconds, as the official CLI has it).
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Between the first two tries; doubled after each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Between later tries, at most.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A connection that held so long is a good one: pauses begin anew.
const HELD: Duration = Duration::from_mins(1);
/// From closing a program's stdin to killing it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a server is doing.
#[derive(Debug, Clone)]
pub enum State {
    /// It is being connected for the first time, or again.
    Pending,
    /// It can be called.
    Connected(Connected),
    /// It is not there, and why; it is tried again.
    Failed(String),
    /// It wants somebody to log in; it is not tried again.
    NeedsAuth(String),
    /// A person switched it off.
    Disabled,
}

/// A server that can be called.
#[derive(Debug, Clone)]
pub struct Connected {
    /// To call it.
    pub peer: Peer<RoleClient>,
    /// Its own name and version, as it said.
    pub info: Value,
    /// What it offers.
    pub tools: Arc<Vec<Tool>>,
}

/// A server and the task that keeps it. Dropping it ends both.
#[derive(Debug)]
pub struct Server {
    scope: &'static str,
    /// Where it is reached; the error says why nowhere.
    reach: Result<Reach, String>,
    state: watch::Receiver<State>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What the task is told.
#[derive(Debug, Clone, Copy)]
enum Order {
    Reconnect,
    Enable(bool),
}

impl Server {
    /// Starts to keep a server connected. `news` is told of every change.
    pub fn keep(
        name: String,
        scope: &'static str,
        reach: Result<Reach, String>,
        place: Place,
        host: Host,
        news: Arc<Notify>,
    ) -> Self {
        let first = match &reach {
            Ok(_) => State::Pending,
            Err(error) => State::Failed(error.clone()),
        };
        let (state, seen) = watch::channel(first);
        let (orders, given) = mpsc::unbounded_channel();
        if let Ok(reach) = reach.clone() {
            tokio::spawn(Keeper { name, reach, place, host, state, news, orders: given }.run());
        }
        Self { scope, reach, state: seen, orders }
    }

    /// Who named it, as the official reports have it: `user`, `project`, `local`
    /// or `dynamic`.
    pub fn scope(&self) -> &'static str {
        self.scope
    }

    /// What it is doing now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Where it is reached.
    pub fn reach(&self) -> &Result<Reach, String> {
        &self.reach
    }

    /// Connects anew, whatever it is doing.
    pub fn reconnect(&self) {
        self.order(Order::Reconnect);
    }

    /// Switches it on or off.
    pub fn enable(&self, enabled: bool) {
        self.order(Order::Enable(enabled));
    }

    fn order(&self, order: Order) {
        // A server that can never be reached has no task to tell.
        let _told_or_hopeless = self.orders.send(order);
    }
}

struct Keeper {
    name: String,
    reach: Reach,
    place: Place,
    host: Host,
    state: watch::Sender<State>,
    news: Arc<Notify>,
    orders: mpsc::UnboundedReceiver<Order>,
}

/// Why a connection, a pause or a rest ended.
enum Ended {
    /// The server did; what it last said.
    Itself(String),
    /// We were told to.
    Order(Order),
    /// Nobody holds the server any more.
    Dropped,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            self.enter(State::Pending);
            let ended = match self.connect().await {
                Ok((connection, connected)) => {
                    let since = tokio::time::Instant::now();
                    self.enter(State::Connected(connected));
                    let ended = self.hold(connection).await;
                    if since.elapsed() > HELD {
                        pause = FIRST_PAUSE;
                    }
                    ended
                }
                Err(Failed::NeedsAuth(error)) => {
                    self.enter(State::NeedsAuth(error));
                    self.rest(None).await
                }
                Err(Failed::Otherwise(error)) => Ended::Itself(error),
            };
            let ended = match ended {
                Ended::Itself(error) => {
                    tracing::warn!("the MCP server {} is not there: {error}", self.name);
                    self.enter(State::Failed(error));
                    let ended = self.rest(Some(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    ended
                }
                ended => ended,
            };
            match ended {
                Ended::Dropped => return,
                Ended::Order(Order::Enable(false)) => {
                    self.enter(State::Disabled);
                    loop {
                        match self.rest(None).await {
                            Ended::Dropped => return,
                            Ended::Order(Order::Enable(false)) => {}
                            Ended::Order(_) | Ended::Itself(_) => break,
                        }
                    }
                }
                Ended::Order(Order::Reconnect | Order::Enable(true)) => pause = FIRST_PAUSE,
                Ended::Itself(_) => {}
            }
        }
    }

    fn enter(&self, state: State) {
        self.state.send_replace(state);
        self.news.notify_one();
    }

    async fn connect(&mut self) -> Result<(Connection, Connected), Failed> {
        let limit = std::env::var("MCP_TIMEOUT").ok().and_then(|text| text.parse().ok());
        let limit = limit.map_or(HANDSHAKE, Duration::from_millis);
        let handshake = async {
            let connection = connect(&self.name, &self.reach, &self.place, &self.host).await?;
            let connected = look(connection.service.peer()).await.map_err(Failed::Otherwise)?;
            Ok((connection, connected))
        };
        let late = || Err(Failed::Otherwise(format!("it did not answer within {} s", limit.as_secs_f32())));
        timeout(limit, handshake).await.unwrap_or_else(|_| late())
    }

    /// Holds a connection until it ends, one way or the other.
    async fn hold(&mut self, connection: Connection) -> Ended {
        let Connection { service, mut program } = connection;
        let (peer, close) = (service.peer().clone(), service.cancellation_token());
        let changed = service.service().tools_changed.clone();
        let over = service.waiting();
        tokio::pin!(over);
        let ended = loop {
            tokio::select! {
                reason = &mut over => break Ended::Itself(last_words(program.as_ref(), &reason)),
                () = changed.notified() => match look(&peer).await {
                    Ok(connected) => self.enter(State::Connected(connected)),
                    Err(error) => tracing::warn!("the MCP server {} hides its new tools: {error}", self.name),
                },
                order = self.orders.recv() => match order {
                    Some(Order::Enable(true)) => {}
                    Some(order) => break Ended::Order(order),
                    None => break Ended::Dropped,
                },
            }
        };
        if !matches!(ended, Ended::Itself(_)) {
            close.cancel();
            let _closed_or_late = timeout(LAST_WORDS, over).await;
        }
        if let Some(program) = &mut program {
            // Its stdin is closed; dropping it kills what is left.
            let _gone_or_killed = timeout(LAST_WORDS, program.child.wait()).await;
        }
        ended
    }

    /// Waits for an order, or for the end of a pause.
    async fn rest(&mut self, pause: Option<Duration>) -> Ended {
        tokio::select! {
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => Ended::Order(Order::Enable(true)),
            order = self.orders.recv() => order.map_or(Ended::Dropped, Ended::Order),
        }
    }
}

/// Asks a server who it is and what it offers.
async fn look(peer: &Peer<RoleClient>) -> Result<Connected, String> {
    let about = peer.peer_info();
    let offers = about.as_ref().is_none_or(|about| about.capabilities.tools.is_some());
    let tools =
        if offers { peer.list_all_tools().await.map_err(|error| error.to_string())? } else { Vec::new() };
    let info = about.and_then(|about| about.server_info.clone());
    let info = info.map_or(Value::Null, |info| json!({"name": info.name, "version": info.version}));
    Ok(Connected { peer: peer.clone(), info, tools: Arc::new(tools) })
}

fn last_words<E: std::fmt::Display>(
    program: Option<&super::connect::Program>,
    reason: &Result<QuitReason, E>,
) -> String {
    let words = program.map(|program| program.last_words.borrow().clone()).unwrap_or_default();
    match reason {
        _ if !words.is_empty() => format!("it ended: {words}"),
        Err(error) => format!("the connection broke: {error}"),
        Ok(_) => "it ended".to_owned(),
    }
}
