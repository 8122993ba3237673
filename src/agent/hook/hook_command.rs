//! Runs the command of a hook: what happened on its stdin as JSON, its answer
//! by exit code and output.

use std::io;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::HookEnvironment;
use crate::agent::tool::{ToolProcessGroup, guarded_shell};

/// Bytes kept of what a command says.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;

/// What it said.
#[derive(Debug, Default)]
pub struct HookCommandOutput {
    /// None: a signal ended it.
    pub code: Option<i32>,
    /// Its output.
    pub stdout: String,
    /// Its complaints.
    pub stderr: String,
}

/// Runs it to its end. Dropping the future kills it, with all that it started.
pub async fn run_hook_command(
    command: &str,
    input: &Value,
    surroundings: &HookEnvironment,
) -> io::Result<HookCommandOutput> {
    let place = &surroundings.context;
    let mut child = guarded_shell(command, place)
        .env("CLAUDE_PROJECT_DIR", &surroundings.project)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut group = ToolProcessGroup::from_leader(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let line = format!("{input}\n");
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command need not read what it is told.
            let _read_or_not = stdin.write_all(line.as_bytes()).await;
        }
    };
    let ((), stdout, stderr, status) =
        tokio::join!(write, read_capped(stdout), read_capped(stderr), child.wait());
    group.disarm();
    Ok(HookCommandOutput { code: status?.code(), stdout, stderr })
}

/// The beginning of what is said; the rest is read, so that nobody waits for us.
async fn read_capped(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    // What was read up to an error is all there is.
    let _read_or_broken = (&mut stream).take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes).await;
    let _drained_or_broken = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
