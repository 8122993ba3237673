//! One copy of a codex thread: what it consists of, how far it goes, and how it continues.
//!
//! Each copy ends with a [`ResumeMarker`], so any process can continue it after its source
//! grew or after only a part was copied. An incomplete copy says so in its marker and in
//! its file's time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::codex_rollouts::{self, Rollout, Rollouts, ThreadTitle};
use super::codex_translator::CodexTranslator;
use super::rollout_reader::{self, RolloutReader};
use crate::session::SessionId;
use crate::session::transcript::MAX_LINE_BYTES;
use crate::store::{fingerprint, partial_read, project_dir};
use crate::sys::private_files::{narrow, own_private_dir, private_options};
use crate::transcript::entry_encoder::title_entry;

/// How many bytes of entries are buffered before they are written.
const WRITE_BUFFER_BYTES: usize = 1 << 20;
/// How much of a copy's end is searched for its marker.
const MARKER_SEARCH_BYTES: u64 = 64 << 10;

/// The last line of each copy, and of each part that was copied in one go: what was copied
/// and how to continue.
#[derive(Debug, Serialize, Deserialize)]
struct ResumeMarker {
    #[serde(rename = "type")]
    kind: MarkerKind,
    /// The agent that keeps the session.
    agent: String,
    /// The file that was copied last.
    of: PathBuf,
    /// How many bytes of it were copied, see [`RolloutReader::offset`].
    to: u64,
    /// Of the bytes before that, see [`RolloutReader::fingerprint`].
    mark: u64,
    /// There is more to copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// The thread belongs to a subagent. Written as an entry would, since there may be none
    /// yet.
    #[serde(default, rename = "isSidechain", skip_serializing_if = "std::ops::Not::not")]
    is_sidechain: bool,
    /// The thread it was forked from, written as an entry would: it may inherit no line.
    #[serde(default, rename = "forkedFrom", skip_serializing_if = "Option::is_none")]
    forked_from: Option<Value>,
    /// A person archived it in codex.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
    /// Who had it, if no person did: the label of a [`SessionOrigin`](crate::session::SessionOrigin).
    #[serde(default, rename = "sessionOrigin", skip_serializing_if = "Option::is_none")]
    session_origin: Option<String>,
    /// The title that was written last.
    title: Option<String>,
    translation: CodexTranslator,
}

/// The type of the line.
#[derive(Debug, Serialize, Deserialize)]
enum MarkerKind {
    #[serde(rename = "mirror")]
    Line,
}

/// A session that has no copy, or one that is out of date.
#[derive(Debug)]
pub(super) struct StaleCopy<'a> {
    pub id: SessionId,
    /// The file in which the thread continues.
    pub head: &'a Rollout,
    pub title: Option<&'a ThreadTitle>,
    /// The modification time of an up-to-date copy.
    pub expected_mtime: SystemTime,
    pub copy: Option<&'a Path>,
}

impl StaleCopy<'_> {
    /// Identifies this state of the source after a failure, so that it is not tried again.
    pub fn failure_key(&self) -> (PathBuf, SystemTime) {
        (self.head.path.clone(), self.expected_mtime)
    }
}

/// The outcome of one run of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopyStatus {
    /// There is more to copy.
    Partial,
    Complete,
}

/// A copy to create or to continue.
pub(super) struct CopyJob<'a> {
    stale: &'a StaleCopy<'a>,
    /// The parts of the thread, oldest first, each with its own thread.
    parts: Vec<(Rollout, SessionId)>,
    /// The part that was copied last, and its marker.
    resume_from: Option<(usize, ResumeMarker)>,
}

impl<'a> CopyJob<'a> {
    /// Finds out what there is to copy and how far the existing copy goes.
    pub fn plan(of: &'a StaleCopy<'a>, rollouts: &Rollouts) -> io::Result<Self> {
        let mut parts = rollouts.history_of(of.head)?;
        let size =
            if of.head.is_compressed { rollout_reader::uncompressed_len(of.head)? } else { of.head.size };
        parts.push((Rollout { size, ..of.head.clone() }, of.id));
        let resume = of.copy.and_then(read_marker).and_then(|marker| {
            let is_it = |part: &Rollout| part.path == marker.of && marker.to <= part.size;
            Some((parts.iter().position(|(part, _)| is_it(part))?, marker))
        });
        Ok(Self { stale: of, parts, resume_from: resume })
    }

    /// Bytes of the source still to be read.
    pub fn remaining_bytes(&self) -> u64 {
        let (part, to) = self.resume_from.as_ref().map_or((0, 0), |(part, marker)| (*part, marker.to));
        let all = self.parts[part..].iter().fold(0_u64, |all, (part, _)| all.saturating_add(part.size));
        all - to
    }

    /// Copies until about `at_most` bytes were read, at least one line. Starts over if the
    /// existing copy came from something else.
    pub fn run(mut self, projects: &Path, at_most: u64) -> io::Result<CopyStatus> {
        let StaleCopy { id, expected_mtime: as_of, copy, .. } = *self.stale;
        let scratch = temp_copy_path(projects, id);
        let resume = self.resume_from.take().and_then(|(part, marker)| {
            let source = RolloutReader::open(&self.parts[part].0, marker.to).ok()?;
            (source.fingerprint() == marker.mark).then_some((part, source, marker))
        });
        let written_to = copy.filter(|_| resume.is_some()).unwrap_or(&scratch);
        let (mut target, mut translation, title, from) = match resume {
            Some((part, source, marker)) => {
                // A copy of an older version may be wider.
                narrow(written_to)?;
                let target = File::options().append(true).open(written_to)?;
                (target, marker.translation, marker.title, Some((part, source)))
            }
            None => {
                let target = private_options().write(true).truncate(true).open(written_to)?;
                (target, CodexTranslator::default(), None, None)
            }
        };
        let progress = self.copy(from, &mut translation, &mut target, at_most)?;
        let (copied, mtime) = if progress.partial {
            (CopyStatus::Partial, partial_mtime(as_of))
        } else {
            (CopyStatus::Complete, as_of)
        };
        let folder = project_dir::project_dir_for(projects, Path::new(translation.cwd()));
        let place = folder.join(format!("{id}.jsonl"));
        target.write_all(self.closing_lines(progress, title, translation)?.as_bytes())?;
        target.set_modified(mtime)?;
        if written_to != place {
            // The rename makes the copy visible to lists.
            own_private_dir(&folder)?;
            if let Some(former) = copy.filter(|former| *former != written_to && *former != place) {
                fs::remove_file(former)?;
            }
            fs::rename(written_to, place)?;
        }
        Ok(copied)
    }

    /// Copies from a position on and returns where it stopped.
    fn copy(
        &self,
        from: Option<(usize, RolloutReader)>,
        translation: &mut CodexTranslator,
        target: &mut File,
        at_most: u64,
    ) -> io::Result<CopyProgress> {
        let parent = self.parts.iter().rev().map(|(_, whose)| *whose).find(|whose| *whose != self.stale.id);
        let (first, mut begun) = from.map_or((0, None), |(part, source)| (part, Some(source)));
        let mut left = at_most;
        let mut progress = None;
        for (number, (part, whose)) in self.parts.iter().enumerate().skip(first) {
            let is_last = number + 1 == self.parts.len();
            let mut source = match begun.take().map_or_else(|| RolloutReader::open(part, 0), Ok) {
                Ok(source) => source,
                Err(error) if is_last => return Err(error),
                // An unreadable older part must not hide what came after it.
                Err(_) => continue,
            };
            // The last part may have grown since; copy that too.
            let end = if is_last { u64::MAX } else { part.size };
            let from = source.offset;
            translation.forked_from = parent.filter(|_| *whose != self.stale.id);
            let is_whole = translate_lines(&mut source, end, left, self.stale.id, translation, target)?;
            left = left.saturating_sub(source.offset - from);
            let (of, to, mark) = (part.path.clone(), source.offset, source.fingerprint());
            progress = Some(CopyProgress {
                source: of,
                offset: to,
                fingerprint: mark,
                partial: !(is_whole && is_last),
            });
            if !is_whole || left == 0 {
                break;
            }
        }
        Ok(progress.expect("its last part was read, or an error said why not"))
    }

    /// The lines after each run: the title if it changed, and the marker.
    fn closing_lines(
        &self,
        progress: CopyProgress,
        title: Option<String>,
        translation: CodexTranslator,
    ) -> io::Result<String> {
        let mut lines = String::new();
        let name = self.stale.title.map(|name| &name.text).filter(|name| title.as_ref() != Some(name));
        if let Some(text) = name {
            let entry = title_entry(self.stale.id, text);
            lines = format!("{entry}\n");
        }
        let CopyProgress { source: of, offset: to, fingerprint: mark, partial } = progress;
        let (kind, agent, title) =
            (MarkerKind::Line, codex_rollouts::CODEX.to_owned(), name.cloned().or(title));
        let is_sidechain = translation.is_sidechain();
        let forked_from = translation.parent().map(|parent| json!({"sessionId": parent, "messageUuid": ""}));
        let marker = ResumeMarker {
            kind,
            agent,
            of,
            to,
            mark,
            partial,
            is_sidechain,
            forked_from,
            archived: self.stale.head.is_archived,
            session_origin: translation.origin().label().map(str::to_owned),
            title,
            translation,
        };
        lines += &serde_json::to_string(&marker).map_err(io::Error::other)?;
        lines.push('\n');
        Ok(lines)
    }
}

/// How far a copy goes.
struct CopyProgress {
    source: PathBuf,
    offset: u64,
    fingerprint: u64,
    partial: bool,
}

/// The temporary path of a copy that must not be listed yet.
pub(super) fn temp_copy_path(projects: &Path, id: SessionId) -> PathBuf {
    projects.with_file_name(format!("{id}.new"))
}

/// Whether this copy is incomplete.
pub(super) fn is_partial(copy: &Path) -> bool {
    read_marker(copy).is_some_and(|marker| marker.partial)
}

/// The modification time of a complete copy, by which it is known to be up to date: the
/// source's own time in milliseconds, and below that a hash of its name, its size and whether it
/// is archived, because two writes within one clock tick have the same time.
pub(super) fn complete_mtime(head: &Rollout, name: Option<&ThreadTitle>) -> SystemTime {
    let touched = name.map_or(head.modified, |name| name.updated_at.max(head.modified));
    let since = touched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = head.path.file_name().unwrap_or_default();
    let hash =
        fingerprint(&[&head.size.to_le_bytes()[..], &[u8::from(head.is_archived)], name.as_bytes()].concat());
    let below = Duration::from_nanos(1 + hash % 999_999);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64) + below
}

/// The modification time of an incomplete copy; never equal to [`complete_mtime`].
fn partial_mtime(as_of: SystemTime) -> SystemTime {
    let since = as_of.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

/// The marker in a copy's last line; `None` if that line is malformed.
fn read_marker(copy: &Path) -> Option<ResumeMarker> {
    let tail = partial_read::read_tail(copy, MARKER_SEARCH_BYTES).ok()?.bytes;
    let line = tail.strip_suffix(b"\n")?;
    serde_json::from_slice(&line[memchr::memrchr(b'\n', line).map_or(0, |newline| newline + 1)..]).ok()
}

/// Translates whole lines up to `end`, or until about `at_most` bytes were read. Returns
/// whether it reached the end.
fn translate_lines(
    source: &mut RolloutReader,
    end: u64,
    at_most: u64,
    session: SessionId,
    translation: &mut CodexTranslator,
    target: &mut File,
) -> io::Result<bool> {
    let enough = source.offset.saturating_add(at_most.max(1)).min(end);
    let (mut line, mut entries) = (Vec::new(), Vec::new());
    let mut is_over = false;
    while !is_over && source.offset < enough {
        let at = source.offset;
        match source.read_line(&mut line)? {
            Some(length) if length > MAX_LINE_BYTES => entries.extend(b"{\n"),
            Some(_) => translation.push_line(session, &line, at, &mut entries),
            None => is_over = true,
        }
        if entries.len() > WRITE_BUFFER_BYTES {
            target.write_all(&std::mem::take(&mut entries))?;
        }
    }
    target.write_all(&entries)?;
    Ok(is_over || source.offset >= end || source.is_at_end()?)
}
