//! What a list says about a session, gathered from its lines.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::line::{ForkedFrom, Kind, Line};
use super::message::Usage;
use super::prompt;
use super::transcript::{Health, Transcript};

/// The longest title and prompt a list holds, in characters (as the official list functions).
const LONGEST: usize = 200;

/// What a list says about one session. Everything here can be gathered anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The title and where it came from; none for a session that holds nothing.
    pub title: Option<Title>,
    /// The first prompt, one line, at most 200 characters.
    pub first_prompt: Option<String>,
    /// Prompts on the main chain, branches left behind included.
    pub turns: usize,
    /// Entries of user and model on the main chain.
    pub messages: usize,
    /// Tokens of all requests.
    pub usage: Usage,
    /// The same by model: what a price can be put on.
    pub used: BTreeMap<String, Usage>,
    /// The last request, unless a compaction came after it: what it read and
    /// wrote is what a resume reads again.
    pub last_request: Option<Request>,
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
    /// When the first entry was written.
    pub created: Option<DateTime<Utc>>,
    /// When the last conversation entry was written; a file's mtime says less,
    /// because starting `claude --resume` touches it (CLI 2.1.329).
    pub active: Option<DateTime<Utc>>,
    /// The session this one was forked from.
    pub forked_from: Option<ForkedFrom>,
    /// The turns that came along from there.
    pub forked_turns: usize,
    /// What could not be read.
    pub health: Health,
    /// A sub-agent's file: not a session of its own.
    pub is_sidechain: bool,
}

/// What one request used, and how long its prompt cache lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model that answered.
    pub model: String,
    /// Its tokens.
    pub usage: Usage,
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// How long its prompt stays in the cache after each use; none: it is in none.
    pub cache_life: Option<TimeDelta>,
}

impl Request {
    /// When the cache forgets the prompt, if nobody uses it before that.
    pub fn cached_until(&self) -> Option<DateTime<Utc>> {
        self.at.checked_add_signed(self.cache_life?)
    }
}

/// The model that an entry names which no model wrote (CLI 2.1.329).
const NO_MODEL: &str = "<synthetic>";

/// A session's name, by falling authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The text, one line, at most 200 characters.
    pub text: String,
    /// Who gave it.
    pub source: TitleSource,
}

/// Who gave a session its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

impl Facts {
    /// Gathers the facts of a transcript, or of as much of it as was read.
    pub fn gather(transcript: &Transcript<'_>) -> Self {
        let mut facts = Self { health: transcript.health, ..Self::default() };
        let mut names = Names::default();
        let mut counted = HashSet::new();
        for (at, line) in transcript.lines.iter().enumerate() {
            let kind = line.kind();
            if at == 0 {
                facts.is_sidechain = line.is_sidechain();
            }
            names.see(kind, line);
            match kind {
                Kind::Tag => facts.tag = line.tag().map(|text| one_line(&text)).filter(|tag| !tag.is_empty()),
                Kind::CostState => facts.cost_usd = line.total_cost_usd().or(facts.cost_usd),
                _ => {}
            }
            if !kind.is_conversation() || line.is_sidechain() {
                continue;
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
                Kind::User => {
                    facts.messages += 1;
                    if let Some(prompt) = prompt::of_line(line) {
                        facts.turns += 1;
                        facts.forked_turns += usize::from(line.forked_from().is_some());
                        if facts.first_prompt.is_none() {
                            facts.first_prompt = Some(one_line(&prompt));
                        }
                    }
                }
                Kind::Assistant => {
                    facts.messages += 1;
                    facts.count_reply(line, &mut counted);
                }
                Kind::System if line.subtype().as_deref() == Some("compact_boundary") => {
                    facts.last_request = None;
                }
                _ => {}
            }
        }
        facts.title = names.title(|| facts.first_prompt.clone());
        facts
    }

    /// The title, or what stands in its place.
    pub fn title_text(&self) -> &str {
        self.title.as_ref().map_or("(empty)", |title| title.text.as_str())
    }

    /// A message of several entries reports its usage on each: counted once.
    fn count_reply(&mut self, line: &Line<'_>, counted: &mut HashSet<String>) {
        #[derive(Deserialize)]
        struct Reply {
            id: Option<String>,
            model: Option<String>,
            usage: Option<Usage>,
        }
        let Some(reply) = line.message().and_then(|raw| serde_json::from_str::<Reply>(raw).ok()) else {
            return;
        };
        let Some(model) = reply.model.filter(|model| model != NO_MODEL) else { return };
        self.model = Some(model.clone());
        let first = reply.id.is_none_or(|id| counted.insert(id));
        let Some(usage) = reply.usage.filter(|_| first) else { return };
        self.usage += usage;
        *self.used.entry(model.clone()).or_default() += usage;
        if let Some(at) = line.timestamp() {
            let before = self.last_request.take().and_then(|request| request.cache_life);
            self.last_request = Some(Request { model, usage, at, cache_life: cache_life(&usage, before) });
        }
    }

    /// Nothing was said in it: at most it was opened, or cleared.
    pub fn holds_nothing(&self) -> bool {
        self.turns == 0 && self.used.is_empty()
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

impl Title {
    /// Only the title of a transcript, where the other facts are not wanted.
    pub fn of(transcript: &Transcript<'_>) -> Option<Self> {
        let mut names = Names::default();
        for line in &transcript.lines {
            names.see(line.kind(), line);
        }
        names.title(|| transcript.lines.iter().find_map(prompt::of_line).map(|prompt| one_line(&prompt)))
    }
}

/// The last of each kind of line that can name a session.
#[derive(Default)]
struct Names {
    custom: Option<String>,
    ai: Option<String>,
    last_prompt: Option<String>,
    summary: Option<String>,
}

impl Names {
    fn see(&mut self, kind: Kind, line: &Line<'_>) {
        let (name, text) = match kind {
            Kind::CustomTitle => (&mut self.custom, line.custom_title()),
            Kind::AiTitle => (&mut self.ai, line.ai_title()),
            Kind::LastPrompt => (&mut self.last_prompt, line.last_prompt()),
            Kind::Summary => (&mut self.summary, line.summary()),
            _ => return,
        };
        *name = text.map(|text| one_line(&text)).or(name.take());
    }

    fn title(self, first_prompt: impl FnOnce() -> Option<String>) -> Option<Title> {
        let named = |text: Option<String>, source| {
            text.filter(|text| !text.is_empty()).map(|text| Title { text, source })
        };
        named(self.custom, TitleSource::Custom)
            .or_else(|| named(self.ai, TitleSource::Ai))
            .or_else(|| named(self.last_prompt, TitleSource::LastPrompt))
            .or_else(|| named(self.summary, TitleSource::Summary))
            .or_else(|| named(first_prompt(), TitleSource::FirstPrompt))
    }
}

/// White space folded, cut to what a list holds.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST * 4 {
            break;
        }
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST - 1).collect();
        line.push('…');
    }
    line
}

/// The title of a fork: “Parser rewrite”, then “Parser rewrite ⑂2”, “… ⑂3”:
/// the first number that none of `taken` bears.
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
