//! `hotseat sessions fork`: go on in a copy, here or in another folder.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionReport, OutputArgs, done_text};
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliExit, print_stderr};
use crate::session::Transcript;
use crate::store::{ForkSpec, SessionStore};
use crate::transcript::TranscriptText;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = session_completer())]
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
    /// Also take entries out of broken lines, and say what was mended. (A copy
    /// always goes on where an entry is missing.)
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl ForkArgs {
    /// Copies; the ids of the copies are all that goes to stdout.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let fork = ForkSpec {
                id: None,
                at: self.at.as_deref(),
                title: self.title.as_deref(),
                cwd: self.cwd.as_deref(),
                repair: self.repair,
            };
            let forked = stock.store.fork(id, &fork)?;
            let mended = if self.repair {
                format!(": {}", forked.repairs)
            } else if has_broken_lines(&stock.store.read(id)?) {
                "; some of its lines are broken, and --repair takes out what is whole in them".to_owned()
            } else {
                String::new()
            };
            let said = format!("“{}” was forked as “{}”{mended}", stock.title(id)?, stock.title(forked.id)?);
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
            writeln!(std::io::stdout(), "{}", done.id()).context("printing the copy's id")?;
            print_stderr(done_text(done).trim_end());
        }
        Ok(outcomes.print_failures(self.answer))
    }
}

/// A repaired copy may hold more.
fn has_broken_lines(bytes: &[u8]) -> bool {
    Transcript::read(&TranscriptText::read(bytes)).health.torn > 0
}
