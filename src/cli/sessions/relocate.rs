//! `hotseat sessions move`: to another folder's project, or into a file for another
//! host.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::archive_receiver::ArchiveReceiver;
use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionError, ActionReport, OutputArgs, done_text};
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output::print_stderr;
use crate::session::raw_entry::RawEntry;
use crate::session::{SessionId, Transcript};
use crate::store::{SessionStore, belongs_to_cwd};

#[derive(Debug, clap::Args)]
pub struct MoveArgs {
    /// Sessions to move.
    #[arg(value_name = "REF", required_unless_present = "from", add = session_completer())]
    references: Vec<String>,
    /// Move every session of this folder, which was renamed or moved.
    #[arg(long, value_name = "DIR", requires = "to", conflicts_with_all = ["references", "to_file"])]
    from: Option<PathBuf>,
    /// Folder they will belong to; the official CLI finds them there.
    #[arg(long, value_name = "DIR", required_unless_present = "to_file")]
    to: Option<PathBuf>,
    /// Pack one session into this new file, for `import` on another host, and move it
    /// to the trash here; - is stdout.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
    /// With --to-file: keep the session here, too.
    #[arg(long, requires = "to_file")]
    keep: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

impl MoveArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        match (&self.to, &self.to_file) {
            (Some(folder), _) => match &self.from {
                Some(from) => self.all_of(stock, from, folder),
                None => self.to_folder(stock, folder),
            },
            (None, Some(file)) => self.to_file(stock, file),
            (None, None) => {
                Err(CliError::usage("no destination given", "Add --to DIR or --to-file FILE.").into())
            }
        }
    }

    fn to_folder(&self, stock: &SessionLookup, folder: &Path) -> Result<CliExit> {
        if !folder.is_dir() {
            print_stderr(&format!(
                "hotseat: warning: the folder {} does not exist; moving the sessions anyway",
                folder.display()
            ));
        }
        let here = std::env::current_dir().context("cannot find the current folder")?;
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let (title, from) = (stock.title(id)?, project_folder(stock, id, &here)?);
            let Some(path) = stock.store.move_to(id, folder)? else {
                return Ok(ActionDone::new(id, format!("“{title}” already belongs there")));
            };
            let done = ActionDone::new(id, format!("moved “{title}” to {}", folder.display()));
            let done = done.with("path", path.display().to_string());
            Ok(match from {
                Some(from) => done.undo(&["move", &id.to_string(), "--to", &from.display().to_string()]),
                None => done,
            })
        });
        outcomes.print(self.answer)
    }

    fn all_of(&self, stock: &SessionLookup, from: &Path, folder: &Path) -> Result<CliExit> {
        let moved = stock.store.move_all(from, folder)?;
        let mut outcomes = ActionReport::default();
        for id in &moved {
            let done = ActionDone::new(*id, format!("moved “{}” to {}", stock.title(*id)?, folder.display()));
            let back = ["move", &id.to_string(), "--to", &from.display().to_string()].map(str::to_owned);
            outcomes.push("", Ok(done.undo(&back.each_ref().map(String::as_str))));
        }
        if moved.is_empty() {
            let next = "`hotseat sessions list --all project:NAME` shows which folder a session works in.";
            return Err(CliError::failed(format!("no session works in {}", from.display()), next).into());
        }
        outcomes.print(self.answer)
    }

    fn to_file(&self, stock: &SessionLookup, file: &Path) -> Result<CliExit> {
        let [reference] = &self.references[..] else {
            let next = "Move them one by one, each to its own file.";
            return Err(CliError::usage("--to-file takes one session", next).into());
        };
        let is_stdout = file == Path::new("-");
        let mut outcomes = ActionReport::default();
        let moved = stock.resolve(reference).map_err(Into::into).and_then(|id| self.pack(stock, id, file));
        outcomes.push(reference, moved);
        if is_stdout {
            // The archive has stdout, so a person reads the rest on stderr.
            for done in outcomes.done() {
                print_stderr(done_text(done).trim_end());
            }
            return Ok(outcomes.print_failures(self.answer));
        }
        outcomes.print(self.answer)
    }

    fn pack(&self, stock: &SessionLookup, id: SessionId, file: &Path) -> Result<ActionDone, ActionError> {
        let title = stock.title(id)?;
        if file == Path::new("-") {
            let doing = || "cannot write the archive to stdout; the session stays here";
            let mut receiver = ArchiveReceiver::stdout().with_context(doing)?;
            stock.store.export_archive(id, &mut receiver)?;
            receiver.finish().with_context(doing)?;
        } else {
            write_packed(stock, id, file)?;
        }
        let done = ActionDone::new(id, format!("packed “{title}” into {}", file.display()));
        if self.keep {
            return Ok(done);
        }
        stock.store.delete(id)?;
        let said = format!("packed “{title}” into {} and moved it to the trash", file.display());
        Ok(ActionDone::new(id, said)
            .with("path", file.display().to_string())
            .undo(&["restore", &id.to_string()]))
    }
}

/// Writes the whole file or none, and never replaces one.
fn write_packed(stock: &SessionLookup, id: SessionId, file: &Path) -> Result<(), ActionError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let doing = || format!("cannot create {}", file.display());
    let mut packed = tempfile::NamedTempFile::new_in(folder).with_context(doing)?;
    stock.store.export_archive(id, &mut packed)?;
    packed.as_file().sync_all().with_context(doing)?;
    packed.persist_noclobber(file).with_context(doing)?;
    Ok(())
}

/// How much of each end of a transcript is searched for its working folders.
const END_BYTES: u64 = 64 << 10;

/// The folder whose project a session lies in, if either end of its transcript names it.
fn project_folder(stock: &SessionLookup, id: SessionId, here: &Path) -> Result<Option<PathBuf>, ActionError> {
    let path = stock.store.find(id)?.path;
    let mut folders: Vec<PathBuf> = Vec::new();
    for bytes in [stock.store.read_head(id, END_BYTES)?, stock.store.read_tail(id, END_BYTES)?.bytes] {
        let clean = crate::transcript::TranscriptText::read(&bytes);
        let transcript = Transcript::read(&clean);
        for folder in transcript.entries.iter().filter_map(RawEntry::cwd) {
            if folders.last().is_none_or(|last| last != Path::new(&*folder)) {
                folders.push(PathBuf::from(folder.into_owned()));
            }
        }
    }
    folders.push(here.to_owned());
    Ok(folders.into_iter().find(|folder| belongs_to_cwd(&path, folder)))
}
