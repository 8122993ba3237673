//! Connects to an MCP server and performs the handshake.
//!
//! Owns the three transports: a program over its stdio, streamable HTTP, and the
//! host over our own stdio. Must never retry or list tools.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;

use rmcp::handler::client::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{NotificationContext, RoleClient, RunningService, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc, watch};

use super::config::McpTransport;
use crate::agent::host_client::HostClient;
use crate::agent::tool::ToolContext;
use crate::protocol::AgentControlRequest;
use crate::sys::guarded::{GuardedChild, guarded_command};

/// How much of a line of stderr is kept, in characters.
const STDERR_LINE_CHARS: usize = 300;
/// How much of a line is held while it goes on.
const STDERR_LINE_BYTES: usize = 4 * STDERR_LINE_CHARS;

/// A connection whose handshake is done.
pub struct McpConnection {
    /// The connection; it ends when the server does.
    pub service: RunningService<RoleClient, McpClient>,
    /// The server's program; `None` if we did not start it.
    pub program: Option<McpProgram>,
}

/// A server's program.
pub struct McpProgram {
    /// Dropping it kills the program and all that it started.
    pub child: GuardedChild,
    /// The last line it wrote to stderr.
    pub last_stderr_line: watch::Receiver<String>,
}

/// Handles what a server sends between requests.
pub struct McpClient {
    /// Notified when its list of tools changed.
    pub tools_changed: Arc<Notify>,
}

impl ClientHandler for McpClient {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("hotseat", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.tools_changed.notify_one();
    }
}

/// Connects; the error is for a person.
pub async fn connect(
    name: &str,
    transport: &McpTransport,
    tool_context: &ToolContext,
    host: &HostClient,
) -> Result<McpConnection, McpConnectError> {
    let client = McpClient { tools_changed: Arc::default() };
    match transport {
        McpTransport::Program { .. } => connect_stdio(transport, tool_context, client).await,
        McpTransport::Http { url, headers } => connect_http(url, headers.clone(), client).await,
        McpTransport::Host => connect_host(name, host.clone(), client).await,
    }
}

/// Why there is no connection.
pub enum McpConnectError {
    /// The server wants a login.
    NeedsAuth(String),
    /// Anything else.
    Other(String),
}

impl From<rmcp::service::ClientInitializeError> for McpConnectError {
    fn from(error: rmcp::service::ClientInitializeError) -> Self {
        if error.is_authorization_required() {
            Self::NeedsAuth(error.to_string())
        } else {
            Self::Other(error.to_string())
        }
    }
}

async fn connect_stdio(
    transport: &McpTransport,
    tool_context: &ToolContext,
    client: McpClient,
) -> Result<McpConnection, McpConnectError> {
    let McpTransport::Program { command, args, env } = transport else {
        return Err(McpConnectError::Other("it is no program".to_owned()));
    };
    let mut guarded = guarded_command(&tool_context.guard, 0, command);
    guarded.args(args).envs(env).current_dir(&tool_context.cwd);
    guarded.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let spawned = GuardedChild::spawn(&mut guarded);
    let mut child =
        spawned.map_err(|error| McpConnectError::Other(format!("cannot start {command}: {error}")))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(McpConnectError::Other(format!("cannot talk to {command}: it has no stdio")));
    };
    let (last_line_tx, last_words) = watch::channel(String::new());
    tokio::spawn(watch_stderr(stderr, last_line_tx));
    match rmcp::serve_client(client, (stdout, stdin)).await {
        Ok(service) => {
            Ok(McpConnection { service, program: Some(McpProgram { child, last_stderr_line: last_words }) })
        }
        Err(error) => {
            let words = last_words.borrow().clone();
            Err(McpConnectError::Other(if words.is_empty() { error.to_string() } else { words }))
        }
    }
}

/// Drains stderr, so that the server never blocks on it, and keeps the beginning of its last line.
async fn watch_stderr(mut stderr: impl tokio::io::AsyncRead + Unpin, last_line_tx: watch::Sender<String>) {
    let mut chunk = vec![0; 8 * 1024];
    let mut line = Vec::new();
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut parts = chunk[..count].split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = STDERR_LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if parts.peek().is_some() {
                publish_line(&line, &last_line_tx);
                line.clear();
            }
        }
    }
    publish_line(&line, &last_line_tx);
}

fn publish_line(line: &[u8], last_line_tx: &watch::Sender<String>) {
    let text = String::from_utf8_lossy(line);
    let text: String =
        text.trim().chars().filter(|char| !char.is_control()).take(STDERR_LINE_CHARS).collect();
    if !text.is_empty() {
        last_line_tx.send_replace(text);
    }
}

async fn connect_http(
    url: &str,
    headers: impl IntoIterator<Item = (String, String)>,
    client: McpClient,
) -> Result<McpConnection, McpConnectError> {
    let mut typed = HashMap::new();
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (name.parse(), value.parse()) else {
            return Err(McpConnectError::Other(format!("the header “{name}” cannot be sent")));
        };
        typed.insert(name, value);
    }
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(typed);
    let transport = StreamableHttpClientTransport::with_client(crate::agent::http::client(), config);
    Ok(McpConnection { service: rmcp::serve_client(client, transport).await?, program: None })
}

/// Connects to a server that the host serves: each message is a request to the host, and the answer is
/// the server's message.
async fn connect_host(
    name: &str,
    host: HostClient,
    client: McpClient,
) -> Result<McpConnection, McpConnectError> {
    // Unbounded: at most one answer to each request that waits.
    let (answers, answered) = mpsc::unbounded_channel::<RxJsonRpcMessage<RoleClient>>();
    let server = name.to_owned();
    let sink = futures_util::sink::unfold((), move |(), message: TxJsonRpcMessage<RoleClient>| {
        let (host, server, answers) = (host.clone(), server.clone(), answers.clone());
        async move {
            let message = serde_json::to_value(message).map_err(std::io::Error::other)?;
            let wants_answer = message.get("id").is_some() && message.get("method").is_some();
            // A task of its own: a slow tool must not hold up the next call.
            tokio::spawn(async move {
                let id = message["id"].clone();
                let answer =
                    host.request(AgentControlRequest::McpMessage { server_name: server, message }).await;
                if !wants_answer {
                    return;
                }
                let answer = match answer {
                    Ok(mut body) => body["mcp_response"].take(),
                    Err(error) => {
                        serde_json::json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32603, "message": error}})
                    }
                };
                match serde_json::from_value(answer) {
                    // The connection may be closed by now.
                    Ok(answer) => drop(answers.send(answer)),
                    Err(error) => tracing::warn!("an MCP answer of the host made no sense: {error}"),
                }
            });
            Ok::<_, std::io::Error>(())
        }
    });
    let stream = futures_util::stream::unfold(answered, |mut answered| async move {
        answered.recv().await.map(|message| (message, answered))
    });
    let service = rmcp::serve_client(client, (Box::pin(sink), Box::pin(stream))).await?;
    Ok(McpConnection { service, program: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_stderr_the_last_line_is_kept_and_no_more() {
        for (stderr, last) in [
            ("one\ntwo\n\n", "two".to_owned()),
            ("one\nhalf a li", "half a li".to_owned()),
            (&*format!("{}\n", "x".repeat(100_000)), "x".repeat(STDERR_LINE_CHARS)),
            (&*format!("{}\nlast", "y".repeat(100_000)), "last".to_owned()),
        ] {
            let (last_line_tx, last_line) = watch::channel(String::new());
            watch_stderr(stderr.as_bytes(), last_line_tx).await;
            assert_eq!(*last_line.borrow(), last);
        }
    }
}
