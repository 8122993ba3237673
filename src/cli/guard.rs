//! `hotseat guard -- PROGRAM ARGS…` (hidden): runs a program that must not
//! outlive its owner, however the owner ends.
//!
//! Every child of hotseat runs so: agents, shell commands, hooks, MCP servers
//! (see [`crate::sys::guarded`]). The guard leads a process group that holds the
//! program and all it starts; on Linux it also adopts what the program orphans,
//! so that nothing escapes by `setsid`. It costs a process of its own because
//! only a process can notice its parent's death by SIGKILL. It never reads or
//! writes the program's streams.

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
use crate::sys::descendants::{kill_descendants, reap};
use crate::sys::guarded::KILL_ALL;

/// From SIGTERM to SIGKILL, once the owner is gone.
const KILL_GRACE: Duration = Duration::from_secs(2);
/// How often to look whether the owner still lives. Linux tells by a signal,
/// so there it only makes up for one that got lost.
const OWNER_POLL: Duration = Duration::from_secs(if cfg!(target_os = "linux") { 60 } else { 1 });

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct GuardArgs {
    /// Seconds from the owner's end to SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u64,
    /// The owner's pid, in case it ends before the guard looks; none: the parent.
    #[arg(long, value_name = "PID")]
    owner: Option<i32>,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// Runs the program to its end, or to its owner's. Exits as the program did:
/// with its code, or 128 + the signal that killed it.
pub fn run(guard: &GuardArgs) -> Result<CliExit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch(guard))
}

async fn watch(guard: &GuardArgs) -> Result<CliExit> {
    // First of all, since the owner may give the signal at once.
    let mut kill_all =
        unix::signal(SignalKind::from_raw(KILL_ALL.as_raw())).context("listening to the owner")?;
    let mut child_ended = unix::signal(SignalKind::child())?;
    become_group_leader().context("leading a process group")?;
    adopt_orphans();
    let mut owner = OwnerProcess::watch(guard.owner).context("watching over the owner")?;
    // These come to the whole group, so the program has them already. Caught
    // and not ignored, for what is ignored stays so in the program.
    let _heard = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()].map(unix::signal);
    let mut program = match Command::new(&guard.program[0]).args(&guard.program[1..]).spawn() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("could not start {}: {error}", guard.program[0].display());
            return Ok(CliExit::ProgramCode(if error.kind() == ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let pid = program.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    loop {
        tokio::select! {
            status = program.wait() => {
                let code = exit_code(status.context("waiting for the program")?);
                kill_stragglers(&owner)?;
                kill_descendants().await;
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
        eprintln!("cannot adopt orphans, which may escape: {error}");
    }
}

fn become_group_leader() -> rustix::io::Result<()> {
    match process::setpgid(None, None) {
        // It leads a session, and so a group already.
        Err(rustix::io::Errno::PERM) => Ok(()),
        other => other,
    }
}

/// The process this one works for: its parent.
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

    /// Returns when the owner is gone. Linux sends the signal when the thread
    /// that spawned us ends, which its process may survive: so the signal only
    /// says to look. It stays armed, for the next of its threads.
    async fn wait_gone(&mut self) {
        while self.is_alive() {
            let _told_or_not = timeout(OWNER_POLL, self.death_signal.recv()).await;
        }
    }

    fn is_alive(&self) -> bool {
        process::getppid() == self.pid
    }

    /// Its process group, unless that lies outside our pid namespace. There it
    /// reads as 0, which `rustix` 1.1 takes for impossible: so not from it.
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

/// The program's stdin ended with its owner: it may finish what it writes,
/// then it is asked to.
async fn terminate(program: &mut Child, grace: Duration) {
    if !grace.is_zero() && timeout(grace, program.wait()).await.is_ok() {
        return;
    }
    if process::kill_current_process_group(Signal::TERM).is_ok() {
        let _ended_or_not = timeout(KILL_GRACE, program.wait()).await;
    }
}

/// Kills what the program left behind in its group. The guard steps out of the
/// group first, into its owner's; where it cannot, what is left is asked to end
/// by a signal that the guard survives. Without an owner nobody waits for it.
fn kill_stragglers(owner: &OwnerProcess) -> rustix::io::Result<()> {
    if !owner.is_alive() {
        return kill_own_group();
    }
    let group = process::getpid();
    let theirs = owner.group().filter(|&theirs| theirs != group);
    let stepped_out = theirs.is_some_and(|theirs| process::setpgid(None, Some(theirs)).is_ok());
    let signal = if stepped_out { Signal::KILL } else { Signal::TERM };
    // An error says that nobody is left.
    let _gone = process::kill_process_group(group, signal);
    Ok(())
}

/// Kills the group, the guard in it.
fn kill_own_group() -> rustix::io::Result<()> {
    process::kill_current_process_group(Signal::KILL)
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
