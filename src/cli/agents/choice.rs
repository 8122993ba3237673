//! Which agent starts: the one on the command line, else the configured one, else
//! the first one installed, else our own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::exit::CliError;
use crate::slot::{AgentSpec, CUSTOM_ACP, DEFAULT_ORDER, HOTSEAT_AGENT};

/// The official `claude` in a pseudo-terminal, instead of headless.
pub const CLAUDE_TTY: &str = "claude-tty";

/// Prefix of `--agent acp:COMMAND`: any command that speaks the Agent Client Protocol.
pub(super) const ACP_PREFIX: &str = "acp:";

/// File in the state folder that names the agent of the last notice.
const NOTICE_FILE: &str = "agent";

/// The agent to start.
#[derive(Debug)]
pub struct AgentChoice {
    pub name: &'static str,
    pub program: PathBuf,
    /// Arguments in front of the ones that the driver adds.
    pub arguments: Vec<OsString>,
    pub spec: AgentSpec,
    /// Runs in a pseudo-terminal (`claude-tty`) instead of behind a driver.
    pub in_terminal: bool,
    /// Why this agent was chosen; `None` if it was named.
    pub reason: Option<String>,
}

/// The values that `--agent` takes, besides `acp:COMMAND`.
pub fn agent_names(all: &[AgentSpec]) -> Vec<&'static str> {
    all.iter().map(|known| known.name).chain([CLAUDE_TTY]).collect()
}

/// Whether `--agent` accepts this name. Its program may still be missing.
pub fn is_agent_name(all: &[AgentSpec], name: &str) -> bool {
    name.starts_with(ACP_PREFIX) || agent_names(all).contains(&name)
}

/// Chooses an agent. `named` comes from the command line or the configuration;
/// `find` looks a program up on PATH.
pub fn choose_agent(
    all: &[AgentSpec],
    named: Option<&str>,
    find: impl Fn(&str) -> Option<PathBuf>,
) -> Result<AgentChoice> {
    let known = |name: &str| all.iter().copied().find(|known| known.name == name);
    let Some(name) = named else {
        return choose_default(known, find);
    };
    if name == CLAUDE_TTY {
        let claude = known("claude").unwrap_or(HOTSEAT_AGENT);
        return Ok(AgentChoice { name: CLAUDE_TTY, in_terminal: true, ..build_choice(claude, find, None)? });
    }
    if let Some(command) = name.strip_prefix(ACP_PREFIX) {
        return choose_by_command(command, find);
    }
    let Some(known) = known(name) else {
        return Err(CliError::usage(
            format!("unknown agent “{name}”"),
            format!(
                "Known are {}, acp:COMMAND, and those of [agents] in the configuration. `hotseat agents` lists what is installed.",
                agent_names(all).join(", ")
            ),
        )
        .into());
    };
    build_choice(known, find, None)
}

/// An agent given as a command line; its arguments are separated by blanks.
fn choose_by_command(command: &str, find: impl Fn(&str) -> Option<PathBuf>) -> Result<AgentChoice> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let Some(program) = find(program) else {
        return Err(CliError::usage(
            format!("“{program}” is not on PATH"),
            "Give a command that speaks the Agent Client Protocol, with its arguments: --agent \"acp:goose acp\".",
        )
        .into());
    };
    let arguments = words.map(Into::into).collect();
    Ok(AgentChoice {
        name: CUSTOM_ACP.name,
        program,
        arguments,
        spec: CUSTOM_ACP,
        in_terminal: false,
        reason: None,
    })
}

/// The first installed one of the default order, else our own.
fn choose_default(
    known: impl Fn(&str) -> Option<AgentSpec>,
    find: impl Fn(&str) -> Option<PathBuf>,
) -> Result<AgentChoice> {
    let there = DEFAULT_ORDER.iter().filter_map(|name| known(name));
    let there = there.into_iter().find(|known| known.program.is_some_and(|program| find(program).is_some()));
    let order = DEFAULT_ORDER.join(", ");
    match there {
        Some(known) => {
            let why = format!(
                "using {}, the first of {order} on PATH; --agent hotseat uses hotseat's own agent",
                known.name
            );
            build_choice(known, find, Some(why))
        }
        None => build_choice(
            HOTSEAT_AGENT,
            find,
            Some(format!("using hotseat's own agent: none of {order} is on PATH")),
        ),
    }
}

fn build_choice(
    known: AgentSpec,
    find: impl Fn(&str) -> Option<PathBuf>,
    why: Option<String>,
) -> Result<AgentChoice> {
    let program = match known.program {
        None => std::env::current_exe().context("cannot find hotseat's own program")?,
        Some(program) => find(program).ok_or_else(|| {
            let get = if known.install.is_empty() {
                "Install it, or fix its command in [agents] of the configuration".to_owned()
            } else {
                format!("Install it with `{}`", known.install)
            };
            let advice = format!("{get}, or use hotseat's own agent: --agent hotseat.");
            CliError::usage(format!("{program} is not on PATH"), advice)
        })?,
    };
    let arguments = known.args.iter().map(Into::into).collect();
    Ok(AgentChoice { name: known.name, program, arguments, spec: known, in_terminal: false, reason: why })
}

impl AgentChoice {
    /// Why this agent was chosen, if nobody named it and the last start chose
    /// another one. Remembers it in the state folder.
    pub fn first_time_notice(&self, state: &Path) -> Option<String> {
        let why = self.reason.clone()?;
        let told = state.join(NOTICE_FILE);
        if std::fs::read_to_string(&told).is_ok_and(|told| told.trim() == self.name) {
            return None;
        }
        let kept = std::fs::create_dir_all(state).and_then(|()| std::fs::write(&told, self.name));
        if let Err(error) = kept {
            tracing::warn!(%error, "cannot remember which agent was chosen");
        }
        Some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::agents::configured;
    use crate::slot::AGENTS;

    fn chosen(named: Option<&str>, there: &[&str]) -> Result<(&'static str, bool), String> {
        let find = |program: &str| there.contains(&program).then(|| PathBuf::from("/bin").join(program));
        let choice = choose_agent(AGENTS, named, find).map_err(|error| error.to_string())?;
        Ok((choice.name, choice.reason.is_some()))
    }

    #[test]
    fn a_name_counts_before_what_is_found() {
        assert_eq!(chosen(Some("hotseat"), &["claude"]), Ok(("hotseat", false)));
        assert_eq!(chosen(Some("claude"), &["claude"]), Ok(("claude", false)));
        assert_eq!(chosen(Some("claude-tty"), &["claude"]), Ok(("claude-tty", false)));
        assert_eq!(chosen(None, &["claude"]), Ok(("claude", true)));
        assert_eq!(chosen(None, &["gemini"]), Ok(("hotseat", true)));
    }

    #[test]
    fn any_command_can_be_an_acp_agent() {
        let find = |program: &str| (program == "goose").then(|| PathBuf::from("/bin/goose"));
        let choice = choose_agent(AGENTS, Some("acp:goose acp --quiet"), find).unwrap();
        assert_eq!((choice.name, choice.program.to_str()), ("acp", Some("/bin/goose")));
        assert_eq!(choice.arguments, ["acp", "--quiet"]);
        for nothing in ["acp:", "acp: ", "acp:gone"] {
            assert!(
                choose_agent(AGENTS, Some(nothing), find).unwrap_err().to_string().contains("is not on PATH")
            );
            assert!(is_agent_name(AGENTS, nothing));
        }
    }

    #[test]
    fn one_that_is_configured_is_chosen_by_its_name() {
        let all = configured::all_agents(&[("goose".to_owned(), "gooze acp".to_owned())].into());
        let find = |program: &str| (program == "gooze").then(|| PathBuf::from("/bin/gooze"));
        let choice = choose_agent(&all, Some("goose"), find).unwrap();
        assert_eq!((choice.name, choice.program.to_str()), ("goose", Some("/bin/gooze")));
        assert_eq!(choice.arguments, ["acp"]);
        assert!(
            choose_agent(&all, Some("goose"), |_| None)
                .unwrap_err()
                .to_string()
                .contains("gooze is not on PATH")
        );
        assert!(choose_agent(AGENTS, Some("goose"), find).is_err());
    }

    #[test]
    fn what_is_not_there_is_said() {
        let missing = "claude is not on PATH";
        assert!(chosen(Some("claude"), &[]).unwrap_err().contains(missing));
        assert!(chosen(Some("claude-tty"), &[]).unwrap_err().contains(missing));
        assert!(chosen(Some("nobody"), &[]).unwrap_err().contains("unknown agent “nobody”"));
    }

    #[test]
    fn the_reason_is_told_once_for_each_agent() {
        let state = tempfile::tempdir().unwrap();
        let with = |there: &'static [&str]| {
            choose_agent(AGENTS, None, |program| there.contains(&program).then(|| program.into())).unwrap()
        };
        assert!(with(&[]).first_time_notice(state.path()).is_some());
        assert!(with(&[]).first_time_notice(state.path()).is_none());
        assert!(with(&["claude"]).first_time_notice(state.path()).is_some());
    }
}
