//! Reads the answers.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Expected, StreamJson};
use crate::protocol::{InitializeAnswer, SwitchAnswer};
use crate::session::message::Usage;
use crate::slot::driver::{Answer, Seated};
use crate::slot::{Abilities, Agent, ContextUsage, FileChange, McpServer, Rewind, SlotError, Totals};

impl StreamJson {
    /// What the answer to a request means.
    pub(super) fn answer(&mut self, expected: Expected, answer: Value) -> Result<Answer, SlotError> {
        // The official CLI does not refuse what it cannot do.
        if expected == Expected::Rewind && answer["canRewind"] == false {
            let message = words(&answer, "error").unwrap_or_else(|| "nothing was kept for it".to_owned());
            return Err(SlotError::Refused { code: String::new(), message });
        }
        match expected {
            Expected::Nothing => Ok(Answer::Done),
            Expected::Agent => {
                self.agent(answer).map(|(agent, totals)| Answer::Agent(Box::new(agent), totals))
            }
            Expected::Seated => self.seated(answer).map(|seated| Answer::Seated(Box::new(seated))),
            Expected::Model => Ok(Answer::Model(words(&answer, "model"))),
            Expected::Context => Ok(Answer::Context(context(answer))),
            Expected::Servers => Ok(Answer::Servers(servers(&answer))),
            Expected::Rewind => Ok(Answer::Rewind(rewind(answer))),
            Expected::Cancelled => Ok(Answer::Cancelled(answer["cancelled"].as_bool().unwrap_or(false))),
        }
        .map_err(SlotError::Nonsense)
    }

    /// Who came through the handshake, and what its session used so far.
    fn agent(&mut self, answer: Value) -> Result<(Agent, Totals), String> {
        let answer: InitializeAnswer = serde_json::from_value(answer)
            .map_err(|error| format!("its handshake makes no sense: {error}"))?;
        let session = answer.session_id.parse().map_err(|error| format!("its handshake: {error}"))?;
        let spent = totals(answer.total_cost_usd, answer.usage);
        self.spent = Some(spent);
        let agent = Agent {
            name: "hotseat".to_owned(),
            version: answer.agent_version,
            pid: answer.pid,
            model: answer.model,
            notice: answer.notice,
            session,
            transcript: answer.transcript_path.into(),
            cwd: answer.cwd.into(),
            permission_mode: answer.current_permission_mode.parse().unwrap_or_default(),
            commands: answer.commands.iter().filter_map(command).collect(),
            models: answer.models.iter().filter_map(|model| words(model, "value")).collect(),
            mcp: connected(&answer.mcp_servers),
            repaired: answer.repaired,
            abilities: Abilities::WHOLE,
        };
        Ok((agent, spent))
    }

    /// The session that a switch made the active one.
    fn seated(&mut self, answer: Value) -> Result<Seated, String> {
        let answer: SwitchAnswer =
            serde_json::from_value(answer).map_err(|error| format!("its answer makes no sense: {error}"))?;
        let session = answer.session_id.parse().map_err(|error| format!("its answer: {error}"))?;
        let spent = totals(answer.total_cost_usd, answer.usage);
        self.spent = Some(spent);
        Ok(Seated {
            session,
            forked_from: answer.forked_from.and_then(|id| id.parse().ok()),
            pid: Some(answer.pid).filter(|&pid| pid != 0),
            turns: answer.num_turns,
            cwd: answer.cwd.into(),
            transcript: answer.transcript_path.into(),
            repaired: answer.repaired,
            totals: spent,
        })
    }
}

/// What the context window holds.
pub(super) fn context(answer: Value) -> ContextUsage {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Wire {
        total_tokens: u64,
        max_tokens: u64,
        percentage: f64,
        categories: Vec<Value>,
    }
    let wire: Wire = serde_json::from_value(answer).unwrap_or_default();
    let category = |value: &Value| Some((words(value, "name")?, value["tokens"].as_u64()?));
    ContextUsage {
        tokens: wire.total_tokens,
        max: wire.max_tokens,
        percent: wire.percentage,
        categories: wire.categories.iter().filter_map(category).collect(),
    }
}

/// How many of these MCP servers are connected, and how many there are.
pub(super) fn connected(servers: &[Value]) -> (usize, usize) {
    (servers.iter().filter(|server| server["status"] == "connected").count(), servers.len())
}

/// Each MCP server, as `mcp_status` has it.
fn servers(answer: &Value) -> Vec<McpServer> {
    let servers = answer["mcpServers"].as_array().into_iter().flatten();
    let server = |server: &Value| {
        Some(McpServer {
            name: words(server, "name")?,
            status: words(server, "status").unwrap_or_default(),
            scope: words(server, "scope"),
            tools: server["tools"].as_array().map(Vec::len),
            error: words(server, "error"),
        })
    };
    servers.filter_map(server).collect()
}

/// What coming back to a prompt changes. The official CLI names the files only.
fn rewind(mut answer: Value) -> Rewind {
    let patches = answer.get_mut("patches").map(Value::take);
    let mut patches: HashMap<String, Vec<Value>> =
        patches.and_then(|patches| serde_json::from_value(patches).ok()).unwrap_or_default();
    let paths = answer["filesChanged"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let files = paths
        .map(|path| FileChange { patch: patches.remove(path).unwrap_or_default(), path: path.to_owned() });
    let count = |name: &str| answer[name].as_u64().unwrap_or_default();
    Rewind { files: files.collect(), insertions: count("insertions"), deletions: count("deletions") }
}

/// Totals as the wire has them.
fn totals(usd: f64, usage: Value) -> Totals {
    let usage: Usage = serde_json::from_value(usage).unwrap_or_default();
    Totals { usd: Some(usd), usage, context_percent: None }
}

/// A slash command: its name and what it does.
pub fn command(value: &Value) -> Option<(String, String)> {
    Some((words(value, "name")?, words(value, "description").unwrap_or_default()))
}

/// A text by its name.
pub fn words(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}
