//! Builds a [`SessionSummary`] line by line, and can be stored in between.
//!
//! Owns the state between two lines. A transcript that is read in parts gives the
//! same summary as one read at once. The state is serializable: the index stores it
//! to continue where a transcript grew. Prompts, turns and the last request are those
//! of the conversation that a resume continues ([`super::conversation_outline`]);
//! tokens and money are those of the whole file, for what was left behind was paid, too.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::conversation_outline::{ConversationOutline, hash as outline_hash};
use super::entry_marks::{ImportedMarks, PlaceMarks};
use super::origin::SessionOrigin;
use super::prompt;
use super::request_usage::{UsageReport, count_usage};
use super::sdk_list::SdkSessionInfoBuilder;
use super::summary::{SessionSummary, SessionTitle, TitleSource, one_line};
use crate::transcript::ParsedLine;
use crate::transcript::raw_entry::{EntryKind, RawEntry};
use crate::transcript::text::clean;

/// The summary so far, and what is needed to continue it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryBuilder {
    facts: SessionSummary,
    names: TitleCandidates,
    listing: SdkSessionInfoBuilder,
    /// The first entry was added.
    begun: bool,
    /// Who had it, as far as it is known.
    origin: Option<SessionOrigin>,
    /// Where the last title that a person gave lies.
    title_offset: Option<u64>,
    /// Which entries are the conversation.
    outline: ConversationOutline,
    /// Hashes of the ids of the messages whose usage was counted.
    counted: IdSet,
    /// How long the last request's prompt stays cached.
    cache_life: Option<TimeDelta>,
    /// Only the ends of the transcript were added.
    #[serde(skip)]
    ends_only: bool,
}

/// Hashes of ids.
type IdSet = BTreeSet<u64>;

/// A summary, and what it leaves out.
#[derive(Debug)]
pub struct SummarizedPath {
    pub summary: SessionSummary,
    /// Where the last title that a person gave lies, as an offset.
    pub title_offset: Option<u64>,
    /// Where messages lie that are not part of the conversation any more, as offsets.
    pub left_behind: Vec<Range<u64>>,
}

impl SummaryBuilder {
    /// For the two ends of a transcript: what is missing lies between them, so every entry
    /// counts.
    pub fn of_ends() -> Self {
        Self { ends_only: true, ..Self::default() }
    }

    /// All of a transcript, malformed lines included.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut builder = Self::default();
        builder.push_lines(bytes, 0);
        builder
    }

    /// Adds whole lines, of which the first begins at `offset`.
    pub fn push_lines(&mut self, bytes: &[u8], mut offset: u64) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.push_line(&ParsedLine::parse(&clean(line)), offset);
            offset += line.len() as u64;
        }
    }

    /// Adds a line of the file, which begins at `offset`.
    pub fn push_line(&mut self, found: &ParsedLine<'_>, offset: u64) {
        self.facts.health.record(found);
        match found {
            ParsedLine::Entry(line) | ParsedLine::Joined(line) => self.push_entry(line, offset),
            ParsedLine::Untyped(line) => self.listing.push_malformed(line),
            ParsedLine::Malformed(line) => self.listing.push_malformed(line),
            ParsedLine::Blank => {}
        }
    }

    /// Adds an entry.
    pub fn push_entry(&mut self, line: &RawEntry<'_>, offset: u64) {
        let kind = line.kind();
        if self.facts.first_written.is_none() {
            self.facts.first_written = line.timestamp();
        }
        if !self.begun {
            self.begun = true;
            self.facts.is_sidechain = line.is_sidechain();
        }
        self.names.observe(kind, line);
        if kind == EntryKind::CustomTitle {
            self.title_offset = Some(offset);
        }
        self.listing.push_entry(line);
        let facts = &mut self.facts;
        match kind {
            EntryKind::Tag => {
                facts.tag = line.tag().map(|text| one_line(&text)).filter(|tag| !tag.is_empty());
            }
            EntryKind::Imported => {
                facts.agent = line.agent().map(|agent| one_line(&agent));
                facts.partial = line.is_partial();
                // It may come before the first entry.
                facts.is_sidechain = line.is_sidechain();
                let called = line.agent_session_id().map(|id| one_line(&id));
                facts.agent_session = called.or(facts.agent_session.take());
                facts.cwd = facts.cwd.take().or_else(|| line.cwd().map(Into::into));
                facts.forked_from = facts.forked_from.take().or_else(|| line.forked_from());
                let said = ImportedMarks::parse(line);
                facts.archived = said.archived;
                self.origin = said.origin().or(self.origin);
            }
            EntryKind::Other => {
                let said = PlaceMarks::parse(line);
                facts.continued_in = said.continued_in_session_id.or(facts.continued_in.take());
                facts.relocated = said.relocated_cwd.or(facts.relocated.take());
            }
            // A number too large to be an amount reads as infinite.
            EntryKind::CostState => {
                let amount = line.total_cost_usd().filter(|usd| (0.0..f64::INFINITY).contains(usd));
                facts.cost_usd = amount.or(facts.cost_usd);
            }
            _ => {}
        }
        SessionOrigin::observe(&mut self.origin, kind, line);
        let is_repeated = self.link(kind, line, offset);
        if kind.is_conversation() && !line.is_sidechain() && !is_repeated {
            self.push_conversation_entry(line);
        }
    }

    /// Adds the entry's links. Returns whether it was there before.
    fn link(&mut self, kind: EntryKind, line: &RawEntry<'_>, offset: u64) -> bool {
        let pushed = self.outline.push(line, offset);
        let is_repeated = matches!(pushed, Some((_, true)));
        if line.is_sidechain() {
            return is_repeated;
        }
        let mut prompt = None;
        let mut request = None;
        match kind {
            EntryKind::User => prompt = prompt::from_entry(line).map(|prompt| one_line(&prompt)),
            EntryKind::Assistant => {
                let Some(reply) = UsageReport::parse(line) else { return is_repeated };
                let id = reply.id.as_deref().map(outline_hash);
                let is_new = !is_repeated && id.is_none_or(|id| self.counted.insert(id));
                request = count_usage(&mut self.facts, line, reply, is_new, &mut self.cache_life);
            }
            _ => {}
        }
        if let Some((link, _)) = pushed.filter(|_| prompt.is_some() || request.is_some()) {
            let detail = link.detail.get_or_insert_default();
            (detail.prompt, detail.request) = (prompt, request);
        }
        is_repeated
    }

    fn push_conversation_entry(&mut self, line: &RawEntry<'_>) {
        let facts = &mut self.facts;
        if let Some(at) = line.timestamp() {
            facts.created.get_or_insert(at);
            facts.active = Some(at);
        }
        if let Some(cwd) = line.cwd() {
            let first = facts.cwd.get_or_insert_with(|| cwd.to_string());
            if *first == cwd {
                facts.last_cwd = None;
            } else if facts.last_cwd.as_deref() != Some(&*cwd) {
                facts.last_cwd = Some(cwd.into_owned());
            }
        }
        facts.branch = line.git_branch().map(Into::into).or(facts.branch.take());
        if facts.forked_from.is_none() {
            facts.forked_from = line.forked_from();
        }
    }

    /// The entries so far, in short.
    pub fn outline(&self) -> &ConversationOutline {
        &self.outline
    }

    /// The summary of the lines so far.
    pub fn summary(&self) -> SessionSummary {
        self.summarize().summary
    }

    /// The summary of the lines so far, and what it leaves out.
    pub fn summarize(&self) -> SummarizedPath {
        let path = if self.ends_only { self.outline.everything() } else { self.outline.path() };
        let origin = self.origin.unwrap_or_default();
        let mut summary =
            SessionSummary { listed: self.listing.build(), gaps: path.gaps, origin, ..self.facts.clone() };
        for &at in &path.links {
            let link = self.outline.link(at);
            let detail = link.detail.as_deref();
            if link.is_boundary() {
                summary.last_request = None;
            }
            if !link.is_message() {
                continue;
            }
            summary.messages += 1;
            if let Some(prompt) = detail.and_then(|detail| detail.prompt.as_ref()) {
                summary.turns += 1;
                summary.forked_turns += usize::from(link.is_forked());
                summary.first_prompt.get_or_insert_with(|| prompt.clone());
                summary.last_prompt = Some(prompt.clone());
            }
            if let Some(request) = detail.and_then(|detail| detail.request.as_ref()) {
                summary.model = Some(request.model.clone());
                summary.last_request = Some(request.clone());
            }
        }
        summary.root = self.outline.root();
        summary.title = self.names.clone().best(summary.first_prompt.clone());
        let left_behind = self.outline.left_behind(&path);
        SummarizedPath { summary, title_offset: self.title_offset, left_behind }
    }
}

/// The last line of each kind that can name a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TitleCandidates {
    custom: Option<String>,
    ai: Option<String>,
    last_prompt: Option<String>,
    summary: Option<String>,
}

impl TitleCandidates {
    /// Keeps the line's text, if it names the session.
    pub fn observe(&mut self, kind: EntryKind, line: &RawEntry<'_>) {
        let (name, text) = match kind {
            EntryKind::CustomTitle => (&mut self.custom, line.custom_title()),
            EntryKind::AiTitle => (&mut self.ai, line.ai_title()),
            EntryKind::LastPrompt => (&mut self.last_prompt, line.last_prompt()),
            EntryKind::Summary => (&mut self.summary, line.summary()),
            _ => return,
        };
        // A prompt is written down with what an editor told in front of it.
        let text = match (kind, text) {
            (EntryKind::LastPrompt, Some(text)) => prompt::typed_text(&text).map(|typed| one_line(&typed)),
            (_, text) => text.map(|text| one_line(&text)),
        };
        *name = text.or(name.take());
    }

    /// The name with the highest priority.
    pub fn best(self, first_prompt: Option<String>) -> Option<SessionTitle> {
        let named = |text: Option<String>, source| {
            text.filter(|text| !text.is_empty()).map(|text| SessionTitle { text, source })
        };
        named(self.custom, TitleSource::Custom)
            .or_else(|| named(self.ai, TitleSource::Ai))
            .or_else(|| named(self.last_prompt, TitleSource::LastPrompt))
            .or_else(|| named(self.summary, TitleSource::Summary))
            .or_else(|| named(first_prompt, TitleSource::FirstPrompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 9] = [
        r#"{"type":"user","uuid":"a","parentUuid":null,"timestamp":"2026-11-20T23:59:00Z","cwd":"/w","message":{"content":"one"}}"#,
        r#"{"type":"assistant","uuid":"b","parentUuid":"a","timestamp":"2026-11-20T23:59:10Z","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#,
        r#"{"type":"assistant","uuid":"c","parentUuid":"b","timestamp":"2026-11-20T23:59:11Z","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#,
        r#"{"type":"tag","tag":"keep"}"#,
        "{torn",
        r#"{"type":"user","uuid":"d","parentUuid":"c","timestamp":"2026-11-21T00:01:00Z","gitBranch":"main","message":{"content":"two"}}"#,
        r#"{"type":"assistant","uuid":"e","parentUuid":"d","timestamp":"2026-11-21T00:01:10Z","message":{"id":"n","model":"y","usage":{"output_tokens":3,"cache_creation_input_tokens":9}}}"#,
        r#"{"foreign":1}"#,
        r#"{"type":"ai-title","aiTitle":"Named"}"#,
    ];

    fn gather(lines: &[&str], mut from: SummaryBuilder) -> SummaryBuilder {
        for line in lines {
            from.push_line(&ParsedLine::parse(line), 0);
        }
        from
    }

    #[test]
    fn parts_give_the_same_as_the_whole_wherever_it_is_parted() {
        let whole = gather(&LINES, SummaryBuilder::default());
        for at in 0..=LINES.len() {
            let first = gather(&LINES[..at], SummaryBuilder::default());
            let stored = serde_json::to_string(&first).unwrap();
            let second = gather(&LINES[at..], serde_json::from_str(&stored).unwrap());
            assert_eq!(second, whole, "parted at {at}");
        }
        let facts = whole.summary();
        assert_eq!((facts.turns, facts.health.torn, facts.health.foreign), (2, 1, 1));
        assert_eq!(facts.last_prompt.as_deref(), Some("two"));
    }

    #[test]
    fn a_replayed_line_counts_once() {
        let once = gather(&LINES, SummaryBuilder::default()).summary();
        let twice = gather(&LINES, gather(&LINES, SummaryBuilder::default())).summary();
        assert_eq!((twice.turns, twice.messages, twice.usage), (once.turns, once.messages, once.usage));
    }

    #[test]
    fn what_a_fork_copied_is_inherited_and_not_its_own() {
        let copied = LINES.map(|line| line.replace(r#""uuid""#, r#""forkedFrom":{"sessionId":"s"},"uuid""#));
        let copied: Vec<_> = copied.iter().map(String::as_str).collect();
        let summary = gather(&copied, SummaryBuilder::default()).summary();
        assert_eq!((summary.days.len(), summary.usage.total(), summary.used.is_empty()), (0, 0, true));
        assert_eq!(summary.inherited.iter().map(|(_, used)| used.total()).sum::<u64>(), 19);
    }

    #[test]
    fn what_was_used_is_told_by_day_and_model() {
        let facts = gather(&LINES, SummaryBuilder::default()).summary();
        let days: Vec<_> = facts
            .days
            .iter()
            .flat_map(|(day, models)| {
                models.iter().map(move |(model, used)| (day.to_string(), model, used.total()))
            })
            .collect();
        assert_eq!(days, [("2026-11-20".to_owned(), "x", 7), ("2026-11-21".to_owned(), "y", 12)]);
    }
}
