//! The active session: everything that belongs to one session and to no other. A
//! switch drops it whole.
//!
//! Owns the writer (and with it the session's lock), the model's context and the
//! totals. Must never send a frame.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::checkpoint::Checkpoints;
use super::context::ModelContext;
use super::other_writer::ForeignBranch;
use super::recorded_settings::RecordedSettings;
use super::session_facts::SessionFacts;
use super::tool::{ReadFiles, TodoList};
use super::totals::SessionTotals;
use super::transcript_entry::{self, EntryContext, TranscriptEntry};
use crate::session::raw_entry::{EntryKind, RawEntry};
use crate::session::{Prices, SessionId, Transcript, summary::SessionTitle};
use crate::store::{FolderReason, SessionStore, SessionWriter, StoreError, working_folder};
use crate::transcript::TranscriptText;

/// The session that prompts go to.
pub struct ActiveSession {
    pub id: SessionId,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// The model's context.
    pub context: ModelContext,
    /// Tokens and cost so far.
    pub totals: SessionTotals,
    /// Files that the model has read, which it may edit.
    pub read_files: ReadFiles,
    pub todos: TodoList,
    /// Copies of files from before tools changed them.
    pub checkpoints: Checkpoints,
    /// What a person should know of how the session was loaded: repairs, what is
    /// left out, another model.
    pub notes: Vec<String>,
    /// How it was run when its transcript was written.
    pub recorded: RecordedSettings,
    /// What the model is told ahead of its messages; `None` until its first turn here.
    pub facts: Option<SessionFacts>,
    /// Its title, once it has one.
    pub title: Option<String>,
    /// What a second writer appended, as far as it is no part of the conversation.
    pub foreign: Option<ForeignBranch>,
    /// The process that had the session open, too, when that was last looked at; 0: nobody.
    pub other_holder: Option<u32>,
    /// The title waits for the first entry: a session without a prompt has no transcript.
    title_pending: bool,
    /// Bytes written since the title that a person gave; `None` if nobody gave one.
    title_distance: Option<u64>,
    writer: Box<dyn SessionWriter>,
    entry_context: EntryContext,
    /// The uuid of the last entry, the parent of the next.
    leaf: Option<String>,
    /// Something was appended since the last sync.
    unsynced: bool,
    /// The uuids of user entries: one used twice would close a circle in the parent chain.
    used_uuids: HashSet<Uuid>,
}

/// Where a stored session is resumed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResumePoint<'a> {
    /// The uuid of the message to continue from; `None` for the last one.
    pub message: Option<&'a str>,
    /// The folder to work in; `None` for the session's own, if it still exists.
    pub cwd: Option<&'a Path>,
}

/// With more bytes than this behind it, a title is written again: the official lists read the last
/// 64 KiB of a transcript, and a turn may add much.
const MAX_TITLE_DISTANCE: u64 = 32 << 10;

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
            notes: Vec::new(),
            recorded: RecordedSettings::default(),
            facts: None,
            title: None,
            foreign: None,
            other_holder: None,
            title_pending: false,
            title_distance: None,
            writer: store.open(id, cwd)?,
            entry_context: EntryContext::current(cwd),
            leaf: None,
            unsynced: false,
            used_uuids: HashSet::new(),
        })
    }

    /// Locks and loads a stored session of any project. `here` is the folder for a session whose own is
    /// gone.
    pub fn load(
        store: &dyn SessionStore,
        id: SessionId,
        at: ResumePoint<'_>,
        here: &Path,
        prices: &Prices,
    ) -> Result<Self, StoreError> {
        if store.find(id).is_err() {
            // A pinned session may have been deleted by a clean-up: restore it.
            store.reconcile_pins()?;
            store.find(id)?;
        }
        // Lock first: nobody may append between reading and locking.
        let mut writer = store.open(id, here)?;
        let bytes = store.read(id)?;
        writer.mark_read(bytes.len() as u64);
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
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
        let mut context = ModelContext::from_transcript(&transcript, leaf);
        let repaired =
            gap_note(&transcript, leaf).or_else(|| health.open_end.then(|| repair_note(health.torn)));
        let notes = repaired.into_iter().chain(branch_note(&transcript, leaf, id));
        let notes = notes.chain(left_out_note(context.take_left_out()));
        Ok(Self {
            id,
            context,
            totals: SessionTotals::from_transcript(&transcript, prices),
            read_files: ReadFiles::default(),
            todos: TodoList::default(),
            checkpoints: Checkpoints::from_transcript(&transcript),
            notes: notes.collect(),
            recorded: RecordedSettings::from_transcript(&transcript, leaf),
            facts: None,
            title: SessionTitle::from_transcript(&transcript).map(|title| title.text),
            foreign: None,
            other_holder: None,
            title_pending: false,
            title_distance: title_distance(&transcript),
            writer,
            entry_context: EntryContext::current(&cwd),
            cwd,
            leaf: leaf.and_then(|at| transcript.entries[at].uuid()).map(Into::into),
            unsynced: false,
            used_uuids: user_uuids(&transcript),
        })
    }

    /// The notes in one text; `None` if there are none.
    pub fn note_text(&self) -> Option<String> {
        (!self.notes.is_empty()).then(|| self.notes.join("; "))
    }

    /// Reserves a uuid for a prompt; false if it is no uuid or already used.
    pub fn reserve_uuid(&mut self, uuid: &str) -> bool {
        Uuid::try_parse(uuid).is_ok_and(|uuid| self.used_uuids.insert(uuid))
    }

    /// What others appended to the transcript since this was last asked.
    pub fn appended_by_others(&mut self) -> io::Result<Vec<Range<u64>>> {
        self.writer.appended_by_others()
    }

    /// Takes over what `former`, the same session as it was before it was loaded anew, knows beyond the
    /// transcript. Returns what a second writer had added to that.
    pub fn continue_from(&mut self, former: Self) -> Option<ForeignBranch> {
        self.read_files = former.read_files;
        self.todos = former.todos;
        self.other_holder = former.other_holder;
        self.unsynced |= former.unsynced;
        self.used_uuids.extend(former.used_uuids);
        former.foreign
    }

    /// Where the transcript lies, or will with its first entry.
    pub fn path(&self) -> &Path {
        self.writer.path()
    }

    /// The uuid of the last entry, the parent of the next.
    pub fn leaf(&self) -> Option<&str> {
        self.leaf.as_deref()
    }

    /// Replaces the context by a summary (compaction).
    pub fn reset_to_summary(&mut self, summary: &Value) {
        self.context = ModelContext::default();
        self.context.push_user_block(&json!({"type": "text", "text": summary}));
        self.totals.last_request = None;
        // The model starts anew: memory files may have changed.
        self.facts = None;
    }

    /// Appends an entry to the conversation, as a child of the last one.
    pub fn record(&mut self, entry: &TranscriptEntry) -> io::Result<Value> {
        let complete = entry.finish(self.leaf.as_deref(), self.id, &self.cwd, &self.entry_context);
        self.append(&complete)?;
        self.leaf = Some(entry.uuid.clone());
        Ok(complete)
    }

    /// Appends an entry beside the conversation (titles, checkpoints).
    pub fn append_metadata(&mut self, entry: &Value) -> io::Result<()> {
        self.append(entry)
    }

    /// Writes the end of a turn and syncs. Returns the line, for mirrors.
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
            self.title_distance = Some(0);
        }
        // The official lists look for a title near the end, as the official program does, too.
        if self.title_distance.is_some_and(|distance| distance > MAX_TITLE_DISTANCE)
            && let Some(title) = &self.title
        {
            let line = transcript_entry::custom_title(title, self.id);
            self.append(&line)?;
            self.title_distance = Some(0);
        }
        self.sync()?;
        Ok(line)
    }

    /// Gives the session a title.
    pub fn rename(&mut self, title: &str) -> io::Result<()> {
        if self.leaf.is_some() {
            self.append(&transcript_entry::custom_title(title, self.id))?;
            self.title_distance = Some(0);
            self.sync()?;
        } else {
            self.title_pending = true;
        }
        self.title = Some(title.to_owned());
        Ok(())
    }

    /// Reads the git branch again, before a turn.
    pub fn refresh_environment(&mut self) {
        self.entry_context = EntryContext::current(&self.cwd);
    }

    /// Syncs the transcript to disk, if anything was appended.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.writer.sync()?;
            self.unsynced = false;
        }
        Ok(())
    }

    fn append(&mut self, entry: &Value) -> io::Result<()> {
        self.unsynced = true;
        let line = entry.to_string();
        self.title_distance = self.title_distance.map(|distance| distance + line.len() as u64);
        self.writer.append(&[line])
    }
}

/// Bytes behind the last title that a person gave; `None` if there is none, or it was taken away.
fn title_distance(transcript: &Transcript<'_>) -> Option<u64> {
    let is_title = |line: &RawEntry<'_>| line.kind() == EntryKind::CustomTitle;
    let at = transcript.entries.iter().rposition(is_title)?;
    transcript.entries[at].custom_title().filter(|title| !title.is_empty())?;
    Some(transcript.entries[at..].iter().map(|line| line.json().len() as u64).sum())
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

/// What a person should know of entries that are missing.
fn gap_note(transcript: &Transcript<'_>, leaf: Option<usize>) -> Option<String> {
    let gaps = transcript.gaps(leaf).len();
    let entries = if gaps == 1 { "an entry is".to_owned() } else { format!("{gaps} entries are") };
    (gaps > 0)
        .then(|| format!("{entries} missing in the transcript; the conversation goes on before the gap"))
}

/// What a person should know of images and documents that the model does not get;
/// `None` if it gets all.
pub(super) fn left_out_note(count: usize) -> Option<String> {
    let what = if count == 1 {
        "an image or a document is".to_owned()
    } else {
        format!("{count} images or documents are")
    };
    (count > 0).then(|| {
        format!(
            "{what} left out of what the model gets: the API refuses such a request; the transcript keeps all"
        )
    })
}

/// What a person should know of prompts that a second writer put beside the conversation.
fn branch_note(transcript: &Transcript<'_>, leaf: Option<usize>, id: SessionId) -> Option<String> {
    let branch = transcript.concurrent_branches(leaf).pop()?;
    let tip = transcript.entries[branch.tip].uuid()?;
    let prompts =
        if branch.prompts == 1 { "a prompt".to_owned() } else { format!("{} prompts", branch.prompts) };
    Some(format!(
        "two programs wrote this session at the same time; {prompts} of the other branch are not part of this \
         conversation: hotseat sessions fork {id} --at {tip} makes a session of it"
    ))
}

fn repair_note(torn: usize) -> String {
    let cut = if torn == 0 { "had no newline at its end" } else { "was cut off in the middle" };
    format!("the transcript's last line {cut}; what follows goes on a line of its own")
}
