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

use super::rollouts::{self, Name, Rollout, Rollouts};
use super::source::{self, Source};
use super::translation::Translation;
use crate::session::SessionId;
use crate::session::transcript::LONGEST_LINE;
use crate::store::{ends, project};

/// Bytes of entries that are kept in memory before they are written.
const PIECE: usize = 1 << 20;
/// The end of a copy, in which its last line says how far it goes.
const LAST_LINE: u64 = 64 << 10;

/// The last line of each copy, and of each piece of one: what it is a copy of,
/// and how to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Seam {
    #[serde(rename = "type")]
    kind: Mirrors,
    /// Who keeps the session.
    agent: String,
    /// The file that was copied last.
    of: PathBuf,
    /// Bytes of it that were, see [`Source::at`].
    to: u64,
    /// Of the bytes before that, see [`Source::mark`].
    mark: u64,
    /// There was more, which is not copied yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// It belongs to a sub-agent, as an entry says it: there may be none yet.
    #[serde(default, rename = "isSidechain", skip_serializing_if = "std::ops::Not::not")]
    is_sidechain: bool,
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

/// A session whose copy is not up to date, or not there.
#[derive(Debug)]
pub(super) struct Behind<'a> {
    pub id: SessionId,
    /// The file in which it goes on.
    pub head: &'a Rollout,
    pub name: Option<&'a Name>,
    /// What a copy of it bears that is up to date.
    pub as_of: SystemTime,
    pub copy: Option<&'a Path>,
}

impl Behind<'_> {
    /// By which it is known that it was tried as it is.
    pub fn key(&self) -> (PathBuf, SystemTime) {
        (self.head.path.clone(), self.as_of)
    }
}

/// What a turn of copying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    /// There is more.
    Partly,
    /// All of it.
    Whole,
}

/// A copy that is to be made, or to be gone on with.
pub(super) struct Copying<'a> {
    of: &'a Behind<'a>,
    /// What it is made of, the oldest part first, and whose each is.
    parts: Vec<(Rollout, SessionId)>,
    /// The part that was copied last, and how far.
    stands: Option<(usize, Seam)>,
}

impl<'a> Copying<'a> {
    /// Looks what there is to copy, and how far the copy goes that there is.
    pub fn plan(of: &'a Behind<'a>, rollouts: &Rollouts) -> io::Result<Self> {
        let mut parts = rollouts.bases_of(of.head)?;
        let size = if of.head.is_packed { source::length(of.head)? } else { of.head.size };
        parts.push((Rollout { size, ..of.head.clone() }, of.id));
        let stands = of.copy.and_then(seam_of).and_then(|seam| {
            let is_it = |part: &Rollout| part.path == seam.of && seam.to <= part.size;
            Some((parts.iter().position(|(part, _)| is_it(part))?, seam))
        });
        Ok(Self { of, parts, stands })
    }

    /// Bytes that are still to be read.
    pub fn left(&self) -> u64 {
        let (part, to) = self.stands.as_ref().map_or((0, 0), |(part, seam)| (*part, seam.to));
        let all = self.parts[part..].iter().fold(0_u64, |all, (part, _)| all.saturating_add(part.size));
        all - to
    }

    /// Copies it on, until about so many bytes were read: a line at least. It is
    /// made anew where the copy is one of something else by now.
    pub fn run(mut self, projects: &Path, at_most: u64) -> io::Result<Copied> {
        let Behind { id, as_of, copy, .. } = *self.of;
        let scratch = scratch(projects, id);
        let stands = self.stands.take().and_then(|(part, seam)| {
            let source = Source::open(&self.parts[part].0, seam.to).ok()?;
            (source.mark() == seam.mark).then_some((part, source, seam))
        });
        let written = copy.filter(|_| stands.is_some()).unwrap_or(&scratch);
        let (mut target, mut translation, title, from) = match stands {
            Some((part, source, seam)) => {
                let target = File::options().append(true).open(written)?;
                (target, seam.translation, seam.title, Some((part, source)))
            }
            None => (File::create(written)?, Translation::default(), None, None),
        };
        let stand = self.copy(from, &mut translation, &mut target, at_most)?;
        let (copied, bears) =
            if stand.partial { (Copied::Partly, while_partial(as_of)) } else { (Copied::Whole, as_of) };
        let folder = project::folder_for(projects, Path::new(translation.cwd()));
        let place = folder.join(format!("{id}.jsonl"));
        target.write_all(self.last_lines(stand, title, translation)?.as_bytes())?;
        target.set_modified(bears)?;
        if written != place {
            // Only now it can be listed.
            super::make(&folder)?;
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
        from: Option<(usize, Source)>,
        translation: &mut Translation,
        target: &mut File,
        at_most: u64,
    ) -> io::Result<Stand> {
        let parent = self.parts.iter().rev().map(|(_, whose)| *whose).find(|whose| *whose != self.of.id);
        let (first, mut begun) = from.map_or((0, None), |(part, source)| (part, Some(source)));
        let mut left = at_most;
        let mut stand = None;
        for (number, (part, whose)) in self.parts.iter().enumerate().skip(first) {
            let is_last = number + 1 == self.parts.len();
            let mut source = match begun.take().map_or_else(|| Source::open(part, 0), Ok) {
                Ok(source) => source,
                Err(error) if is_last => return Err(error),
                // What cannot be read of what was before hides nothing of what came after.
                Err(_) => continue,
            };
            // The last part may have grown since: the more the better.
            let end = if is_last { u64::MAX } else { part.size };
            let from = source.at;
            translation.forked_from = parent.filter(|_| *whose != self.of.id);
            let is_whole = translate(&mut source, end, left, self.of.id, translation, target)?;
            left = left.saturating_sub(source.at - from);
            let (of, to, mark) = (part.path.clone(), source.at, source.mark());
            stand = Some(Stand { of, to, mark, partial: !(is_whole && is_last) });
            if !is_whole || left == 0 {
                break;
            }
        }
        Ok(stand.expect("its last part was read, or an error said why not"))
    }

    /// What is put behind each piece: its title where that is another one, and the seam.
    fn last_lines(
        &self,
        stand: Stand,
        title: Option<String>,
        translation: Translation,
    ) -> io::Result<String> {
        let mut lines = String::new();
        let name = self.of.name.map(|name| &name.text).filter(|name| title.as_ref() != Some(name));
        if let Some(text) = name {
            let entry = json!({"type": "custom-title", "customTitle": text, "sessionId": self.of.id});
            lines = format!("{entry}\n");
        }
        let Stand { of, to, mark, partial } = stand;
        let (kind, agent, title) = (Mirrors::Line, rollouts::AGENT.to_owned(), name.cloned().or(title));
        let is_sidechain = translation.is_sidechain();
        let seam = Seam { kind, agent, of, to, mark, partial, is_sidechain, title, translation };
        lines += &serde_json::to_string(&seam).map_err(io::Error::other)?;
        lines.push('\n');
        Ok(lines)
    }
}

/// How far a copy goes.
struct Stand {
    of: PathBuf,
    to: u64,
    mark: u64,
    partial: bool,
}

/// A copy that cannot be listed yet.
pub(super) fn scratch(projects: &Path, id: SessionId) -> PathBuf {
    projects.with_file_name(format!("{id}.new"))
}

/// Whether there is more of the session than in this copy.
pub(super) fn is_partial(copy: &Path) -> bool {
    seam_of(copy).is_some_and(|seam| seam.partial)
}

/// The time that a whole copy bears, by which it is told whether it is up to
/// date: when its source was touched last, to the millisecond, and below that
/// which source it is and how long. (Two writes within a tick of the clock bear
/// one time.)
pub(super) fn as_of(head: &Rollout, name: Option<&Name>) -> SystemTime {
    let touched = name.map_or(head.modified, |name| name.given.max(head.modified));
    let since = touched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (head.size, head.path.file_name()).hash(&mut hasher);
    let below = Duration::from_nanos(1 + hasher.finish() % 999_999);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64) + below
}

/// The time that the copy bears until it is whole: never [`as_of`] anything.
fn while_partial(as_of: SystemTime) -> SystemTime {
    let since = as_of.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

/// What the last line of a copy says; none where it is torn.
fn seam_of(copy: &Path) -> Option<Seam> {
    let tail = ends::tail(copy, LAST_LINE).ok()?.bytes;
    let line = tail.strip_suffix(b"\n")?;
    serde_json::from_slice(&line[memchr::memrchr(b'\n', line).map_or(0, |newline| newline + 1)..]).ok()
}

/// Writes the entries that the whole lines of a source stand for, up to its end or
/// that one, or until about so many bytes of it were read. Whether that is all.
fn translate(
    source: &mut Source,
    end: u64,
    at_most: u64,
    session: SessionId,
    translation: &mut Translation,
    target: &mut File,
) -> io::Result<bool> {
    let enough = source.at.saturating_add(at_most.max(1)).min(end);
    let (mut line, mut entries) = (Vec::new(), Vec::new());
    let mut is_over = false;
    while !is_over && source.at < enough {
        let at = source.at;
        match source.read(&mut line)? {
            Some(length) if length > LONGEST_LINE => entries.extend(b"{\n"),
            Some(_) => translation.take(session, &line, at, &mut entries),
            None => is_over = true,
        }
        if entries.len() > PIECE {
            target.write_all(&std::mem::take(&mut entries))?;
        }
    }
    target.write_all(&entries)?;
    Ok(is_over || source.at >= end || source.is_at_end()?)
}
