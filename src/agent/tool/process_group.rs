//! A shell command in a process group of its own, killed whole.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::ToolContext;

/// A command in a shell, under the guard: it dies with this process.
pub fn guarded_shell(command: &str, place: &ToolContext) -> Command {
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let mut guarded = Command::new(&place.guard);
    guarded
        .args(["guard", "--grace", "0", "--", shell, "-c", command])
        .current_dir(&place.cwd)
        .process_group(0)
        .kill_on_drop(true);
    guarded
}

/// A process group, killed when this is dropped.
pub struct ToolProcessGroup(Option<Pid>);

impl ToolProcessGroup {
    /// The group of its leader.
    pub fn from_leader(leader: &Child) -> Self {
        Self(leader.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    /// Nobody is left in it, and its number may be given to others.
    pub fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for ToolProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // An error says that nobody is left.
            let _killed_or_gone = kill_process_group(group, Signal::KILL);
        }
    }
}
