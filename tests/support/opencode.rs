//! What keeps opencode to a stub and a home of our own, and what it stores there.

use std::path::Path;

use serde_json::json;
use uuid::Uuid;

/// How to get it.
pub const REMEDY: &str = "npm install -g opencode-ai";

/// The environment in which it asks this API and nobody else, and asks a person
/// before it runs or writes anything.
pub fn environment(home: &Path, api: &str) -> Vec<(String, String)> {
    let folder = |name: &str| home.join("opencode").join(name).display().to_string();
    let model = json!({"name": "m", "tool_call": true, "limit": {"context": 100_000, "output": 8000}});
    let provider = json!({"npm": "@ai-sdk/anthropic", "name": "stub", "models": {"m": model},
        "options": {"baseURL": format!("{api}/v1"), "apiKey": "sk-ant-test"}});
    let config = json!({"model": "stub/m", "small_model": "stub/m", "share": "disabled", "autoupdate": false,
        "permission": {"edit": "ask", "bash": "ask"}, "provider": {"stub": provider}});
    let off = ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"];
    let off = off.map(|name| (format!("OPENCODE_DISABLE_{name}"), "1".to_owned()));
    let folders = ["DATA", "CONFIG", "STATE", "CACHE"];
    let folders = folders.map(|name| (format!("XDG_{name}_HOME"), folder(&name.to_lowercase())));
    let rest = [("OPENCODE_CONFIG_CONTENT", config.to_string()), ("NPM_CONFIG_REGISTRY", api.to_owned())];
    off.into_iter().chain(folders).chain(rest.map(|(name, value)| (name.to_owned(), value))).collect()
}

/// What is stored of a session, in order; none where it has no such session.
pub fn stored(home: &Path, session: &str) -> Option<String> {
    let file = home.join("opencode/data/opencode/opencode.db");
    let database = rusqlite::Connection::open(Some(file).filter(|file| file.exists())?).unwrap();
    let mut ids = database.prepare("select id from session").unwrap();
    let mut ids = ids.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let id = ids.find(|id| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).to_string() == session)?;
    let mut parts = database.prepare("select data from part where session_id = ?1 order by id").unwrap();
    let parts = parts.query_map([id], |row| row.get::<_, String>(0)).unwrap();
    Some(parts.map(Result::unwrap).collect::<Vec<_>>().join("\n"))
}
