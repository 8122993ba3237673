//! `hotseat sessions delete`: moves sessions to the trash; `restore` undoes it.

use anyhow::Result;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::store::SessionStore;

#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    /// Sessions to delete.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    /// Also delete sessions that another live process has open.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl DeleteArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let title = stock.title(id)?;
            if self.force {
                stock.store.delete_even_if_open(id)?;
            } else {
                stock.store.delete(id)?;
            }
            let pinned = if stock.store.is_pinned(id) { "; the pinned copy stays" } else { "" };
            let done = ActionDone::new(id, format!("moved “{title}” to the trash{pinned}"))
                .with("title", title.as_str());
            Ok(done.undo(&["restore", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }
}
