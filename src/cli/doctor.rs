//! `hotseat doctor`: where things lie, what is there, what is wrong and how to
//! mend it.
//!
//! Looks only: it makes, changes and deletes nothing.

mod folders;
mod leftovers;
mod store_checks;
mod terminal;
mod text;

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::agents;
use super::config;
use super::exit::CliExit;
use super::paths::Paths;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// All that was found.
#[derive(Debug, Serialize)]
struct DoctorReport {
    version: &'static str,
    folders: Vec<folders::FolderReport>,
    agents: Vec<agents::AgentReport>,
    terminal: terminal::TerminalReport,
    git: Option<String>,
    findings: DoctorFindings,
}

/// What a person should know of.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct DoctorFindings {
    /// Something does not work.
    problems: Vec<DoctorFinding>,
    /// Something could be better.
    notes: Vec<DoctorFinding>,
}

/// One thing to know of, and what to do about it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct DoctorFinding {
    what: String,
    mend: String,
}

impl DoctorFindings {
    fn problem(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(DoctorFinding { what: what.into(), mend: mend.into() });
    }

    fn note(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.notes.push(DoctorFinding { what: what.into(), mend: mend.into() });
    }
}

/// Looks around and reports; fails when something does not work.
pub fn run(arguments: &DoctorArgs) -> Result<CliExit> {
    let report = examine(&Paths::from_env())?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&report).context("writing the report as JSON")? + "\n"
    } else {
        text::render_report(&report)
    };
    std::io::stdout().write_all(text.as_bytes()).context("printing the report")?;
    Ok(if report.findings.problems.is_empty() { CliExit::Done } else { CliExit::Failed })
}

fn examine(places: &Paths) -> Result<DoctorReport> {
    let mut findings = DoctorFindings::default();
    let folders = folders::examine(places, &mut findings);
    store_checks::examine(places, &mut findings);
    let reading = config::read_file(&places.config_file());
    for mistake in reading.errors {
        findings.problem(mistake.to_string(), "Mend that line; until then its default counts.");
    }
    let (agents, git) = agents::detect_agents(&agents::all_agents(&reading.settings.agents))?;
    if git.is_none() {
        findings.note(
            "git is not on the PATH",
            "Install it; without it the worktrees of a repository do not share a list of sessions.",
        );
    }
    let terminal = terminal::examine(&mut findings);
    Ok(DoctorReport { version: env!("CARGO_PKG_VERSION"), folders, agents, terminal, git, findings })
}
