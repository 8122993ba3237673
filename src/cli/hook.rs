//! `hotseat hook SOCKET` (hidden): hands one report of an agent's hook on to the
//! slot that started the agent.
//!
//! Says nothing and never fails: what a hook prints the agent takes for context,
//! and what a hook refuses does not happen.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::CliExit;

/// No report is longer.
const MAX_REPORT_BYTES: u64 = 4 << 20;
/// A slot that does not read by then never will.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct HookArgs {
    /// The socket the slot listens on.
    socket: PathBuf,
}

/// Hands the report on, from stdin.
pub fn run(hook: &HookArgs) -> CliExit {
    if let Err(error) = forward_report(&hook.socket) {
        tracing::debug!(%error, "a report was lost");
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
