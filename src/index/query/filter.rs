//! Filters (`key:value`) and which sessions pass them.

use chrono::{DateTime, FixedOffset, Utc};

use super::token::QueryToken;
use super::{SessionRow, time_spec};

/// The names of filters, in the order they are completed.
pub const KEYS: [&str; 10] =
    ["agent", "tag", "branch", "project", "model", "cost", "turns", "since", "before", "after"];

/// The agents that share the official transcripts.
pub const SHARED_AGENTS: [&str; 2] = ["claude", "hotseat"];

/// A filter or its negation.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterCondition {
    not: bool,
    filter: SessionFilter,
}

/// What a session must have. Texts are in lower case; an empty one matches any value.
#[derive(Debug, Clone, PartialEq)]
enum SessionFilter {
    /// Its agent starts with this; `claude` and `hotseat` share their sessions.
    Agent(String),
    /// Its tag starts with this.
    Tag(String),
    /// Its branch contains this.
    Branch(String),
    /// Its folder's name contains this, or its path does if there is a `/`.
    Project(String),
    /// Its model's name contains this.
    Model(String),
    /// Its cost in US dollars.
    Cost(Comparison, f64),
    /// Its number of prompts.
    Turns(Comparison, f64),
    /// It was last active before then.
    Before(DateTime<Utc>),
    /// It was last active then or later.
    Since(DateTime<Utc>),
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

/// The comparison signs, longer ones first.
const COMPARISON_SIGNS: [(&str, Comparison); 5] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::More),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
];

/// The filter in a token, or its error; `None` if the token is a word.
pub fn parse_filter(
    token: &QueryToken<'_>,
    now: DateTime<FixedOffset>,
) -> Option<Result<FilterCondition, String>> {
    let key = token.key?.to_ascii_lowercase();
    let text = || token.value.to_lowercase();
    let time = || {
        let wrong = || format!("“{}” is not a time (try {})", token.value, time_spec::TIME_EXAMPLES);
        time_spec::parse_time(token.value, now).ok_or_else(wrong)
    };
    let filter = match key.as_str() {
        "agent" => Ok(SessionFilter::Agent(text())),
        "tag" => Ok(SessionFilter::Tag(text())),
        "branch" => Ok(SessionFilter::Branch(text())),
        "project" => Ok(SessionFilter::Project(text())),
        "model" => Ok(SessionFilter::Model(text())),
        "cost" => {
            parse_number(token.value, "cost:>1").map(|(compare, number)| SessionFilter::Cost(compare, number))
        }
        "turns" => parse_number(token.value, "turns:>20")
            .map(|(compare, number)| SessionFilter::Turns(compare, number)),
        "before" => time().map(SessionFilter::Before),
        "since" | "after" => time().map(SessionFilter::Since),
        unknown => {
            let nearest = nearest_key(unknown)?;
            Err(format!("unknown filter “{unknown}:”; did you mean “{nearest}:”?"))
        }
    };
    Some(filter.map(|filter| FilterCondition { not: token.negated, filter }))
}

/// The filter that was meant, if its name is only misspelt. Anything else before a colon is
/// a word.
fn nearest_key(unknown: &str) -> Option<&'static str> {
    let most = if unknown.len() > 4 { 2 } else { 1 };
    let near = KEYS.iter().map(|key| (strsim::damerau_levenshtein(key, unknown), *key));
    near.min().filter(|(distance, _)| *distance <= most).map(|(_, key)| key)
}

fn parse_number(text: &str, example: &str) -> Result<(Comparison, f64), String> {
    let (compare, digits) = COMPARISON_SIGNS
        .iter()
        .find_map(|(sign, compare)| Some((*compare, text.strip_prefix(sign)?)))
        .unwrap_or((Comparison::Equal, text));
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match digits.parse() {
        Ok(number) if plain => Ok((compare, number)),
        _ => Err(format!("“{text}” is not a number (try {example})")),
    }
}

impl FilterCondition {
    /// Whether a session passes.
    pub fn matches(&self, row: &SessionRow) -> bool {
        self.filter.matches(row) != self.not
    }
}

impl SessionFilter {
    fn matches(&self, row: &SessionRow) -> bool {
        let facts = &row.facts;
        let text = |text: Option<&str>, test: fn(&str, &str) -> bool, wanted: &str| {
            text.filter(|text| !text.is_empty()).is_some_and(|text| test(&text.to_lowercase(), wanted))
        };
        match self {
            Self::Agent(agent) => match facts.agent.as_deref() {
                Some(keeper) => keeper.to_lowercase().starts_with(agent),
                None => SHARED_AGENTS.iter().any(|sharing| sharing.starts_with(agent.as_str())),
            },
            Self::Tag(tag) => text(facts.tag.as_deref(), |tag, wanted| tag.starts_with(wanted), tag),
            Self::Branch(branch) => {
                text(facts.branch.as_deref(), |text, wanted| text.contains(wanted), branch)
            }
            Self::Model(model) => text(facts.model.as_deref(), |text, wanted| text.contains(wanted), model),
            Self::Project(project) => {
                let folder = facts.cwd.as_deref();
                let folder = if project.contains('/') { folder } else { folder.map(folder_name) };
                text(folder, |text, wanted| text.contains(wanted), project)
            }
            // To the cent, as it is shown.
            Self::Cost(compare, wanted) => {
                facts.cost_usd.is_some_and(|cost| compare.compares((cost * 100.0).round() / 100.0, *wanted))
            }
            Self::Turns(compare, wanted) => compare.compares(facts.turns as f64, *wanted),
            Self::Before(time) => row.active_at() < *time,
            Self::Since(time) => row.active_at() >= *time,
        }
    }
}

impl Comparison {
    fn compares(self, number: f64, wanted: f64) -> bool {
        match self {
            Self::More => number > wanted,
            Self::AtLeast => number >= wanted,
            Self::Less => number < wanted,
            Self::AtMost => number <= wanted,
            Self::Equal => (number - wanted).abs() < 0.005,
        }
    }
}

/// The last part of a folder's path.
pub fn folder_name(folder: &str) -> &str {
    folder.rsplit('/').find(|part| !part.is_empty()).unwrap_or(folder)
}
