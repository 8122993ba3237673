//! Where a command's answer goes: a terminal of some width, or a pipe.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use crossterm::style::Stylize;

/// The width that is taken where a terminal does not say its own.
const DEFAULT_WIDTH: usize = 80;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputTarget {
    /// The terminal's cells; none in a pipe or a file.
    pub width: Option<usize>,
    /// Weights and colours are welcome.
    pub styled: bool,
}

impl OutputTarget {
    /// The page that stdout is.
    pub fn stdout() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self { width: None, styled: false };
        }
        let told = crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = told.filter(|columns| *columns > 0).unwrap_or(DEFAULT_WIDTH);
        Self { width: Some(width), styled: !refused }
    }

    /// Of less weight, where that can be shown.
    pub fn dim(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.dim().to_string() } else { text.to_owned() }
    }

    /// Of more weight.
    pub fn bold(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.bold().to_string() } else { text.to_owned() }
    }

    /// What was looked for.
    pub fn highlight(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.bold().yellow().to_string() } else { text.to_owned() }
    }

    /// Shows a long text: through the person's pager on a terminal, else as it
    /// is. A pager that is left early is no failure, one that cannot be started
    /// is done without.
    pub fn show_in_pager(self, text: &str) -> Result<()> {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        if self.width.is_none() || pager.trim().is_empty() {
            return print(text);
        }
        let mut command = Command::new("sh");
        command.args(["-c", &pager]).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Raw colours, and no paging of what fits the screen.
            command.env("LESS", "FRX");
        }
        let mut pager = command.spawn().context("starting the pager")?;
        if let Some(mut stdin) = pager.stdin.take() {
            let _read_or_left = stdin.write_all(text.as_bytes());
        }
        // The shell's word for a program that is not there.
        match pager.wait().context("waiting for the pager")?.code() {
            Some(126 | 127) => print(text),
            _ => Ok(()),
        }
    }
}

/// Prints all of an answer at once.
pub fn print(text: &str) -> Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes()).context("printing the answer")
}

/// Prints an answer for programs, on one line where they read lines.
pub fn print_json(answer: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(answer).context("writing the answer as JSON")?;
    print(&(text + "\n"))
}
