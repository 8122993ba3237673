//! The processes below this one, as far as the system tells.
//!
//! Owns reading `/proc`; elsewhere than on Linux there is nothing to read, and
//! nothing is found.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

/// How long killing may take: a process that waits for a dead disk cannot be killed.
const KILL_LIMIT: Duration = Duration::from_secs(2);
/// Between two looks at what is left.
const POLL: Duration = Duration::from_millis(2);

/// The processes that a process started and that still run or were not waited for.
pub fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else {
        return Vec::new();
    };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let lists: String = lists.collect();
    lists.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// Waits for children that ended, all but `but`, so that they do not stay as zombies. Who adopts
/// orphans has to.
pub fn reap(but: Option<Pid>) {
    for child in children(getpid()) {
        if Some(child) != but {
            // An error says that somebody else waits for it.
            waitpid(Some(child), WaitOptions::NOHANG).ok();
        }
    }
}

/// Kills everything below this process until nothing is left. A process that this one adopts
/// (`PR_SET_CHILD_SUBREAPER`) is found wherever it hid: in a group or a session of its own.
pub async fn kill_descendants() {
    let deadline = Instant::now() + KILL_LIMIT;
    loop {
        let mut found = children(getpid());
        if found.is_empty() || Instant::now() > deadline {
            return;
        }
        let mut at = 0;
        while at < found.len() {
            let below = children(found[at]);
            found.extend(below.into_iter().filter(|pid| !found.contains(pid)).collect::<Vec<_>>());
            at += 1;
        }
        for pid in found {
            kill_process(pid, Signal::KILL).ok();
        }
        reap(None);
        tokio::time::sleep(POLL).await;
    }
}
