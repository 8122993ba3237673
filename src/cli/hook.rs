//! `hotseat hook SOCKET` (hidden): hands one report of an agent's hook on to the
//! slot that started the agent.
//!
//! Says nothing and never fails: what a hook prints the agent takes for context,
//! and what a hook refuses does not happen.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::Exit;

/// No report is longer.
const LONGEST: u64 = 4 << 20;
/// A slot that does not read by then never will.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Hook {
    /// The socket the slot listens on.
    socket: PathBuf,
}

/// Hands the report on, from stdin.
pub fn run(hook: &Hook) -> Exit {
    if let Err(error) = hand_on(&hook.socket) {
        tracing::debug!(%error, "a report was lost");
    }
    Exit::Done
}

fn hand_on(socket: &Path) -> std::io::Result<()> {
    let mut report = Vec::new();
    std::io::stdin().lock().take(LONGEST).read_to_end(&mut report)?;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&report)
}
