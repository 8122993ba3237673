//! Where codex keeps its threads (facts from 0.169.0).
//!
//! A thread is a file of lines under `sessions/YYYY/MM/DD`, named after when it
//! began and its id. A fork holds only what came after; its first line says
//! which part of which thread it goes on from. A thread that was taken back to
//! an earlier turn goes on in another file of its own, the same way.

use std::collections::HashMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::Deserialize;

use super::rollout_reader::RolloutReader;
use crate::session::SessionId;

/// Who keeps them.
pub(super) const CODEX: &str = "codex";

/// What the name of a packed one ends with, see [`Source`].
const COMPRESSED_SUFFIX: &str = ".zst";

/// The titles of threads.
pub(super) type ThreadTitles = HashMap<SessionId, ThreadTitle>;

/// A title.
#[derive(Debug)]
pub(super) struct ThreadTitle {
    pub text: String,
    pub updated_at: SystemTime,
}

/// One file of a thread, or as much of its beginning as matters.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    /// Where it lies while it is not packed.
    pub path: PathBuf,
    pub is_compressed: bool,
    pub size: u64,
    pub modified: SystemTime,
}

impl Rollout {
    /// Where it lies.
    pub fn disk_path(&self) -> PathBuf {
        let mut there = self.path.clone().into_os_string();
        if self.is_compressed {
            there.push(COMPRESSED_SUFFIX);
        }
        there.into()
    }

    /// The names of later ones are greater. While codex packs one or unpacks it there
    /// are two, of which the packed one counts for nothing.
    fn sort_key(&self) -> impl Ord + '_ {
        (self.path.file_name(), !self.is_compressed)
    }
}

/// All files of all threads.
#[derive(Debug, Default)]
pub(super) struct Rollouts {
    /// The file in which each thread goes on.
    pub heads: HashMap<SessionId, Rollout>,
    /// Every file by its own id, and whose it is. The first one of a thread bears
    /// the thread's id.
    parts: HashMap<SessionId, (Rollout, SessionId)>,
}

/// What a thread goes on from: a part of a file, by the file's own id.
#[derive(Debug, Deserialize)]
struct HistoryBase {
    thread_id: SessionId,
    end_byte_offset: u64,
}

/// What the first line of a file says.
#[derive(Debug, Deserialize)]
struct RolloutHeader {
    payload: RolloutMeta,
}

#[derive(Debug, Deserialize)]
struct RolloutMeta {
    history_base: Option<HistoryBase>,
}

impl Rollouts {
    /// Looks for them; none where codex never ran.
    pub fn find(codex: &Path) -> Self {
        let mut folders = vec![codex.join("sessions")];
        for _year_month_day in 0..3 {
            folders =
                folders.iter().flat_map(|folder| dir_entries(folder)).map(|entry| entry.path()).collect();
        }
        let found: Vec<_> = folders
            .par_iter()
            .flat_map_iter(|folder| dir_entries(folder).filter_map(|entry| parse_rollout(&entry)))
            .collect();
        let mut rollouts = Self::default();
        for (thread, part, rollout) in found {
            let head = rollouts.heads.entry(thread).or_insert_with(|| rollout.clone());
            if head.sort_key() < rollout.sort_key() {
                head.clone_from(&rollout);
            }
            if rollouts.parts.get(&part).is_none_or(|(known, _)| known.is_compressed) {
                rollouts.parts.insert(part, (rollout, thread));
            }
        }
        rollouts
    }

    /// What a thread goes on from, the oldest part first, and whose that was. A
    /// part that is gone is left out, and with it what it went on from.
    pub fn history_of(&self, head: &Rollout) -> io::Result<Vec<(Rollout, SessionId)>> {
        let mut bases: Vec<(Rollout, SessionId)> = Vec::new();
        let mut next = read_header(head)?.and_then(|first| first.payload.history_base);
        while let Some(base) = next.take() {
            let Some((part, thread)) = self.parts.get(&base.thread_id) else { break };
            // None goes on from itself.
            let is_known = part.path == head.path || bases.iter().any(|(known, _)| known.path == part.path);
            if is_known || (part.size < base.end_byte_offset && !part.is_compressed) {
                break;
            }
            bases.push((Rollout { size: base.end_byte_offset, ..part.clone() }, *thread));
            next = read_header(part).ok().flatten().and_then(|first| first.payload.history_base);
        }
        bases.reverse();
        Ok(bases)
    }
}

/// The titles that were given, the last one of each thread.
pub(super) fn thread_titles(codex: &Path) -> ThreadTitles {
    #[derive(Deserialize)]
    struct Line {
        id: SessionId,
        thread_name: String,
        updated_at: DateTime<Utc>,
    }
    let text = fs::read_to_string(codex.join("session_index.jsonl")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    lines
        .map(|line| (line.id, ThreadTitle { text: line.thread_name, updated_at: line.updated_at.into() }))
        .collect()
}

fn dir_entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    folder.read_dir().into_iter().flatten().flatten()
}

/// A file, its thread and its own id: `rollout-2026-11-21T09-26-10-THREAD.jsonl`
/// or `rollout-2026-11-21T09-26-10-THREAD_PART.jsonl`, and that packed.
fn parse_rollout(entry: &DirEntry) -> Option<(SessionId, SessionId, Rollout)> {
    let name = entry.file_name();
    let name = name.to_str()?;
    let (name, is_packed) = name.strip_suffix(COMPRESSED_SUFFIX).map_or((name, false), |name| (name, true));
    let path = if is_packed { entry.path().with_file_name(name) } else { entry.path() };
    let name = name.strip_prefix("rollout-")?.strip_suffix(".jsonl")?;
    let ids = name.get("2026-11-21T09-26-10-".len()..)?;
    let (thread, part) = ids.split_once('_').unwrap_or((ids, ids));
    let there = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let rollout =
        Rollout { path, is_compressed: is_packed, size: there.len(), modified: there.modified().ok()? };
    Some((thread.parse().ok()?, part.parse().ok()?, rollout))
}

fn read_header(rollout: &Rollout) -> io::Result<Option<RolloutHeader>> {
    let mut line = Vec::new();
    RolloutReader::open(rollout, 0)?.read_line(&mut line)?;
    Ok(serde_json::from_slice(&line).ok())
}
