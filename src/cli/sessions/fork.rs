//! `hotseat sessions fork`: go on in a copy, here or in another folder.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::outcome::{Answer, Done, Outcomes, told};
use super::reference::Stock;
use crate::cli::completions::sessions;
use crate::cli::exit::{Exit, say};
use crate::session::Transcript;
use crate::store::{Fork, SessionStore};

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct ForkOf {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = sessions())]
    references: Vec<String>,
    /// The last message to copy, by its uuid.
    #[arg(long, value_name = "UUID")]
    at: Option<String>,
    /// The copy's title; without it the original's with the next number.
    #[arg(long)]
    title: Option<String>,
    /// The folder the copy belongs to; without it the original's.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Mend a broken session in the copy: go on where the conversation is cut off,
    /// and take the entries out of torn lines.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    answer: Answer,
}

impl ForkOf {
    /// Copies; the ids of the copies are all that goes to stdout.
    pub fn run(&self, stock: &Stock) -> Result<Exit> {
        let outcomes = Outcomes::of_each(stock, &self.references, |id| {
            let fork = Fork {
                id: None,
                at: self.at.as_deref(),
                title: self.title.as_deref(),
                cwd: self.cwd.as_deref(),
                repair: self.repair,
            };
            let forked = stock.store.fork(id, &fork)?;
            let mended = if self.repair {
                format!(": {}", forked.mended)
            } else if is_cut_off(&stock.store.read(id)?) {
                "; it is cut off where an entry is missing, and --repair goes on there".to_owned()
            } else {
                String::new()
            };
            let said = format!("“{}” was forked as “{}”{mended}", stock.title(id)?, stock.title(forked.id)?);
            let done = Done::new(forked.id, said).with("forked_from", id.to_string());
            let done =
                done.with("mended_cuts", forked.mended.cuts).with("salvaged_entries", forked.mended.salvaged);
            Ok(done.undo(&["delete", &forked.id.to_string()]))
        });
        if self.answer.json {
            return outcomes.tell(self.answer);
        }
        for done in outcomes.done() {
            writeln!(std::io::stdout(), "{}", done.id()).context("printing the copy's id")?;
            say(told(done).trim_end());
        }
        Ok(outcomes.complain(self.answer))
    }
}

/// A repaired copy would hold more.
fn is_cut_off(bytes: &[u8]) -> bool {
    let transcript = Transcript::parse(bytes);
    !transcript.cuts(transcript.leaf()).is_empty()
}
