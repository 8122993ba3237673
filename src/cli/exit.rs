//! How the program ends: its exit codes, and the one shape of an error.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// The program's exit codes. There are no others, but for the guard's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CliExit {
    /// 0: it was done.
    Done,
    /// 1: it was tried and failed.
    Failed,
    /// 2: it could not be tried: wrong usage, or no terminal.
    Usage,
    /// As the program that the guard ran.
    ProgramCode(u8),
}

impl CliExit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::ProgramCode(code) => code,
        }
    }
}

impl From<CliExit> for ExitCode {
    fn from(exit: CliExit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that knows what a person can do about it.
#[derive(Debug)]
pub struct CliError {
    message: String,
    hint: String,
    exit: CliExit,
}

impl CliError {
    /// Something that could not even be tried: what (and what with), and what
    /// to do next.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { message: what.into(), hint: next.into(), exit: CliExit::Usage }
    }

    /// Something that was tried and failed: what (and what with), and what to
    /// do next.
    pub fn failed(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { message: what.into(), hint: next.into(), exit: CliExit::Failed }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

/// Says on stderr what happened, to what, and what to do next.
pub fn report_error(error: &anyhow::Error) -> CliExit {
    if is_broken_pipe(error) {
        return CliExit::Done;
    }
    print_stderr(&format_error(error));
    error.downcast_ref::<CliError>().map_or(CliExit::Failed, |problem| problem.exit)
}

/// Says it on stderr; one that is gone, with its terminal, is nobody's loss.
pub fn print_stderr(words: &str) {
    let _said_or_gone = writeln!(std::io::stderr(), "{words}");
}

/// `hotseat: what we were doing: to what: the reason`, then the advice.
fn format_error(error: &anyhow::Error) -> String {
    let what = format!("hotseat: {error:#}");
    match error.downcast_ref::<CliError>() {
        Some(problem) => format!("{what}\n  {}", problem.hint),
        None => what,
    }
}

/// The reader of our output went away (`hotseat … | head`): no failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn an_error_says_what_to_what_and_what_next() {
        let problem = anyhow::Error::new(CliError::usage("no such folder: /x", "Give one that exists."));
        assert_eq!(format_error(&problem), "hotseat: no such folder: /x\n  Give one that exists.");

        let plain = anyhow!("permission denied").context("reading /etc/x");
        assert_eq!(format_error(&plain), "hotseat: reading /etc/x: permission denied");
    }

    #[test]
    fn advice_survives_context() {
        let problem: Result<(), _> = Err(CliError::usage("no terminal", "Open one."));
        let error = problem.context("starting").unwrap_err();
        assert_eq!(format_error(&error), "hotseat: starting: no terminal\n  Open one.");
        assert_eq!(error.downcast_ref::<CliError>().unwrap().exit, CliExit::Usage);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let error = anyhow::Error::new(std::io::Error::from(ErrorKind::BrokenPipe)).context("printing");
        assert_eq!(report_error(&error), CliExit::Done);
    }
}
