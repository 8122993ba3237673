//! Parses responses.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::StreamJson;
use crate::protocol::{InitializeResponse, SwitchResponse};
use crate::session::message::Usage;
use crate::slot::driver::{AgentResponse, SwitchResult};
use crate::slot::{
    AgentInfo, Capabilities, ContextUsage, FileChange, McpServerStatus, RewindResult, SlotError, SlotTotals,
};
use crate::text::diff::Hunk;

impl StreamJson {
    /// The agent, and what its session has used so far.
    pub(super) fn parse_handshake(&mut self, answer: Value) -> Result<AgentResponse, SlotError> {
        let answer: InitializeResponse = serde_json::from_value(answer).map_err(invalid)?;
        let session = answer.session_id.parse().map_err(invalid)?;
        let spent = parse_totals(answer.total_cost_usd, answer.usage);
        self.spent = Some(spent);
        let agent = AgentInfo {
            name: "hotseat".to_owned(),
            version: answer.agent_version,
            pid: answer.pid,
            model: answer.model,
            notice: answer.notice,
            session,
            transcript: answer.transcript_path.into(),
            cwd: answer.cwd.into(),
            permission_mode: answer.current_permission_mode.parse().unwrap_or_default(),
            commands: answer.commands.iter().filter_map(parse_command).collect(),
            models: answer.models.iter().filter_map(|model| string_field(model, "value")).collect(),
            mcp_servers: count_connected(&answer.mcp_servers),
            repaired: answer.repaired,
            capabilities: Capabilities::FULL,
        };
        Ok(AgentResponse::Handshake(Box::new(agent), spent))
    }

    /// The session that a switch activated.
    pub(super) fn parse_switch(&mut self, answer: Value) -> Result<AgentResponse, SlotError> {
        let answer: SwitchResponse = serde_json::from_value(answer).map_err(invalid)?;
        let session = answer.session_id.parse().map_err(invalid)?;
        let spent = parse_totals(answer.total_cost_usd, answer.usage);
        self.spent = Some(spent);
        Ok(AgentResponse::Switched(Box::new(SwitchResult {
            session,
            forked_from: answer.forked_from.and_then(|id| id.parse().ok()),
            pid: Some(answer.pid).filter(|&pid| pid != 0),
            turns: answer.num_turns,
            cwd: answer.cwd.into(),
            transcript: answer.transcript_path.into(),
            repaired: answer.repaired,
            totals: spent,
        })))
    }
}

fn invalid(error: impl std::fmt::Display) -> SlotError {
    SlotError::InvalidReply(format!("the agent's response is invalid: {error}"))
}

/// Contents of the context window.
pub(super) fn parse_context(answer: Value) -> ContextUsage {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Wire {
        total_tokens: u64,
        max_tokens: u64,
        percentage: f64,
        categories: Vec<Value>,
    }
    let wire: Wire = serde_json::from_value(answer).unwrap_or_default();
    let category = |value: &Value| Some((string_field(value, "name")?, value["tokens"].as_u64()?));
    ContextUsage {
        tokens: wire.total_tokens,
        max: wire.max_tokens,
        percent: wire.percentage,
        categories: wire.categories.iter().filter_map(category).collect(),
    }
}

/// MCP servers: (connected, configured).
pub(super) fn count_connected(servers: &[Value]) -> (usize, usize) {
    (servers.iter().filter(|server| server["status"] == "connected").count(), servers.len())
}

/// The MCP servers of an `mcp_status` response.
pub(super) fn parse_servers(answer: &Value) -> Vec<McpServerStatus> {
    let servers = answer["mcpServers"].as_array().into_iter().flatten();
    let server = |server: &Value| {
        Some(McpServerStatus {
            name: string_field(server, "name")?,
            status: string_field(server, "status").unwrap_or_default(),
            scope: string_field(server, "scope"),
            tools: server["tools"].as_array().map(Vec::len),
            error: string_field(server, "error"),
        })
    };
    servers.filter_map(server).collect()
}

/// The file changes of a rewind. The official CLI reports only file names.
pub(super) fn parse_rewind(mut answer: Value) -> Result<RewindResult, SlotError> {
    // The official CLI reports this failure as a success.
    if answer["canRewind"] == false {
        let why = string_field(&answer, "error");
        return Err(SlotError::refused(why.unwrap_or_else(|| "this prompt has no checkpoint".to_owned())));
    }
    let patches = answer.get_mut("patches").map(Value::take);
    let mut patches: HashMap<String, Vec<Value>> =
        patches.and_then(|patches| serde_json::from_value(patches).ok()).unwrap_or_default();
    let paths = answer["filesChanged"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let files = paths.map(|path| {
        let patch = patches.remove(path).unwrap_or_default();
        let patch = patch.iter().map(Hunk::from_structured_patch).collect();
        FileChange { path: path.to_owned(), patch }
    });
    let count = |name: &str| answer[name].as_u64().unwrap_or_default();
    Ok(RewindResult {
        files: files.collect(),
        insertions: count("insertions"),
        deletions: count("deletions"),
    })
}

/// Totals as the wire has them.
fn parse_totals(usd: f64, usage: Value) -> SlotTotals {
    let usage: Usage = serde_json::from_value(usage).unwrap_or_default();
    SlotTotals { usd: Some(usd), usage, context_percent: None }
}

/// A slash command: name and description.
pub fn parse_command(value: &Value) -> Option<(String, String)> {
    Some((string_field(value, "name")?, string_field(value, "description").unwrap_or_default()))
}

pub fn string_field(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}
