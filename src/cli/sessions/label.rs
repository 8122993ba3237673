//! `hotseat sessions rename | tag`: title and tag.

use anyhow::Result;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliError, CliExit};
use crate::session::summary::TitleSource;
use crate::store::SessionStore;

#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// Session to rename.
    #[arg(value_name = "REF", add = session_completer())]
    reference: String,
    /// New title; an empty one removes the title you gave.
    title: String,
    #[command(flatten)]
    answer: OutputArgs,
}

impl RenameArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, std::slice::from_ref(&self.reference), |id| {
            let before = stock.title_with_source(id)?;
            stock.store.rename(id, &self.title)?;
            let (old, now) = (before.as_ref().map_or("(empty)", |title| &title.text), stock.title(id)?);
            let given = before.as_ref().filter(|title| title.source == TitleSource::Custom);
            let undo = given.map_or("", |title| &title.text);
            let done = ActionDone::new(id, format!("renamed “{old}” to “{now}”")).with("title", now.as_str());
            Ok(done.undo(&["rename", &id.to_string(), undo]))
        });
        outcomes.print(self.answer)
    }
}

#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// Sessions, and the tag as the last word.
    #[arg(value_name = "REF… TAG", required = true, num_args = 1.., add = session_completer())]
    words: Vec<String>,
    /// Remove the tag; all words are sessions.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl TagArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let (references, tag) = match self.words.split_last() {
            _ if self.remove => (&self.words[..], ""),
            Some((tag, references)) if !references.is_empty() => (references, tag.as_str()),
            _ => {
                let next = "Put it last: hotseat sessions tag REF… TAG. To remove a tag: --remove.";
                return Err(CliError::usage("no tag given", next).into());
            }
        };
        let outcomes = ActionReport::for_each(stock, references, |id| {
            let facts = stock.summary(id)?;
            stock.store.tag(id, tag)?;
            let title = facts.title_text();
            let message = if tag.is_empty() {
                format!("removed the tag of “{title}”")
            } else {
                format!("tagged “{title}” #{tag}")
            };
            let before = facts.tag.as_deref().unwrap_or_default();
            Ok(ActionDone::new(id, message).with("tag", tag).undo(&["tag", &id.to_string(), before]))
        });
        outcomes.print(self.answer)
    }
}
