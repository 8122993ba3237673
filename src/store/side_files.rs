//! What Claude Code keeps about a session beside its transcript, in the folder `<id>/`.
//!
//! `custom-title.json` holds the title a person gave, `archived.json` whether the session was
//! put away (facts from Claude Code 2.1.332). Its picker takes a title from the last 64 KiB of
//! the transcript, else from the side file, else from the rest. A file that cannot be read or
//! understood says nothing.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::sys::private_files::private_dir;

/// A larger file is none of these.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// What the side files of a session say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideFiles {
    /// The title a person gave; empty if there is none.
    pub title: String,
    /// The session was put away.
    pub archived: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TitleFile {
    custom_title: String,
}

#[derive(Deserialize)]
struct ArchiveFile {
    archived: bool,
}

impl SideFiles {
    /// Reads the side files of a transcript.
    pub fn read(transcript: &Path) -> Self {
        let folder = transcript.with_extension("");
        let title = read_json::<TitleFile>(&folder.join("custom-title.json"));
        let archive = read_json::<ArchiveFile>(&folder.join("archived.json"));
        Self {
            title: title.map(|file| file.custom_title.trim().to_owned()).unwrap_or_default(),
            archived: archive.is_some_and(|file| file.archived),
        }
    }
}

/// Writes the title a person gave, so that it counts however long the transcript grows; an empty
/// one takes it away.
pub(super) fn write_title(transcript: &Path, title: &str) -> io::Result<()> {
    let (folder, path) = title_path(transcript);
    if title.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    private_dir(&folder)?;
    let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let text = json!({"customTitle": title, "by": "user", "at": at}).to_string();
    // A reader sees the former title or this one, never a half of it.
    let mut file = tempfile::Builder::new().prefix("custom-title.json.tmp.").tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn title_path(transcript: &Path) -> (PathBuf, PathBuf) {
    let folder = transcript.with_extension("");
    let path = folder.join("custom-title.json");
    (folder, path)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let there = fs::metadata(path).ok()?;
    // Neither a pipe, which would block, nor a folder.
    if !there.is_file() || there.len() > MAX_FILE_BYTES {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_written_replaced_and_taken_away() {
        let temp = tempfile::tempdir().unwrap();
        let transcript = temp.path().join("id.jsonl");
        let title = || SideFiles::read(&transcript).title;
        assert_eq!(title(), "");
        write_title(&transcript, "").unwrap();
        assert!(!temp.path().join("id").exists(), "no folder for nothing");
        write_title(&transcript, "One “two”").unwrap();
        assert_eq!(title(), "One “two”");
        write_title(&transcript, "Other").unwrap();
        assert_eq!(title(), "Other");
        write_title(&transcript, "").unwrap();
        assert_eq!(title(), "");
        assert_eq!(temp.path().join("id").read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_understood_says_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let (transcript, folder) = (temp.path().join("id.jsonl"), temp.path().join("id"));
        fs::create_dir(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        for (title, archive) in [("{", "{"), ("[]", "7"), (r#"{"customTitle":3}"#, r#"{"archived":"yes"}"#)] {
            write("custom-title.json", title);
            write("archived.json", archive);
            assert_eq!(SideFiles::read(&transcript), SideFiles::default(), "{title} {archive}");
        }
        write("custom-title.json", r#"{"customTitle":" x ","by":"user","at":"2026-11-20T10:00:00.000Z"}"#);
        write("archived.json", r#"{"archived":true,"at":"2026-11-20T10:00:00.000Z"}"#);
        assert_eq!(SideFiles::read(&transcript), SideFiles { title: "x".into(), archived: true });
        fs::remove_file(folder.join("custom-title.json")).unwrap();
        fs::create_dir(folder.join("custom-title.json")).unwrap();
        assert_eq!(SideFiles::read(&transcript).title, "");
    }
}
