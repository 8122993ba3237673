//! `hotseat hook SOCKET` (hidden): forwards one hook report of an agent to the slot
//! that started the agent.
//!
//! Never prints and never fails: the agent reads a hook's output as context and its
//! exit code as permission.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::CliExit;

/// Longer reports are cut off.
const MAX_REPORT_BYTES: u64 = 4 << 20;
/// How long the slot may take to read the report.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub struct HookArgs {
    /// The slot's socket.
    socket: PathBuf,
}

/// Forwards the report on stdin.
pub fn run(hook: &HookArgs) -> CliExit {
    if let Err(error) = forward_report(&hook.socket) {
        tracing::debug!(%error, "a hook report was lost");
    }
    CliExit::Done
}

fn forward_report(socket: &Path) -> std::io::Result<()> {
    let mut report = Vec::new();
    std::io::stdin().lock().take(MAX_REPORT_BYTES).read_to_end(&mut report)?;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    stream.write_all(&report)
}
