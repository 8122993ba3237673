//! Where the official `claude` is: from the Python SDK's package, or on the PATH.

use std::path::PathBuf;
use std::process::Command;

use super::skip::skip;

/// How to get it.
pub const REMEDY: &str = "python3 -m pip install claude-agent-sdk";

/// The key that a stub takes.
pub const KEY: &str = "sk-ant-test";

/// What keeps it to what it is asked.
pub const QUIET: [(&str, &str); 3] = [
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
];

/// The environment in which it talks to this API and to nobody else.
pub fn environment(api: &str) -> impl Iterator<Item = (&str, &str)> {
    [("ANTHROPIC_BASE_URL", api), ("ANTHROPIC_API_KEY", KEY)].into_iter().chain(QUIET)
}

/// The folder of the Python SDK's package. Python is only asked where it is:
/// importing it takes over a second.
pub fn sdk_folder() -> Option<PathBuf> {
    let find =
        "import importlib.util as u; print(u.find_spec('claude_agent_sdk').submodule_search_locations[0])";
    let output = Command::new("python3").args(["-c", find]).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Whether the Python SDK is installed; if not, `test` is skipped by name.
pub fn has_sdk(test: &str) -> bool {
    let is_there = sdk_folder().is_some();
    if !is_there {
        skip(test, "python3 has no claude_agent_sdk", REMEDY);
    }
    is_there
}

/// The program.
pub fn claude() -> Option<PathBuf> {
    let bundled = sdk_folder().map(|folder| folder.join("_bundled/claude"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("claude"));
    bundled.into_iter().chain(on_path).find(|claude| claude.is_file())
}
