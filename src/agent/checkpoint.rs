//! What files were before the session's tools changed them, by prompt, as the
//! official CLI keeps it: `file-history-snapshot` and `file-history-delta`
//! entries, and the contents in `<root>/file-history/<session>/` (CLI 2.1.329).
//!
//! Owns the copies and how they come back. Never writes to a transcript, and
//! never decides whether a file may be changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::now;
use super::tool::{hunks, real, replace};
use crate::session::Transcript;
use crate::session::line::Kind;

/// A larger file is not kept.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backup {
    /// Its copy; none: there was no such file.
    #[serde(rename = "backupFileName")]
    copy: Option<String>,
    version: u64,
    #[serde(rename = "backupTime", default)]
    time: String,
    #[serde(default)]
    real_parent_dir: Option<PathBuf>,
}

/// The files as they were when a prompt came.
#[derive(Debug, Clone, Default)]
struct Snapshot {
    /// The prompt's uuid.
    message: String,
    /// By their path, from the session's folder on where they lie there.
    files: BTreeMap<String, Backup>,
}

/// All snapshots of a session.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints(Vec<Snapshot>);

/// What going back to a prompt changes.
#[derive(Debug, Default, PartialEq)]
pub struct Rewind {
    /// The files that are another then, and how: hunks in the official
    /// `structuredPatch` shape.
    pub changed: Vec<(PathBuf, Vec<Value>)>,
    /// Lines that come back.
    pub insertions: usize,
    /// Lines that go.
    pub deletions: usize,
    /// Files that are links to elsewhere by now, and stay as they are.
    pub links: usize,
}

impl Checkpoints {
    /// Those that a transcript tells of.
    pub fn of(transcript: &Transcript<'_>) -> Self {
        let mut checkpoints = Self::default();
        for line in transcript.lines.iter().filter(|line| line.kind() == Kind::Other) {
            if line.json().contains("\"file-history-")
                && let Ok(entry) = serde_json::from_str::<Value>(line.json())
            {
                checkpoints.take(&entry);
            }
        }
        checkpoints
    }

    fn take(&mut self, entry: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match entry["type"].as_str() {
            Some("file-history-snapshot") => {
                let message = text(&entry["snapshot"]["messageId"]);
                let files = serde_json::from_value(entry["snapshot"]["trackedFileBackups"].clone());
                self.0.retain(|snapshot| snapshot.message != message);
                self.0.push(Snapshot { message, files: files.unwrap_or_default() });
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

    /// A prompt came: keeps the files that were changed since they were kept
    /// last. Gives the entry that tells of it.
    pub fn prompt(&mut self, message: &str, cwd: &Path, folder: &Path) -> Value {
        let mut files = self.0.last().map(|snapshot| snapshot.files.clone()).unwrap_or_default();
        for (name, backup) in &mut files {
            let path = cwd.join(name);
            match is_as(&path, backup, folder) {
                Ok(true) => {}
                Ok(false) | Err(_) => match keep(&path, backup.version + 1, folder) {
                    Ok(newer) => *backup = newer,
                    Err(error) => tracing::warn!("{} is not kept: {error}", path.display()),
                },
            }
        }
        self.0.push(Snapshot { message: message.to_owned(), files: files.clone() });
        let snapshot = json!({"messageId": message, "trackedFileBackups": files, "timestamp": now()});
        json!({"type": "file-history-snapshot", "messageId": message, "snapshot": snapshot, "isSnapshotUpdate": false})
    }

    /// A tool is about to change this file: keeps it, if this prompt has not
    /// yet. Gives the entry that tells of it. `call` is the uuid of the call's entry.
    pub fn before(
        &mut self,
        path: &Path,
        call: &str,
        cwd: &Path,
        folder: &Path,
    ) -> io::Result<Option<Value>> {
        let path = real(path);
        let name = path.strip_prefix(real(cwd)).unwrap_or(&path).to_string_lossy().into_owned();
        let Some(snapshot) = self.0.last_mut().filter(|snapshot| !snapshot.files.contains_key(&name)) else {
            return Ok(None);
        };
        let backup = keep(&path, 1, folder)?;
        let entry = json!({
            "type": "file-history-delta", "messageId": call, "snapshotMessageId": snapshot.message,
            "trackingPath": name, "backup": backup, "timestamp": now(),
        });
        snapshot.files.insert(name, backup);
        Ok(Some(entry))
    }

    /// Brings the files back to what they were when this prompt came, or with
    /// `dry_run` says what that would change. None: nothing was kept for it.
    pub fn rewind(
        &self,
        message: &str,
        cwd: &Path,
        folder: &Path,
        dry_run: bool,
    ) -> io::Result<Option<Rewind>> {
        let Some(at) = self.0.iter().position(|snapshot| snapshot.message == message) else {
            return Ok(None);
        };
        // A file that was kept later only was till then as it was kept first.
        let mut files: BTreeMap<&str, &Backup> = BTreeMap::new();
        for snapshot in &self.0[at..] {
            for (name, backup) in &snapshot.files {
                files.entry(name).or_insert(backup);
            }
        }
        let mut rewind = Rewind::default();
        for (name, backup) in files {
            let path = cwd.join(name);
            if leads_elsewhere(&path, backup) {
                rewind.links += 1;
                continue;
            }
            if is_as(&path, backup, folder)? {
                continue;
            }
            let former = copy(backup, folder).map(fs::read).transpose()?;
            let hunks = hunks_to(&path, former.as_deref());
            rewind.deletions += count(&hunks, '-');
            rewind.insertions += count(&hunks, '+');
            if !dry_run {
                match &former {
                    Some(content) => replace(&path, content)?,
                    None => fs::remove_file(&path)?,
                }
            }
            rewind.changed.push((path, hunks));
        }
        Ok(Some(rewind))
    }
}

/// Where a file's copy lies. Its name came from a transcript: only a name that
/// leads out of no folder is one.
fn copy(backup: &Backup, folder: &Path) -> Option<PathBuf> {
    let name = backup.copy.as_deref()?;
    let is_name = !name.is_empty()
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '@' | '-'));
    Some(folder.join(if is_name { name } else { "no-such-copy" }))
}

/// Whether a file is what was kept of it.
fn is_as(path: &Path, backup: &Backup, folder: &Path) -> io::Result<bool> {
    let now = match fs::metadata(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(copy) = copy(backup, folder) else { return Ok(now.is_none()) };
    match now {
        Some(now) if now.is_file() && now.len() == fs::metadata(&copy)?.len() => {
            Ok(fs::read(path)? == fs::read(copy)?)
        }
        _ => Ok(false),
    }
}

/// Keeps a file as it is.
fn keep(path: &Path, version: u64, folder: &Path) -> io::Result<Backup> {
    let backup = |copy| Backup { copy, version, time: now(), real_parent_dir: path.parent().map(real) };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(backup(None)),
        Err(error) => return Err(error),
        Ok(there) if !there.is_file() => return Err(io::Error::other("it is not a file")),
        Ok(there) if there.len() > LARGEST => return Err(io::Error::other("it is too large")),
        Ok(_) => {}
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = format!("{}@v{version}", &Uuid::new_v4().simple().to_string()[..16]);
    fs::copy(path, folder.join(&name))?;
    Ok(backup(Some(name)))
}

/// Whether a path leads to another folder than when it was kept.
fn leads_elsewhere(path: &Path, backup: &Backup) -> bool {
    let parent = path.parent().map(real);
    path.is_symlink() || backup.real_parent_dir.is_some() && parent != backup.real_parent_dir
}

/// What changes when a file becomes what it was.
fn hunks_to(path: &Path, former: Option<&[u8]>) -> Vec<Value> {
    let now = fs::read(path).unwrap_or_default();
    let (now, former) = (String::from_utf8_lossy(&now), String::from_utf8_lossy(former.unwrap_or_default()));
    hunks(&now, &former)
}

/// The lines of some hunks that have this sign.
fn count(hunks: &[Value], sign: char) -> usize {
    let lines = hunks.iter().flat_map(|hunk| hunk["lines"].as_array().into_iter().flatten());
    lines.filter(|line| line.as_str().is_some_and(|line| line.starts_with(sign))).count()
}

#[cfg(test)]
mod tests;
