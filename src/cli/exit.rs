//! Exit codes, and how an error is printed.
//!
//! A command returns [`CliExit`] or an `anyhow::Error`; a [`CliError`] inside adds a
//! hint and an exit code.

use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

use super::output::print_stderr;

/// The program's exit codes. Only the guard has others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CliExit {
    /// 0
    Done,
    /// 1: tried and failed.
    Failed,
    /// 2: not tried, because of wrong usage or a missing terminal.
    Usage,
    /// The code of the program that the guard ran.
    ProgramCode(u8),
}

impl CliExit {
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

/// An error with a hint about what to do next.
#[derive(Debug)]
pub struct CliError {
    message: String,
    hint: String,
    exit: CliExit,
}

impl CliError {
    /// Exit code 2: what is wrong, and what to do next.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { message: what.into(), hint: next.into(), exit: CliExit::Usage }
    }

    /// Exit code 1: what failed, and what to do next.
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

/// Prints an error and its hint on stderr; returns the exit code.
pub fn report_error(error: &anyhow::Error) -> CliExit {
    if is_broken_pipe(error) {
        return CliExit::Done;
    }
    print_stderr(&format_error(error));
    error.downcast_ref::<CliError>().map_or(CliExit::Failed, |problem| problem.exit)
}

/// `hotseat: what failed: why`, then the hint.
fn format_error(error: &anyhow::Error) -> String {
    let what = format!("hotseat: {error:#}");
    match error.downcast_ref::<CliError>() {
        Some(problem) => format!("{what}\n  {}", problem.hint),
        None => what,
    }
}

/// Whether the reader of our output closed it (`hotseat … | head`), which is no
/// failure.
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
