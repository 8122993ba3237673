//! `hotseat completions SHELL`: the completion script, on stdout.

use std::io::Write;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::exit::Exit;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell to complete for.
    shell: Shell,
}

/// Prints the script.
pub fn run(arguments: &Completions) -> Result<Exit> {
    // The generator panics when its writer fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "hotseat", &mut script);
    std::io::stdout().write_all(&script).context("printing the completion script")?;
    Ok(Exit::Done)
}
