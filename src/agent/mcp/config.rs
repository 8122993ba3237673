//! Parses MCP servers of `--mcp-config` and `mcp_set_servers`.
//!
//! Owns the shapes and the expansion of variables. Reads the one file that is
//! named; connects to nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Where a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum McpTransport {
    /// A program of its own, over its stdin and stdout.
    Program {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables it gets besides ours.
        env: BTreeMap<String, String>,
    },
    /// Streamable HTTP.
    Http {
        /// Its address.
        url: String,
        /// Headers sent with every request.
        headers: BTreeMap<String, String>,
    },
    /// The host serves it, over our own stdio.
    Host,
}

/// A server as it was asked for; the error says what makes no sense about it.
pub type ServerConfigs = BTreeMap<String, Result<McpTransport, String>>;

/// Reads the values of `--mcp-config`, each a JSON text or a file. What is
/// named twice counts as named last.
pub fn read(values: &[String], cwd: &Path) -> Result<ServerConfigs, String> {
    let mut configs = ServerConfigs::new();
    for value in values {
        let is_json = value.trim_start().starts_with('{');
        let text = if is_json {
            value.clone()
        } else {
            let file = cwd.join(value);
            std::fs::read_to_string(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?
        };
        let place = if is_json { "--mcp-config" } else { value };
        let config: Value =
            serde_json::from_str(&text).map_err(|error| format!("{place} is no JSON: {error}"))?;
        let servers =
            config["mcpServers"].as_object().ok_or_else(|| format!("{place} has no object “mcpServers”"))?;
        configs.extend(parse_servers(servers));
    }
    Ok(configs)
}

/// Understands servers by name.
pub fn parse_servers(servers: &Map<String, Value>) -> ServerConfigs {
    servers.iter().map(|(name, config)| (name.clone(), parse_transport(config))).collect()
}

impl McpTransport {
    /// For a status report: without what may be a secret.
    pub fn redacted(&self, name: &str) -> Value {
        match self {
            Self::Program { command, args, .. } => json!({"type": "stdio", "command": command, "args": args}),
            Self::Http { url, .. } => json!({"type": "http", "url": url}),
            Self::Host => json!({"type": "sdk", "name": name}),
        }
    }
}

fn parse_transport(config: &Value) -> Result<McpTransport, String> {
    #[derive(Deserialize)]
    struct Config {
        r#type: Option<String>,
        command: Option<String>,
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        url: Option<String>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    }
    let config: Config = serde_json::from_value(config.clone()).map_err(|error| error.to_string())?;
    let all = |texts: BTreeMap<String, String>| -> Result<BTreeMap<String, String>, String> {
        texts.into_iter().map(|(name, text)| Ok((name, expand(&text)?))).collect()
    };
    match config.r#type.as_deref() {
        Some("sdk") => Ok(McpTransport::Host),
        Some("http" | "streamable-http") => {
            let url = config.url.ok_or("it has no “url”")?;
            Ok(McpTransport::Http { url: expand(&url)?, headers: all(config.headers)? })
        }
        None | Some("stdio") => {
            let command = config.command.ok_or("it has no “command”")?;
            let args = config.args.iter().map(|arg| expand(arg)).collect::<Result<_, _>>()?;
            Ok(McpTransport::Program { command: expand(&command)?, args, env: all(config.env)? })
        }
        Some("sse") => Err("the SSE transport was replaced by streamable HTTP (“type”: “http”)".to_owned()),
        Some(other) => Err(format!("there is no transport “{other}”; there are stdio, http and sdk")),
    }
}

/// `${NAME}` and `${NAME:-otherwise}` become the variable's value.
fn expand(text: &str) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        let (name, otherwise) = match rest[at + 2..at + end].split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (&rest[at + 2..at + end], None),
        };
        let value = std::env::var(name).ok().or_else(|| otherwise.map(str::to_owned));
        expanded.push_str(&rest[..at]);
        expanded.push_str(&value.ok_or_else(|| format!("the variable {name} is not set"))?);
        rest = &rest[at + end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &Value, expected: Result<McpTransport, &str>) {
        match (parse_transport(config), expected) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{config}: {error}"),
            (transport, expected) => assert_eq!(transport, expected.map_err(str::to_owned), "{config}"),
        }
    }

    #[test]
    fn each_way_to_a_server_is_understood() {
        check(&json!({"type": "sdk", "name": "x"}), Ok(McpTransport::Host));
        check(
            &json!({"command": "srv", "args": ["-x", "${NO_SUCH_VARIABLE:-there}"]}),
            Ok(McpTransport::Program {
                command: "srv".into(),
                args: vec!["-x".into(), "there".into()],
                env: BTreeMap::new(),
            }),
        );
        check(
            &json!({"type": "http", "url": "http://127.0.0.1/", "headers": {"A": "b"}}),
            Ok(McpTransport::Http {
                url: "http://127.0.0.1/".into(),
                headers: BTreeMap::from([("A".into(), "b".into())]),
            }),
        );
    }

    #[test]
    fn what_makes_no_sense_is_said_of_that_server() {
        check(&json!({"type": "http"}), Err("url"));
        check(&json!({"type": "carrier-pigeon"}), Err("carrier-pigeon"));
        check(&json!({"type": "sse", "url": "http://x"}), Err("streamable HTTP"));
        check(&json!({"command": "${NO_SUCH_VARIABLE}"}), Err("NO_SUCH_VARIABLE"));
        check(&json!({"command": 7}), Err("invalid type"));
        check(&json!("srv"), Err("invalid type"));
    }

    #[test]
    fn the_flag_takes_json_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mcp.json");
        std::fs::write(&file, r#"{"mcpServers": {"a": {"command": "from-file"}}}"#).unwrap();
        let given = [r#"{"mcpServers": {"b": {"type": "sdk"}}}"#.to_owned(), "mcp.json".to_owned()];
        let configs = read(&given, folder.path()).unwrap();
        assert_eq!(configs.keys().collect::<Vec<_>>(), ["a", "b"]);
        for (value, says) in [("{", "no JSON"), ("{}", "mcpServers"), ("none.json", "cannot read")] {
            let error = read(&[value.to_owned()], folder.path()).unwrap_err();
            assert!(error.contains(says), "{value}: {error}");
        }
    }

    #[test]
    fn a_status_shows_no_secret() {
        let transport =
            McpTransport::Http { url: "u".into(), headers: BTreeMap::from([("K".into(), "secret".into())]) };
        assert!(!transport.redacted("x").to_string().contains("secret"));
    }
}
