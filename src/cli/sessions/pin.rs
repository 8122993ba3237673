//! `hotseat sessions pin | unpin`: a copy that no clean-up deletes.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::store::SessionStore;
use crate::text::clean_line;

/// What `pin` is told.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// The sessions; none: list the pinned ones.
    #[arg(value_name = "REF", add = session_completer())]
    references: Vec<String>,
    #[command(flatten)]
    answer: OutputArgs,
}

impl PinArgs {
    /// Lists, or pins.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        if self.references.is_empty() {
            return self.list(stock);
        }
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            stock.store.pin(id)?;
            let said = format!("“{}” is pinned: no clean-up can take it", stock.title(id)?);
            Ok(ActionDone::new(id, said).undo(&["unpin", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }

    fn list(&self, stock: &SessionLookup) -> Result<CliExit> {
        let pinned = stock.store.pinned().context("reading the pins")?;
        let rows = pinned.iter().map(|pinned| (pinned.id, stock.title(pinned.id).unwrap_or_default()));
        let text = if self.answer.json {
            let rows = rows.map(|(id, title)| json!({ "session_id": id, "title": title }));
            format!("{:#}\n", json!({ "pinned": rows.collect::<Vec<_>>() }))
        } else if pinned.is_empty() {
            "Nothing is pinned.\n".to_owned()
        } else {
            let lines: Vec<_> = rows.map(|(id, title)| format!("{id}  {}", clean_line(&title))).collect();
            lines.join("\n") + "\n"
        };
        std::io::stdout().write_all(text.as_bytes()).context("printing the pins")?;
        Ok(CliExit::Done)
    }
}

/// What `unpin` is told.
#[derive(Debug, clap::Args)]
pub struct UnpinArgs {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    #[command(flatten)]
    answer: OutputArgs,
}

impl UnpinArgs {
    /// Gives the copies up.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let title = stock.title(id)?;
            stock.store.unpin(id)?;
            let said = format!("“{title}” is not pinned any more");
            Ok(ActionDone::new(id, said).undo(&["pin", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }
}
