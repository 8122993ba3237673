//! The active session: everything that belongs to one session and to no other,
//! dropped whole at a switch.
//!
//! Owns the writer (and with it the session's lock), the context and the
//! totals. Never sends a frame.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::checkpoint::Checkpoints;
use super::context::Context;
use super::record::{self, Entry, Origin};
use super::tool::{Seen, Todos};
use super::totals::Totals;
use crate::session::line::{Kind, Line};
use crate::session::{Prices, SessionId, Transcript, facts::Title};
use crate::store::{SessionStore, SessionWriter, StoreError, is_home};

/// A session that has the seat.
pub struct ActiveSession {
    /// Its id.
    pub id: SessionId,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// What the model is given.
    pub context: Context,
    /// What was used so far.
    pub totals: Totals,
    /// The files that the model knows.
    pub seen: Seen,
    /// What is to be done.
    pub todos: Todos,
    /// What files were before they were changed.
    pub checkpoints: Checkpoints,
    /// What was mended when it was loaded, for a person.
    pub repaired: Option<String>,
    /// Its title, once it has one.
    pub title: Option<String>,
    /// The title is not in the transcript yet: a session without a prompt has none.
    title_waits: bool,
    writer: Box<dyn SessionWriter>,
    origin: Origin,
    /// The entry that the next one hangs on.
    leaf: Option<String>,
    /// Something was appended since the last sync.
    unsynced: bool,
    /// The uuids of user entries: one that came twice would make a circle of the chain.
    taken: HashSet<Uuid>,
}

/// Where to go on in a stored session.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadAt<'a> {
    /// The message to go on from; none: where it ended.
    pub message: Option<&'a str>,
    /// The folder to work in; none: the session's own, where it still exists.
    pub cwd: Option<&'a Path>,
}

impl ActiveSession {
    /// A new, empty session. Nothing is written before its first entry.
    pub fn new(store: &dyn SessionStore, id: SessionId, cwd: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            cwd: cwd.to_owned(),
            context: Context::default(),
            totals: Totals::default(),
            seen: Seen::default(),
            todos: Todos::default(),
            checkpoints: Checkpoints::default(),
            repaired: None,
            title: None,
            title_waits: false,
            writer: store.open(id, cwd)?,
            origin: Origin::of(cwd),
            leaf: None,
            unsynced: false,
            taken: HashSet::new(),
        })
    }

    /// A stored session, whichever project it belongs to, locked and loaded.
    /// `here` is the folder for one whose own is gone.
    pub fn load(
        store: &dyn SessionStore,
        id: SessionId,
        at: LoadAt<'_>,
        here: &Path,
        prices: &Prices,
    ) -> Result<Self, StoreError> {
        if store.find(id).is_err() {
            // It may be a pinned one that a clean-up took.
            store.tend()?;
            store.find(id)?;
        }
        // The lock first, so that nobody writes behind what is read.
        let writer = store.open(id, here)?;
        let bytes = store.read(id)?;
        let transcript = Transcript::parse(&bytes);
        if transcript.lines.is_empty() {
            let source = io::Error::new(io::ErrorKind::InvalidData, "none of its lines is an entry");
            return Err(StoreError::Unreadable { path: writer.path().to_owned(), source });
        }
        let leaf = match at.message {
            Some(uuid) => Some(
                transcript
                    .position(uuid)
                    .ok_or_else(|| StoreError::NoSuchMessage { id, uuid: uuid.to_owned() })?,
            ),
            None => transcript.leaf(),
        };
        let cwd = at
            .cwd
            .or_else(|| was_moved(&transcript, writer.path(), here).then_some(here))
            .map_or_else(|| own_folder(&transcript).unwrap_or_else(|| here.to_owned()), Path::to_owned);
        let health = transcript.health;
        Ok(Self {
            id,
            context: Context::of(&transcript, leaf),
            totals: Totals::of(&transcript, prices),
            seen: Seen::default(),
            todos: Todos::default(),
            checkpoints: Checkpoints::of(&transcript),
            repaired: cut_note(&transcript, leaf)
                .or_else(|| health.open_end.then(|| repair_note(health.torn))),
            title: Title::of(&transcript).map(|title| title.text),
            title_waits: false,
            writer,
            origin: Origin::of(&cwd),
            cwd,
            leaf: leaf.and_then(|at| transcript.lines[at].uuid()).map(Into::into),
            unsynced: false,
            taken: user_uuids(&transcript),
        })
    }

    /// Takes a uuid for a prompt; false where it is none, or is taken.
    pub fn claim(&mut self, uuid: &str) -> bool {
        Uuid::try_parse(uuid).is_ok_and(|uuid| self.taken.insert(uuid))
    }

    /// Where the transcript lies, or will with its first entry.
    pub fn path(&self) -> &Path {
        self.writer.path()
    }

    /// The entry that the next one hangs on.
    pub fn leaf(&self) -> Option<&str> {
        self.leaf.as_deref()
    }

    /// From here on the model knows this summary, and nothing of before it.
    pub fn begin_anew(&mut self, summary: &Value) {
        self.context = Context::default();
        self.context.push_note(&json!({"type": "text", "text": summary}));
        self.totals.last = None;
    }

    /// Appends an entry of the conversation behind the last one.
    pub fn record(&mut self, entry: &Entry) -> io::Result<Value> {
        let complete = entry.complete(self.leaf.as_deref(), self.id, &self.cwd, &self.origin);
        self.append(&complete)?;
        self.leaf = Some(entry.uuid.clone());
        Ok(complete)
    }

    /// Appends an entry that is no part of the conversation.
    pub fn note(&mut self, entry: &Value) -> io::Result<()> {
        self.append(entry)
    }

    /// Ends a turn in the transcript and waits until the disk has it.
    pub fn end_turn(&mut self, prompt: &str) -> io::Result<Option<Value>> {
        let line = self.leaf.as_deref().map(|leaf| record::last_prompt(prompt, leaf, self.id));
        if let Some(line) = &line {
            self.append(line)?;
        }
        if self.title_waits
            && let Some(title) = &self.title
        {
            let line = record::custom_title(title, self.id);
            self.append(&line)?;
            self.title_waits = false;
        }
        self.sync()?;
        Ok(line)
    }

    /// Gives the session a title.
    pub fn rename(&mut self, title: &str) -> io::Result<()> {
        if self.leaf.is_some() {
            self.append(&record::custom_title(title, self.id))?;
            self.sync()?;
        } else {
            self.title_waits = true;
        }
        self.title = Some(title.to_owned());
        Ok(())
    }

    /// Looks again at what surrounds the session, before a turn.
    pub fn look_around(&mut self) {
        self.origin = Origin::of(&self.cwd);
    }

    /// Waits until the disk has everything.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced) {
            self.writer.sync()?;
        }
        Ok(())
    }

    fn append(&mut self, entry: &Value) -> io::Result<()> {
        self.unsynced = true;
        self.writer.append(&[entry.to_string()])
    }
}

fn user_uuids(transcript: &Transcript<'_>) -> HashSet<Uuid> {
    let lines = transcript.lines.iter().filter(|line| line.kind() == Kind::User);
    lines.filter_map(|line| Uuid::try_parse(&line.uuid()?).ok()).collect()
}

/// Whether the transcript was moved to the project of the folder we are in:
/// none of its entries was written in that project.
fn was_moved(transcript: &Transcript<'_>, path: &Path, here: &Path) -> bool {
    let mut seen = HashSet::new();
    let mut folders =
        transcript.lines.iter().filter_map(Line::cwd).filter(|folder| seen.insert(folder.clone()));
    is_home(path, here) && !folders.any(|folder| is_home(path, Path::new(&*folder)))
}

/// The last folder the conversation worked in, if it still exists.
fn own_folder(transcript: &Transcript<'_>) -> Option<PathBuf> {
    let lines = transcript.lines.iter().rev();
    let cwd =
        lines.filter(|line| line.kind() != Kind::Progress && !line.is_sidechain()).find_map(Line::cwd)?;
    let cwd = PathBuf::from(cwd.into_owned());
    cwd.is_dir().then_some(cwd)
}

/// The conversation could be longer than what is resumed here.
fn cut_note(transcript: &Transcript<'_>, leaf: Option<usize>) -> Option<String> {
    let cut_off = "the conversation is cut off where an entry is missing, and goes on from there";
    let is_cut = !transcript.cuts(leaf).is_empty();
    is_cut.then(|| format!("{cut_off}; a fork of it is a repaired copy, with what came before"))
}

fn repair_note(torn: usize) -> String {
    let cut = if torn == 0 { "had no newline at its end" } else { "was cut off in the middle" };
    format!("the transcript's last line {cut}; what follows goes on a line of its own")
}
