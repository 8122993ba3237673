//! What keeps the agents of the Agent Client Protocol other than opencode to a
//! stub. Each has its files in the home that it is given.

use std::path::{Path, PathBuf};

use hotseat::session::SessionId;

use super::agent_bench::find;
use super::claude;

/// A model that codex knows by name, which the stub answers for.
pub const KNOWN_TO_CODEX: &str = "gpt-5.5";

/// How to get one.
pub fn remedy(agent: &str) -> &'static str {
    match agent {
        "qwen" => "npm install -g @qwen-code/qwen-code",
        "gemini" => "npm install -g @google/gemini-cli",
        "copilot" => "npm install -g @github/copilot",
        "claude-agent-acp" => "npm install -g @agentclientprotocol/claude-agent-acp",
        _ => "npm install -g @agentclientprotocol/codex-acp",
    }
}

/// The environment in which each of them asks this API and nobody else.
pub fn environment(api: &str) -> Vec<(&'static str, String)> {
    let key = || "a key".to_owned();
    let mut set = vec![
        // qwen
        ("OPENAI_BASE_URL", format!("{api}/v1")),
        ("OPENAI_API_KEY", key()),
        ("OPENAI_MODEL", "stub".to_owned()),
        // gemini: a model that is named asks no other which to take.
        ("GOOGLE_GEMINI_BASE_URL", api.to_owned()),
        ("GEMINI_API_KEY", key()),
        ("GEMINI_MODEL", "gemini-2.5-pro".to_owned()),
        ("GEMINI_TELEMETRY_ENABLED", "false".to_owned()),
        // copilot
        ("COPILOT_PROVIDER_BASE_URL", format!("{api}/v1")),
        ("COPILOT_PROVIDER_API_KEY", key()),
        ("COPILOT_MODEL", "stub".to_owned()),
        ("COPILOT_OFFLINE", "true".to_owned()),
    ];
    // claude-agent-acp: the same program as elsewhere here. (It believes what a
    // container says of itself, and `claude` does not.)
    set.push(("IS_SANDBOX", String::new()));
    let claude = claude::claude().map(|claude| claude.display().to_string());
    set.extend(claude.map(|claude| ("CLAUDE_CODE_EXECUTABLE", claude)));
    set
}

/// Where one of them keeps a session.
pub fn transcript(home: &Path, session: SessionId) -> Option<PathBuf> {
    let id = session.to_string();
    find(&home.join(".qwen/projects"), &format!("{id}.jsonl"))
}
