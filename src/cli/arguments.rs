//! The command line as clap types, and the text around its help.
//!
//! Start with [`Arguments`]; each command's own flags are in its file.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::acp::AcpArgs;
use super::agent::AgentArgs;
use super::agents::AgentsArgs;
use super::completions::{self, CompletionsArgs};
use super::config::ConfigArgs;
use super::doctor::DoctorArgs;
use super::guard::GuardArgs;
use super::help::HelpArgs;
use super::hook::HookArgs;
use super::man::ManArgs;
use super::output::print_clap;
use super::paths::Paths;
use super::sessions::SessionsArgs;
use crate::protocol::PermissionMode;
use crate::text::clean_line;
use crate::tui::app::{KeyContext, Keymap};

/// Terminal session manager for coding agents.
///
/// Without a command it opens the screen in this folder: session list,
/// conversation, status bar. Sessions are cleared, resumed and forked inside the
/// running agent process, in milliseconds.
#[derive(Debug, Parser)]
#[command(
    name = "hotseat",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Arguments {
    #[command(flatten)]
    pub launch: LaunchArgs,
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

/// The flags of `hotseat` without a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct LaunchArgs {
    /// Agent to run: claude, claude-tty, codex, opencode, hotseat (its own), or
    /// acp:COMMAND (any that speaks the Agent Client Protocol); `hotseat agents`
    /// lists them.
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Model to start with.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Permission mode: default, acceptEdits, plan, dontAsk or bypassPermissions.
    #[arg(long, value_name = "MODE")]
    pub permission_mode: Option<PermissionMode>,
    /// Resume this session, from any folder: its id, the start of its id, or its
    /// title.
    #[arg(long, value_name = "SESSION", conflicts_with = "continue_last", add = completions::session_completer())]
    pub resume: Option<String>,
    /// Resume this folder's last session.
    #[arg(long = "continue", short = 'c')]
    pub continue_last: bool,
    /// List sessions of all folders.
    #[arg(long)]
    pub all: bool,
    /// Run in this folder instead of the current one.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Do not write anything to disk.
    #[arg(long)]
    pub ephemeral: bool,
}

/// The subcommands, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Try hotseat on made-up sessions with an offline model
    Demo,
    /// List, show, search and manage sessions (rename, fork, delete, export, …)
    Sessions(SessionsArgs),
    /// Run hotseat's own agent for an SDK: JSON lines over stdio
    Agent(AgentArgs),
    /// Run hotseat's own agent for an editor: the Agent Client Protocol over stdio
    Acp(AcpArgs),
    /// List agents, whether they are installed, and how each switches sessions
    Agents(AgentsArgs),
    /// Check, create or print the configuration
    Config(ConfigArgs),
    /// Check folders, agents and terminal, and say how to fix what is wrong
    Doctor(DoctorArgs),
    /// Print a page of the documentation, or the help of a command
    Help(HelpArgs),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command
    Man(ManArgs),
    /// Run a program that ends with the process that started it
    #[command(hide = true)]
    Guard(GuardArgs),
    /// Forward a hook report of an agent to its slot
    #[command(hide = true)]
    Hook(HookArgs),
}

const EXAMPLES: &str = "\
Examples:
  hotseat                      open the screen with this folder's sessions
  hotseat --continue           resume this folder's last session
  hotseat --resume SESSION     resume any session, by id or title
  hotseat --all                list sessions of all folders
  hotseat sessions list        print the list; also show, search, stats, …
  hotseat demo                 try it: made-up sessions, no network, no key
  hotseat doctor               check the installation
  hotseat help                 list topics of the documentation
  hotseat config --init        write a commented configuration file
  hotseat completions bash     print a completion script for your shell";

impl Arguments {
    /// Parses the process's command line; exits on `--help`, `--version` and wrong
    /// usage.
    pub fn read() -> Self {
        let matches = command_with_help().try_get_matches().unwrap_or_else(|answer| exit_with(&answer));
        Self::from_arg_matches(&matches).unwrap_or_else(|answer| exit_with(&answer))
    }
}

/// Prints what clap answers instead of arguments, and exits with its code.
fn exit_with(answer: &clap::Error) -> ! {
    print_clap(answer);
    std::process::exit(answer.exit_code())
}

/// The command with everything that `--help` prints, such as keys and paths.
pub(super) fn command_with_help() -> clap::Command {
    let paths = Paths::from_env();
    let keymap = Keymap::default();
    let hints = keymap.hints(KeyContext::Browser).map(|hint| format!("{} {}", hint.key, hint.label));
    let keys = hints.collect::<Vec<_>>().join(" · ");
    let name = |path: PathBuf| clean_line(&path.display().to_string()).into_owned();
    let files = format!(
        "Files:\n  sessions       {}\n  configuration  {}\n  logs           {}",
        name(paths.projects()),
        name(paths.config_file()),
        name(paths.logs()),
    );
    let long = format!("{EXAMPLES}\n\nKeys in the session list (F1 shows all keys):\n  {keys}\n\n{files}");
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
    fn flags_describe_the_launch() {
        let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
        let launch =
            parse(&format!("hotseat --resume {id} --permission-mode plan --cwd /x --all")).unwrap().launch;
        let expected = LaunchArgs {
            permission_mode: Some(PermissionMode::Plan),
            resume: Some(id.into()),
            cwd: Some("/x".into()),
            all: true,
            ..LaunchArgs::default()
        };
        assert_eq!(launch, expected);
    }

    #[test]
    fn wrong_usage_exits_with_2() {
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
