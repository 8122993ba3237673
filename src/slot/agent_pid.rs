//! Finds the agent's own process behind the guard and any wrapper scripts.

use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::sys::descendants::children;

/// Maximum depth of wrappers.
const MAX_WRAPPERS: usize = 4;

/// Follows the chain of processes that passed their stdin on to a single child;
/// the last one is the agent. What an agent starts for its own purposes has
/// another stdin. Where stdin cannot be compared, an only child is followed.
/// Reads a few small files on Linux and asks for all processes elsewhere, which is slower.
pub(super) fn find_leaf_process(leader: u32) -> u32 {
    let spoken_to = stdin_of(leader);
    let mut last = leader;
    for _ in 0..MAX_WRAPPERS {
        let heirs: Vec<u32> = children_of(last).filter(|&child| stdin_of(child) == spoken_to).collect();
        match heirs.as_slice() {
            [only] => last = *only,
            _ => break,
        }
    }
    last
}

/// The pipe on a process's stdin; `None` where the system does not report it.
fn stdin_of(pid: u32) -> Option<PathBuf> {
    Path::new("/proc").join(pid.to_string()).join("fd/0").read_link().ok()
}

fn children_of(pid: u32) -> impl Iterator<Item = u32> {
    let children = Pid::from_raw(pid.cast_signed()).map(children).unwrap_or_default();
    children.into_iter().map(|child| child.as_raw_nonzero().get().cast_unsigned())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// The process that a shell script names, and what is found behind the shell;
    /// a child that is just being made still has the stdin of who makes it.
    #[track_caller]
    fn check(script: &str) {
        let mut wrapper = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut named = String::new();
        BufReader::new(wrapper.stdout.take().expect("piped")).read_line(&mut named).expect("its line");
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut found = find_leaf_process(wrapper.id());
        while found.to_string() != named.trim() && Instant::now() < deadline {
            std::thread::yield_now();
            found = find_leaf_process(wrapper.id());
        }
        drop(wrapper.stdin.take());
        wrapper.wait().expect("its end");
        assert_eq!(found.to_string(), named.trim(), "{script}");
    }

    #[test]
    fn wrappers_are_looked_behind() {
        check(r"sh -c 'echo $$; read line; true'; true");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_an_agent_starts_is_not_the_agent() {
        check(r"sh -c 'sleep 9 </dev/null & echo $$; read line; kill $!'; true");
        check(r"sleep 9 </dev/null & sh -c 'echo $$; read line; true'; kill $!");
    }
}
