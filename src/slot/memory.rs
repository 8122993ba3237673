//! The resident memory of a process.

/// The resident memory of a process in bytes; `None` if it has ended. Reads one
/// small file on Linux and runs `ps` elsewhere, which is slow.
pub fn resident_memory(pid: u32) -> Option<u64> {
    let kibibytes = if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    } else {
        let ps =
            std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output().ok()?;
        String::from_utf8(ps.stdout).ok()?.trim().parse().ok()
    };
    kibibytes.map(|kibibytes: u64| kibibytes * 1024)
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
