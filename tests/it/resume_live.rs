//! Damaged sessions, resumed by this program and by the installed Claude Code
//! against a stand-in for the API: `tests/resume/compare.py`, for a minute.
//!
//! `HOTSEAT_RESUME_SEED` tries others than the usual ones.

use std::path::Path;
use std::process::Command;

use crate::support::claude::{REMEDY, claude};
use crate::support::skip::skip;

/// Seconds after which no further session is begun.
const SECONDS: &str = "45";

#[test]
fn damaged_sessions_are_resumed_as_claude_code_resumes_them() {
    let Some(claude) = claude() else {
        return skip("damaged sessions beside Claude Code", "the official claude is not installed", REMEDY);
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resume/compare.py");
    let seed = std::env::var("HOTSEAT_RESUME_SEED").unwrap_or_else(|_| "1".to_owned());
    let done = Command::new("python3")
        .arg(script)
        .args(["--agent", env!("CARGO_BIN_EXE_hotseat"), "--seconds", SECONDS, "--seed", &seed, "--claude"])
        .arg(claude)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}{}", String::from_utf8_lossy(&done.stderr));
}
