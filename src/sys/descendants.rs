//! The processes below this one, as far as the system tells.
//!
//! On Linux the kernel lists the children of a process. Elsewhere all processes
//! are asked for their parent, which takes longer.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// How long killing may take: a process that waits for a dead disk cannot be killed.
const KILL_LIMIT: Duration = Duration::from_secs(2);
/// Between two looks at what is left.
const POLL: Duration = Duration::from_millis(2);

/// The processes that a process started and that still run or were not waited for.
pub fn children(pid: Pid) -> Vec<Pid> {
    if cfg!(target_os = "linux") { children_in_proc(pid) } else { children_by_parent(pid) }
}

fn children_in_proc(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else {
        return Vec::new();
    };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let lists: String = lists.collect();
    lists.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

fn children_by_parent(pid: Pid) -> Vec<Pid> {
    let parent = sysinfo::Pid::from_u32(pid.as_raw_nonzero().get().cast_unsigned());
    let Ok(mut system) = System::new() else { return Vec::new() };
    let what = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, false, what);
    let children = system.processes().iter().filter(|(_, process)| process.parent() == Some(parent));
    children.filter_map(|(pid, _)| Pid::from_raw(pid.as_u32().cast_signed())).collect()
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a pid");
        // Other tests start children too, so only this one is looked for.
        assert!(children_by_parent(getpid()).contains(&pid));
        assert!(!cfg!(target_os = "linux") || children_in_proc(getpid()).contains(&pid));
        drop(child.stdin.take());
        child.wait().expect("its end");
    }
}
