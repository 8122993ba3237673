//! The command line: its flags, its commands, and the help that teaches them.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::acp::AcpArgs;
use super::agent::AgentArgs;
use super::agents::AgentsArgs;
use super::completions::{self, CompletionsArgs};
use super::config::ConfigArgs;
use super::doctor::DoctorArgs;
use super::guard::GuardArgs;
use super::hook::HookArgs;
use super::man::ManArgs;
use super::paths::Paths;
use super::sessions::SessionsArgs;
use crate::protocol::PermissionMode;
use crate::tui::app::{KeyContext, Keymap};

/// One warm coding-agent process; every session takes the seat in turn.
///
/// Without a command: the session browser, the conversation and the slot's
/// status bar, in this folder. Clear, resume and fork happen inside the running
/// process, in milliseconds.
#[derive(Debug, Parser)]
#[command(name = "hotseat", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Arguments {
    /// How to take the seat.
    #[command(flatten)]
    pub launch: LaunchArgs,
    /// What to do instead of opening the screen.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

/// The flags of `hotseat` without a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct LaunchArgs {
    /// The agent in the slot: hotseat (its own), claude (the official one),
    /// claude-tty (the same in a terminal of its own), acp:COMMAND (whatever speaks
    /// the Agent Client Protocol); `hotseat agents` lists them.
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The model to start with.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// What may run without asking: default, acceptEdits, plan, dontAsk, bypassPermissions.
    #[arg(long, value_name = "MODE")]
    pub permission_mode: Option<PermissionMode>,
    /// Start in this session, whichever folder it belongs to: its id, the
    /// beginning of it, or its title.
    #[arg(long, value_name = "SESSION", conflicts_with = "continue_last", add = completions::session_completer())]
    pub resume: Option<String>,
    /// Start in this folder's last session.
    #[arg(long = "continue", short = 'c')]
    pub continue_last: bool,
    /// List the sessions of all folders.
    #[arg(long)]
    pub all: bool,
    /// Work in this folder instead of the current one.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Write nothing to disk.
    #[arg(long)]
    pub ephemeral: bool,
}

/// What else the program can do.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Try it on the offline model, over made-up sessions; touches nothing of yours
    Demo,
    /// List, show, search sessions and look after them: rename, fork, delete, export, …
    Sessions(SessionsArgs),
    /// The warm process itself: the SDKs' protocol over stdio
    Agent(AgentArgs),
    /// The same for editors (Zed, JetBrains, Neovim): the Agent Client Protocol over stdio
    Acp(AcpArgs),
    /// List the agents that can take the seat, and how each switches
    Agents(AgentsArgs),
    /// Check the configuration, or print the default one
    Config(ConfigArgs),
    /// Say where things lie, which agents are found, what is wrong and how to mend it
    Doctor(DoctorArgs),
    /// Print the completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual, or write a page for each command
    Man(ManArgs),
    /// Run a program that must not outlive the process that runs this.
    #[command(hide = true)]
    Guard(GuardArgs),
    /// Hand a report of an agent's hook on to the slot.
    #[command(hide = true)]
    Hook(HookArgs),
}

const EXAMPLES: &str = "\
Examples:
  hotseat                          this folder's sessions, and a new one in the seat
  hotseat --continue               this folder's last session in the seat
  hotseat --resume SESSION         that session, by id or title, whichever folder it belongs to
  hotseat --all                    the sessions of all folders
  hotseat sessions list            the same list for a pipe; also show, search, stats
  hotseat demo                     try it: made-up sessions, no network, no key
  hotseat doctor                   where things lie, what is wrong and how to mend it
  hotseat config --print-default   every setting, with its default
  hotseat completions bash         a completion script for your shell";

impl Arguments {
    /// Reads the process's command line; ends the process on `--help`,
    /// `--version` and wrong usage.
    pub fn read() -> Self {
        let matches = with_help(&Paths::from_env()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn with_help(places: &Paths) -> clap::Command {
    let keymap = Keymap::default();
    let hints = keymap.hints(KeyContext::Browser).map(|hint| format!("{} {}", hint.key, hint.label));
    let keys = hints.collect::<Vec<_>>().join(" · ");
    let lie = format!(
        "Where things lie:\n  sessions       {}\n  configuration  {}\n  logs           {}",
        places.projects().display(),
        places.config_file().display(),
        places.logs().display(),
    );
    let long =
        format!("{EXAMPLES}\n\nKeys in one glance (? in the browser shows them all):\n  {keys}\n\n{lie}");
    Arguments::command().after_help(EXAMPLES).after_long_help(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_seat_is_described_by_flags() {
        let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        let seat =
            parse(&format!("hotseat --resume {id} --permission-mode plan --cwd /x --all")).unwrap().launch;
        let expected = LaunchArgs {
            permission_mode: Some(PermissionMode::Plan),
            resume: Some(id.into()),
            cwd: Some("/x".into()),
            all: true,
            ..LaunchArgs::default()
        };
        assert_eq!(seat, expected);
    }

    #[test]
    fn wrong_usage_is_told_apart() {
        for line in [
            "hotseat --resume 3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1 --continue",
            "hotseat --permission-mode everything",
            "hotseat --all completions bash",
            "hotseat frobnicate",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
