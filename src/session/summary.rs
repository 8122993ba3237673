//! A session's summary: what a list shows about it.
//!
//! [`super::SummaryBuilder`] makes it from the entries, in one pass. Everything in
//! it can be computed again from the transcript.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::message::Usage;
use super::origin::SessionOrigin;
use super::prompt;
use super::sdk_list::SdkSessionInfo;
use super::summary_builder::{SummaryBuilder, TitleCandidates};
use super::usage_by_model::UsageByModel;
use crate::transcript::raw_entry::ForkedFrom;
use crate::transcript::{PathScope, Transcript, TranscriptHealth};

/// The longest title and prompt a list holds, in characters (as the official list functions).
const MAX_LINE_CHARS: usize = 200;

/// What a list shows about one session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSummary {
    /// The title and where it came from; `None` for an empty session.
    pub title: Option<SessionTitle>,
    /// The first prompt, one line, at most 200 characters.
    pub first_prompt: Option<String>,
    /// The last prompt, likewise.
    pub last_prompt: Option<String>,
    /// Prompts of the conversation that a resume continues.
    pub turns: usize,
    /// Entries of user and model in it.
    pub messages: usize,
    /// Places in it where an entry is missing: the conversation goes on at the message before.
    pub gaps: usize,
    /// Tokens of all requests, on branches left behind, too. Not those that a fork copied: a
    /// sum over all sessions counts each once.
    pub usage: Usage,
    /// The same by model: what a price can be put on.
    pub used: UsageByModel,
    /// The same by day (UTC), in order.
    pub days: Vec<(NaiveDate, UsageByModel)>,
    /// Tokens of the requests that a fork copied from the session it comes from.
    pub inherited: UsageByModel,
    /// The last request, unless a compaction came after it: what it read and
    /// wrote is what a resume reads again.
    pub last_request: Option<LastRequest>,
    /// US dollars, where the transcript says so (`cost-state`).
    pub cost_usd: Option<f64>,
    /// The model of the last reply.
    pub model: Option<String>,
    /// The git branch of the last entry that has one.
    pub branch: Option<String>,
    /// The folder the session was started in.
    pub cwd: Option<String>,
    /// The tag a person gave.
    pub tag: Option<String>,
    /// The agent that owns the session and must continue it; `None` for agents that
    /// share the official transcripts.
    pub agent: Option<String>,
    /// Its transcript is a copy of what that agent keeps, and does not hold all of
    /// it yet.
    pub partial: bool,
    /// What that agent itself calls the session, where that is no UUID of its own.
    pub agent_session: Option<String>,
    /// When the first entry was written. A number is read many times as fast as a
    /// text, and a list reads thousands.
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub created: Option<DateTime<Utc>>,
    /// When the last conversation entry was written; a file's mtime says less,
    /// because starting `claude --resume` touches it (CLI 2.1.329).
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub active: Option<DateTime<Utc>>,
    /// When the first line with a time was written: earlier than the first entry or with it, but
    /// later in a fork by the official program.
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub first_written: Option<DateTime<Utc>>,
    /// A hash of the first entry's uuid: an official fork has the one of its parent.
    pub root: Option<u64>,
    /// The session this one was forked from.
    pub forked_from: Option<ForkedFrom>,
    /// The turns that came along from there.
    pub forked_turns: usize,
    pub subagents: Vec<SubagentSummary>,
    /// What could not be read.
    pub health: TranscriptHealth,
    /// A sub-agent's file: not a session of its own.
    pub is_sidechain: bool,
    /// Who had it: a person, or a program.
    pub origin: SessionOrigin,
    /// It was put away, by the official tools or by the agent that keeps it.
    pub archived: bool,
    /// The id of the session that it went on in (`continued-in`).
    pub continued_in: Option<String>,
    /// The folder it was moved to (`relocated`).
    pub relocated: Option<String>,
    /// The last folder it worked in, if that is not the first.
    pub last_cwd: Option<String>,
    /// What the official list functions say, which is not always the same.
    pub listed: SdkSessionInfo,
}

/// A subagent of a session, which has a transcript of its own beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SubagentSummary {
    /// The id by which the official functions know it.
    pub id: String,
    /// Its type, such as `Explore`.
    pub agent_type: Option<String>,
    /// What it was told to do.
    pub description: Option<String>,
    /// Its entries of user and model.
    pub messages: usize,
    /// Its tokens by model, which count in the session's, too.
    pub used: UsageByModel,
}

impl SubagentSummary {
    /// What to call it.
    pub fn label(&self) -> String {
        let parts = [self.agent_type.as_deref(), self.description.as_deref()];
        let label = one_line(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
        if label.is_empty() { "subagent".to_owned() } else { label }
    }
}

/// What one request used, and how long its prompt cache lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRequest {
    /// The model that answered.
    pub model: String,
    /// Its tokens.
    pub usage: Usage,
    /// When it was answered.
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: DateTime<Utc>,
    /// How long its prompt stays cached after each use; `None` if it is not cached.
    pub cache_life: Option<TimeDelta>,
}

impl LastRequest {
    /// When the prompt cache expires, if it is not used before.
    pub fn cached_until(&self) -> Option<DateTime<Utc>> {
        self.at.checked_add_signed(self.cache_life?)
    }
}

/// A session's name, by falling authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTitle {
    /// The text, one line, at most 200 characters.
    pub text: String,
    /// Who gave it.
    pub source: TitleSource,
}

/// Who gave a session its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TitleSource {
    /// A person.
    Custom,
    /// A model.
    Ai,
    /// The last prompt stands in.
    LastPrompt,
    /// A summary stands in.
    Summary,
    /// The first prompt stands in.
    FirstPrompt,
}

impl SessionSummary {
    /// The summary of a transcript's bytes, malformed lines included.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut facts = SummaryBuilder::of_bytes(bytes).summary();
        facts.health.open_end = bytes.last().is_some_and(|last| *last != b'\n');
        facts
    }

    /// The summary of a transcript, or of the part that was read.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Self {
        let mut gathering =
            if transcript.is_partial { SummaryBuilder::of_ends() } else { SummaryBuilder::default() };
        transcript.entries.iter().for_each(|line| gathering.push_entry(line, 0));
        Self { health: transcript.health, ..gathering.summary() }
    }

    /// The title, or what stands in its place.
    pub fn title_text(&self) -> &str {
        self.title.as_ref().map_or("(empty)", |title| title.text.as_str())
    }

    /// Whether it has no prompts and no replies: it was opened, or cleared.
    pub fn is_empty(&self) -> bool {
        self.turns == 0 && self.used.is_empty() && self.inherited.is_empty()
    }
}

impl SessionTitle {
    /// Only the title of a transcript.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Option<Self> {
        let mut names = TitleCandidates::default();
        for line in &transcript.entries {
            names.observe(line.kind(), line);
        }
        let path = transcript.path(transcript.leaf(), PathScope::Display);
        let prompt = path.into_iter().find_map(|at| prompt::from_entry(&transcript.entries[at]));
        names.best(prompt.map(|prompt| one_line(&prompt)))
    }
}

/// Folds white space and cuts the text to what a list shows.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MAX_LINE_CHARS * 4 {
            break;
        }
    }
    if line.chars().count() > MAX_LINE_CHARS {
        line = line.chars().take(MAX_LINE_CHARS - 1).collect();
        line.push('…');
    }
    line
}

/// The title of a fork: “Parser rewrite”, then “Parser rewrite ⑂2”, “… ⑂3”:
/// one more than the highest number in `taken`.
pub fn fork_title<'a>(title: &'a str, taken: impl IntoIterator<Item = &'a str>) -> String {
    let stem = match title.rsplit_once(" ⑂") {
        Some((stem, number)) if number.parse::<u32>().is_ok() => stem,
        _ => title,
    };
    let highest = taken
        .into_iter()
        .chain([title])
        .filter_map(|other| other.strip_prefix(stem)?.strip_prefix(" ⑂")?.parse::<u32>().ok())
        .max()
        .unwrap_or(1);
    format!("{stem} ⑂{}", highest.saturating_add(1))
}

#[cfg(test)]
mod tests;
