//! `hotseat sessions import`: imports transcripts and packed sessions.

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionError, ActionReport, OutputArgs};
use crate::cli::exit::CliExit;
use crate::store::{ImportRequest, SessionStore};

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Transcripts (.jsonl), or files written by `move --to-file`; - is stdin.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Folder the sessions will belong to; default: the one they were started in.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Import as copies with new ids, even if the session exists here.
    #[arg(long)]
    fork: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl ImportArgs {
    /// Never overwrites an existing session.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let here = std::env::current_dir().context("cannot find the current folder")?;
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
        let done = ActionDone::new(id, format!("imported “{title}” to {}", path.display()));
        let done = done.with("title", title).with("path", path.display().to_string());
        Ok(done.undo(&["delete", &id.to_string()]))
    }
}

/// stdin as a temporary file.
fn from_stdin() -> Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    let copied = std::io::copy(&mut std::io::stdin().lock(), &mut file);
    copied.context("cannot read stdin")?;
    file.flush().and_then(|()| file.rewind()).context("cannot write the temporary file")?;
    Ok(file)
}
