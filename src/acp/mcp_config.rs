//! Passes the editor's MCP servers on to the agent as a configuration file.

use std::io::Write as _;

use agent_client_protocol_schema::v1::McpServer;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

/// Writes a file for `--mcp-config`, readable only by its owner: it may contain
/// keys, and command-line arguments are visible to every user. The file is
/// deleted when dropped.
pub(super) fn write_config(servers: &[McpServer]) -> Result<NamedTempFile> {
    let servers: Map<String, Value> = servers.iter().filter_map(server_config).collect();
    let mut file = NamedTempFile::new().context("making a file for the MCP servers")?;
    let config =
        serde_json::to_vec(&json!({"mcpServers": servers})).context("writing down the MCP servers")?;
    file.write_all(&config).context("writing down the MCP servers")?;
    Ok(file)
}

/// A server's name and configuration; `None` for a transport that was not
/// offered.
fn server_config(server: &McpServer) -> Option<(String, Value)> {
    match server {
        McpServer::Stdio(server) => {
            let env: Map<_, _> = server.env.iter().map(|set| (set.name.clone(), json!(set.value))).collect();
            let config = json!({"command": server.command, "args": server.args, "env": env});
            Some((server.name.clone(), config))
        }
        McpServer::Http(server) => {
            let headers: Map<_, _> =
                server.headers.iter().map(|header| (header.name.clone(), json!(header.value))).collect();
            let config = json!({"type": "http", "url": server.url, "headers": headers});
            Some((server.name.clone(), config))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_written_as_the_agent_reads_it() {
        let of = |value: Value| server_config(&serde_json::from_value(value).unwrap());
        let stdio = of(json!({"name": "a", "command": "/bin/a", "args": ["-x"],
            "env": [{"name": "K", "value": "v"}]}));
        let expected = json!({"command": "/bin/a", "args": ["-x"], "env": {"K": "v"}});
        assert_eq!(stdio, Some(("a".to_owned(), expected)));
        let http = of(json!({"type": "http", "name": "b", "url": "http://b", "headers": []}));
        assert_eq!(http, Some(("b".to_owned(), json!({"type": "http", "url": "http://b", "headers": {}}))));
    }
}
