//! `hotseat sessions move`: to another folder's project, or into a file for
//! another host.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::outcome::{Answer, Done, Outcomes, Undone};
use super::reference::Stock;
use crate::cli::completions::sessions;
use crate::cli::exit::{Exit, Problem, say};
use crate::session::line::Line;
use crate::session::{SessionId, Transcript};
use crate::store::{SessionStore, is_home};

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Move {
    /// The sessions.
    #[arg(value_name = "REF", required = true, add = sessions())]
    references: Vec<String>,
    /// The folder they are to belong to, so that the official CLI finds them there.
    #[arg(long, value_name = "DIR", required_unless_present = "to_file")]
    to: Option<PathBuf>,
    /// Pack one session into this new file, for “import” on another host, and move
    /// it to the trash here; “-” is stdout.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
    /// With --to-file: leave the session here as well.
    #[arg(long, requires = "to_file")]
    keep: bool,
    #[command(flatten)]
    answer: Answer,
}

impl Move {
    /// Moves them.
    pub fn run(&self, stock: &Stock) -> Result<Exit> {
        match (&self.to, &self.to_file) {
            (Some(folder), _) => self.to_folder(stock, folder),
            (None, Some(file)) => self.to_file(stock, file),
            (None, None) => {
                Err(Problem::usage("there is no place to move to", "Add --to DIR or --to-file FILE.").into())
            }
        }
    }

    fn to_folder(&self, stock: &Stock, folder: &Path) -> Result<Exit> {
        if !folder.is_dir() {
            say(&format!(
                "hotseat: there is no folder {} now; its sessions move all the same",
                folder.display()
            ));
        }
        let here = std::env::current_dir().context("finding the current folder")?;
        let outcomes = Outcomes::of_each(stock, &self.references, |id| {
            let (title, from) = (stock.title(id)?, home_of(stock, id, &here)?);
            let Some(path) = stock.store.move_to(id, folder)? else {
                return Ok(Done::new(id, format!("“{title}” belongs there already")));
            };
            let done = Done::new(id, format!("“{title}” belongs to {} now", folder.display()));
            let done = done.with("path", path.display().to_string());
            Ok(match from {
                Some(from) => done.undo(&["move", &id.to_string(), "--to", &from.display().to_string()]),
                None => done,
            })
        });
        outcomes.tell(self.answer)
    }

    fn to_file(&self, stock: &Stock, file: &Path) -> Result<Exit> {
        let [reference] = &self.references[..] else {
            let next = "Move them one by one, each into a file of its own.";
            return Err(Problem::usage("a file holds one session", next).into());
        };
        let is_stdout = file == Path::new("-");
        let mut outcomes = Outcomes::default();
        let moved = stock.resolve(reference).map_err(Into::into).and_then(|id| self.pack(stock, id, file));
        outcomes.add(reference, moved);
        if is_stdout {
            return Ok(outcomes.complain(self.answer));
        }
        outcomes.tell(self.answer)
    }

    fn pack(&self, stock: &Stock, id: SessionId, file: &Path) -> Result<Done, Undone> {
        let title = stock.title(id)?;
        if file == Path::new("-") {
            let mut out = std::io::stdout().lock();
            stock.store.pack(id, &mut out)?;
            out.flush().context("writing the session to stdout")?;
        } else {
            write_packed(stock, id, file)?;
        }
        let done = Done::new(id, format!("“{title}” was packed into {}", file.display()));
        if self.keep {
            return Ok(done);
        }
        stock.store.delete(id)?;
        let said = format!("“{title}” was packed into {}, and is in the trash here", file.display());
        Ok(Done::new(id, said).with("path", file.display().to_string()).undo(&["restore", &id.to_string()]))
    }
}

/// Whole or not at all, and never over another file.
fn write_packed(stock: &Stock, id: SessionId, file: &Path) -> Result<(), Undone> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let doing = || format!("cannot write the new file {}", file.display());
    let mut packed = tempfile::NamedTempFile::new_in(folder).with_context(doing)?;
    stock.store.pack(id, &mut packed)?;
    packed.as_file().sync_all().with_context(doing)?;
    packed.persist_noclobber(file).with_context(doing)?;
    Ok(())
}

/// The folder whose project a session lies in, where anything says so.
fn home_of(stock: &Stock, id: SessionId, here: &Path) -> Result<Option<PathBuf>, Undone> {
    let path = stock.store.find(id)?.path;
    let bytes = stock.store.read(id)?;
    let transcript = Transcript::parse(&bytes);
    let mut said: Vec<PathBuf> = Vec::new();
    for folder in transcript.lines.iter().filter_map(Line::cwd) {
        if said.last().is_none_or(|last| last != Path::new(&*folder)) {
            said.push(PathBuf::from(folder.into_owned()));
        }
    }
    said.push(here.to_owned());
    Ok(said.into_iter().find(|folder| is_home(&path, folder)))
}
