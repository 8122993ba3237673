//! Which processes run.

use std::process::Command;
use std::time::{Duration, Instant};

/// How long a process may take to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a process runs: a zombie does not.
pub fn lives(pid: u32) -> bool {
    let status = if cfg!(target_os = "linux") {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .map(|stat| stat.rsplit(')').next().unwrap().trim().to_owned())
            .unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(ps.stdout).unwrap().trim().to_owned()
    };
    !status.is_empty() && !status.starts_with('Z')
}

/// Waits until all of them are gone.
pub fn gone(pids: &[u32]) {
    let start = Instant::now();
    while let Some(pid) = pids.iter().find(|&&pid| lives(pid)) {
        assert!(start.elapsed() < PATIENCE, "{pid} of {pids:?} still lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}
