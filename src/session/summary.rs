//! A session's summary: what a list shows about it.
//!
//! [`super::SummaryBuilder`] makes it from the entries, in one pass. Everything in
//! it can be computed again from the transcript.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::message::Usage;
use super::prompt;
use super::sdk_list::SdkSessionInfo;
use super::summary_builder::{SummaryBuilder, TitleCandidates};
use super::usage_by_model::UsageByModel;
use crate::transcript::raw_entry::ForkedFrom;
use crate::transcript::text::clean;
use crate::transcript::{ParsedLine, Transcript, TranscriptHealth};

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
    /// Prompts on the main chain, branches left behind included.
    pub turns: usize,
    /// Entries of user and model on the main chain.
    pub messages: usize,
    /// Tokens of all requests.
    pub usage: Usage,
    /// The same by model: what a price can be put on.
    pub used: UsageByModel,
    /// The same by day (UTC), in order, without what a fork copied: a sum over all
    /// sessions counts it once.
    pub days: Vec<(NaiveDate, UsageByModel)>,
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
    /// The session this one was forked from.
    pub forked_from: Option<ForkedFrom>,
    /// The turns that came along from there.
    pub forked_turns: usize,
    /// What could not be read.
    pub health: TranscriptHealth,
    /// A sub-agent's file: not a session of its own.
    pub is_sidechain: bool,
    /// No person had it: a background job, a daemon's worker or a member of a team.
    pub is_background: bool,
    /// What the official list functions say, which is not always the same.
    pub listed: SdkSessionInfo,
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
        let mut gathering = SummaryBuilder::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            gathering.push_line(&ParsedLine::parse(&clean(line)));
        }
        let mut facts = gathering.summary();
        facts.health.open_end = bytes.last().is_some_and(|last| *last != b'\n');
        facts
    }

    /// The summary of a transcript, or of the part that was read.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Self {
        let mut gathering = SummaryBuilder::default();
        transcript.entries.iter().for_each(|line| gathering.push_entry(line));
        Self { health: transcript.health, ..gathering.summary() }
    }

    /// The title, or what stands in its place.
    pub fn title_text(&self) -> &str {
        self.title.as_ref().map_or("(empty)", |title| title.text.as_str())
    }

    /// Whether it has no prompts and no replies: it was opened, or cleared.
    pub fn is_empty(&self) -> bool {
        self.turns == 0 && self.used.is_empty()
    }
}

impl SessionTitle {
    /// Only the title of a transcript.
    pub fn from_transcript(transcript: &Transcript<'_>) -> Option<Self> {
        let mut names = TitleCandidates::default();
        for line in &transcript.entries {
            names.observe(line.kind(), line);
        }
        names.best(transcript.entries.iter().find_map(prompt::from_entry).map(|prompt| one_line(&prompt)))
    }
}

/// Whether an entry belongs to a session that no person had. Claude Code 2.1.332 writes
/// `sessionKind` (`bg`, `daemon-worker`) and, for the members of a team, `teamName`.
pub fn is_background_entry(json: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        session_kind: Option<String>,
        team_name: Option<String>,
    }
    // Nearly no entry has either: most need not be parsed again.
    (json.contains("\"sessionKind\"") || json.contains("\"teamName\""))
        && serde_json::from_str::<Kind>(json).is_ok_and(|kind| {
            kind.team_name.is_some()
                || kind.session_kind.is_some_and(|kind| kind == "bg" || kind.starts_with("daemon"))
        })
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
