//! `hotseat doctor`: checks folders, configuration, agents and terminal, and says how
//! to fix what is wrong.
//!
//! Read-only: it never creates, changes or deletes anything.

mod folders;
mod leftovers;
mod store_checks;
mod terminal;
mod text;

use anyhow::{Context, Result};
use serde::Serialize;

use super::agents;
use super::config;
use super::exit::CliExit;
use super::output;
use super::paths::Paths;

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Everything that was checked; also the shape of `--json`.
#[derive(Debug, Serialize)]
struct DoctorReport {
    version: &'static str,
    folders: Vec<folders::FolderReport>,
    agents: Vec<agents::AgentReport>,
    terminal: terminal::TerminalReport,
    git: Option<String>,
    findings: DoctorFindings,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct DoctorFindings {
    /// What does not work: exit code 1.
    problems: Vec<DoctorFinding>,
    /// What works but could be better.
    notes: Vec<DoctorFinding>,
}

/// What was found, and how to fix it (`mend` in the JSON, as in older versions).
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

/// Prints the report; exits with 1 if there are problems.
pub fn run(arguments: &DoctorArgs) -> Result<CliExit> {
    let report = examine(&Paths::from_env())?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&report).context("cannot write the report as JSON")?;
        output::print_json_text(&(text + "\n"))?;
    } else {
        output::print(&text::render_report(&report))?;
    }
    Ok(if report.findings.problems.is_empty() { CliExit::Done } else { CliExit::Failed })
}

fn examine(places: &Paths) -> Result<DoctorReport> {
    let mut findings = DoctorFindings::default();
    let folders = folders::examine(places, &mut findings);
    store_checks::examine(places, &mut findings);
    let reading = config::read_file(&places.config_file());
    for mistake in reading.errors {
        findings.problem(mistake.to_string(), "Fix that line; until then the default is used.");
    }
    let (agents, git) = agents::detect_agents(&agents::all_agents(&reading.settings.agents))?;
    if git.is_none() {
        findings.note(
            "git is not on PATH",
            "Install it: without git, hotseat's own agent does not tell the model the state of the repository.",
        );
    }
    let terminal = terminal::examine(&mut findings);
    Ok(DoctorReport { version: env!("CARGO_PKG_VERSION"), folders, agents, terminal, git, findings })
}
