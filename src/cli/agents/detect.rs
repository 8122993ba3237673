//! The agents on this machine, and how each switch would be done with each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::choice::CLAUDE_TTY;
use crate::slot::{AgentSpec, Capabilities, SwitchSupport};
use crate::sys::guarded::{guarded_command, guarded_stdout};

/// How long a program may take to say its version. They are asked all at once,
/// and some are large programs of Node.js.
const VERSION_TIMEOUT: Duration = Duration::from_secs(4);
/// Bytes of its answer that are read.
const VERSION_BYTES: u64 = 4096;

/// In the place of a version that was not said, or not in time.
pub const VERSION_UNKNOWN: &str = "version unknown";

/// One agent program.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AgentReport {
    /// Its name on the command line.
    pub name: &'static str,
    /// Where it was found; none: not on the PATH.
    pub path: Option<PathBuf>,
    /// What it says to `--version`.
    pub version: Option<String>,
    /// It can take the seat: always, for who reads this of an older version.
    pub has_driver: bool,
    /// How each switch would be done.
    pub switches: SwitchSummary,
    /// What else it lacks, and why.
    pub lacks: Vec<&'static str>,
}

/// How each switch would be done: `in process`, `standby`, or why not at all.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SwitchSummary {
    /// To a new session.
    pub clear: &'static str,
    /// To a stored session.
    pub resume: &'static str,
    /// To a copy of a stored session.
    pub fork: &'static str,
}

const IN_PROCESS: &str = "in process";
const STANDBY: &str = "standby";

impl SwitchSummary {
    /// As a driver declares them.
    pub fn from_capabilities(abilities: &Capabilities) -> Self {
        let word = |ability| match ability {
            SwitchSupport::InProcess => IN_PROCESS,
            SwitchSupport::Standby => STANDBY,
            SwitchSupport::Unsupported(why) => why,
        };
        Self { clear: word(abilities.clear), resume: word(abilities.resume), fork: word(abilities.fork) }
    }

    /// Clear, resume and fork: how, or why not.
    pub fn each(&self) -> [Result<&'static str, &'static str>; 3] {
        [self.clear, self.resume, self.fork]
            .map(|how| if [IN_PROCESS, STANDBY].contains(&how) { Ok(how) } else { Err(how) })
    }

    /// In one line.
    pub fn one_line(&self) -> String {
        if self.clear == self.resume && self.resume == self.fork {
            return format!("clear, resume and fork {}", self.clear);
        }
        let each = ["clear", "resume", "fork"].into_iter().zip(self.each());
        let told = each.map(|(what, how)| how.map_or_else(str::to_owned, |how| format!("{what} {how}")));
        told.collect::<Vec<_>>().join(" · ")
    }
}

/// Looks for the agents, and for git, which our store asks for worktrees.
pub fn detect_agents(all: &[AgentSpec]) -> Result<(Vec<AgentReport>, Option<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting to look for agents")?;
    Ok(runtime.block_on(detect_all(all)))
}

async fn detect_all(all: &[AgentSpec]) -> (Vec<AgentReport>, Option<String>) {
    let git = async {
        let path = find_on_path("git")?;
        version(&path).await
    };
    let mut asked = JoinSet::new();
    for (order, known) in all.iter().copied().map(Some).chain([None]).enumerate() {
        asked.spawn(async move { (order, detect_one(known).await) });
    }
    let (git, mut agents) = tokio::join!(git, asked.join_all());
    agents.sort_by_key(|(order, _)| *order);
    (agents.into_iter().map(|(_, agent)| agent).collect(), git)
}

/// One of those that have a driver; none: `claude` in a terminal of its own.
async fn detect_one(known: Option<AgentSpec>) -> AgentReport {
    let name = known.map_or(CLAUDE_TTY, |known| known.name);
    // Our own agent is this very program, wherever it lies.
    let ours = known.is_some_and(|known| known.program.is_none());
    let path = match known.map(|known| known.program) {
        Some(None) => std::env::current_exe().ok(),
        Some(Some(program)) => find_on_path(program),
        None => find_on_path("claude"),
    };
    let version = match &path {
        Some(_) if ours => Some(env!("CARGO_PKG_VERSION").to_owned()),
        Some(path) => version(path).await,
        None => None,
    };
    let abilities = known.map_or(Capabilities::FULL, |known| (known.driver)().capabilities());
    AgentReport {
        name,
        path,
        version,
        has_driver: true,
        switches: SwitchSummary::from_capabilities(&abilities),
        lacks: abilities.unsupported_features.iter().map(|(_, why)| *why).collect(),
    }
}

/// Where the shell would find a program.
pub(in crate::cli) fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The first line a program answers to `--version`.
async fn version(program: &Path) -> Option<String> {
    let mut command = guarded_command(&std::env::current_exe().ok()?, 0, program);
    let output = guarded_stdout(command.arg("--version"), VERSION_BYTES);
    let output = timeout(VERSION_TIMEOUT, output).await.ok()?.ok()?;
    first_line(&String::from_utf8_lossy(&output))
}

/// What a program prints is not to be trusted on a terminal.
fn first_line(text: &str) -> Option<String> {
    let line: String = text.lines().next()?.chars().filter(|c| !c.is_control()).take(60).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_harmless_line() {
        assert_eq!(first_line("\x1b[31m2.1.329 (x)\r\nmore").unwrap(), "[31m2.1.329 (x)");
        assert_eq!(first_line("\n2.1"), None);
        assert_eq!(first_line(""), None);
    }

    #[test]
    fn a_line_says_how_or_why_not() {
        let told = |fork| SwitchSummary { clear: IN_PROCESS, resume: IN_PROCESS, fork }.one_line();
        assert_eq!(told(IN_PROCESS), "clear, resume and fork in process");
        assert_eq!(told(STANDBY), "clear in process · resume in process · fork standby");
        assert_eq!(told("it cannot fork"), "clear in process · resume in process · it cannot fork");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version(Path::new("/nowhere/program")).await, None);
    }
}
