//! A shell command under the guard, killed with all that it started.

use std::path::Path;

use rustix::process::Pid;
use tokio::process::{Child, Command};

use super::ToolContext;
use crate::sys::guarded::{guarded_command, kill_guarded};

/// A command in a shell, under the guard: it dies with this process.
pub fn guarded_shell(command: &str, place: &ToolContext) -> Command {
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let mut guarded = guarded_command(&place.guard, 0, shell);
    guarded.args(["-c", command]).current_dir(&place.cwd);
    guarded
}

/// What runs under a guard; dropping this kills it.
pub struct ToolProcessGroup(Option<Pid>);

impl ToolProcessGroup {
    /// What this guard runs.
    pub fn from_leader(leader: &Child) -> Self {
        Self(leader.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    /// Forgets it: it has ended, and its id may belong to another by now.
    pub fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for ToolProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_guarded(group);
        }
    }
}
