//! Completions for a query that is being typed.

use std::collections::HashMap;
use std::ops::Range;

use super::filter::{KEYS, SHARED_AGENTS, folder_name};
use super::token::{QueryToken, tokenize};
use super::{SessionRow, time_spec};

/// How many candidates are shown.
const MAX_CANDIDATES: usize = 6;

/// How many letters of a filter's name are needed before it is completed: one letter says
/// too little.
const MIN_KEY_CHARS: usize = 2;

/// What the last piece of a query can become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryCompletion {
    /// The bytes that a candidate replaces, up to the end.
    pub span: Range<usize>,
    /// The candidates, likeliest first; never empty.
    pub candidates: Vec<String>,
}

/// Completes the last piece of the input: a filter's name, or a value that these sessions
/// have. `None` if there is nothing to add.
pub fn complete(typed: &str, rows: &[SessionRow]) -> Option<QueryCompletion> {
    let token = tokenize(typed).pop().filter(|token| token.span.end == typed.len())?;
    let (at, candidates) = match token.key {
        None => (token.span.start + usize::from(token.negated), key_candidates(&token)),
        Some(key) => {
            let value_at = token.span.start + usize::from(token.negated) + key.len() + 1;
            (value_at, value_candidates(&key.to_ascii_lowercase(), token.value, rows))
        }
    };
    // What is already there is no candidate.
    let candidates: Vec<String> =
        candidates.into_iter().filter(|candidate| *candidate != typed[at..]).take(MAX_CANDIDATES).collect();
    (!candidates.is_empty()).then_some(QueryCompletion { span: at..typed.len(), candidates })
}

fn key_candidates(token: &QueryToken<'_>) -> Vec<String> {
    let begun = token.value.len() >= MIN_KEY_CHARS && !token.is_quoted;
    let keys = KEYS.iter().filter(|key| begun && key.starts_with(token.value));
    keys.map(|key| format!("{key}:")).collect()
}

fn value_candidates(key: &str, begun: &str, rows: &[SessionRow]) -> Vec<String> {
    let known = |value: fn(&SessionRow) -> Option<&str>| most_frequent(rows.iter().filter_map(value), begun);
    let fixed = |values: &[&str]| {
        let fitting = values.iter().filter(|value| value.starts_with(begun));
        fitting.map(|value| (*value).to_owned()).collect()
    };
    match key {
        "agent" => {
            let mut agents = known(|row| row.facts.agent.as_deref());
            agents.extend(fixed(&SHARED_AGENTS[..1]));
            agents
        }
        "tag" => known(|row| row.facts.tag.as_deref()),
        "branch" => known(|row| row.facts.branch.as_deref()),
        "project" => known(|row| row.facts.cwd.as_deref().map(folder_name)),
        "model" => known(|row| row.facts.model.as_deref()),
        "cost" => fixed(&[">1", "<1"]),
        "turns" => fixed(&[">20", "<5"]),
        "since" | "before" | "after" => {
            fixed(&[time_spec::NAMED_DAYS[0].0, time_spec::NAMED_DAYS[1].0, "3d", "2w", "6mo"])
        }
        _ => Vec::new(),
    }
}

/// The values with this prefix, the most frequent first; among equals the more recent,
/// since rows come newest first.
fn most_frequent<'a>(values: impl Iterator<Item = &'a str>, begun: &str) -> Vec<String> {
    let begun = begun.to_lowercase();
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for value in values.filter(|value| !value.is_empty()) {
        let first = counts.len();
        counts.entry(value).or_insert((0, first)).0 += 1;
    }
    let fitting = counts.into_iter().filter(|(value, _)| value.to_lowercase().starts_with(&begun));
    let mut fitting: Vec<_> = fitting.collect();
    fitting.sort_by_key(|(_, (count, first))| (std::cmp::Reverse(*count), *first));
    fitting.into_iter().map(|(value, _)| quoted(value)).collect()
}

/// A value as it is typed: in quotes if it has blanks.
fn quoted(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}
