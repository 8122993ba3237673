//! `hotseat man [DIR]`: the manual, a page for each command.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::arguments::Arguments;
use super::exit::CliExit;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The folder to write all pages to, such as ~/.local/share/man/man1; without
    /// it the first page is printed.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Writes the pages.
pub fn run(man: &ManArgs) -> Result<CliExit> {
    let command = Arguments::command();
    match &man.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            clap_mangen::generate_to(command, folder)
                .with_context(|| format!("cannot write the pages to {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("writing the page")?;
            std::io::stdout().write_all(&page).context("printing the page")?;
        }
    }
    Ok(CliExit::Done)
}
