//! The process group of an agent, which is killed as a whole.

use rustix::process::{Pid, Signal, kill_process_group};

use super::guarded::kill_guarded;

/// Kills the group when dropped, unless disarmed. Held by the task that waits
/// for the group's leader, so that it is dropped with the runtime.
#[derive(Debug)]
pub struct ProcessGroupGuard {
    group: Option<Pid>,
}

impl ProcessGroupGuard {
    /// Guards the group that `hotseat guard` leads.
    pub fn new(group: Pid) -> Self {
        Self { group: Some(group) }
    }

    /// The guard was killed, and what it ran may have stayed.
    pub fn kill_orphaned(mut self) {
        if let Some(group) = self.group.take()
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(?group, %error, "no process left to kill");
        }
    }

    /// The group has ended; its number may be reused from here on.
    pub fn disarm(mut self) {
        self.group = None;
    }
}

impl Drop for ProcessGroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            kill_guarded(group);
        }
    }
}

/// Signals all that are in the group of a guard that was not waited for. Killing is left to the guard,
/// which finds what left the group.
pub fn signal_group(group: Pid, signal: Signal) {
    if signal == Signal::KILL {
        return kill_guarded(group);
    }
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(?group, ?signal, %error, "no process left to signal");
    }
}
