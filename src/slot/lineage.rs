//! Which process speaks, behind the guard and the wrappers that started it.

use std::process::Command;

/// Wrappers that are looked behind at most.
const DEEPEST: usize = 4;

/// The last in a line of processes that each have one child only: the agent
/// itself, as long as it has started nothing. Reads a few small files on Linux;
/// elsewhere it runs `pgrep`, so do not ask in a hurry.
pub(super) fn last_of(leader: u32) -> u32 {
    let mut last = leader;
    for _ in 0..DEEPEST {
        match children(last).as_slice() {
            [only] => last = *only,
            _ => break,
        }
    }
    last
}

fn children(pid: u32) -> Vec<u32> {
    let told = if cfg!(target_os = "linux") {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok()).collect()
    } else {
        let pgrep = Command::new("pgrep").args(["-P", &pid.to_string()]).output();
        pgrep.map(|pgrep| String::from_utf8_lossy(&pgrep.stdout).into_owned()).unwrap_or_default()
    };
    told.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn wrappers_are_looked_behind() {
        let mut wrapper = Command::new("sh")
            .args(["-c", "(cat; true); true"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let behind = || last_of(wrapper.id());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while behind() == wrapper.id() {
            assert!(std::time::Instant::now() < deadline, "the shell starts nothing");
            std::thread::yield_now();
        }
        drop(wrapper.stdin.take());
        wrapper.wait().expect("its end");
    }
}
