//! `hotseat agents`: lists the agents that hotseat can run, and how each switches.
//!
//! `choice` decides which agent starts, `detect` looks for programs, `configured`
//! reads `[agents]` of the configuration, `offer` feeds the agent menu of the screen.

mod choice;
mod configured;
mod detect;
mod offer;

use std::fmt::Write as _;

use anyhow::{Context, Result};

pub(super) use self::choice::{AgentChoice, agent_names, choose_agent, is_agent_name};
pub(super) use self::configured::{all_agents, check_command, check_name};
pub(super) use self::detect::{AgentReport, SwitchSummary, VERSION_UNKNOWN, detect_agents, find_on_path};
pub(super) use self::offer::agent_offers;
use super::config;
use super::exit::CliExit;
use super::output;
use super::paths::Paths;

#[derive(Debug, clap::Args)]
pub struct AgentsArgs {
    /// Print a JSON array instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &AgentsArgs) -> Result<CliExit> {
    let settings = config::read_file(&Paths::from_env().config_file()).settings;
    let (agents, _) = detect_agents(&all_agents(&settings.agents))?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&agents).context("cannot write the list as JSON")?;
        output::print_json_text(&(text + "\n"))?;
    } else {
        output::print(&render_agents(&agents))?;
    }
    Ok(CliExit::Done)
}

/// One row per installed agent, then the missing ones, then what the installed
/// ones cannot do. Writing to a string cannot fail.
fn render_agents(agents: &[AgentReport]) -> String {
    let mut out = format!("{:<18}{:<12}{:<12}{:<12}version\n", "agent", "clear", "resume", "fork");
    let (there, missing): (Vec<_>, Vec<_>) = agents.iter().partition(|agent| agent.path.is_some());
    for agent in &there {
        let version = agent.version.as_deref().unwrap_or(VERSION_UNKNOWN);
        let [clear, resume, fork] = agent.switches.each().map(|how| how.unwrap_or("-"));
        let _ = writeln!(out, "{:<18}{clear:<12}{resume:<12}{fork:<12}{version}", agent.name);
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|agent| agent.name).collect();
        let _ = writeln!(out, "\nnot on PATH: {}", names.join(", "));
    }
    for (names, reasons) in group_by_lack(&there) {
        let _ = writeln!(out, "\n{}:", names.join(", "));
        for reason in reasons {
            let _ = writeln!(out, "  {reason}");
        }
    }
    out
}

/// Groups missing features by the agents that lack them.
fn group_by_lack(agents: &[&AgentReport]) -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for agent in agents {
        let switches = agent.switches.each().into_iter().filter_map(Result::err);
        for reason in switches.chain(agent.lacks.iter().copied()) {
            match by_reason.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, names)) => names.push(agent.name),
                None => by_reason.push((reason, vec![agent.name])),
            }
        }
    }
    let mut by_names: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for (reason, names) in by_reason {
        match by_names.iter_mut().find(|(known, _)| *known == names) {
            Some((_, reasons)) => reasons.push(reason),
            None => by_names.push((names, vec![reason])),
        }
    }
    by_names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_each_switch_is_done() {
        let agent = |name, path: Option<&str>| AgentReport {
            name,
            path: path.map(Into::into),
            version: Some("1.0".to_owned()),
            has_driver: true,
            switches: SwitchSummary { clear: "in process", resume: "standby", fork: "standby" },
            lacks: vec!["it cannot rename"],
        };
        let cannot = "it cannot fork";
        let four = AgentReport {
            switches: SwitchSummary { clear: "in process", resume: "standby", fork: cannot },
            version: None,
            ..agent("four", Some("/bin/four"))
        };
        let one = agent("one", Some("/bin/one"));
        let text = render_agents(&[one, agent("two", None), agent("three", None), four]);
        let lines: Vec<_> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines[1..],
            [
                "one in process standby standby 1.0",
                "four in process standby - version unknown",
                "",
                "not on PATH: two, three",
                "",
                "one, four:",
                "it cannot rename",
                "",
                "four:",
                cannot,
            ]
        );
    }
}
