//! The resident memory of a process.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The resident memory of a process in bytes; `None` if it has ended. Starts no
/// process; on Linux it reads two small files.
pub fn resident_memory(pid: u32) -> Option<u64> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    system.process(pid).map(sysinfo::Process::memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_memory_and_none_holds_none() {
        assert!(resident_memory(std::process::id()).unwrap() > 100_000);
        assert_eq!(resident_memory(u32::MAX - 1), None);
    }
}
