//! `hotseat sessions list`: a table for a terminal, a line each for a pipe.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result};

use super::reference::Stock;
use crate::cli::exit::Exit;
use crate::store::Scope;
use crate::tui::view::text::clean_line;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct List {
    /// The sessions of all projects, not only of this folder's.
    #[arg(long)]
    all: bool,
}

impl List {
    /// Prints the list, the last active session first.
    pub fn run(&self, stock: &Stock) -> Result<Exit> {
        let here = std::env::current_dir().context("finding the current folder")?;
        let scope = if self.all { Scope::All } else { Scope::Project(here) };
        let mut text = String::new();
        for row in stock.rows_of(&scope)?.iter().filter(|row| row.facts.title.is_some()) {
            let _ = writeln!(text, "{}\t{}", row.stored.id, clean_line(row.facts.title_text()));
        }
        std::io::stdout().write_all(text.as_bytes()).context("printing the list")?;
        Ok(Exit::Done)
    }
}
