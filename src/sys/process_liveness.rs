//! Whether the process that a lock or a registry file names is still alive.
//!
//! Pids are reused, so a pid alone proves little. Where there is a `/proc`, the start time
//! (field 22 of `/proc/<pid>/stat`) tells two processes of one pid apart.

use std::fs;

/// The start time of a live process in clock ticks since boot; `None` if it ended (zombies
/// included) or the system has no `/proc`.
pub fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// Whether the process with this pid, and this start time where known, is alive.
pub fn is_alive(pid: u32, start: Option<&str>) -> bool {
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        return process_start(pid).is_some_and(|now| start.is_none_or(|then| then == now));
    }
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_its_pid_with_another_start_does_not() {
        let pid = std::process::id();
        assert!(is_alive(pid, None));
        assert!(is_alive(pid, process_start(pid).as_deref()));
        assert!(process_start(pid).is_none() || !is_alive(pid, Some("1")));
        assert!(!is_alive(u32::MAX, None));
    }

    #[test]
    fn an_ended_child_that_nobody_reaped_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while is_alive(child.id(), None) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(process_start(child.id()).is_none());
        child.wait().unwrap();
    }
}
