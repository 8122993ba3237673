//! `hotseat sessions delete`: to the trash, from which `restore` brings back.

use anyhow::Result;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::store::SessionStore;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    /// Also those that another live process has open.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl DeleteArgs {
    /// Moves them to the trash.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let title = stock.title(id)?;
            if self.force {
                stock.store.delete_even_if_open(id)?;
            } else {
                stock.store.delete(id)?;
            }
            let pinned = if stock.store.is_pinned(id) { "; its pinned copy is kept" } else { "" };
            let done = ActionDone::new(id, format!("“{title}” is in the trash{pinned}"))
                .with("title", title.as_str());
            Ok(done.undo(&["restore", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }
}
