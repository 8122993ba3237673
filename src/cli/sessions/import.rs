//! `hotseat sessions import`: transcripts and packed sessions, taken in.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionError, ActionReport, OutputArgs};
use crate::cli::exit::CliExit;
use crate::store::{ImportRequest, SessionStore};

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Transcripts (.jsonl), or files that “move --to-file” wrote; “-” is stdin.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder the sessions are to belong to; without it the one they were
    /// started in.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// As copies with ids of their own, also where the session is here already.
    #[arg(long)]
    fork: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl ImportArgs {
    /// Takes them in; nothing that is here is written over.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let here = std::env::current_dir().context("finding the current folder")?;
        let mut outcomes = ActionReport::default();
        for file in &self.files {
            outcomes.push(&file.display().to_string(), self.import_file(stock, file, &here));
        }
        outcomes.print(self.answer)
    }

    fn import_file(
        &self,
        stock: &SessionLookup,
        file: &Path,
        here: &Path,
    ) -> Result<ActionDone, ActionError> {
        let import = ImportRequest { cwd: self.to.as_deref(), default_cwd: here, as_fork: self.fork };
        let id = if file == Path::new("-") {
            stock.store.import(from_stdin()?.path(), &import)?
        } else {
            stock.store.import(file, &import)?
        };
        let (title, path) = (stock.title(id)?, stock.store.find(id)?.path);
        let done = ActionDone::new(id, format!("“{title}” is here, in {}", path.display()));
        let done = done.with("title", title).with("path", path.display().to_string());
        Ok(done.undo(&["delete", &id.to_string()]))
    }
}

/// What comes in, in a file that is gone when it was read.
fn from_stdin() -> Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("making a file for what comes in")?;
    let copied = std::io::copy(&mut std::io::stdin().lock(), &mut file);
    copied.context("reading stdin")?;
    file.flush().and_then(|()| file.rewind()).context("writing what came in")?;
    Ok(file)
}
