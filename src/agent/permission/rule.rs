//! One rule of what may run: `Read`, `Bash(git log:*)`, `Write(./src/**)`.
//!
//! What a rule permits is read narrowly, what it forbids widely. A forbidden
//! command can still be spelled in a way that no pattern sees: rules keep a
//! model from mistakes, not a program from harm.

use std::fmt;
use std::path::Path;

use super::path_pattern::PathDenial;
use super::{path_pattern, wildcard};

/// A tool, and which of its calls are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRule {
    tool: String,
    /// None: all calls.
    pattern: Option<RulePattern>,
}

/// Which calls of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RulePattern {
    /// This one, to the letter.
    Literal(String),
    /// Those that fit, where `*` stands for anything.
    Glob(String),
}

/// What a tool is about to do.
#[derive(Debug, Clone, Copy)]
pub enum ToolUse<'a> {
    /// Run this command.
    Command(&'a str),
    /// Have a server do something; only the tool itself tells what.
    McpServer,
    /// Get something from this host; rules name it as `domain:example.com`.
    Host(&'a str),
    /// Use this file.
    File {
        /// Without links and dots.
        path: &'a Path,
        /// What a rule's relative paths start from.
        cwd: &'a Path,
    },
}

/// What ends one command and begins another, or reaches elsewhere: a rule with
/// a star permits no command with one of these.
const SHELL_SEPARATORS: [char; 11] = [';', '&', '|', '\n', '\r', '`', '$', '<', '>', '(', ')'];

/// Words before a command that change nothing about what it does.
const COMMAND_PREFIXES: [&str; 15] = [
    "sudo", "env", "command", "builtin", "exec", "nohup", "time", "nice", "xargs", "then", "else", "do",
    "if", "!", "{",
];

impl PermissionRule {
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
        let calls = calls.map(str::trim).filter(|calls| !matches!(*calls, "" | "*" | ":*"));
        Self { tool: tool.to_owned(), pattern: calls.map(|calls| RulePattern::Glob(calls.to_owned())) }
    }

    /// A rule for one call, to the letter.
    pub fn literal(tool: &str, call: &str) -> Self {
        Self { tool: tool.to_owned(), pattern: Some(RulePattern::Literal(call.trim().to_owned())) }
    }

    /// The texts of the rules in a list, parted by commas or blanks that stand
    /// in no brackets.
    pub fn split_list(list: &str) -> impl Iterator<Item = &str> {
        let mut depth = 0usize;
        let parts = list.split(move |char: char| {
            match char {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (char == ',' || char.is_whitespace()) && depth == 0
        });
        parts.filter(|part| !part.is_empty())
    }

    /// Whether it is about some calls of this tool, by its very name.
    pub fn is_named(&self, tool: &str) -> bool {
        self.tool == tool
    }

    /// Whether it is about all calls of this tool.
    pub fn covers_whole_tool(&self, tool: &str) -> bool {
        self.pattern.is_none() && self.covers_tool(tool)
    }

    /// What it keeps from whoever reads; none where it names no files.
    pub fn read_denial(&self, cwd: &Path) -> Option<PathDenial> {
        match &self.pattern {
            Some(RulePattern::Literal(text) | RulePattern::Glob(text)) if self.covers_tool("Read") => {
                Some(PathDenial::new(text, cwd))
            }
            _ => None,
        }
    }

    /// Whether it permits this call of the tool.
    pub fn allows(&self, tool: &str, call: ToolUse<'_>) -> bool {
        self.covers_tool(tool)
            && match (&self.pattern, call) {
                (None, _) => true,
                (Some(_), ToolUse::McpServer) => false,
                (Some(RulePattern::Literal(text) | RulePattern::Glob(text)), ToolUse::Host(host)) => {
                    domain_pattern(text).is_some_and(|domain| wildcard::matches(&domain, host))
                }
                (Some(RulePattern::Literal(text)), ToolUse::Command(command)) => text == command.trim(),
                (Some(RulePattern::Literal(text)), ToolUse::File { path, .. }) => Path::new(text) == path,
                (Some(RulePattern::Glob(pattern)), ToolUse::Command(command)) => {
                    let command = command.trim();
                    pattern == command
                        || (!command.contains(SHELL_SEPARATORS) && matches_command(pattern, command))
                }
                (Some(RulePattern::Glob(pattern)), ToolUse::File { path, cwd }) => {
                    path_pattern::allows_path(pattern, path, cwd)
                }
            }
    }

    /// Whether it forbids this call: a part of it that it forbids is enough.
    pub fn denies(&self, tool: &str, call: ToolUse<'_>) -> bool {
        self.covers_tool(tool)
            && match (&self.pattern, call) {
                // Which calls of a server are meant cannot be told, so all of them are.
                (None, _) | (Some(_), ToolUse::McpServer) => true,
                (Some(RulePattern::Literal(text) | RulePattern::Glob(text)), ToolUse::Command(command)) => {
                    let text = collapse_whitespace(text);
                    std::iter::once(command).chain(command.split(SHELL_SEPARATORS)).any(|part| {
                        let part = collapse_whitespace(part);
                        matches_command(&text, &part) || matches_command(&text, strip_prefixes(&part))
                    })
                }
                // Who forbids a domain means what lies under it, too.
                (Some(RulePattern::Literal(text) | RulePattern::Glob(text)), ToolUse::Host(host)) => {
                    domain_pattern(text).is_none_or(|domain| {
                        wildcard::matches(&domain, host) || wildcard::matches(&format!("*.{domain}"), host)
                    })
                }
                (Some(RulePattern::Literal(text)), ToolUse::File { path, .. }) => path.starts_with(text),
                (Some(RulePattern::Glob(pattern)), ToolUse::File { path, cwd }) => {
                    path_pattern::denies_path(pattern, path, cwd)
                }
            }
    }

    /// As in the official rules, those for `Edit` hold for whatever edits, those
    /// for `Read` for whatever looks, and `mcp__server` for all that the server offers.
    fn covers_tool(&self, tool: &str) -> bool {
        let is_its_server = || {
            self.tool.starts_with("mcp__")
                && tool.strip_prefix(&self.tool).is_some_and(|rest| rest.starts_with("__"))
        };
        let is_one_of_its_kind = match self.tool.as_str() {
            "Edit" => tool == "Write",
            "Read" => matches!(tool, "Glob" | "Grep"),
            _ => false,
        };
        wildcard::matches(&self.tool, tool) || is_one_of_its_kind || is_its_server()
    }
}

/// Whether a command fits a pattern; `git log:*` and `git log *` mean the
/// words, with or without more behind them.
fn matches_command(pattern: &str, command: &str) -> bool {
    match pattern.strip_suffix(":*").or_else(|| pattern.strip_suffix(" *")) {
        Some(words) => wildcard::matches(words, command) || wildcard::matches(&format!("{words} *"), command),
        None => wildcard::matches(pattern, command),
    }
}

/// The domain that a rule names; hosts are written small.
fn domain_pattern(text: &str) -> Option<String> {
    text.strip_prefix("domain:").map(|domain| domain.trim().to_ascii_lowercase())
}

/// With one blank where there are several, or a tab.
fn collapse_whitespace(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A command without the variables and words before it.
fn strip_prefixes(command: &str) -> &str {
    let mut rest = command;
    while let Some((word, behind)) = rest.split_once(' ') {
        let is_variable = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|char| char == '_' || char.is_ascii_alphanumeric())
        });
        if !is_variable && !COMMAND_PREFIXES.contains(&word) {
            break;
        }
        rest = behind;
    }
    rest
}

impl fmt::Display for PermissionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            None => f.write_str(&self.tool),
            Some(RulePattern::Literal(calls) | RulePattern::Glob(calls)) => {
                write!(f, "{}({calls})", self.tool)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, call: &str, permits: bool, forbids: bool) {
        let rule = PermissionRule::parse(rule).unwrap();
        let call = ToolUse::Command(call);
        assert_eq!(
            (rule.allows("Bash", call), rule.denies("Bash", call)),
            (permits, forbids),
            "{rule} on {call:?}"
        );
    }

    #[test]
    fn a_rule_means_the_calls_it_names() {
        check("Bash", "anything; at all", true, true);
        check("Bash(*)", "anything; at all", true, true);
        check("Bash(:*)", "anything; at all", true, true);
        check("*", "anything; at all", true, true);
        check("Read", "ls", false, false);
        check("Bash(ls -l)", "ls -l", true, true);
        check("Bash(ls -l)", "ls -la", false, false);
        check("Bash(a && b)", "a && b", true, true);
        check("Bash(git log:*)", "git log --oneline", true, true);
        check("Bash(git log *)", "git log", true, true);
        check("Bash(git log:*)", "git logout", false, false);
        check("Bash(git * main)", "git push main", true, true);
        check("Bash(git * main)", "git push main; rm x", false, true);
        check("Bash(ls)", "LS", false, false);
    }

    #[test]
    fn the_beginning_of_a_command_permits_no_other_command_behind_it() {
        for call in [
            "echo a; rm b",
            "echo a && rm b",
            "echo a & rm b",
            "echo a || rm b",
            "echo a | rm b",
            "echo `rm b`",
            "echo $(rm b)",
            "echo <(rm b)",
            "echo a\nrm b",
            "echo a\r\nrm b",
            "echo a; sudo rm b",
            "(rm b); echo",
            "echo a;A=1 B= rm b",
            "echo a && env X=y\trm  b",
            "if echo a; then rm b; fi",
            "echo a | xargs rm b",
        ] {
            check("Bash(echo:*)", call, false, true);
            check("Bash(rm:*)", call, false, true);
            check("Bash(rm b)", call, false, true);
        }
        check("Bash(echo:*)", "echo a > b", false, true);
        check("Bash(echo:*)", "echo $HOME", false, true);
    }

    #[test]
    fn a_rule_for_edits_holds_for_writes() {
        let call = ToolUse::File { path: Path::new("/a"), cwd: Path::new("/") };
        assert!(
            PermissionRule::new("Edit", None).allows("Write", call)
                && !PermissionRule::new("Edit", None).allows("Read", call)
        );
        assert!(!PermissionRule::new("Write", None).allows("Edit", call));
    }

    #[test]
    fn a_rule_for_a_domain_permits_it_and_forbids_what_lies_under_it_too() {
        let check = |rule: &str, host: &str, permits: bool, forbids: bool| {
            let (rule, call) = (PermissionRule::parse(rule).unwrap(), ToolUse::Host(host));
            let found = (rule.allows("WebFetch", call), rule.denies("WebFetch", call));
            assert_eq!(found, (permits, forbids), "{rule} on {host}");
        };
        check("WebFetch", "example.com", true, true);
        check("WebFetch(domain:Example.com)", "example.com", true, true);
        check("WebFetch(domain:example.com)", "docs.example.com", false, true);
        check("WebFetch(domain:*.example.com)", "docs.example.com", true, true);
        check("WebFetch(domain:example.com)", "badexample.com", false, false);
        check("WebFetch(domain:example.com)", "example.com.evil.net", false, false);
        // What names no domain permits nothing and forbids all.
        check("WebFetch(example.com)", "example.com", false, true);
    }

    #[test]
    fn a_list_is_parted_outside_of_brackets() {
        let texts = |list| PermissionRule::split_list(list).collect::<Vec<_>>();
        assert_eq!(
            texts("Read, Bash(a, b) Edit,,Bash(c:*) ,no/name"),
            ["Read", "Bash(a, b)", "Edit", "Bash(c:*)", "no/name"]
        );
        assert_eq!(texts("Bash(open, Read"), ["Bash(open, Read"]);
        assert_eq!(
            (PermissionRule::parse("no/name"), PermissionRule::parse("Bash(open, Read")),
            (None, None)
        );
    }
}
