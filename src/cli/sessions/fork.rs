//! `hotseat sessions fork`: copies sessions, here or into another folder.

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::Result;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs, done_text};
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::cli::output::{self, print_stderr};
use crate::session::summary::fork_title;
use crate::session::{SessionId, Transcript};
use crate::store::{ForkSpec, SessionStore, StoreError};
use crate::transcript::TranscriptText;

#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    /// Sessions to copy.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    /// Uuid of the last message to copy.
    #[arg(long, value_name = "UUID")]
    at: Option<String>,
    /// Title of the copy; default: the original's title with the next number.
    #[arg(long)]
    title: Option<String>,
    /// Folder the copy belongs to; default: the original's.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Also recover entries from damaged lines, and report repairs. (A copy always
    /// bridges missing entries.)
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl ForkArgs {
    /// Prints only the ids of the copies to stdout.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let given = RefCell::default();
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let title = match &self.title {
                Some(title) => Some(title.clone()),
                // A repaired copy is named so, if there is something to repair.
                None if self.repair => None,
                None => Some(self.next_title(stock, id, &given)?),
            };
            given.borrow_mut().extend(title.clone());
            let fork = ForkSpec {
                id: None,
                at: self.at.as_deref(),
                title: title.as_deref(),
                cwd: self.cwd.as_deref(),
                repair: self.repair,
            };
            let forked = stock.store.fork(id, &fork)?;
            let repair = if self.repair {
                format!(": {}", forked.repairs)
            } else if has_broken_lines(&stock.store.read(id)?) {
                "; some of its lines are damaged (--repair recovers entries from them)".to_owned()
            } else {
                String::new()
            };
            let said = format!("forked “{}” as “{}”{repair}", stock.title(id)?, stock.title(forked.id)?);
            let done = ActionDone::new(forked.id, said).with("forked_from", id.to_string());
            let done = done
                .with("mended_cuts", forked.repairs.bridged_gaps)
                .with("salvaged_entries", forked.repairs.recovered_entries);
            Ok(done.undo(&["delete", &forked.id.to_string()]))
        });
        if self.answer.json {
            return outcomes.print(self.answer);
        }
        for done in outcomes.done() {
            output::print(&format!("{}\n", done.id()))?;
            print_stderr(done_text(done).trim_end());
        }
        Ok(outcomes.print_failures(self.answer))
    }
}

impl ForkArgs {
    /// The title with the number that comes next, of those that all sessions have and those that
    /// were `given` by now.
    fn next_title(
        &self,
        stock: &SessionLookup,
        id: SessionId,
        given: &RefCell<Vec<String>>,
    ) -> Result<String, StoreError> {
        let (title, given) = (stock.title(id)?, given.borrow());
        let taken = stock.all_rows()?.iter().map(|row| row.facts.title_text());
        Ok(fork_title(&title, taken.chain(given.iter().map(String::as_str))))
    }
}

/// A repaired copy may hold more.
fn has_broken_lines(bytes: &[u8]) -> bool {
    Transcript::read(&TranscriptText::read(bytes)).health.torn > 0
}
