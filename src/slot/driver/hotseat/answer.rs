//! Reads the agent's answers.

use serde::Deserialize;
use serde_json::Value;

use super::Hotseat;
use crate::protocol::{InitializeAnswer, SwitchAnswer};
use crate::session::message::Usage;
use crate::slot::driver::Seated;
use crate::slot::{Agent, ContextUsage, Totals};

impl Hotseat {
    /// Who came through the handshake, and what its session used so far.
    pub fn agent(&mut self, answer: Value) -> Result<(Agent, Totals), String> {
        let answer: InitializeAnswer = serde_json::from_value(answer)
            .map_err(|error| format!("its handshake makes no sense: {error}"))?;
        let session = answer.session_id.parse().map_err(|error| format!("its handshake: {error}"))?;
        self.spent = totals(answer.total_cost_usd, answer.usage);
        let connected = answer.mcp_servers.iter().filter(|server| server["status"] == "connected").count();
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
            mcp: (connected, answer.mcp_servers.len()),
            repaired: answer.repaired,
        };
        Ok((agent, self.spent))
    }

    /// The session that a switch made the active one.
    pub fn seated(&mut self, answer: Value) -> Result<Seated, String> {
        let answer: SwitchAnswer =
            serde_json::from_value(answer).map_err(|error| format!("its answer makes no sense: {error}"))?;
        let session = answer.session_id.parse().map_err(|error| format!("its answer: {error}"))?;
        self.spent = totals(answer.total_cost_usd, answer.usage);
        Ok(Seated {
            session,
            forked_from: answer.forked_from.and_then(|id| id.parse().ok()),
            pid: Some(answer.pid).filter(|&pid| pid != 0),
            turns: answer.num_turns,
            cwd: answer.cwd.into(),
            transcript: answer.transcript_path.into(),
            repaired: answer.repaired,
            totals: self.spent,
        })
    }
}

/// What the context window holds.
pub fn context(answer: Value) -> ContextUsage {
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

/// Whether a prompt was taken back in time.
pub fn was_cancelled(answer: &Value) -> bool {
    answer["cancelled"].as_bool().unwrap_or(false)
}

/// The model in use now, where the agent says so.
pub fn model(answer: &Value) -> Option<String> {
    words(answer, "model")
}

/// Totals as the wire has them.
fn totals(usd: f64, usage: Value) -> Totals {
    let usage: Usage = serde_json::from_value(usage).unwrap_or_default();
    Totals { usd: Some(usd), usage, context_percent: None }
}

fn command(value: &Value) -> Option<(String, String)> {
    Some((words(value, "name")?, words(value, "description").unwrap_or_default()))
}

fn words(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}
