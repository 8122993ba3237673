//! `hotseat guard -- PROGRAM ARGS…` (hidden): runs a program and ends it when the
//! owner ends, even by SIGKILL.
//!
//! Every child of hotseat runs so: agents, shell commands, hooks, MCP servers
//! (see [`crate::sys::guarded`]). The guard leads a process group with the program
//! and all its children; on Linux it also adopts what the program orphans, so that
//! nothing escapes by `setsid`. It is a process of its own because only a process
//! can notice that its parent was killed. It never reads or writes the program's
//! streams.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{self, Pid, Signal};
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};
use tokio::time::timeout;

use super::exit::CliExit;
use super::output::print_stderr;
use crate::sys::descendants::{kill_descendants, reap};
use crate::sys::guarded::KILL_ALL;

/// Time between SIGTERM and SIGKILL once the owner is gone.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How often to check whether the owner is alive. Linux sends a signal, so there
/// this is only a fallback.
const OWNER_POLL: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 60 } else { 1 });

#[derive(Debug, clap::Args)]
pub struct GuardArgs {
    /// Seconds from the owner's end to SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u64,
    /// The owner's pid, in case it ends before the guard checks; default: the parent.
    #[arg(long, value_name = "PID")]
    owner: Option<i32>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// Runs the program until it or the owner ends. Exits with the program's code, or
/// 128 + the signal that killed it.
pub fn run(guard: &GuardArgs) -> Result<CliExit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch(guard))
}

async fn watch(guard: &GuardArgs) -> Result<CliExit> {
    // First of all, since the owner may send the signal at once.
    let mut kill_all =
        unix::signal(SignalKind::from_raw(KILL_ALL.as_raw())).context("cannot listen to the owner")?;
    let mut child_ended = unix::signal(SignalKind::child())?;
    become_group_leader().context("cannot become the leader of a process group")?;
    adopt_orphans();
    let mut owner = OwnerProcess::watch(guard.owner).context("cannot watch the owner")?;
    // The whole group gets these, so the program has them already. They are caught
    // rather than ignored, because a program inherits ignored signals.
    let _caught = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()].map(unix::signal);
    let mut program = match Command::new(&guard.program[0]).args(&guard.program[1..]).spawn() {
        Ok(program) => program,
        Err(error) => {
            print_stderr(&format!("could not start {}: {error}", guard.program[0].display()));
            return Ok(CliExit::ProgramCode(if error.kind() == ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let pid = program.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    loop {
        tokio::select! {
            status = program.wait() => {
                let code = exit_code(status.context("waiting for the program")?);
                // First: without an owner, `kill_stragglers` ends this process, too.
                kill_descendants().await;
                kill_stragglers(&owner)?;
                return Ok(CliExit::ProgramCode(code));
            }
            _ = kill_all.recv() => break,
            () = owner.wait_gone() => {
                terminate(&mut program, Duration::from_secs(guard.grace)).await;
                break;
            }
            // Orphans that were adopted.
            _ = child_ended.recv() => reap(pid),
        }
    }
    kill_descendants().await;
    // What is left is where the system does not tell of descendants.
    kill_own_group()?;
    Ok(CliExit::Failed)
}

/// From now on the orphans below this process become its children. Linux only.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = process::set_child_subreaper(Some(process::getpid())) {
        print_stderr(&format!("cannot adopt orphans, which may escape: {error}"));
    }
}

fn become_group_leader() -> rustix::io::Result<()> {
    match process::setpgid(None, None) {
        // It leads a session, and so a group already.
        Err(rustix::io::Errno::PERM) => Ok(()),
        other => other,
    }
}

/// The process that the guard belongs to: its parent.
struct OwnerProcess {
    pid: Option<Pid>,
    death_signal: unix::Signal,
}

impl OwnerProcess {
    fn watch(pid: Option<i32>) -> Result<Self> {
        let pid = pid.and_then(Pid::from_raw).or_else(process::getppid);
        let death = unix::signal(SignalKind::user_defined1())?;
        #[cfg(target_os = "linux")]
        process::set_parent_process_death_signal(Some(Signal::USR1))?;
        Ok(Self { pid, death_signal: death })
    }

    /// Returns when the owner is gone. Linux sends the signal when the *thread* that
    /// spawned us ends, so it only means: check. It stays armed for later threads.
    async fn wait_gone(&mut self) {
        while self.is_alive() {
            timeout(OWNER_POLL, self.death_signal.recv()).await.ok();
        }
    }

    fn is_alive(&self) -> bool {
        process::getppid() == self.pid
    }

    /// The owner's process group. Outside our pid namespace it reads as 0, on which
    /// `getpgid` of rustix 1.1 panics, so Linux reads `/proc` instead.
    fn group(&self) -> Option<Pid> {
        let pid = self.pid?;
        if cfg!(target_os = "linux") {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // After the name, which may hold anything: state, parent, group.
            Pid::from_raw(stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()?)
        } else {
            process::getpgid(Some(pid)).ok()
        }
    }
}

/// Ends the program. Its stdin closed with the owner, so it gets `grace` to finish
/// by itself, then SIGTERM.
async fn terminate(program: &mut Child, grace: Duration) {
    if !grace.is_zero() && timeout(grace, program.wait()).await.is_ok() {
        return;
    }
    if process::kill_current_process_group(Signal::TERM).is_ok() {
        timeout(KILL_GRACE, program.wait()).await.ok();
    }
}

/// Kills processes that the program left in its group. The guard first moves to its
/// owner's group so that it survives SIGKILL; if it cannot, it sends SIGTERM, which
/// it catches. Without an owner, nobody waits for the guard and it dies as well.
fn kill_stragglers(owner: &OwnerProcess) -> rustix::io::Result<()> {
    if !owner.is_alive() {
        return kill_own_group();
    }
    let group = process::getpid();
    let theirs = owner.group().filter(|&theirs| theirs != group);
    let stepped_out = theirs.is_some_and(|theirs| process::setpgid(None, Some(theirs)).is_ok());
    let signal = if stepped_out { Signal::KILL } else { Signal::TERM };
    // It fails if the group is empty.
    process::kill_process_group(group, signal).ok();
    Ok(())
}

/// Kills the group including the guard.
fn kill_own_group() -> rustix::io::Result<()> {
    process::kill_current_process_group(Signal::KILL)
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
