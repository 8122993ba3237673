//! Where the official `claude` is: from the Python SDK's package, or on the PATH.

use std::path::PathBuf;
use std::process::Command;

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

/// The program.
pub fn claude() -> Option<PathBuf> {
    let find = "import os, claude_agent_sdk as sdk; print(os.path.join(os.path.dirname(sdk.__file__), '_bundled', 'claude'))";
    let bundled = Command::new("python3").args(["-c", find]).output().ok();
    let bundled = bundled.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("claude"));
    bundled.into_iter().chain(on_path).find(|claude| claude.is_file())
}
