//! What the subagents of a session used and said.
//!
//! Their transcripts lie in `<id>/subagents/` beside the session's own, whose entries do not
//! repeat their usage (Claude Code 2.1.332). So a session's tokens are its own plus these, and
//! their words are searched beside its own. Only files that grew since the last scan are read
//! again.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::text::Passage;
use crate::session::summary::SubagentSummary;
use crate::session::transcript::ParsedLine;
use crate::session::transcript::text::clean;
use crate::session::{SessionSummary, SummaryBuilder, UsageByModel};
use crate::store::{SubagentTranscript, as_main_conversation, subagents_of};

/// The subagents of one session, by file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Subagents {
    files: Vec<SubagentFile>,
}

/// One subagent's transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SubagentFile {
    /// Its path, and its size when it was read.
    path: PathBuf,
    size: u64,
    /// What a list shows of it.
    summary: SubagentSummary,
    /// Its tokens by day.
    days: Vec<(NaiveDate, UsageByModel)>,
}

/// What can be searched in a transcript that is new or has grown.
#[derive(Debug)]
pub struct SubagentText {
    pub transcript: SubagentTranscript,
    /// When it was last written to.
    pub active: Option<DateTime<Utc>>,
    /// All that can be searched in it.
    pub passages: Vec<Passage>,
}

impl Subagents {
    /// Reads the transcripts of a session's subagents that changed since `former`. Also returns
    /// their text.
    pub fn scan(former: &Self, transcript: &Path) -> (Self, Vec<SubagentText>) {
        let mut texts = Vec::new();
        let files = subagents_of(transcript).into_iter().filter_map(|agent| {
            let known = former.files.iter().find(|file| file.path == agent.path && file.size == agent.size);
            if let Some(known) = known {
                return Some(known.clone());
            }
            let (file, text) = read(agent)?;
            texts.push(text);
            Some(file)
        });
        let files = files.collect();
        (Self { files }, texts)
    }

    /// Adds the subagents' tokens to their session's, and themselves to its summary.
    pub fn add_to(&self, summary: &mut SessionSummary) {
        summary.subagents = self.files.iter().map(|file| file.summary.clone()).collect();
        for (model, usage) in self.files.iter().flat_map(|file| file.summary.used.iter()) {
            summary.usage += *usage;
            summary.used.add(model, *usage);
        }
        for (day, models) in self.files.iter().flat_map(|file| &file.days) {
            let at = summary.days.binary_search_by_key(day, |(other, _)| *other).unwrap_or_else(|at| {
                summary.days.insert(at, (*day, UsageByModel::default()));
                at
            });
            models.iter().for_each(|(model, usage)| summary.days[at].1.add(model, *usage));
        }
    }
}

/// Reads one transcript; `None` if it is gone.
fn read(transcript: SubagentTranscript) -> Option<(SubagentFile, SubagentText)> {
    let bytes = fs::read(&transcript.path).ok()?;
    let mut builder = SummaryBuilder::default();
    let mut passages = Vec::new();
    let mut offset = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let plain = as_main_conversation(line);
        let text = clean(&plain);
        let found = ParsedLine::parse(&text);
        builder.push_line(&found, offset);
        if let Some(entry) = found.entry() {
            let length = line.trim_ascii_end().len() as u64;
            passages.extend(Passage::from_line(entry, offset).map(|passage| passage.with_length(length)));
        }
        offset += line.len() as u64;
    }
    let facts = builder.summary();
    let purpose = transcript.purpose();
    let summary = SubagentSummary {
        id: transcript.id.clone(),
        agent_type: purpose.agent_type,
        description: purpose.description.or(facts.first_prompt),
        messages: facts.messages,
        used: facts.used,
    };
    let (path, size) = (transcript.path.clone(), transcript.size);
    let file = SubagentFile { path, size, summary, days: facts.days };
    Some((file, SubagentText { transcript, active: facts.active, passages }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: &str, tokens: u64) -> String {
        format!(
            r#"{{"type":"assistant","isSidechain":true,"timestamp":"2026-11-20T10:00:00Z","message":{{"id":"{id}","model":"opus","content":[{{"type":"text","text":"found {id}"}}],"usage":{{"input_tokens":{tokens},"output_tokens":1}}}}}}"#
        )
    }

    #[test]
    fn each_message_of_each_subagent_counts_once() {
        let temp = tempfile::tempdir().unwrap();
        let transcript = temp.path().join("s.jsonl");
        let folder = temp.path().join("s/subagents/workflows/w");
        fs::create_dir_all(&folder).unwrap();
        let one = folder.join("agent-1.jsonl");
        fs::write(&one, [reply("a", 10), reply("a", 10), "{torn".into(), reply("b", 5)].join("\n")).unwrap();
        fs::write(temp.path().join("s/subagents/agent-2.jsonl"), reply("c", 100)).unwrap();
        let meta = r#"{"agentType":"Explore","description":"look around"}"#;
        fs::write(temp.path().join("s/subagents/agent-2.meta.json"), meta).unwrap();
        let (first, texts) = Subagents::scan(&Subagents::default(), &transcript);
        assert_eq!(texts.iter().map(|text| text.passages.len()).collect::<Vec<_>>(), [1, 3]);
        let mut summary = SessionSummary::default();
        first.add_to(&mut summary);
        assert_eq!((summary.usage.input_tokens, summary.usage.output_tokens), (115, 3));
        assert_eq!(summary.days.len(), 1);
        let used: Vec<_> = summary.used.iter().map(|(model, used)| (model, used.total())).collect();
        assert_eq!(used, [("opus", 118)]);
        let named: Vec<_> =
            summary.subagents.iter().map(|agent| (agent.id.as_str(), agent.label())).collect();
        assert_eq!(named, [("2", "Explore: look around".to_owned()), ("1", "subagent".to_owned())]);
        // The same size is taken for the same file; one that grew is read again.
        let text = fs::read_to_string(&one).unwrap();
        fs::write(&one, " ".repeat(text.len())).unwrap();
        let (again, texts) = Subagents::scan(&first, &transcript);
        assert_eq!((again, texts.len()), (first.clone(), 0));
        fs::write(&one, text + "\n" + &reply("e", 1)).unwrap();
        let mut summary = SessionSummary::default();
        let (grown, texts) = Subagents::scan(&first, &transcript);
        grown.add_to(&mut summary);
        assert_eq!((summary.usage.input_tokens, texts[0].passages.len()), (116, 4));
    }
}
