//! `hotseat agents`: what can take the seat, and how each switch would be done.

mod choice;
mod found;
mod named;
mod offer;

use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result};

pub(super) use self::choice::{Choice, choose, is_name, names};
pub(super) use self::found::{Agent, Switches, examine, on_path};
pub(super) use self::named::{check_command, check_name, known};
pub(super) use self::offer::others;
use super::config;
use super::exit::Exit;
use super::places::Places;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Agents {
    /// Print a JSON array instead of text.
    #[arg(long)]
    json: bool,
}

/// Looks for the agents and lists them.
pub fn run(arguments: &Agents) -> Result<Exit> {
    let settings = config::read_file(&Places::find().config_file()).settings;
    let (agents, _) = examine(&known(&settings.agents))?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&agents).context("writing the list as JSON")? + "\n"
    } else {
        render(&agents)
    };
    std::io::stdout().write_all(text.as_bytes()).context("printing the list")?;
    Ok(Exit::Done)
}

/// A line for each agent that is there, and one for the others. Writing to a
/// string cannot fail.
fn render(agents: &[Agent]) -> String {
    let mut out = format!("{:<18}{:<12}{:<12}{:<12}version\n", "agent", "clear", "resume", "fork");
    for agent in agents.iter().filter(|agent| agent.path.is_some()) {
        let version = agent.version.as_deref().unwrap_or("does not say its version");
        let how = &agent.switches;
        let _ =
            writeln!(out, "{:<18}{:<12}{:<12}{:<12}{version}", agent.name, how.clear, how.resume, how.fork);
        for why in &agent.lacks {
            let _ = writeln!(out, "{:<18}{why}", "");
        }
    }
    let missing: Vec<_> =
        agents.iter().filter(|agent| agent.path.is_none()).map(|agent| agent.name).collect();
    if !missing.is_empty() {
        let _ = writeln!(out, "\nnot on the PATH: {}", missing.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_each_switch_is_done() {
        let agent = |name, path: Option<&str>| Agent {
            name,
            path: path.map(Into::into),
            version: Some("1.0".to_owned()),
            has_driver: true,
            switches: Switches { clear: "in process", resume: "standby", fork: "standby" },
            lacks: Vec::new(),
        };
        let text = render(&[agent("one", Some("/bin/one")), agent("two", None), agent("three", None)]);
        let lines: Vec<_> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[1..], ["one in process standby standby 1.0", "", "not on the PATH: two, three"]);
    }
}
