//! Runs the command of a hook: what happened on its stdin as JSON, its answer
//! by exit code and output.

use std::io;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::Surroundings;
use crate::agent::tool::{Group, shell};

/// Bytes kept of what a command says.
const KEPT: u64 = 1024 * 1024;

/// What it said.
#[derive(Debug, Default)]
pub struct Said {
    /// None: a signal ended it.
    pub code: Option<i32>,
    /// Its output.
    pub stdout: String,
    /// Its complaints.
    pub stderr: String,
}

/// Runs it to its end. Dropping the future kills it, with all that it started.
pub async fn run(command: &str, input: &Value, surroundings: &Surroundings) -> io::Result<Said> {
    let place = &surroundings.place;
    let mut child = shell(command, place)
        .env("CLAUDE_PROJECT_DIR", &surroundings.project)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut group = Group::of(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let line = format!("{input}\n");
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command need not read what it is told.
            let _read_or_not = stdin.write_all(line.as_bytes()).await;
        }
    };
    let ((), stdout, stderr, status) = tokio::join!(write, kept(stdout), kept(stderr), child.wait());
    group.has_ended();
    Ok(Said { code: status?.code(), stdout, stderr })
}

/// The beginning of what is said; the rest is read, so that nobody waits for us.
async fn kept(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    // What was read up to an error is all there is.
    let _read_or_broken = (&mut stream).take(KEPT).read_to_end(&mut bytes).await;
    let _drained_or_broken = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
