//! The report as text.

use std::fmt::Write;

use super::{DoctorFinding, DoctorReport};
use crate::cli::agents::VERSION_UNKNOWN;

/// Facts first, problems last, where they are seen.
pub fn render_report(report: &DoctorReport) -> String {
    let mut out = format!("hotseat {}\n\nFiles\n", report.version);
    for folder in &report.folders {
        let holds = folder.holds.as_deref().unwrap_or(if folder.exists { "" } else { "none yet" });
        push_line(&mut out, folder.what, &format!("{}  {holds}", folder.path.display()));
    }
    out.push_str("\nAgents\n");
    for agent in &report.agents {
        let Some(path) = &agent.path else { continue };
        let version = agent.version.as_deref().unwrap_or(VERSION_UNKNOWN);
        push_line(&mut out, agent.name, &format!("{version}  {}", path.display()));
        push_line(&mut out, "", &agent.switches.one_line());
    }
    let missing: Vec<_> =
        report.agents.iter().filter(|agent| agent.path.is_none()).map(|agent| agent.name).collect();
    if !missing.is_empty() {
        push_line(&mut out, "not found", &missing.join(", "));
    }
    out.push_str("\nTerminal and tools\n");
    let terminal = &report.terminal;
    let size = match terminal.size {
        Some((columns, rows)) => format!("{columns}×{rows}"),
        None => "not a terminal".to_owned(),
    };
    push_line(&mut out, "size", &size);
    push_line(&mut out, "colours", &format!("{}  TERM={}", terminal.colours, terminal.term));
    let also = terminal.clipboard.map(|program| format!(", and {program}")).unwrap_or_default();
    push_line(&mut out, "clipboard", &format!("terminal (OSC 52){also}"));
    push_line(&mut out, "git", report.git.as_deref().unwrap_or("not found"));
    push_section(&mut out, "Warnings", &report.findings.notes);
    push_section(&mut out, "Problems", &report.findings.problems);
    match (report.findings.problems.len(), report.findings.notes.len()) {
        (0, 0) => out.push_str("\nNo problems found.\n"),
        (0, 1) => out.push_str("\nNo problems, 1 warning (above).\n"),
        (0, warnings) => {
            let _ = writeln!(out, "\nNo problems, {warnings} warnings (above).");
        }
        _ => {}
    }
    out
}

fn push_section(out: &mut String, heading: &str, findings: &[DoctorFinding]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{heading}");
    for finding in findings {
        let _ = writeln!(out, "  {}\n    {}", finding.what, finding.mend);
    }
}

/// Writing to a string cannot fail.
fn push_line(out: &mut String, name: &str, fact: &str) {
    let _ = writeln!(out, "  {name:<17}{}", fact.trim_end());
}
