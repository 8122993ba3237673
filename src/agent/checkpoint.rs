//! File checkpoints: the contents of files from before tools changed them, by
//! prompt.
//!
//! Kept as the official CLI does: `file-history-snapshot` and `file-history-delta`
//! entries, and contents in `<root>/file-history/<session>/` (CLI 2.1.329). Owns
//! the copies and how they are restored. Must never write to a transcript or decide
//! whether a file may be changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::tool::{FileTarget, canonical, hunks};
use super::transcript_entry::now;
use crate::session::Transcript;
use crate::session::raw_entry::EntryKind;
use crate::sys::private_files::private_dir;

/// Larger files are not backed up.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A file at the time of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileBackup {
    /// The name of its copy; `None` if the file did not exist.
    #[serde(rename = "backupFileName")]
    copy: Option<String>,
    version: u64,
    #[serde(rename = "backupTime", default)]
    time: String,
    #[serde(default)]
    real_parent_dir: Option<PathBuf>,
}

/// All backed-up files at the time of a prompt.
#[derive(Debug, Clone, Default)]
struct CheckpointSnapshot {
    /// The prompt's uuid.
    message: String,
    /// By path, relative to the session's folder if inside it.
    files: BTreeMap<String, FileBackup>,
}

/// All snapshots of a session.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints(Vec<CheckpointSnapshot>);

/// What going back to a prompt changes.
#[derive(Debug, Default, PartialEq)]
pub struct FileRewind {
    /// The files that would change, each with its hunks in the official `structuredPatch` shape.
    pub changed: Vec<(PathBuf, Vec<Value>)>,
    /// Lines that come back.
    pub insertions: usize,
    /// Lines that go.
    pub deletions: usize,
    /// Files that have become links to elsewhere: they are left alone.
    pub skipped_links: usize,
    /// Files among the changed ones that are removed.
    pub removed: Vec<PathBuf>,
    /// Files that stay as they are: outside of the session's folder, denied by a
    /// rule, or to be removed without a checkpoint of ours that says so.
    pub skipped: Vec<PathBuf>,
}

impl Checkpoints {
    /// Reads the checkpoints of a transcript.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Self {
        let mut checkpoints = Self::default();
        for line in transcript.entries.iter().filter(|line| line.kind() == EntryKind::Other) {
            if line.json().contains("\"file-history-")
                && let Ok(entry) = serde_json::from_str::<Value>(line.json())
            {
                checkpoints.apply_entry(&entry);
            }
        }
        checkpoints
    }

    fn apply_entry(&mut self, entry: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match entry["type"].as_str() {
            Some("file-history-snapshot") => {
                let message = text(&entry["snapshot"]["messageId"]);
                let files = serde_json::from_value(entry["snapshot"]["trackedFileBackups"].clone());
                self.0.retain(|snapshot| snapshot.message != message);
                self.0.push(CheckpointSnapshot { message, files: files.unwrap_or_default() });
            }
            Some("file-history-delta") => {
                let message = text(&entry["snapshotMessageId"]);
                let snapshot = self.0.iter_mut().find(|snapshot| snapshot.message == message);
                if let (Some(snapshot), Ok(backup)) =
                    (snapshot, serde_json::from_value(entry["backup"].clone()))
                {
                    snapshot.files.insert(text(&entry["trackingPath"]), backup);
                }
            }
            _ => {}
        }
    }

    /// Makes a snapshot for a prompt: backs up the files changed since the last one. Returns the entry
    /// for it.
    pub fn snapshot_prompt(&mut self, message: &str, cwd: &Path, folder: &Path) -> Value {
        let mut files = self.0.last().map(|snapshot| snapshot.files.clone()).unwrap_or_default();
        for (name, backup) in &mut files {
            let path = cwd.join(name);
            match matches_backup(&path, backup, folder) {
                Ok(true) => {}
                Ok(false) | Err(_) => match write_backup(&path, backup.version + 1, folder) {
                    Ok(newer) => *backup = newer,
                    Err(error) => tracing::warn!("{} is not kept: {error}", path.display()),
                },
            }
        }
        self.0.push(CheckpointSnapshot { message: message.to_owned(), files: files.clone() });
        let snapshot = json!({"messageId": message, "trackedFileBackups": files, "timestamp": now()});
        json!({"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot, "isSnapshotUpdate": false})
    }

    /// Backs up a file that a tool is about to change, once per prompt. Returns the entry for it, if
    /// there is one. `call` is the uuid of the call's entry.
    pub fn backup_before_edit(
        &mut self,
        path: &Path,
        call: &str,
        cwd: &Path,
        folder: &Path,
    ) -> io::Result<Option<Value>> {
        let path = canonical(path);
        let name = path.strip_prefix(canonical(cwd)).unwrap_or(&path).to_string_lossy().into_owned();
        let Some(snapshot) = self.0.last_mut().filter(|snapshot| !snapshot.files.contains_key(&name)) else {
            return Ok(None);
        };
        let backup = write_backup(&path, 1, folder)?;
        let entry = json!({
            "type": "file-history-delta", "messageId": call, "snapshotMessageId": snapshot.message,
            "trackingPath": name, "backup": backup, "timestamp": now(),
        });
        snapshot.files.insert(name, backup);
        Ok(Some(entry))
    }

    /// Brings the files back to what they were when this prompt came, or with
    /// `dry_run` says what that would change. `None`: nothing was kept for it.
    ///
    /// A transcript may come from anybody, so it is not believed: only files in
    /// the session's folder are touched, only those that `may_write` allows, and
    /// a file is removed only if a checkpoint of ours saw that it was not there.
    pub fn rewind(
        &self,
        message: &str,
        cwd: &Path,
        folder: &Path,
        dry_run: bool,
        may_write: &dyn Fn(&Path) -> bool,
    ) -> io::Result<Option<FileRewind>> {
        let Some(at) = self.0.iter().position(|snapshot| snapshot.message == message) else {
            return Ok(None);
        };
        // A file first backed up later had that content until then.
        let mut files: BTreeMap<&str, &FileBackup> = BTreeMap::new();
        for snapshot in &self.0[at..] {
            for (name, backup) in &snapshot.files {
                files.entry(name).or_insert(backup);
            }
        }
        let session_folder = canonical(cwd);
        let mut rewind = FileRewind::default();
        for (name, backup) in files {
            let path = cwd.join(name);
            if was_relinked(&path, backup) {
                rewind.skipped_links += 1;
                continue;
            }
            let resolved = canonical(&path);
            let removes = backup.copy.is_none();
            let is_ours = !removes || folder.join(absence_marker(&resolved)).is_file();
            if !resolved.starts_with(&session_folder) || !may_write(&resolved) || !is_ours {
                rewind.skipped.push(path);
                continue;
            }
            if matches_backup(&path, backup, folder)? {
                continue;
            }
            let former = backup_path(backup, folder).map(fs::read).transpose()?;
            let hunks = diff_to_backup(&path, former.as_deref());
            rewind.deletions += count_lines(&hunks, '-');
            rewind.insertions += count_lines(&hunks, '+');
            if !dry_run {
                match &former {
                    Some(content) => FileTarget::open(&resolved)?.write(content)?,
                    None => fs::remove_file(&path)?,
                }
            }
            if removes {
                rewind.removed.push(path.clone());
            }
            rewind.changed.push((path, hunks));
        }
        Ok(Some(rewind))
    }
}

/// The name of the file that says, in the checkpoint folder, that there was no
/// such file when it was to be kept. Transcripts say so too, but anybody can
/// write one.
fn absence_marker(path: &Path) -> String {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, path.as_os_str().as_encoded_bytes());
    format!("{}@absent", name.simple())
}

/// The path of a copy. Its name comes from a transcript, so it must not lead out of the folder.
fn backup_path(backup: &FileBackup, folder: &Path) -> Option<PathBuf> {
    let name = backup.copy.as_deref()?;
    let is_name = !name.is_empty()
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '@' | '-'));
    Some(folder.join(if is_name { name } else { "no-such-copy" }))
}

/// Whether a file is what was kept of it.
fn matches_backup(path: &Path, backup: &FileBackup, folder: &Path) -> io::Result<bool> {
    let now = match fs::metadata(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(copy) = backup_path(backup, folder) else { return Ok(now.is_none()) };
    match now {
        Some(now) if now.is_file() && now.len() == fs::metadata(&copy)?.len() => {
            Ok(fs::read(path)? == fs::read(copy)?)
        }
        _ => Ok(false),
    }
}

/// Keeps a file as it is.
fn write_backup(path: &Path, version: u64, folder: &Path) -> io::Result<FileBackup> {
    let backup =
        |copy| FileBackup { copy, version, time: now(), real_parent_dir: path.parent().map(canonical) };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            private_dir(folder)?;
            fs::write(folder.join(absence_marker(&canonical(path))), "")?;
            return Ok(backup(None));
        }
        Err(error) => return Err(error),
        Ok(there) if !there.is_file() => return Err(io::Error::other("it is not a file")),
        Ok(there) if there.len() > MAX_FILE_BYTES => return Err(io::Error::other("it is too large")),
        Ok(_) => {}
    }
    private_dir(folder)?;
    let name = format!("{}@v{version}", &Uuid::new_v4().simple().to_string()[..16]);
    fs::copy(path, folder.join(&name))?;
    Ok(backup(Some(name)))
}

/// Whether a path leads to another folder than when it was kept.
fn was_relinked(path: &Path, backup: &FileBackup) -> bool {
    let parent = path.parent().map(canonical);
    path.is_symlink() || backup.real_parent_dir.is_some() && parent != backup.real_parent_dir
}

/// What changes when a file becomes what it was.
fn diff_to_backup(path: &Path, former: Option<&[u8]>) -> Vec<Value> {
    let now = fs::read(path).unwrap_or_default();
    let (now, former) = (String::from_utf8_lossy(&now), String::from_utf8_lossy(former.unwrap_or_default()));
    hunks(&now, &former)
}

/// The lines of some hunks that have this sign.
fn count_lines(hunks: &[Value], sign: char) -> usize {
    let lines = hunks.iter().flat_map(|hunk| hunk["lines"].as_array().into_iter().flatten());
    lines.filter(|line| line.as_str().is_some_and(|line| line.starts_with(sign))).count()
}

#[cfg(test)]
mod tests;
