//! `hotseat sessions pin | unpin`: protects sessions from the official clean-up by a
//! hard link outside the folders that it searches.

use anyhow::{Context, Result};
use serde_json::json;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs, print_answer};
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::store::SessionStore;
use crate::text::clean_line;

#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// Sessions to pin; without any, list the pinned ones.
    #[arg(value_name = "REF", add = session_completer())]
    references: Vec<String>,
    #[command(flatten)]
    answer: OutputArgs,
}

impl PinArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        if self.references.is_empty() {
            return self.list(stock);
        }
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            stock.store.pin(id)?;
            let said = format!("pinned “{}”", stock.title(id)?);
            Ok(ActionDone::new(id, said).undo(&["unpin", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }

    fn list(&self, stock: &SessionLookup) -> Result<CliExit> {
        let pinned = stock.store.pinned().context("cannot read the pins")?;
        let rows = pinned.iter().map(|pinned| (pinned.id, stock.title(pinned.id).unwrap_or_default()));
        let text = if self.answer.json {
            let rows = rows.map(|(id, title)| json!({ "session_id": id, "title": title }));
            format!("{:#}\n", json!({ "pinned": rows.collect::<Vec<_>>() }))
        } else if pinned.is_empty() {
            "No pinned sessions.\n".to_owned()
        } else {
            let lines: Vec<_> = rows.map(|(id, title)| format!("{id}  {}", clean_line(&title))).collect();
            lines.join("\n") + "\n"
        };
        print_answer(&text, self.answer)?;
        Ok(CliExit::Done)
    }
}

#[derive(Debug, clap::Args)]
pub struct UnpinArgs {
    /// Sessions to unpin.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    #[command(flatten)]
    answer: OutputArgs,
}

impl UnpinArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let title = stock.title(id)?;
            stock.store.unpin(id)?;
            let said = format!("unpinned “{title}”");
            Ok(ActionDone::new(id, said).undo(&["pin", &id.to_string()]))
        });
        outcomes.print(self.answer)
    }
}
