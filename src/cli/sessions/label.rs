//! `hotseat sessions rename | tag`: the two names a person gives.

use anyhow::Result;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliError, CliExit};
use crate::session::summary::TitleSource;
use crate::store::SessionStore;

/// What `rename` is told.
#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// The session.
    #[arg(value_name = "REF", add = session_completer())]
    reference: String,
    /// Its title; empty takes the given one away.
    title: String,
    #[command(flatten)]
    answer: OutputArgs,
}

impl RenameArgs {
    /// Appends the title.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, std::slice::from_ref(&self.reference), |id| {
            let before = stock.title_with_source(id)?;
            stock.store.rename(id, &self.title)?;
            let (old, now) = (before.as_ref().map_or("(empty)", |title| &title.text), stock.title(id)?);
            let given = before.as_ref().filter(|title| title.source == TitleSource::Custom);
            let undo = given.map_or("", |title| &title.text);
            let done = ActionDone::new(id, format!("“{old}” is “{now}” now")).with("title", now.as_str());
            Ok(done.undo(&["rename", &id.to_string(), undo]))
        });
        outcomes.print(self.answer)
    }
}

/// What `tag` is told.
#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// The sessions, and last the tag.
    #[arg(value_name = "REF… TAG", required = true, num_args = 1.., add = session_completer())]
    words: Vec<String>,
    /// Take the tag away; all words are sessions.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl TagArgs {
    /// Appends the tag.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let (references, tag) = match self.words.split_last() {
            _ if self.remove => (&self.words[..], ""),
            Some((tag, references)) if !references.is_empty() => (references, tag.as_str()),
            _ => {
                let next = "Write it last: hotseat sessions tag REF… TAG; or take one away with --remove.";
                return Err(CliError::usage("there is no tag", next).into());
            }
        };
        let outcomes = ActionReport::for_each(stock, references, |id| {
            let facts = stock.summary(id)?;
            stock.store.tag(id, tag)?;
            let title = facts.title_text();
            let said = if tag.is_empty() {
                format!("“{title}” has no tag now")
            } else {
                format!("“{title}” is tagged #{tag}")
            };
            let before = facts.tag.as_deref().unwrap_or_default();
            Ok(ActionDone::new(id, said).with("tag", tag).undo(&["tag", &id.to_string(), before]))
        });
        outcomes.print(self.answer)
    }
}
