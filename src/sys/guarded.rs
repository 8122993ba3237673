//! Child processes that cannot outlive us, nor leave anything behind.
//!
//! Every child (an agent, a tool's command, a hook, an MCP server) is started
//! through `hotseat guard`, which leads a process group of its own and, on
//! Linux, adopts whatever the program starts and orphans, also in a session of
//! its own (`setsid`). [`GuardedChild`] is the handle: dropping it makes the
//! guard kill all of that. Never SIGKILL a guard: nobody would be left to find
//! what escaped the group.

use std::ffi::OsStr;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Tells a guard to kill its program, and all that came of it, at once. No
/// program uses it, and it goes to the guard alone, not to its group.
pub const KILL_ALL: Signal = Signal::USR2;

/// A command that runs `program` under the guard: `guard` is hotseat's own
/// executable. `grace` is how many seconds the program gets to end by itself
/// once we are gone.
pub fn guarded_command(guard: &Path, grace: u64, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(guard);
    let owner = std::process::id().to_string();
    command.args(["guard", "--grace", &grace.to_string(), "--owner", &owner, "--"]).arg(program);
    command.process_group(0);
    command
}

/// A process under its guard. Dropping it kills the program and all that it
/// started; nothing waits for that.
#[derive(Debug)]
pub struct GuardedChild(Child);

impl GuardedChild {
    /// Spawns what [`guarded_command`] made.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    /// Kills the program and all that it started, now. The guard ends once
    /// nothing is left.
    pub fn kill_all(&self) {
        if let Some(guard) = self.0.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_guarded(guard);
        }
    }
}

impl Deref for GuardedChild {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for GuardedChild {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for GuardedChild {
    fn drop(&mut self) {
        // A child that was waited for has no pid any more.
        self.kill_all();
    }
}

/// Runs what [`guarded_command`] made to the end of its output, and returns the first `limit` bytes of
/// that. Dropping the future kills it.
pub async fn guarded_stdout(command: &mut Command, limit: u64) -> io::Result<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = GuardedChild::spawn(command)?;
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Kills what runs under this guard, whose pid must not have been waited for.
pub fn kill_guarded(guard: Pid) {
    // An error says that the guard ended by itself.
    kill_process(guard, KILL_ALL).ok();
    // A stopped guard would not hear it.
    kill_process(guard, Signal::CONT).ok();
}
