//! A command line as the shell will read it: the simple commands in it, with
//! quotes, escapes and expansions resolved as far as they are known beforehand.
//!
//! Owns the one place that knows shell grammar. `brush-parser` reads the
//! grammar; [`prescan`] refuses first what it is known to read differently from
//! bash, so that a difference becomes a question and never a permission. Runs
//! nothing and looks at no file. Start at [`ShellScript::parse`].

mod ansi_c;
mod braces;
mod expansion;
mod prescan;
mod walk;
mod word;
mod wrappers;

use std::path::Path;

pub use expansion::home;
pub use word::{HoleText, ShellWord};

/// Programs started by programs, this deep; a line that goes deeper is not read.
const MAX_DEPTH: usize = 8;
/// Simple commands in one line; a line with more is not read.
const MAX_COMMANDS: usize = 500;

/// Everything that a command line may run and open.
#[derive(Debug, Clone, Default)]
pub struct ShellScript {
    /// Each simple command, in order; those of substitutions, functions, loops
    /// and wrappers are among them.
    pub commands: Vec<SimpleCommand>,
    /// The files that redirections open.
    pub redirects: Vec<Redirect>,
    /// Words that are assigned to variables, and those a loop goes through.
    pub assigned_words: Vec<ShellWord>,
    /// It is nothing but commands, joined by `;`, `&&`, `||` and `|`: no loops,
    /// functions, substitutions or subshells.
    pub is_plain: bool,
    /// Some of it goes on in the background.
    pub in_background: bool,
}

/// A program and its arguments.
#[derive(Debug, Clone, Default)]
pub struct SimpleCommand {
    /// `NAME=value` before the name.
    pub assignments: Vec<(String, ShellWord)>,
    /// The name and its arguments.
    pub words: Vec<ShellWord>,
    pub started_by: StartedBy,
    /// Code that it runs and that is not a shell's, such as an `awk` program, or
    /// that arrives on its standard input.
    pub code: Vec<Code>,
    /// It starts other programs that are listed behind it.
    pub wraps: Option<Wrapping>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StartedBy {
    /// The line itself.
    #[default]
    Line,
    /// A command or process substitution in the line.
    Substitution,
    /// The command before it, which only adds to how it runs: `timeout 5 …`.
    Wrapper,
    /// The command before it, which may run it otherwise than it is written:
    /// `xargs`, `find -exec`, `sh -c`, `sudo`.
    Launcher,
}

/// What a wrapping command does with the commands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Nothing of its own: a rule that allows the inner command is enough.
    Transparent,
    /// More: user, environment, arguments or place are others.
    Launching,
}

/// Code that is run by a command.
#[derive(Debug, Clone)]
pub enum Code {
    /// In a language that is not parsed here.
    Text(String),
    /// From somewhere that is not known before it runs, such as a pipe.
    Unknown,
}

/// A file that the shell itself opens.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// Which one.
    pub target: ShellWord,
    /// It is written; otherwise it is read.
    pub writes: bool,
}

/// Why a command line is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);

impl ShellScript {
    /// Reads a line as `bash -c` would. `cwd` is what `$PWD` and `~+` mean.
    pub fn parse(line: &str, cwd: &Path) -> Result<Self, NotUnderstood> {
        let mut walk = walk::Walk::new(cwd);
        walk.script(line, StartedBy::Line, 0)?;
        walk.into_script()
    }
}

impl SimpleCommand {
    /// The program's name without its folders, if it is known.
    pub fn name(&self) -> Option<String> {
        let word = self.words.first()?.literal()?;
        Some(word.rsplit('/').next().unwrap_or_default().to_owned())
    }

    /// The words behind the name.
    pub fn arguments(&self) -> &[ShellWord] {
        self.words.get(1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
