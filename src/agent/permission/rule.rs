//! One rule of what may run: `Read`, `Bash(git log:*)`, `Write(/a/b.txt)`.

use std::fmt;

/// A tool, and which of its calls are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    tool: String,
    /// None: all calls.
    calls: Option<Pattern>,
}

/// Which calls of a tool: a command, or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    BeginsWith(String),
}

/// What ends one command and begins another, or reaches elsewhere: a rule for
/// the beginning of a command permits none of these behind it.
const JOINTS: [char; 10] = [';', '&', '|', '\n', '\r', '`', '$', '<', '>', '('];

impl Rule {
    /// Reads a rule as `--allowedTools` and the SDKs write it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (tool, calls) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((tool, calls)) => (tool, Some(calls)),
            None => (text, None),
        };
        let is_name = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '*');
        (!tool.is_empty() && tool.chars().all(is_name)).then(|| Self::new(tool, calls))
    }

    /// A rule from its parts, as permission updates carry them.
    pub fn new(tool: &str, calls: Option<&str>) -> Self {
        let calls = calls.map(str::trim).filter(|calls| !calls.is_empty() && *calls != "*");
        let calls = calls.map(|calls| match calls.strip_suffix(":*") {
            Some(start) => Pattern::BeginsWith(start.to_owned()),
            None => match calls.strip_suffix(" *") {
                Some(start) => Pattern::BeginsWith(start.to_owned()),
                None => Pattern::Exactly(calls.to_owned()),
            },
        });
        Self { tool: tool.to_owned(), calls }
    }

    /// A rule for one call, to the letter.
    pub fn exactly(tool: &str, call: &str) -> Self {
        Self { tool: tool.to_owned(), calls: Some(Pattern::Exactly(call.trim().to_owned())) }
    }

    /// The rules in a list, parted by commas that stand in no brackets.
    pub fn list(text: &str) -> Vec<Self> {
        let mut depth = 0usize;
        let parts = text.split(|char| {
            match char {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            char == ',' && depth == 0
        });
        parts.filter_map(Self::parse).collect()
    }

    /// Whether it permits this call of the tool.
    pub fn permits(&self, tool: &str, call: &str) -> bool {
        self.tool == tool
            && match &self.calls {
                None => true,
                Some(Pattern::Exactly(text)) => text == call.trim(),
                Some(Pattern::BeginsWith(start)) => begins_with(call, start) && !call.contains(JOINTS),
            }
    }

    /// Whether it forbids this call: a part of it that it forbids is enough.
    pub fn forbids(&self, tool: &str, call: &str) -> bool {
        self.tool == tool
            && match &self.calls {
                None => true,
                Some(Pattern::Exactly(text)) => {
                    text == call.trim() || call.split(JOINTS).any(|part| part.trim() == text)
                }
                Some(Pattern::BeginsWith(start)) => {
                    call.split(JOINTS).any(|part| begins_with(part.trim_start(), start))
                }
            }
    }
}

/// Whether the words of `start` are the first words of `call`.
fn begins_with(call: &str, start: &str) -> bool {
    call.trim_start()
        .strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.calls {
            None => f.write_str(&self.tool),
            Some(Pattern::Exactly(text)) => write!(f, "{}({text})", self.tool),
            Some(Pattern::BeginsWith(start)) => write!(f, "{}({start}:*)", self.tool),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, call: &str, permits: bool, forbids: bool) {
        let rule = Rule::parse(rule).unwrap();
        assert_eq!(
            (rule.permits("Bash", call), rule.forbids("Bash", call)),
            (permits, forbids),
            "{rule} on {call:?}"
        );
    }

    #[test]
    fn a_rule_means_the_calls_it_names() {
        check("Bash", "anything; at all", true, true);
        check("Read", "ls", false, false);
        check("Bash(ls -l)", "ls -l", true, true);
        check("Bash(ls -l)", "ls -la", false, false);
        check("Bash(git log:*)", "git log --oneline", true, true);
        check("Bash(git log *)", "git log", true, true);
        check("Bash(git log:*)", "git logout", false, false);
    }

    #[test]
    fn the_beginning_of_a_command_permits_no_other_command_behind_it() {
        for call in
            ["echo a; rm b", "echo a && rm b", "echo `rm b`", "echo $(rm b)", "echo a > b", "echo a\nrm b"]
        {
            check("Bash(echo:*)", call, false, true);
            check("Bash(rm:*)", call, false, call.contains("rm"));
        }
    }

    #[test]
    fn a_list_is_parted_outside_of_brackets() {
        let rules: Vec<_> = Rule::list("Read, Bash(a, b),,Bash(c:*)").iter().map(Rule::to_string).collect();
        assert_eq!(rules, ["Read", "Bash(a, b)", "Bash(c:*)"]);
    }
}
