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
use super::context::ModelContext;
use super::tool::{ReadFiles, TodoList};
use super::totals::SessionTotals;
use super::transcript_entry::{self, EntryContext, TranscriptEntry};
use crate::session::raw_entry::EntryKind;
use crate::session::{Prices, SessionId, Transcript, summary::SessionTitle};
use crate::store::{FolderReason, SessionStore, SessionWriter, StoreError, working_folder};

/// A session that has the seat.
pub struct ActiveSession {
    /// Its id.
    pub id: SessionId,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// What the model is given.
    pub context: ModelContext,
    /// What was used so far.
    pub totals: SessionTotals,
    /// The files that the model knows.
    pub read_files: ReadFiles,
    /// What is to be done.
    pub todos: TodoList,
    /// What files were before they were changed.
    pub checkpoints: Checkpoints,
    /// What was mended when it was loaded, for a person.
    pub repaired: Option<String>,
    /// Its title, once it has one.
    pub title: Option<String>,
    /// The title is not in the transcript yet: a session without a prompt has none.
    title_pending: bool,
    writer: Box<dyn SessionWriter>,
    entry_context: EntryContext,
    /// The entry that the next one hangs on.
    leaf: Option<String>,
    /// Something was appended since the last sync.
    unsynced: bool,
    /// The uuids of user entries: one that came twice would make a circle of the chain.
    used_uuids: HashSet<Uuid>,
}

/// Where to go on in a stored session.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResumePoint<'a> {
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
            context: ModelContext::default(),
            totals: SessionTotals::default(),
            read_files: ReadFiles::default(),
            todos: TodoList::default(),
            checkpoints: Checkpoints::default(),
            repaired: None,
            title: None,
            title_pending: false,
            writer: store.open(id, cwd)?,
            entry_context: EntryContext::current(cwd),
            leaf: None,
            unsynced: false,
            used_uuids: HashSet::new(),
        })
    }

    /// A stored session, whichever project it belongs to, locked and loaded.
    /// `here` is the folder for one whose own is gone.
    pub fn load(
        store: &dyn SessionStore,
        id: SessionId,
        at: ResumePoint<'_>,
        here: &Path,
        prices: &Prices,
    ) -> Result<Self, StoreError> {
        if store.find(id).is_err() {
            // It may be a pinned one that a clean-up took.
            store.reconcile_pins()?;
            store.find(id)?;
        }
        // The lock first, so that nobody writes behind what is read.
        let writer = store.open(id, here)?;
        let bytes = store.read(id)?;
        let transcript = Transcript::parse(&bytes);
        if transcript.entries.is_empty() {
            let source = io::Error::new(io::ErrorKind::InvalidData, "none of its lines is an entry");
            return Err(StoreError::CannotRead { path: writer.path().to_owned(), source });
        }
        let leaf = match at.message {
            Some(uuid) => Some(
                transcript
                    .position(uuid)
                    .ok_or_else(|| StoreError::NoSuchMessage { id, uuid: uuid.to_owned() })?,
            ),
            None => transcript.leaf(),
        };
        let cwd = match at.cwd {
            Some(cwd) => cwd.to_owned(),
            None => resume_folder(store, id, here)?,
        };
        let health = transcript.health;
        Ok(Self {
            id,
            context: ModelContext::from_transcript(&transcript, leaf),
            totals: SessionTotals::from_transcript(&transcript, prices),
            read_files: ReadFiles::default(),
            todos: TodoList::default(),
            checkpoints: Checkpoints::from_transcript(&transcript),
            repaired: gap_note(&transcript, leaf)
                .or_else(|| health.open_end.then(|| repair_note(health.torn))),
            title: SessionTitle::from_transcript(&transcript).map(|title| title.text),
            title_pending: false,
            writer,
            entry_context: EntryContext::current(&cwd),
            cwd,
            leaf: leaf.and_then(|at| transcript.entries[at].uuid()).map(Into::into),
            unsynced: false,
            used_uuids: user_uuids(&transcript),
        })
    }

    /// Takes a uuid for a prompt; false where it is none, or is taken.
    pub fn reserve_uuid(&mut self, uuid: &str) -> bool {
        Uuid::try_parse(uuid).is_ok_and(|uuid| self.used_uuids.insert(uuid))
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
    pub fn reset_to_summary(&mut self, summary: &Value) {
        self.context = ModelContext::default();
        self.context.push_user_block(&json!({"type": "text", "text": summary}));
        self.totals.last_request = None;
    }

    /// Appends an entry of the conversation behind the last one.
    pub fn record(&mut self, entry: &TranscriptEntry) -> io::Result<Value> {
        let complete = entry.finish(self.leaf.as_deref(), self.id, &self.cwd, &self.entry_context);
        self.append(&complete)?;
        self.leaf = Some(entry.uuid.clone());
        Ok(complete)
    }

    /// Appends an entry that is no part of the conversation.
    pub fn append_metadata(&mut self, entry: &Value) -> io::Result<()> {
        self.append(entry)
    }

    /// Ends a turn in the transcript and waits until the disk has it.
    pub fn end_turn(&mut self, prompt: &str) -> io::Result<Option<Value>> {
        let line = self.leaf.as_deref().map(|leaf| transcript_entry::last_prompt(prompt, leaf, self.id));
        if let Some(line) = &line {
            self.append(line)?;
        }
        if self.title_pending
            && let Some(title) = &self.title
        {
            let line = transcript_entry::custom_title(title, self.id);
            self.append(&line)?;
            self.title_pending = false;
        }
        self.sync()?;
        Ok(line)
    }

    /// Gives the session a title.
    pub fn rename(&mut self, title: &str) -> io::Result<()> {
        if self.leaf.is_some() {
            self.append(&transcript_entry::custom_title(title, self.id))?;
            self.sync()?;
        } else {
            self.title_pending = true;
        }
        self.title = Some(title.to_owned());
        Ok(())
    }

    /// Looks again at what surrounds the session, before a turn.
    pub fn refresh_environment(&mut self) {
        self.entry_context = EntryContext::current(&self.cwd);
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
    let lines = transcript.entries.iter().filter(|line| line.kind() == EntryKind::User);
    lines.filter_map(|line| Uuid::try_parse(&line.uuid()?).ok()).collect()
}

/// The folder to work in: the one that the transcript is filed under. `here` takes
/// the place of a folder that is gone, and of one that only the transcript claims.
fn resume_folder(store: &dyn SessionStore, id: SessionId, here: &Path) -> Result<PathBuf, StoreError> {
    let folder = working_folder(store, id, here)?;
    let is_usable = folder.reason != FolderReason::Unverified && folder.path.is_dir();
    Ok(if is_usable { folder.path } else { here.to_owned() })
}

/// The conversation could be longer than what is resumed here.
fn gap_note(transcript: &Transcript<'_>, leaf: Option<usize>) -> Option<String> {
    let cut_off = "the conversation is cut off where an entry is missing, and goes on from there";
    let is_cut = !transcript.gaps(leaf).is_empty();
    is_cut.then(|| format!("{cut_off}; a fork of it is a repaired copy, with what came before"))
}

fn repair_note(torn: usize) -> String {
    let cut = if torn == 0 { "had no newline at its end" } else { "was cut off in the middle" };
    format!("the transcript's last line {cut}; what follows goes on a line of its own")
}
