//! The transcripts of a session's subagents, in `<id>/subagents/` beside its own.
//!
//! Claude Code 2.1.332 writes one `agent-<id>.jsonl` for each, in folders of their own for
//! workflows, and what it is for into `agent-<id>.meta.json`. Reads names and those small files;
//! whose words they are decides the caller.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::Deserialize;

use super::{partial_read, read_file};

/// A larger file is no transcript that anybody counts.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Folders below `subagents/` are looked into so far.
const MAX_DEPTH: usize = 8;

/// The field that marks a subagent's entries.
const SIDECHAIN_FIELD: &[u8] = br#""isSidechain":"#;

/// The transcript of one subagent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubagentTranscript {
    /// The id that the official functions use: the file's name without `agent-`.
    pub id: String,
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// What a subagent is for, as far as its session says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubagentPurpose {
    /// Its type, such as `Explore`.
    pub agent_type: Option<String>,
    /// What it was told to do, in a few words.
    pub description: Option<String>,
    /// The call that started it.
    pub tool_use_id: Option<String>,
    /// The subagent that started it, if that was one.
    pub parent_agent_id: Option<String>,
}

/// The subagents of a session, by the path of their transcript.
pub fn subagents_of(transcript: &Path) -> Vec<SubagentTranscript> {
    let mut found = Vec::new();
    collect(&transcript.with_extension("").join("subagents"), MAX_DEPTH, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<SubagentTranscript>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(there) = entry.metadata() else { continue };
        if there.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, found);
        } else if there.is_file() && there.len() <= MAX_FILE_BYTES {
            let id = name.strip_prefix("agent-").and_then(|name| name.strip_suffix(".jsonl"));
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                found.push(SubagentTranscript { id: id.to_owned(), path: entry.path(), size: there.len() });
            }
        }
    }
}

impl SubagentTranscript {
    /// Its entries, as those of a main conversation: every reader of one can read them.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        Ok(as_main_conversation(&read_file::read_whole(&self.path)?).into_owned())
    }

    /// A part of them, likewise.
    pub fn read_range(path: &Path, offset: u64, at_most: u64) -> io::Result<Vec<u8>> {
        Ok(as_main_conversation(&partial_read::read_range(path, offset, at_most)?).into_owned())
    }

    /// What it is for.
    pub fn purpose(&self) -> SubagentPurpose {
        let text = read_file::read_whole(&self.path.with_extension("meta.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

/// Takes the mark of a side chain off each entry. A text that quotes it has a backslash inside.
pub fn as_main_conversation(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut copied = 0;
    let mut out = Vec::new();
    for at in memmem::find_iter(bytes, SIDECHAIN_FIELD) {
        let value = at + SIDECHAIN_FIELD.len();
        // Other writers than the official one may put a blank behind the colon.
        let value = value + bytes[value..].iter().take_while(|byte| **byte == b' ').count();
        if !bytes[value..].starts_with(b"true") {
            continue;
        }
        out.extend(&bytes[copied..value]);
        out.extend(b"false");
        copied = value + b"true".len();
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend(&bytes[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn subagents_are_found_in_folders_of_workflows_too() {
        let temp = tempfile::tempdir().unwrap();
        let transcript = temp.path().join("s.jsonl");
        assert_eq!(subagents_of(&transcript), []);
        let folder = temp.path().join("s/subagents");
        fs::create_dir_all(folder.join("workflows/w")).unwrap();
        for name in
            ["agent-b.jsonl", "workflows/w/agent-a.jsonl", "agent-.jsonl", "other.jsonl", "agent-b.meta.json"]
        {
            fs::write(folder.join(name), r#"{"agentType":"Explore","description":"look around"}"#).unwrap();
        }
        let found = subagents_of(&transcript);
        assert_eq!(found.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(found[0].purpose().agent_type.as_deref(), Some("Explore"));
        assert_eq!(found[1].purpose(), SubagentPurpose::default());
    }

    #[test]
    fn the_mark_is_taken_off_entries_and_not_out_of_texts() {
        let line = br#"{"isSidechain":true,"message":{"content":"\"isSidechain\":true"}}"#;
        let plain = as_main_conversation(line);
        let expected = r#"{"isSidechain":false,"message":{"content":"\"isSidechain\":true"}}"#;
        assert_eq!(std::str::from_utf8(&plain).unwrap(), expected);
        assert_eq!(&*as_main_conversation(br#"{"isSidechain": true}"#), br#"{"isSidechain": false}"#);
        assert!(matches!(as_main_conversation(b"{}"), Cow::Borrowed(b"{}")));
    }
}
