//! Where codex keeps its threads (facts from codex 0.169.0).
//!
//! A thread is a file of JSON lines under `sessions/YYYY/MM/DD`, named after its start time
//! and its id. A fork holds only what came after; its first line says which part of which
//! thread it continues. A thread that was reverted to an earlier turn continues in another
//! file of its own, in the same way.

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

/// The agent that keeps these files.
pub(super) const CODEX: &str = "codex";

/// Where codex moves the files of a thread that a person archived; without days.
const ARCHIVE_FOLDER: &str = "archived_sessions";

/// The suffix of a compressed file, see
/// [`RolloutReader`](super::rollout_reader::RolloutReader).
const COMPRESSED_SUFFIX: &str = ".zst";

/// The last title of each thread.
pub(super) type ThreadTitles = HashMap<SessionId, ThreadTitle>;

/// A title that a person or codex gave.
#[derive(Debug)]
pub(super) struct ThreadTitle {
    pub text: String,
    pub updated_at: SystemTime,
}

/// One file of a thread, up to `size` bytes of it.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    /// Its path while it is not compressed.
    pub path: PathBuf,
    pub is_compressed: bool,
    pub size: u64,
    pub modified: SystemTime,
    /// It lies where codex puts what a person archived.
    pub is_archived: bool,
}

impl Rollout {
    /// Its path on the disk.
    pub fn disk_path(&self) -> PathBuf {
        let mut there = self.path.clone().into_os_string();
        if self.is_compressed {
            there.push(COMPRESSED_SUFFIX);
        }
        there.into()
    }

    /// Later files sort after earlier ones. While codex compresses or unpacks a file both
    /// forms exist; the compressed one then counts less.
    fn sort_key(&self) -> impl Ord + '_ {
        (self.path.file_name(), !self.is_compressed)
    }
}

/// All files of all threads.
#[derive(Debug, Default)]
pub(super) struct Rollouts {
    /// The file in which each thread continues.
    pub heads: HashMap<SessionId, Rollout>,
    /// Every file by its own id, with its thread. The first file of a thread has the
    /// thread's id.
    parts: HashMap<SessionId, (Rollout, SessionId)>,
}

/// What a thread continues from: the first bytes of a file, by the file's own id.
#[derive(Debug, Deserialize)]
struct HistoryBase {
    thread_id: SessionId,
    end_byte_offset: u64,
}

/// The first line of a file.
#[derive(Debug, Deserialize)]
struct RolloutHeader {
    payload: RolloutMeta,
}

#[derive(Debug, Deserialize)]
struct RolloutMeta {
    history_base: Option<HistoryBase>,
}

impl Rollouts {
    /// Finds all files; empty if codex never ran.
    pub fn find(codex: &Path) -> Self {
        let mut folders = vec![codex.join("sessions")];
        for _year_month_day in 0..3 {
            folders =
                folders.iter().flat_map(|folder| dir_entries(folder)).map(|entry| entry.path()).collect();
        }
        let archive = codex.join(ARCHIVE_FOLDER);
        folders.push(archive.clone());
        let in_folder = |folder: &PathBuf| {
            let is_archived = *folder == archive;
            let entries: Vec<_> = dir_entries(folder).collect();
            entries.into_iter().filter_map(move |entry| parse_rollout(&entry, is_archived))
        };
        let found: Vec<_> = folders.par_iter().flat_map_iter(in_folder).collect();
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

    /// The parts that a file continues, oldest first, each with its thread. A missing part
    /// is left out, and so is everything before it.
    pub fn history_of(&self, head: &Rollout) -> io::Result<Vec<(Rollout, SessionId)>> {
        let mut bases: Vec<(Rollout, SessionId)> = Vec::new();
        let mut next = read_header(head)?.and_then(|first| first.payload.history_base);
        while let Some(base) = next.take() {
            let Some((part, thread)) = self.parts.get(&base.thread_id) else { break };
            // A cycle: stop before reading a file twice.
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

/// The last title of each thread, from `session_index.jsonl`.
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

/// A file, its thread and its own id. Names are `rollout-2026-11-21T09-26-10-THREAD.jsonl`
/// or `rollout-2026-11-21T09-26-10-THREAD_PART.jsonl`, with or without `.zst`.
fn parse_rollout(entry: &DirEntry, is_archived: bool) -> Option<(SessionId, SessionId, Rollout)> {
    let name = entry.file_name();
    let name = name.to_str()?;
    let (name, is_packed) = name.strip_suffix(COMPRESSED_SUFFIX).map_or((name, false), |name| (name, true));
    let path = if is_packed { entry.path().with_file_name(name) } else { entry.path() };
    let name = name.strip_prefix("rollout-")?.strip_suffix(".jsonl")?;
    let ids = name.get("2026-11-21T09-26-10-".len()..)?;
    let (thread, part) = ids.split_once('_').unwrap_or((ids, ids));
    let there = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let (size, modified) = (there.len(), there.modified().ok()?);
    let rollout = Rollout { path, is_compressed: is_packed, size, modified, is_archived };
    Some((thread.parse().ok()?, part.parse().ok()?, rollout))
}

fn read_header(rollout: &Rollout) -> io::Result<Option<RolloutHeader>> {
    let mut line = Vec::new();
    RolloutReader::open(rollout, 0)?.read_line(&mut line)?;
    Ok(serde_json::from_slice(&line).ok())
}
