//! One copy on its way: what it is made of, how far it goes, and going on.
//!
//! A copy ends with a seam, by which anybody can go on with it: after a line was
//! appended to its source, and after only a piece of it was copied. One that is
//! not whole says so in its seam, and in the time that it bears.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::codex_rollouts::{self, Rollout, Rollouts, ThreadTitle};
use super::codex_translator::CodexTranslator;
use super::rollout_reader::{self, RolloutReader};
use crate::session::SessionId;
use crate::session::transcript::MAX_LINE_BYTES;
use crate::store::{partial_read, project_dir};

/// Bytes of entries that are kept in memory before they are written.
const WRITE_BUFFER_BYTES: usize = 1 << 20;
/// The end of a copy, in which its last line says how far it goes.
const MARKER_SEARCH_BYTES: u64 = 64 << 10;

/// The last line of each copy, and of each piece of one: what it is a copy of,
/// and how to go on.
#[derive(Debug, Serialize, Deserialize)]
struct ResumeMarker {
    #[serde(rename = "type")]
    kind: MarkerKind,
    /// Who keeps the session.
    agent: String,
    /// The file that was copied last.
    of: PathBuf,
    /// Bytes of it that were, see [`Source::offset`].
    to: u64,
    /// Of the bytes before that, see [`Source::fingerprint`].
    mark: u64,
    /// There was more, which is not copied yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// It belongs to a sub-agent, as an entry says it: there may be none yet.
    #[serde(default, rename = "isSidechain", skip_serializing_if = "std::ops::Not::not")]
    is_sidechain: bool,
    /// Its title, as it was told last.
    title: Option<String>,
    translation: CodexTranslator,
}

/// The type of the line.
#[derive(Debug, Serialize, Deserialize)]
enum MarkerKind {
    #[serde(rename = "mirror")]
    Line,
}

/// A session whose copy is not up to date, or not there.
#[derive(Debug)]
pub(super) struct StaleCopy<'a> {
    pub id: SessionId,
    /// The file in which it goes on.
    pub head: &'a Rollout,
    pub title: Option<&'a ThreadTitle>,
    /// What a copy of it bears that is up to date.
    pub expected_mtime: SystemTime,
    pub copy: Option<&'a Path>,
}

impl StaleCopy<'_> {
    /// By which it is known that it was tried as it is.
    pub fn failure_key(&self) -> (PathBuf, SystemTime) {
        (self.head.path.clone(), self.expected_mtime)
    }
}

/// What a turn of copying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopyStatus {
    /// There is more.
    Partial,
    /// All of it.
    Complete,
}

/// A copy that is to be made, or to be gone on with.
pub(super) struct CopyJob<'a> {
    stale: &'a StaleCopy<'a>,
    /// What it is made of, the oldest part first, and whose each is.
    parts: Vec<(Rollout, SessionId)>,
    /// The part that was copied last, and how far.
    resume_from: Option<(usize, ResumeMarker)>,
}

impl<'a> CopyJob<'a> {
    /// Looks what there is to copy, and how far the copy goes that there is.
    pub fn plan(of: &'a StaleCopy<'a>, rollouts: &Rollouts) -> io::Result<Self> {
        let mut parts = rollouts.history_of(of.head)?;
        let size =
            if of.head.is_compressed { rollout_reader::uncompressed_len(of.head)? } else { of.head.size };
        parts.push((Rollout { size, ..of.head.clone() }, of.id));
        let stands = of.copy.and_then(read_marker).and_then(|seam| {
            let is_it = |part: &Rollout| part.path == seam.of && seam.to <= part.size;
            Some((parts.iter().position(|(part, _)| is_it(part))?, seam))
        });
        Ok(Self { stale: of, parts, resume_from: stands })
    }

    /// Bytes that are still to be read.
    pub fn remaining_bytes(&self) -> u64 {
        let (part, to) = self.resume_from.as_ref().map_or((0, 0), |(part, seam)| (*part, seam.to));
        let all = self.parts[part..].iter().fold(0_u64, |all, (part, _)| all.saturating_add(part.size));
        all - to
    }

    /// Copies it on, until about so many bytes were read: a line at least. It is
    /// made anew where the copy is one of something else by now.
    pub fn run(mut self, projects: &Path, at_most: u64) -> io::Result<CopyStatus> {
        let StaleCopy { id, expected_mtime: as_of, copy, .. } = *self.stale;
        let scratch = temp_copy_path(projects, id);
        let stands = self.resume_from.take().and_then(|(part, seam)| {
            let source = RolloutReader::open(&self.parts[part].0, seam.to).ok()?;
            (source.fingerprint() == seam.mark).then_some((part, source, seam))
        });
        let written = copy.filter(|_| stands.is_some()).unwrap_or(&scratch);
        let (mut target, mut translation, title, from) = match stands {
            Some((part, source, seam)) => {
                let target = File::options().append(true).open(written)?;
                (target, seam.translation, seam.title, Some((part, source)))
            }
            None => (File::create(written)?, CodexTranslator::default(), None, None),
        };
        let stand = self.copy(from, &mut translation, &mut target, at_most)?;
        let (copied, bears) = if stand.partial {
            (CopyStatus::Partial, partial_mtime(as_of))
        } else {
            (CopyStatus::Complete, as_of)
        };
        let folder = project_dir::project_dir_for(projects, Path::new(translation.cwd()));
        let place = folder.join(format!("{id}.jsonl"));
        target.write_all(self.closing_lines(stand, title, translation)?.as_bytes())?;
        target.set_modified(bears)?;
        if written != place {
            // Only now it can be listed.
            super::create_private_dir(&folder)?;
            if let Some(former) = copy.filter(|former| *former != written && *former != place) {
                fs::remove_file(former)?;
            }
            fs::rename(written, place)?;
        }
        Ok(copied)
    }

    /// Copies what there is from a place on; gives back where it stands then.
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
        let mut stand = None;
        for (number, (part, whose)) in self.parts.iter().enumerate().skip(first) {
            let is_last = number + 1 == self.parts.len();
            let mut source = match begun.take().map_or_else(|| RolloutReader::open(part, 0), Ok) {
                Ok(source) => source,
                Err(error) if is_last => return Err(error),
                // What cannot be read of what was before hides nothing of what came after.
                Err(_) => continue,
            };
            // The last part may have grown since: the more the better.
            let end = if is_last { u64::MAX } else { part.size };
            let from = source.offset;
            translation.forked_from = parent.filter(|_| *whose != self.stale.id);
            let is_whole = translate_lines(&mut source, end, left, self.stale.id, translation, target)?;
            left = left.saturating_sub(source.offset - from);
            let (of, to, mark) = (part.path.clone(), source.offset, source.fingerprint());
            stand = Some(CopyProgress {
                source: of,
                offset: to,
                fingerprint: mark,
                partial: !(is_whole && is_last),
            });
            if !is_whole || left == 0 {
                break;
            }
        }
        Ok(stand.expect("its last part was read, or an error said why not"))
    }

    /// What is put behind each piece: its title where that is another one, and the seam.
    fn closing_lines(
        &self,
        stand: CopyProgress,
        title: Option<String>,
        translation: CodexTranslator,
    ) -> io::Result<String> {
        let mut lines = String::new();
        let name = self.stale.title.map(|name| &name.text).filter(|name| title.as_ref() != Some(name));
        if let Some(text) = name {
            let entry = json!({"type": "custom-title", "customTitle": text, "sessionId": self.stale.id});
            lines = format!("{entry}\n");
        }
        let CopyProgress { source: of, offset: to, fingerprint: mark, partial } = stand;
        let (kind, agent, title) =
            (MarkerKind::Line, codex_rollouts::CODEX.to_owned(), name.cloned().or(title));
        let is_sidechain = translation.is_sidechain();
        let seam = ResumeMarker { kind, agent, of, to, mark, partial, is_sidechain, title, translation };
        lines += &serde_json::to_string(&seam).map_err(io::Error::other)?;
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

/// A copy that cannot be listed yet.
pub(super) fn temp_copy_path(projects: &Path, id: SessionId) -> PathBuf {
    projects.with_file_name(format!("{id}.new"))
}

/// Whether there is more of the session than in this copy.
pub(super) fn is_partial(copy: &Path) -> bool {
    read_marker(copy).is_some_and(|seam| seam.partial)
}

/// The time that a whole copy bears, by which it is told whether it is up to
/// date: when its source was touched last, to the millisecond, and below that
/// which source it is and how long. (Two writes within a tick of the clock bear
/// one time.)
pub(super) fn complete_mtime(head: &Rollout, name: Option<&ThreadTitle>) -> SystemTime {
    let touched = name.map_or(head.modified, |name| name.updated_at.max(head.modified));
    let since = touched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (head.size, head.path.file_name()).hash(&mut hasher);
    let below = Duration::from_nanos(1 + hasher.finish() % 999_999);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64) + below
}

/// The time that the copy bears until it is whole: never [`as_of`] anything.
fn partial_mtime(as_of: SystemTime) -> SystemTime {
    let since = as_of.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

/// What the last line of a copy says; none where it is torn.
fn read_marker(copy: &Path) -> Option<ResumeMarker> {
    let tail = partial_read::read_tail(copy, MARKER_SEARCH_BYTES).ok()?.bytes;
    let line = tail.strip_suffix(b"\n")?;
    serde_json::from_slice(&line[memchr::memrchr(b'\n', line).map_or(0, |newline| newline + 1)..]).ok()
}

/// Writes the entries that the whole lines of a source stand for, up to its end or
/// that one, or until about so many bytes of it were read. Whether that is all.
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
