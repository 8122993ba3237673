//! `hotseat man [DIR]`: man pages, one per command.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::arguments::Arguments;
use super::exit::CliExit;
use super::output;

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Folder for the pages of all commands, such as ~/.local/share/man/man1;
    /// without it, the main page is printed.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub fn run(man: &ManArgs) -> Result<CliExit> {
    let command = Arguments::command();
    match &man.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            clap_mangen::generate_to(command, folder)
                .with_context(|| format!("cannot write the pages to {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("cannot write the page")?;
            output::print_exact(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(CliExit::Done)
}
