//! Runs the command of a hook: the event is JSON on its stdin, the answer is its
//! exit code and output.

use std::io;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::HookEnvironment;
use crate::agent::tool::{ToolProcessGroup, guarded_shell};

/// The most bytes kept of each stream.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;

/// The result of a command.
#[derive(Debug, Default)]
pub struct HookCommandOutput {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The beginning of its stdout.
    pub stdout: String,
    /// The beginning of its stderr.
    pub stderr: String,
}

/// Runs a command to its end. Dropping the future kills it and all that it started.
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
            let _ = stdin.write_all(line.as_bytes()).await;
        }
    };
    let ((), stdout, stderr, status) =
        tokio::join!(write, read_capped(stdout), read_capped(stderr), child.wait());
    group.disarm();
    Ok(HookCommandOutput { code: status?.code(), stdout, stderr })
}

/// Reads the beginning of a stream, and drains the rest so that the command never
/// blocks on us.
async fn read_capped(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    // What was read up to an error is all there is.
    let _ = (&mut stream).take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
