//! What the subagents of a session used.
//!
//! Their transcripts lie in `<id>/subagents/` beside the session's own, whose entries do not
//! repeat their usage (Claude Code 2.1.332). So a session's tokens are its own plus these. Only
//! files that grew since the last scan are read again.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::session::SessionSummary;
use crate::session::message::{SYNTHETIC_MODEL, Usage};

/// A larger file is no transcript that anybody counts.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The usage of all subagents of one session, by file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SubagentUsage {
    files: Vec<SubagentFile>,
}

/// One subagent's transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SubagentFile {
    /// Its path below the side folder.
    name: String,
    /// Its size when it was read.
    size: u64,
    /// Tokens by day and model.
    used: Vec<(Option<NaiveDate>, String, Usage)>,
}

/// The part of an entry that reports usage.
#[derive(Deserialize)]
struct UsageEntry {
    timestamp: Option<DateTime<Utc>>,
    message: UsageMessage,
}

#[derive(Deserialize)]
struct UsageMessage {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

impl SubagentUsage {
    /// Reads the transcripts under `<side_dir>/subagents` that changed since `former`.
    pub fn scan(former: Self, side_dir: &Path) -> Self {
        let mut files = Vec::new();
        collect(&side_dir.join("subagents"), "", &former, &mut files);
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Self { files }
    }

    /// Adds the subagents' tokens to their session's.
    pub fn add_to(&self, summary: &mut SessionSummary) {
        for (day, model, usage) in self.files.iter().flat_map(|file| &file.used) {
            summary.usage += *usage;
            summary.used.add(model, *usage);
            let Some(day) = day else { continue };
            let at = summary.days.binary_search_by_key(day, |(other, _)| *other).unwrap_or_else(|at| {
                summary.days.insert(at, (*day, crate::session::UsageByModel::default()));
                at
            });
            summary.days[at].1.add(model, *usage);
        }
    }
}

/// Workflows keep their agents in folders of their own, so this looks into those too.
fn collect(folder: &Path, prefix: &str, former: &SubagentUsage, files: &mut Vec<SubagentFile>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (path, name) = (entry.path(), format!("{prefix}{name}"));
        let Ok(there) = entry.metadata() else { continue };
        if there.is_dir() {
            collect(&path, &format!("{name}/"), former, files);
        } else if there.is_file() && name.ends_with(".jsonl") && there.len() <= MAX_FILE_BYTES {
            let known = former.files.iter().find(|file| file.name == name && file.size == there.len());
            match known {
                Some(known) => files.push(known.clone()),
                None => files.push(SubagentFile { used: read_usage(&path), name, size: there.len() }),
            }
        }
    }
}

/// The usage of each message in a transcript, each message once: it is repeated on every block.
fn read_usage(path: &Path) -> Vec<(Option<NaiveDate>, String, Usage)> {
    let bytes = fs::read(path).unwrap_or_default();
    let (mut used, mut seen) = (Vec::new(), HashSet::new());
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(entry) = serde_json::from_slice::<UsageEntry>(line) else { continue };
        let UsageMessage { id, model: Some(model), usage: Some(usage) } = entry.message else { continue };
        if model == SYNTHETIC_MODEL || id.is_some_and(|id| !seen.insert(id)) {
            continue;
        }
        used.push((entry.timestamp.map(|at| at.date_naive()), model, usage));
    }
    // One row a day and model is enough to keep.
    used.sort_by(|(one_day, one, _), (other_day, other, _)| (one_day, one).cmp(&(other_day, other)));
    used.dedup_by(|(day, model, usage), (kept_day, kept_model, kept)| {
        let is_same = day == kept_day && model == kept_model;
        if is_same {
            *kept += *usage;
        }
        is_same
    });
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: &str, tokens: u64) -> String {
        format!(
            r#"{{"type":"assistant","isSidechain":true,"timestamp":"2026-11-20T10:00:00Z","message":{{"id":"{id}","model":"opus","usage":{{"input_tokens":{tokens},"output_tokens":1}}}}}}"#
        )
    }

    #[test]
    fn each_message_of_each_subagent_counts_once() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("subagents/workflows/w");
        fs::create_dir_all(&folder).unwrap();
        let one = folder.join("agent-1.jsonl");
        fs::write(&one, [reply("a", 10), reply("a", 10), "{torn".into(), reply("b", 5)].join("\n")).unwrap();
        fs::write(temp.path().join("subagents/agent-2.jsonl"), reply("c", 100)).unwrap();
        fs::write(temp.path().join("subagents/agent-2.meta.json"), reply("d", 1000)).unwrap();
        let first = SubagentUsage::scan(SubagentUsage::default(), temp.path());
        let mut summary = SessionSummary::default();
        first.add_to(&mut summary);
        assert_eq!((summary.usage.input_tokens, summary.usage.output_tokens), (115, 3));
        assert_eq!(summary.days.len(), 1);
        assert_eq!(
            summary.used.iter().map(|(model, used)| (model, used.total())).collect::<Vec<_>>(),
            [("opus", 118)]
        );
        // The same size is taken for the same file; one that grew is read again.
        let text = fs::read_to_string(&one).unwrap();
        fs::write(&one, " ".repeat(text.len())).unwrap();
        assert_eq!(SubagentUsage::scan(first.clone(), temp.path()), first);
        fs::write(&one, text + "\n" + &reply("e", 1)).unwrap();
        let mut summary = SessionSummary::default();
        SubagentUsage::scan(first, temp.path()).add_to(&mut summary);
        assert_eq!(summary.usage.input_tokens, 116);
    }
}
