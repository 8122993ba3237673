//! Matchers of declared hooks: `Bash`, `Edit|Write`, `mcp__.*`.

use std::time::Duration;

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;
use serde_json::Value;

use super::{HookEntry, HookEvent, HookRunner};

/// The time limit of a hook that names none, and the longest it can name.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);
const MAX_TIMEOUT: Duration = Duration::from_hours(1);

/// The subjects that a hook is asked about.
#[derive(Debug, Clone)]
pub enum HookMatcher {
    /// All subjects.
    Any,
    /// Exactly these.
    Names(Vec<String>),
    /// Those in which this is found, anywhere.
    Regex(RegexMatcher),
}

impl HookMatcher {
    /// Parses a matcher; `None` if it is neither names nor a regular expression.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "" | "*") {
            return Some(Self::Any);
        }
        let is_names =
            text.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '|' | ',' | ' '));
        if is_names {
            let names = text.split(['|', ',']).map(|name| name.trim().to_owned());
            return Some(Self::Names(names.filter(|name| !name.is_empty()).collect()));
        }
        RegexMatcher::new(text).ok().map(Self::Regex)
    }

    /// Whether a subject matches. An event without a subject always does.
    pub fn matches(&self, subject: Option<&str>) -> bool {
        let Some(subject) = subject else { return true };
        match self {
            Self::Any => true,
            Self::Names(names) => names.iter().any(|name| name == subject),
            Self::Regex(pattern) => pattern.is_match(subject.as_bytes()).unwrap_or(false),
        }
    }
}

/// The declared hooks, and what makes no sense among them. `runs` finds the hooks
/// of one matcher, with their time limits in seconds.
pub fn parse_hooks(
    declared: &Value,
    whose: &str,
    runs: impl Fn(&Value) -> Vec<(HookRunner, Option<f64>)>,
) -> (Vec<HookEntry>, Vec<String>) {
    let (mut hooks, mut problems) = (Vec::new(), Vec::new());
    for event in HookEvent::ALL {
        for entry in declared[event.name()].as_array().into_iter().flatten() {
            let text = entry["matcher"].as_str().unwrap_or_default();
            let Some(matcher) = HookMatcher::parse(text) else {
                problems.push(format!(
                    "“{text}” is no matcher of hooks for {}; {whose} names it in vain",
                    event.name()
                ));
                continue;
            };
            hooks.extend(runs(entry).into_iter().map(|(run, seconds)| HookEntry {
                event,
                matcher: matcher.clone(),
                timeout: parse_timeout(seconds),
                // As the official CLI, which reads what it does not know as “block”.
                blocks_on_failure: entry["onFailure"].as_str().is_some_and(|then| then != "continue"),
                run,
            }));
        }
    }
    (hooks, problems)
}

fn parse_timeout(seconds: Option<f64>) -> Duration {
    let asked =
        seconds.filter(|seconds| *seconds > 0.0).map(|seconds| seconds.min(MAX_TIMEOUT.as_secs_f64()));
    asked.map_or(DEFAULT_TIMEOUT, Duration::from_secs_f64)
}
