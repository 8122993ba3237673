//! The facts of a session on their way: line by line, to be continued later.
//!
//! Owns what has to be remembered between two lines. A transcript taken in
//! parts gives the same facts as one taken at once, wherever it is parted; what
//! is remembered can be stored, and stays small however long a session grows.

use std::collections::VecDeque;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::facts::{Facts, Request, Title, TitleSource, one_line};
use super::line::{Kind, Line};
use super::listed::Listing;
use super::message::{SYNTHETIC, Usage};
use super::prompt;
use super::transcript::Found;
use super::used::Used;

/// So many messages back a block is looked for that belongs to one of them.
/// Between the blocks of one message lie at most the results of its own calls.
const REMEMBERED: usize = 16;

/// The facts so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathering {
    facts: Facts,
    names: Names,
    listing: Listing,
    /// An entry was taken.
    begun: bool,
    /// The messages whose usage was counted last.
    counted: VecDeque<String>,
}

impl Gathering {
    /// Takes a line as it lies in the file.
    pub fn take_found(&mut self, found: &Found<'_>) {
        self.facts.health.count(found);
        match found {
            Found::Entry(line) => self.take(line),
            Found::Foreign(line) => self.listing.take_torn(line),
            Found::Torn(line) => self.listing.take_torn(&String::from_utf8_lossy(line)),
            Found::Blank => {}
        }
    }

    /// Takes an entry.
    pub fn take(&mut self, line: &Line<'_>) {
        let kind = line.kind();
        if !self.begun {
            self.begun = true;
            self.facts.is_sidechain = line.is_sidechain();
        }
        self.names.see(kind, line);
        self.listing.take(line);
        let facts = &mut self.facts;
        match kind {
            Kind::Tag => facts.tag = line.tag().map(|text| one_line(&text)).filter(|tag| !tag.is_empty()),
            Kind::Mirror => {
                facts.agent = line.agent().map(|agent| one_line(&agent));
                facts.partial = line.is_partial();
                // It may come before the first entry.
                facts.is_sidechain = line.is_sidechain();
                let called = line.agent_session().map(|id| one_line(&id));
                facts.agent_session = called.or(facts.agent_session.take());
                facts.cwd = facts.cwd.take().or_else(|| line.cwd().map(Into::into));
            }
            // A number too large to be an amount reads as infinite.
            Kind::CostState => {
                let amount = line.total_cost_usd().filter(|usd| (0.0..f64::INFINITY).contains(usd));
                facts.cost_usd = amount.or(facts.cost_usd);
            }
            _ => {}
        }
        if kind.is_conversation() && !line.is_sidechain() {
            self.take_said(kind, line);
        }
    }

    fn take_said(&mut self, kind: Kind, line: &Line<'_>) {
        let facts = &mut self.facts;
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
            Kind::User => {
                facts.messages += 1;
                if let Some(prompt) = prompt::of_line(line) {
                    facts.turns += 1;
                    facts.forked_turns += usize::from(line.forked_from().is_some());
                    let prompt = one_line(&prompt);
                    facts.first_prompt.get_or_insert_with(|| prompt.clone());
                    facts.last_prompt = Some(prompt);
                }
            }
            Kind::Assistant => {
                facts.messages += 1;
                self.count_reply(line);
            }
            Kind::System if line.subtype().as_deref() == Some("compact_boundary") => {
                facts.last_request = None;
            }
            _ => {}
        }
    }

    /// The facts of what was taken so far.
    pub fn facts(&self) -> Facts {
        let title = self.names.clone().title(self.facts.first_prompt.clone());
        Facts { title, listed: self.listing.listed(), ..self.facts.clone() }
    }

    /// A message of several entries reports its usage on each: counted once.
    fn count_reply(&mut self, line: &Line<'_>) {
        #[derive(Deserialize)]
        struct Reply {
            id: Option<String>,
            model: Option<String>,
            usage: Option<Usage>,
        }
        let Some(reply) = line.message().and_then(|raw| serde_json::from_str::<Reply>(raw).ok()) else {
            return;
        };
        let Some(model) = reply.model.filter(|model| model != SYNTHETIC) else { return };
        let facts = &mut self.facts;
        facts.model = Some(model.clone());
        if let Some(id) = reply.id {
            if self.counted.contains(&id) {
                return;
            }
            self.counted.push_back(id);
            if self.counted.len() > REMEMBERED {
                self.counted.pop_front();
            }
        }
        let Some(usage) = reply.usage else { return };
        facts.usage += usage;
        facts.used.add(&model, usage);
        if let Some(at) = line.timestamp() {
            let day = at.date_naive();
            let place = facts.days.binary_search_by_key(&day, |(day, _)| *day).unwrap_or_else(|place| {
                facts.days.insert(place, (day, Used::default()));
                place
            });
            facts.days[place].1.add(&model, usage);
            let before = facts.last_request.take().and_then(|request| request.cache_life);
            facts.last_request = Some(Request { model, usage, at, cache_life: cache_life(&usage, before) });
        }
    }
}

/// How long what a request read and wrote stays in the cache. One that only
/// read from it does not say; then it is as long as before, or the shortest.
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

/// The last of each kind of line that can name a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Names {
    custom: Option<String>,
    ai: Option<String>,
    last_prompt: Option<String>,
    summary: Option<String>,
}

impl Names {
    /// Remembers what the line says, if it names the session.
    pub fn see(&mut self, kind: Kind, line: &Line<'_>) {
        let (name, text) = match kind {
            Kind::CustomTitle => (&mut self.custom, line.custom_title()),
            Kind::AiTitle => (&mut self.ai, line.ai_title()),
            Kind::LastPrompt => (&mut self.last_prompt, line.last_prompt()),
            Kind::Summary => (&mut self.summary, line.summary()),
            _ => return,
        };
        *name = text.map(|text| one_line(&text)).or(name.take());
    }

    /// The name of highest authority.
    pub fn title(self, first_prompt: Option<String>) -> Option<Title> {
        let named = |text: Option<String>, source| {
            text.filter(|text| !text.is_empty()).map(|text| Title { text, source })
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

    fn gather(lines: &[&str], mut from: Gathering) -> Gathering {
        for line in lines {
            from.take_found(&Found::in_line(line.as_bytes()));
        }
        from
    }

    #[test]
    fn parts_give_the_same_as_the_whole_wherever_it_is_parted() {
        let whole = gather(&LINES, Gathering::default());
        for at in 0..=LINES.len() {
            let first = gather(&LINES[..at], Gathering::default());
            let stored = serde_json::to_string(&first).unwrap();
            let second = gather(&LINES[at..], serde_json::from_str(&stored).unwrap());
            assert_eq!(second, whole, "parted at {at}");
        }
        let facts = whole.facts();
        assert_eq!((facts.turns, facts.health.torn, facts.health.foreign), (2, 1, 1));
        assert_eq!(facts.last_prompt.as_deref(), Some("two"));
    }

    #[test]
    fn what_was_used_is_told_by_day_and_model() {
        let facts = gather(&LINES, Gathering::default()).facts();
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
