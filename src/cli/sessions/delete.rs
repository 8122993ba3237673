//! `hotseat sessions delete`: to the trash, from which `restore` brings back.

use anyhow::Result;

use super::outcome::{Answer, Done, Outcomes};
use super::reference::Stock;
use crate::cli::completions::sessions;
use crate::cli::exit::Exit;
use crate::store::SessionStore;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = sessions())]
    references: Vec<String>,
    /// Also those that another live process has open.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    answer: Answer,
}

impl Delete {
    /// Moves them to the trash.
    pub fn run(&self, stock: &Stock) -> Result<Exit> {
        let outcomes = Outcomes::of_each(stock, &self.references, |id| {
            let title = stock.title(id)?;
            if self.force {
                stock.store.delete_open(id)?;
            } else {
                stock.store.delete(id)?;
            }
            let pinned = if stock.store.has_pin(id) { "; its pinned copy is kept" } else { "" };
            let done =
                Done::new(id, format!("“{title}” is in the trash{pinned}")).with("title", title.as_str());
            Ok(done.undo(&["restore", &id.to_string()]))
        });
        outcomes.tell(self.answer)
    }
}
