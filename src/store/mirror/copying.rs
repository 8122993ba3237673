//! One copy on its way: what it is made of, how far it goes, and going on.
//!
//! A copy ends with a seam, by which anybody can go on with it: after a line was
//! appended to its source, and after only a piece of it was copied. One that is
//! not whole says so in its seam, and in the time that it bears.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::rollouts::{self, Name, Rollout, Rollouts};
use super::translation::Translation;
use crate::session::SessionId;
use crate::store::{ends, project};

/// A longer line is passed over: no message is that long, and a hostile one
/// must not fill the memory.
const LONGEST_LINE: u64 = 64 << 20;
/// Bytes of entries that are kept in memory before they are written.
const PIECE: usize = 1 << 20;
/// The end of a copy, in which its last line says how far it goes.
const LAST_LINE: u64 = 64 << 10;
/// Bytes before the place read to that tell whether it is still the same file.
const MARK: u64 = 64;

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
    /// Bytes of it that were.
    to: u64,
    /// Of the bytes before that.
    mark: u64,
    /// There was more, which is not copied yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// Its title, as it was told last.
    title: Option<String>,
    translation: Translation,
}

impl Seam {
    /// Which part it goes on with; none where that is not what it was.
    fn part_of(&self, parts: &[(Rollout, SessionId)]) -> Option<usize> {
        let is_it = |part: &Rollout| {
            let same = part.path == self.of && self.to <= part.size;
            same && File::open(&part.path)
                .and_then(|mut source| mark(&mut source, self.to))
                .is_ok_and(|mark| mark == self.mark)
        };
        parts.iter().position(|(part, _)| is_it(part))
    }
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
    /// What is still to be read, and whose each part is; of the first from here on.
    parts: Vec<(Rollout, SessionId)>,
    from: u64,
    /// The thread it was forked from.
    parent: Option<SessionId>,
    /// The copy whose end the rest is put behind, and its title.
    goes_on: Option<&'a Path>,
    title: Option<String>,
    translation: Translation,
}

impl<'a> Copying<'a> {
    /// Looks how far the copy goes that there is. It is made anew where that is
    /// one of something else by now.
    pub fn plan(of: &'a Behind<'a>, rollouts: &Rollouts) -> io::Result<Self> {
        let mut parts = rollouts.bases_of(of.head)?;
        let parent = parts.iter().rev().map(|(_, whose)| *whose).find(|whose| *whose != of.id);
        parts.push((of.head.clone(), of.id));
        let stands = of.copy.and_then(seam_of).and_then(|seam| Some((seam.part_of(&parts)?, seam)));
        let Some((at, seam)) = stands else {
            let (goes_on, title, translation) = (None, None, Translation::default());
            return Ok(Self { of, parts, from: 0, parent, goes_on, title, translation });
        };
        let (parts, goes_on) = (parts.split_off(at), of.copy);
        let Seam { to: from, title, translation, .. } = seam;
        Ok(Self { of, parts, from, parent, goes_on, title, translation })
    }

    /// Bytes that are still to be read.
    pub fn left(&self) -> u64 {
        self.parts.iter().map(|(part, _)| part.size).sum::<u64>() - self.from
    }

    /// Copies it on, until about so many bytes were read: a line at least.
    pub fn run(mut self, projects: &Path, at_most: u64) -> io::Result<Copied> {
        let Behind { id, as_of, copy, .. } = *self.of;
        let scratch = scratch(projects, id);
        let mut target = match self.goes_on {
            Some(copy) => File::options().append(true).open(copy)?,
            None => File::create(&scratch)?,
        };
        let stand = self.copy(&mut target, at_most)?;
        let (copied, bears) =
            if stand.partial { (Copied::Partly, while_partial(as_of)) } else { (Copied::Whole, as_of) };
        let folder = project::folder_for(projects, Path::new(self.translation.cwd()));
        let place = folder.join(format!("{id}.jsonl"));
        let written = self.goes_on.unwrap_or(&scratch);
        target.write_all(self.last_lines(stand)?.as_bytes())?;
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

    /// Copies what is left of the parts; gives back where it stands then.
    fn copy(&mut self, target: &mut File, at_most: u64) -> io::Result<Stand> {
        let (mut left, mut from) = (at_most, self.from);
        let mut stand = None;
        for (number, (part, whose)) in self.parts.iter().enumerate() {
            let is_last = number + 1 == self.parts.len();
            let mut source = match File::open(&part.path) {
                Ok(source) => source,
                Err(error) if is_last => return Err(error),
                // What cannot be read of what was before hides nothing of what came after.
                Err(_) => continue,
            };
            source.seek(SeekFrom::Start(from))?;
            self.translation.forked_from = self.parent.filter(|_| *whose != self.of.id);
            let rest = (&source).take(part.size - from);
            let (to, is_whole) = translate(rest, from, left, self.of.id, &mut self.translation, target)?;
            left = left.saturating_sub(to - from);
            from = 0;
            let mark = mark(&mut source, to)?;
            stand = Some(Stand { of: part.path.clone(), to, mark, partial: !(is_whole && is_last) });
            if !is_whole || left == 0 {
                break;
            }
        }
        Ok(stand.expect("its last part was read, or an error said why not"))
    }

    /// What is put behind each piece: its title where that is another one, and the seam.
    fn last_lines(&self, stand: Stand) -> io::Result<String> {
        let name = self.of.name.map(|name| &name.text);
        let mut lines = String::new();
        if let Some(text) = name.filter(|name| self.title.as_ref() != Some(name)) {
            let entry = json!({"type": "custom-title", "customTitle": text, "sessionId": self.of.id});
            lines = format!("{entry}\n");
        }
        let Stand { of, to, mark, partial } = stand;
        let (kind, agent) = (Mirrors::Line, rollouts::AGENT.to_owned());
        let (title, translation) = (name.or(self.title.as_ref()).cloned(), self.translation.clone());
        let seam = Seam { kind, agent, of, to, mark, partial, title, translation };
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

/// Writes the entries that the whole lines of a source stand for, until about so
/// many bytes of it were read. Gives back where the next line begins, or the one
/// that is not whole yet, and whether that is all there is.
fn translate(
    source: impl Read,
    from: u64,
    at_most: u64,
    session: SessionId,
    translation: &mut Translation,
    target: &mut File,
) -> io::Result<(u64, bool)> {
    let mut source = BufReader::with_capacity(256 << 10, source);
    let mut at = from;
    let (mut line, mut entries) = (Vec::new(), Vec::new());
    let is_whole = loop {
        line.clear();
        let mut length = source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
        if line.last() == Some(&b'\n') {
            translation.take(session, &line, at, &mut entries);
        } else if length < LONGEST_LINE {
            break true;
        } else {
            length += source.skip_until(b'\n')? as u64;
            entries.extend(b"{\n");
        }
        at += length;
        if entries.len() > PIECE {
            target.write_all(&std::mem::take(&mut entries))?;
        }
        if at - from >= at_most {
            break source.fill_buf()?.is_empty();
        }
    };
    target.write_all(&entries)?;
    Ok((at, is_whole))
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
