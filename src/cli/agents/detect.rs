//! Which agents are installed, their versions, and how each one switches.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::choice::CLAUDE_TTY;
use crate::slot::{AgentSpec, Capabilities, SwitchSupport};
use crate::sys::guarded::{guarded_command, guarded_stdout};

/// How long `PROGRAM --version` may take. All run at once, and some are large
/// Node.js programs.
const VERSION_TIMEOUT: Duration = Duration::from_secs(4);
/// Bytes of its answer that are read.
const VERSION_BYTES: u64 = 4096;

/// Shown when a program prints no version in time.
pub const VERSION_UNKNOWN: &str = "version unknown";

/// One agent program.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AgentReport {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its program; `None` if it is not on PATH.
    pub path: Option<PathBuf>,
    /// First line of its `--version`.
    pub version: Option<String>,
    /// Always true; kept for readers of the JSON of older versions.
    pub has_driver: bool,
    pub switches: SwitchSummary,
    /// Other features it does not support, each with the reason.
    pub lacks: Vec<&'static str>,
}

/// How each switch is done: `in process`, `standby`, or the reason why it is not
/// possible.
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
    pub fn from_capabilities(abilities: &Capabilities) -> Self {
        let word = |ability| match ability {
            SwitchSupport::InProcess => IN_PROCESS,
            SwitchSupport::Standby => STANDBY,
            SwitchSupport::Unsupported(why) => why,
        };
        Self { clear: word(abilities.clear), resume: word(abilities.resume), fork: word(abilities.fork) }
    }

    /// Clear, resume and fork: `Ok` with how, `Err` with the reason why not.
    pub fn each(&self) -> [Result<&'static str, &'static str>; 3] {
        [self.clear, self.resume, self.fork]
            .map(|how| if [IN_PROCESS, STANDBY].contains(&how) { Ok(how) } else { Err(how) })
    }

    pub fn one_line(&self) -> String {
        if self.clear == self.resume && self.resume == self.fork {
            return format!("clear, resume and fork {}", self.clear);
        }
        let each = ["clear", "resume", "fork"].into_iter().zip(self.each());
        let told = each.map(|(what, how)| how.map_or_else(str::to_owned, |how| format!("{what} {how}")));
        told.collect::<Vec<_>>().join(" · ")
    }
}

/// Detects all agents, and the version of git, by which our own agent tells a model
/// the state of the repository.
pub fn detect_agents(all: &[AgentSpec]) -> Result<(Vec<AgentReport>, Option<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
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

/// One agent of the table; `None` is `claude-tty`.
async fn detect_one(known: Option<AgentSpec>) -> AgentReport {
    let name = known.map_or(CLAUDE_TTY, |known| known.name);
    // Our own agent is this program, wherever it is installed.
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

/// Looks a program up on PATH, as a shell does.
pub(in crate::cli) fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The first line that `PROGRAM --version` prints.
async fn version(program: &Path) -> Option<String> {
    let mut command = guarded_command(&std::env::current_exe().ok()?, 0, program);
    let output = guarded_stdout(command.arg("--version"), VERSION_BYTES);
    let output = timeout(VERSION_TIMEOUT, output).await.ok()?.ok()?;
    first_line(&String::from_utf8_lossy(&output))
}

/// The first line without control characters: program output is not trusted.
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
