//! Sessions that other agents keep in ways of their own, as transcripts in the
//! official format.
//!
//! Owns the copies: a cache that can be deleted at any time, and that follows
//! what it was copied from line by line. Never writes where an agent keeps its
//! sessions: what is to change there, that agent is asked for.

mod record;
mod rollouts;
mod tools;
mod translation;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::record::Record;
use self::record::Records;
use self::rollouts::{Names, Rollout, Rollouts};
use self::translation::Translation;
use super::{ends, project};
use crate::session::SessionId;

/// A longer line is passed over: no message is that long, and a hostile one
/// must not fill the memory.
const LONGEST_LINE: u64 = 64 << 20;
/// Bytes of entries that are kept in memory before they are written.
const PIECE: usize = 1 << 20;
/// The end of a copy, in which its last line says how far it goes.
const LAST_LINE: u64 = 64 << 10;
/// Bytes before the place read to that tell whether it is still the same file.
const MARK: u64 = 64;

/// What an agent keeps elsewhere, copied.
#[derive(Debug)]
pub struct Mirror {
    /// Where the copies lie, in folders by project as in the official store.
    projects: PathBuf,
    /// Codex's own folder.
    codex: PathBuf,
    /// What agents tell that keep no files.
    records: Records,
    /// One copier at a time; what could not be copied is not tried again until it changes.
    failed: Mutex<HashSet<(PathBuf, SystemTime)>>,
}

/// The last line of each copy: what it is a copy of, and how to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Seam {
    #[serde(rename = "type")]
    kind: Mirrors,
    /// Who keeps the session.
    agent: String,
    /// The file that was copied.
    of: PathBuf,
    /// Bytes of it that were.
    to: u64,
    /// Of the bytes before that.
    mark: u64,
    /// Its title, as it was told last.
    title: Option<String>,
    translation: Translation,
}

/// The type of the line.
#[derive(Debug, Serialize, Deserialize)]
enum Mirrors {
    #[serde(rename = "mirror")]
    Line,
}

impl Mirror {
    /// Copies in this folder, which need not exist yet, of the sessions that
    /// codex keeps in that one.
    pub fn new(folder: &Path, codex: &Path) -> Self {
        Self {
            projects: folder.join("codex/projects"),
            codex: codex.to_owned(),
            records: Records::new(&folder.join("told")),
            failed: Mutex::default(),
        }
    }

    /// Where the copies lie, as a store's projects.
    pub(super) fn projects(&self) -> [&Path; 2] {
        [&self.projects, self.records.projects()]
    }

    /// Where a change means that there is something to copy; none where codex
    /// never ran.
    pub(super) fn watched(&self) -> Option<PathBuf> {
        self.codex.is_dir().then(|| self.sessions())
    }

    /// Whether this transcript is a copy of ours.
    pub(super) fn holds(&self, transcript: &Path) -> bool {
        self.projects().into_iter().any(|projects| transcript.starts_with(projects))
    }

    /// Writes down what an agent tells.
    pub(super) fn record(&self, record: &Record) -> io::Result<()> {
        self.records.write(record)
    }

    /// Forgets what an agent has no more.
    pub(super) fn keep_only(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> io::Result<()> {
        self.records.keep_only(agent, there)
    }

    fn sessions(&self) -> PathBuf {
        self.codex.join("sessions")
    }

    /// Brings the copies up to date, the newest first, until about so many bytes
    /// were read. `true` while there is more to do.
    pub(super) fn take_in(&self, at_most: u64) -> io::Result<bool> {
        if !self.sessions().is_dir() && !self.projects.is_dir() {
            return Ok(false);
        }
        let Some(_lock) = self.lock()? else { return Ok(false) };
        let rollouts = Rollouts::find(&self.codex);
        let names = rollouts::names(&self.codex);
        let copies = self.copies()?;
        for (_, (path, _)) in copies.iter().filter(|(id, _)| !rollouts.heads.contains_key(id)) {
            fs::remove_file(path)?;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut behind: Vec<_> = rollouts
            .heads
            .iter()
            .filter_map(|(id, head)| {
                let name = names.get(id);
                let as_of = as_of(head, name.map(|name| name.given));
                let copy = copies.get(id);
                let is_behind = copy.is_none_or(|(_, copied)| *copied != as_of);
                (is_behind && !failed.contains(&(head.path.clone(), as_of)))
                    .then_some((*id, head, as_of, copy))
            })
            .collect();
        behind.sort_by_key(|(id, _, as_of, _)| (std::cmp::Reverse(*as_of), *id));
        let mut bytes = 0;
        let now = behind.iter().take_while(|(_, head, ..)| {
            let fits = bytes < at_most;
            bytes += head.size;
            fits
        });
        let now = &behind[..now.count()];
        let lost: Vec<_> = now
            .par_iter()
            .filter_map(|(id, head, as_of, copy)| {
                let copy = copy.map(|(path, _)| path.as_path());
                let done = self.copy(*id, head, &rollouts, &names, *as_of, copy);
                if done.is_err() {
                    // It may not even have been begun.
                    let _none_is_left = fs::remove_file(self.scratch(*id));
                }
                done.inspect_err(|error| tracing::warn!("{} is not listed: {error}", head.path.display()))
                    .is_err()
                    .then(|| (head.path.clone(), *as_of))
            })
            .collect();
        failed.extend(lost);
        Ok(now.len() < behind.len())
    }

    /// One copies at a time; whoever comes meanwhile sees what there is.
    fn lock(&self) -> io::Result<Option<File>> {
        make(&self.projects)?;
        let lock = File::options().create(true).append(true).open(self.projects.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// What there is by now, and what it is as of.
    fn copies(&self) -> io::Result<HashMap<SessionId, (PathBuf, SystemTime)>> {
        let folders: Vec<_> = self.projects.read_dir()?.flatten().map(|entry| entry.path()).collect();
        let in_folder = |folder: &PathBuf| -> Vec<_> {
            let files = folder.read_dir().into_iter().flatten().flatten();
            let copy = |file: fs::DirEntry| {
                let id = file.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
                Some((id, (file.path(), file.metadata().ok()?.modified().ok()?)))
            };
            files.filter_map(copy).collect()
        };
        Ok(folders.par_iter().flat_map_iter(in_folder).collect())
    }

    /// A copy that is not whole yet.
    fn scratch(&self, id: SessionId) -> PathBuf {
        self.projects.with_file_name(format!("{id}.new"))
    }

    /// Copies one session on from where its copy ends, or anew where that is a
    /// copy of something else by now.
    fn copy(
        &self,
        id: SessionId,
        head: &Rollout,
        rollouts: &Rollouts,
        names: &Names,
        as_of: SystemTime,
        copy: Option<&Path>,
    ) -> io::Result<()> {
        let mut source = File::open(&head.path)?;
        let seam = copy.and_then(seam_of).filter(|seam| {
            let same = seam.of == head.path && seam.to <= head.size;
            same && mark(&mut source, seam.to).is_ok_and(|mark| mark == seam.mark)
        });
        let (from, title) = seam.as_ref().map_or((0, None), |seam| (seam.to, seam.title.clone()));
        let scratch = self.scratch(id);
        let goes_on = copy.zip(seam);
        let is_new = goes_on.is_none();
        let (mut target, mut translation) = match goes_on {
            Some((copy, seam)) => (File::options().append(true).open(copy)?, seam.translation),
            None => {
                let mut target = File::create(&scratch)?;
                let mut translation = Translation::default();
                let bases = rollouts.bases_of(head)?;
                let parent = bases.iter().rev().map(|(_, of)| *of).find(|of| *of != id);
                for (base, of) in bases {
                    // What cannot be read of what was before hides nothing of what came after.
                    let Ok(part) = File::open(&base.path) else { continue };
                    let part = part.take(base.size);
                    translation.forked_from = parent.filter(|_| of != id);
                    translate(part, 0, id, &mut translation, &mut target)?;
                }
                translation.forked_from = None;
                (target, translation)
            }
        };
        source.seek(SeekFrom::Start(from))?;
        let to = translate((&source).take(head.size - from), from, id, &mut translation, &mut target)?;
        let name = names.get(&id).map(|name| name.text.clone());
        let mut last = String::new();
        if let Some(text) = name.as_ref().filter(|name| title.as_ref() != Some(name)) {
            let entry = serde_json::json!({"type": "custom-title", "customTitle": text, "sessionId": id});
            last = format!("{entry}\n");
        }
        let mark = mark(&mut source, to)?;
        let folder = project::folder_for(&self.projects, Path::new(translation.cwd()));
        let (of, title) = (head.path.clone(), name.or(title));
        let seam =
            Seam { kind: Mirrors::Line, agent: rollouts::AGENT.to_owned(), of, to, mark, title, translation };
        last += &serde_json::to_string(&seam).map_err(io::Error::other)?;
        last.push('\n');
        target.write_all(last.as_bytes())?;
        target.set_modified(as_of)?;
        if !is_new {
            return Ok(());
        }
        // Only now it is a whole one.
        make(&folder)?;
        let place = folder.join(format!("{id}.jsonl"));
        if let Some(former) = copy.filter(|former| *former != place) {
            fs::remove_file(former)?;
        }
        fs::rename(&scratch, &place)
    }
}

/// The time that a copy bears, by which it is told whether it is up to date: when
/// its source was touched last, to the millisecond, and below that which source
/// it is and how long. (Two writes within a tick of the clock bear one time.)
fn as_of(head: &Rollout, named: Option<SystemTime>) -> SystemTime {
    let touched = named.map_or(head.modified, |named| named.max(head.modified));
    let since = touched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (head.size, head.path.file_name()).hash(&mut hasher);
    let below = Duration::from_nanos(hasher.finish() % 1_000_000);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64) + below
}

/// What was said is nobody else's business.
fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What the last line of a copy says; none where it is torn.
fn seam_of(copy: &Path) -> Option<Seam> {
    let tail = ends::tail(copy, LAST_LINE).ok()?.bytes;
    let line = tail.strip_suffix(b"\n")?;
    serde_json::from_slice(&line[memchr::memrchr(b'\n', line).map_or(0, |newline| newline + 1)..]).ok()
}

/// Writes the entries that the whole lines of a source stand for; gives back
/// where the line begins that is not whole yet.
fn translate(
    source: impl Read,
    from: u64,
    session: SessionId,
    translation: &mut Translation,
    target: &mut File,
) -> io::Result<u64> {
    let mut source = BufReader::with_capacity(256 << 10, source);
    let mut at = from;
    let (mut line, mut entries) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        let mut length = source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
        if line.last() == Some(&b'\n') {
            translation.take(session, &line, at, &mut entries);
        } else if length < LONGEST_LINE {
            break;
        } else {
            length += source.skip_until(b'\n')? as u64;
            entries.extend(b"{\n");
        }
        at += length;
        if entries.len() > PIECE {
            target.write_all(&std::mem::take(&mut entries))?;
        }
    }
    target.write_all(&entries)?;
    Ok(at)
}

/// Tells a file that grew from another one in its place.
fn mark(source: &mut File, to: u64) -> io::Result<u64> {
    let from = to.saturating_sub(MARK);
    source.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    (&*source).take(to - from).read_to_end(&mut bytes)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests;
