//! Where output goes: a terminal with a width, or a pipe.
//!
//! Every line that a command prints, on stdout or stderr, is printed here, so that
//! nothing in it acts on a terminal. Nothing else of `cli` writes to either.

use std::io::{BufWriter, IsTerminal, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use crossterm::style::Stylize;

use crate::text;

/// Width of a terminal that does not report one.
const DEFAULT_WIDTH: usize = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputTarget {
    /// Columns of the terminal; `None` in a pipe or a file.
    pub width: Option<usize>,
    /// Whether to use colours and weights.
    pub styled: bool,
}

impl OutputTarget {
    pub fn stdout() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self { width: None, styled: false };
        }
        let size = crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = size.filter(|columns| *columns > 0).unwrap_or(DEFAULT_WIDTH);
        Self { width: Some(width), styled: !no_color }
    }

    /// Dim, if styled.
    pub fn dim(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.dim().to_string() } else { text.to_owned() }
    }

    /// Bold, if styled.
    pub fn bold(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.bold().to_string() } else { text.to_owned() }
    }

    /// A match of a search, if styled.
    pub fn highlight(self, text: &str) -> String {
        if self.styled && !text.is_empty() { text.bold().yellow().to_string() } else { text.to_owned() }
    }

    /// Prints a text that comes in pieces, on a terminal through `$PAGER`. Leaving the pager early is
    /// no failure; if it cannot be started, the text is printed directly.
    pub fn show_in_pager(self, pieces: impl Fn(&mut PrintPiece<'_>) -> Result<()>) -> Result<()> {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        if self.width.is_none() || pager.trim().is_empty() {
            return print_pieces(pieces);
        }
        let mut command = Command::new("sh");
        command.args(["-c", &pager]).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // F: no paging of one screen, R: colours, X: do not clear.
            command.env("LESS", "FRX");
        }
        let mut pager = command.spawn().context("cannot start the pager")?;
        if let Some(stdin) = pager.stdin.take() {
            let mut stdin = BufWriter::new(stdin);
            let written = pieces(&mut |text| Ok(stdin.write_all(text::clean_output(text).as_bytes())?));
            let written = written.and_then(|()| Ok(stdin.flush()?));
            // It fails if the pager was closed early.
            let is_closed = |error: &anyhow::Error| {
                let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
                kind == Some(std::io::ErrorKind::BrokenPipe)
            };
            written.or_else(|error| if is_closed(&error) { Ok(()) } else { Err(error) })?;
        }
        // The shell's codes for a program that cannot be run or found.
        match pager.wait().context("cannot wait for the pager")?.code() {
            Some(126 | 127) => print_pieces(pieces),
            _ => Ok(()),
        }
    }
}

/// Prints a piece of a text.
pub type PrintPiece<'a> = dyn FnMut(&str) -> Result<()> + 'a;

fn print_pieces(pieces: impl Fn(&mut PrintPiece<'_>) -> Result<()>) -> Result<()> {
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    pieces(&mut |text| {
        stdout.write_all(text::clean_output(text).as_bytes()).context("cannot write to stdout")
    })?;
    stdout.flush().context("cannot write to stdout")
}

/// Prints text for a person.
pub fn print(text: &str) -> Result<()> {
    write(&text::clean_output(text))
}

/// Prints JSON on one line.
pub fn print_json(answer: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(answer).context("cannot write JSON")?;
    print_json_text(&(text + "\n"))
}

/// Prints JSON text. Characters that act on a terminal become escapes of the same
/// value, also in a pipe, which may end at a terminal.
pub fn print_json_text(json: &str) -> Result<()> {
    write(&text::escape_json(json))
}

/// Prints what a program reads, such as a path or an HTML page: as it is into a pipe
/// or a file, like other text on a terminal.
pub fn print_exact(text: &str) -> Result<()> {
    if std::io::stdout().is_terminal() { print(text) } else { write(text) }
}

/// Stdout for JSON lines, which are escaped if a terminal shows them.
pub fn json_lines() -> Box<dyn Write + Send> {
    let stdout = std::io::stdout();
    if stdout.is_terminal() { Box::new(EscapedJson(stdout)) } else { Box::new(stdout) }
}

/// Escapes whole lines of JSON; each write has whole ones.
struct EscapedJson<W>(W);

impl<W: Write> Write for EscapedJson<W> {
    fn write(&mut self, lines: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(text::escape_json(&String::from_utf8_lossy(lines)).as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn write(text: &str) -> Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")
}

/// Prints a line on stderr. If stderr is closed, nobody can read it anyway.
pub fn print_stderr(text: &str) {
    writeln!(std::io::stderr(), "{}", text::clean_output(text)).ok();
}

/// Prints what clap says of a command line: help to stdout, errors to stderr. An
/// error quotes the arguments as they are.
pub fn print_clap(answer: &clap::Error) {
    if !answer.use_stderr() {
        // If stdout is closed, nobody reads it.
        answer.print().ok();
        return;
    }
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let rendered = answer.render();
    let styled = std::io::stderr().is_terminal() && !is_set("NO_COLOR");
    let text = if styled { rendered.ansi().to_string() } else { rendered.to_string() };
    print_stderr(text.trim_end());
}
