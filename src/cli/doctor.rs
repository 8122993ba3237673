//! `hotseat doctor`: where things lie, what is there, what is wrong and how to
//! mend it.
//!
//! Looks only: it makes, changes and deletes nothing.

mod folders;
mod terminal;
mod text;
mod tree;

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::agents;
use super::config;
use super::exit::Exit;
use super::places::Places;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// All that was found.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    folders: Vec<folders::Folder>,
    agents: Vec<agents::Agent>,
    terminal: terminal::Terminal,
    git: Option<String>,
    findings: Findings,
}

/// What a person should know of.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Findings {
    /// Something does not work.
    problems: Vec<Finding>,
    /// Something could be better.
    notes: Vec<Finding>,
}

/// One thing to know of, and what to do about it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    what: String,
    mend: String,
}

impl Findings {
    fn problem(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(Finding { what: what.into(), mend: mend.into() });
    }

    fn note(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.notes.push(Finding { what: what.into(), mend: mend.into() });
    }
}

/// Looks around and reports; fails when something does not work.
pub fn run(arguments: &Doctor) -> Result<Exit> {
    let report = examine(&Places::find())?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&report).context("writing the report as JSON")? + "\n"
    } else {
        text::render(&report)
    };
    std::io::stdout().write_all(text.as_bytes()).context("printing the report")?;
    Ok(if report.findings.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn examine(places: &Places) -> Result<Report> {
    let mut findings = Findings::default();
    let folders = folders::examine(places, &mut findings);
    tree::examine(places, &mut findings);
    let reading = config::read_file(&places.config_file());
    for mistake in reading.mistakes {
        findings.problem(mistake.to_string(), "Mend that line; until then its default counts.");
    }
    let (agents, git) = agents::examine(&agents::known(&reading.settings.agents))?;
    if git.is_none() {
        findings.note(
            "git is not on the PATH",
            "Install it; without it the worktrees of a repository do not share a list of sessions.",
        );
    }
    let terminal = terminal::examine(&mut findings);
    Ok(Report { version: env!("CARGO_PKG_VERSION"), folders, agents, terminal, git, findings })
}
