//! Builds a [`SessionSummary`] line by line, and can be stored in between.
//!
//! Owns the state between two lines. A transcript that is read in parts gives the
//! same summary as one read at once. The state is serializable and small: the index
//! stores it to continue where a transcript grew.

use std::collections::VecDeque;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::message::{SYNTHETIC_MODEL, Usage};
use super::prompt;
use super::sdk_list::SdkSessionInfoBuilder;
use super::summary::{LastRequest, SessionSummary, SessionTitle, TitleSource, is_background_entry, one_line};
use super::usage_by_model::UsageByModel;
use crate::transcript::ParsedLine;
use crate::transcript::raw_entry::{EntryKind, RawEntry};

/// How many messages back the other blocks of a message are looked for. Only the
/// results of its own calls lie between the blocks of one message.
const RECENT_MESSAGE_IDS: usize = 16;

/// The summary so far, and what is needed to continue it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryBuilder {
    facts: SessionSummary,
    names: TitleCandidates,
    listing: SdkSessionInfoBuilder,
    /// The first entry was added.
    begun: bool,
    /// The messages whose usage was counted last.
    counted: VecDeque<String>,
    /// Hashes of the uuids of prompts and replies, sorted: a line that was written
    /// again counts once. Two that share a hash are one in a hundred thousand
    /// sessions of a thousand messages.
    #[serde(default)]
    seen: Vec<u32>,
}

impl SummaryBuilder {
    /// Adds a line of the file.
    pub fn push_line(&mut self, found: &ParsedLine<'_>) {
        self.facts.health.record(found);
        match found {
            ParsedLine::Entry(line) | ParsedLine::Joined(line) => self.push_entry(line),
            ParsedLine::Untyped(line) => self.listing.push_malformed(line),
            ParsedLine::Malformed(line) => self.listing.push_malformed(line),
            ParsedLine::Blank => {}
        }
    }

    /// Adds an entry.
    pub fn push_entry(&mut self, line: &RawEntry<'_>) {
        let kind = line.kind();
        if !self.begun {
            self.begun = true;
            self.facts.is_sidechain = line.is_sidechain();
        }
        self.names.observe(kind, line);
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
            }
            // A number too large to be an amount reads as infinite.
            EntryKind::CostState => {
                let amount = line.total_cost_usd().filter(|usd| (0.0..f64::INFINITY).contains(usd));
                facts.cost_usd = amount.or(facts.cost_usd);
            }
            _ => {}
        }
        if kind.is_conversation() && !line.is_sidechain() {
            self.push_conversation_entry(kind, line);
        }
    }

    fn push_conversation_entry(&mut self, kind: EntryKind, line: &RawEntry<'_>) {
        if matches!(kind, EntryKind::User | EntryKind::Assistant) && self.was_seen(line) {
            return;
        }
        let facts = &mut self.facts;
        if facts.created.is_none() {
            facts.is_background = is_background_entry(line.json());
        }
        if let Some(at) = line.timestamp() {
            facts.created.get_or_insert(at);
            facts.active = Some(at);
        }
        if facts.cwd.is_none() {
            facts.cwd = line.cwd().map(Into::into);
        }
        facts.branch = line.git_branch().map(Into::into).or(facts.branch.take());
        if facts.forked_from.is_none() {
            facts.forked_from = line.forked_from();
        }
        match kind {
            EntryKind::User => {
                facts.messages += 1;
                if let Some(prompt) = prompt::from_entry(line) {
                    facts.turns += 1;
                    facts.forked_turns += usize::from(line.forked_from().is_some());
                    let prompt = one_line(&prompt);
                    facts.first_prompt.get_or_insert_with(|| prompt.clone());
                    facts.last_prompt = Some(prompt);
                }
            }
            EntryKind::Assistant => {
                facts.messages += 1;
                self.count_usage(line);
            }
            EntryKind::System if line.subtype().as_deref() == Some("compact_boundary") => {
                facts.last_request = None;
            }
            _ => {}
        }
    }

    /// The summary of the lines so far.
    pub fn summary(&self) -> SessionSummary {
        let title = self.names.clone().best(self.facts.first_prompt.clone());
        SessionSummary { title, listed: self.listing.build(), ..self.facts.clone() }
    }

    /// A message of several entries reports its usage on each: counted once.
    fn count_usage(&mut self, line: &RawEntry<'_>) {
        #[derive(Deserialize)]
        struct UsageReport {
            id: Option<String>,
            model: Option<String>,
            usage: Option<Usage>,
        }
        let Some(reply) = line.message().and_then(|raw| serde_json::from_str::<UsageReport>(raw).ok()) else {
            return;
        };
        let Some(model) = reply.model.filter(|model| model != SYNTHETIC_MODEL) else { return };
        let facts = &mut self.facts;
        facts.model = Some(model.clone());
        if let Some(id) = reply.id {
            if self.counted.contains(&id) {
                return;
            }
            self.counted.push_back(id);
            if self.counted.len() > RECENT_MESSAGE_IDS {
                self.counted.pop_front();
            }
        }
        let Some(usage) = reply.usage else { return };
        facts.usage += usage;
        facts.used.add(&model, usage);
        if let Some(at) = line.timestamp() {
            // What a fork copied was used once, by the session it was copied from.
            if line.forked_from().is_none() {
                let day = at.date_naive();
                let place = facts.days.binary_search_by_key(&day, |(day, _)| *day).unwrap_or_else(|place| {
                    facts.days.insert(place, (day, UsageByModel::default()));
                    place
                });
                facts.days[place].1.add(&model, usage);
            }
            let before = facts.last_request.take().and_then(|request| request.cache_life);
            facts.last_request =
                Some(LastRequest { model, usage, at, cache_life: cache_life(&usage, before) });
        }
    }
}

impl SummaryBuilder {
    /// Whether an entry of this uuid was pushed before; remembers it.
    fn was_seen(&mut self, line: &RawEntry<'_>) -> bool {
        let Some(uuid) = line.uuid() else { return false };
        let hash = uuid
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        match self.seen.binary_search(&hash) {
            Ok(_) => true,
            Err(at) => {
                self.seen.insert(at, hash);
                false
            }
        }
    }
}

/// How long a request's prompt stays cached. A request that only read from the
/// cache does not tell: then it is as long as before, or the shortest time.
fn cache_life(usage: &Usage, before: Option<TimeDelta>) -> Option<TimeDelta> {
    let (usual, hour) = (TimeDelta::minutes(5), TimeDelta::hours(1));
    let written = usage.cache_creation_input_tokens;
    if written > 0 {
        // Where a part of it is forgotten early, the rest is of little use.
        let all_for_an_hour = usage.cache_creation.ephemeral_1h_input_tokens >= written;
        return Some(if all_for_an_hour { hour } else { usual });
    }
    (usage.cache_read_input_tokens > 0).then(|| before.unwrap_or(usual))
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
        *name = text.map(|text| one_line(&text)).or(name.take());
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
        r#"{"type":"user","uuid":"a","timestamp":"2026-11-20T23:59:00Z","cwd":"/w","message":{"content":"one"}}"#,
        r#"{"type":"assistant","uuid":"b","timestamp":"2026-11-20T23:59:10Z","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#,
        r#"{"type":"assistant","uuid":"c","timestamp":"2026-11-20T23:59:11Z","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#,
        r#"{"type":"tag","tag":"keep"}"#,
        "{torn",
        r#"{"type":"user","uuid":"d","timestamp":"2026-11-21T00:01:00Z","gitBranch":"main","message":{"content":"two"}}"#,
        r#"{"type":"assistant","uuid":"e","timestamp":"2026-11-21T00:01:10Z","message":{"id":"n","model":"y","usage":{"output_tokens":3,"cache_creation_input_tokens":9}}}"#,
        r#"{"foreign":1}"#,
        r#"{"type":"ai-title","aiTitle":"Named"}"#,
    ];

    fn gather(lines: &[&str], mut from: SummaryBuilder) -> SummaryBuilder {
        for line in lines {
            from.push_line(&ParsedLine::parse(line));
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
    fn what_a_fork_copied_is_not_counted_by_day() {
        let copied = LINES.map(|line| line.replace(r#""uuid""#, r#""forkedFrom":{"sessionId":"s"},"uuid""#));
        let copied: Vec<_> = copied.iter().map(String::as_str).collect();
        let summary = gather(&copied, SummaryBuilder::default()).summary();
        assert_eq!((summary.days.len(), summary.usage.total()), (0, 19));
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
