//! The terminal: its size, colours, character set and clipboard.

use std::io::IsTerminal;

use serde::Serialize;

use super::DoctorFindings;
use crate::cli::agents::find_on_path;

/// The smallest screen that hotseat draws on, in columns and rows.
const MIN_SIZE: (u16, u16) = (40, 10);

/// Clipboard programs, each with the variable that is set where it works.
const CLIPBOARDS: [(&str, &str); 3] =
    [("wl-copy", "WAYLAND_DISPLAY"), ("xclip", "DISPLAY"), ("pbcopy", "__CF_USER_TEXT_ENCODING")];

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct TerminalReport {
    /// Both stdin and stdout are a terminal.
    pub interactive: bool,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    /// `$TERM`.
    pub term: String,
    /// How many colours it shows, by `COLORTERM`, `TERM` and `NO_COLOR`.
    pub colours: &'static str,
    /// The locale says UTF-8.
    pub utf8: bool,
    /// Clipboard program, used besides the terminal's own OSC 52.
    pub clipboard: Option<&'static str>,
}

pub fn examine(findings: &mut DoctorFindings) -> TerminalReport {
    let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let size = crossterm::terminal::size().ok().filter(|_| interactive);
    let terminal = detect(interactive, size, |name| std::env::var(name).unwrap_or_default());
    check(&terminal, findings);
    if let Some(program) = terminal.clipboard.filter(|program| find_on_path(program).is_none()) {
        findings.note(
            format!("{program} is not on PATH, so copying relies on the terminal (OSC 52)"),
            format!("Install {program} if copied text does not arrive in the clipboard."),
        );
    }
    terminal
}

fn detect(interactive: bool, size: Option<(u16, u16)>, variable: impl Fn(&str) -> String) -> TerminalReport {
    let term = variable("TERM");
    let colours = match variable("COLORTERM").as_str() {
        _ if !variable("NO_COLOR").is_empty() => "none (NO_COLOR)",
        "truecolor" | "24bit" => "16 million",
        _ if term.contains("256color") => "256",
        _ if term == "dumb" => "none",
        _ => "16",
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(&variable);
    let locale = locale.iter().find(|value| !value.is_empty()).map_or("", |value| value).to_lowercase();
    let utf8 = locale.ends_with("utf-8") || locale.ends_with("utf8");
    let clipboard = CLIPBOARDS.iter().find(|(_, means)| !variable(means).is_empty());
    TerminalReport {
        interactive,
        size,
        term,
        colours,
        utf8,
        clipboard: clipboard.map(|(program, _)| *program),
    }
}

fn check(terminal: &TerminalReport, findings: &mut DoctorFindings) {
    if !terminal.interactive {
        return;
    }
    if terminal.term == "dumb" || terminal.term.is_empty() {
        findings.problem(
            format!("TERM is “{}”, a terminal that cannot move its cursor", terminal.term),
            "Use another terminal, or set TERM to what it really is (often xterm-256color).",
        );
    }
    if let Some((columns, rows)) = terminal.size
        && (columns < MIN_SIZE.0 || rows < MIN_SIZE.1)
    {
        let (wide, high) = MIN_SIZE;
        findings.problem(
            format!("the terminal has {columns}×{rows} cells"),
            format!("Make it at least {wide}×{high}; from about 78 columns there are two panes."),
        );
    }
    if !terminal.utf8 {
        findings.note("the locale is not UTF-8", "If characters look wrong: export LC_ALL=C.UTF-8");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(variables: &[(&str, &str)], size: (u16, u16)) -> (TerminalReport, usize) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value).to_owned()
        };
        let terminal = detect(true, Some(size), variable);
        let mut findings = DoctorFindings::default();
        check(&terminal, &mut findings);
        (terminal, findings.problems.len())
    }

    #[test]
    fn colours_are_as_many_as_the_terminal_says() {
        for (variables, colours) in [
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], "16 million"),
            (&[("TERM", "xterm-256color")], "256"),
            (&[("TERM", "linux")], "16"),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], "none (NO_COLOR)"),
        ] {
            assert_eq!(examined(variables, (80, 24)).0.colours, colours);
        }
    }

    #[test]
    fn a_small_or_a_dumb_terminal_is_a_problem() {
        assert_eq!(examined(&[("TERM", "xterm")], (80, 24)).1, 0);
        assert_eq!(examined(&[("TERM", "xterm")], (39, 24)).1, 1);
        assert_eq!(examined(&[("TERM", "dumb")], (20, 5)).1, 2);
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        let utf8 = |variables| examined(variables, (80, 24)).0.utf8;
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]));
        assert!(!utf8(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]));
    }
}
