//! One rule of what may run: `Read`, `Bash(git log:*)`, `Write(./src/**)`.
//!
//! What a rule allows is read narrowly, what it denies widely. Rules for
//! commands are matched in [`super::command_review`], which knows the parts of
//! a line; here are the tool, the file and the host of a rule.

use std::fmt;
use std::path::Path;

use super::path_pattern::PathDenial;
use super::{path_pattern, wildcard};

/// A tool, and which of its calls are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRule {
    tool: String,
    /// `None`: all calls.
    pattern: Option<RulePattern>,
}

/// Which calls of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulePattern {
    /// This one, to the letter: what a person agreed to when asked.
    Literal(String),
    /// Those that match, where `*` stands for anything.
    Glob(String),
}

impl RulePattern {
    /// The pattern as it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Literal(text) | Self::Glob(text) => text,
        }
    }
}

/// What a tool is about to do, apart from running commands.
#[derive(Debug, Clone, Copy)]
pub enum ToolUse<'a> {
    /// Call a tool of this MCP server; only the server knows what it does.
    McpServer(&'a str),
    /// Get something from this host; rules name it as `domain:example.com`.
    Host(&'a str),
    File {
        /// Without links and dots.
        path: &'a Path,
        /// What a rule's relative paths start from.
        cwd: &'a Path,
    },
    /// Nothing that concerns files, hosts or servers.
    Other,
}

impl PermissionRule {
    /// Reads a rule as `--allowedTools` and the SDKs write it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (tool, pattern) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((tool, pattern)) => (tool, Some(pattern)),
            None => (text, None),
        };
        let is_name = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '*');
        (!tool.is_empty() && tool.chars().all(is_name)).then(|| Self::new(tool, pattern))
    }

    /// A rule from its parts, as permission updates carry them.
    pub fn new(tool: &str, pattern: Option<&str>) -> Self {
        let pattern = pattern.map(str::trim).filter(|pattern| !matches!(*pattern, "" | "*" | ":*"));
        Self { tool: tool.to_owned(), pattern: pattern.map(|pattern| RulePattern::Glob(pattern.to_owned())) }
    }

    /// A rule for one call, to the letter.
    pub fn literal(tool: &str, call: &str) -> Self {
        Self { tool: tool.to_owned(), pattern: Some(RulePattern::Literal(call.trim().to_owned())) }
    }

    /// The texts of the rules in a list, separated by commas or blanks outside
    /// of brackets.
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

    /// Which calls of the tool are meant; `None` for all.
    pub fn pattern(&self) -> Option<&RulePattern> {
        self.pattern.as_ref()
    }

    /// It means one call, to the letter.
    pub fn is_literal(&self) -> bool {
        matches!(self.pattern, Some(RulePattern::Literal(_)))
    }

    /// Whether it is about some calls of this tool, by the tool's exact name.
    pub fn is_named(&self, tool: &str) -> bool {
        self.tool == tool
    }

    /// Whether it is about all calls of this tool.
    pub fn covers_whole_tool(&self, tool: &str) -> bool {
        self.pattern.is_none() && self.covers_tool(tool)
    }

    /// The files that it keeps from reading; `None` if it names no files.
    pub fn read_denial(&self, cwd: &Path) -> Option<PathDenial> {
        let pattern = self.pattern.as_ref().filter(|_| self.covers_tool("Read"))?;
        Some(PathDenial::new(pattern.text(), cwd))
    }

    /// Whether it allows this call of the tool.
    pub fn allows(&self, tool: &str, call: ToolUse<'_>) -> bool {
        if let ToolUse::McpServer(server) = call {
            return self.pattern.is_none() && (self.allows_of_server(server, tool) || self.tool == tool);
        }
        self.covers_tool(tool)
            && match (&self.pattern, call) {
                (None, _) => true,
                (Some(_), ToolUse::McpServer(_) | ToolUse::Other) => false,
                (Some(pattern), ToolUse::Host(host)) => {
                    domain_pattern(pattern.text()).is_some_and(|domain| wildcard::matches(&domain, host))
                }
                (Some(RulePattern::Literal(text)), ToolUse::File { path, .. }) => Path::new(text) == path,
                (Some(RulePattern::Glob(pattern)), ToolUse::File { path, cwd }) => {
                    path_pattern::allows_path(pattern, path, cwd)
                }
            }
    }

    /// Whether it denies this call.
    pub fn denies(&self, tool: &str, call: ToolUse<'_>) -> bool {
        self.covers_tool(tool)
            && match (&self.pattern, call) {
                // Nobody can tell which calls of a server are meant, so all of them are.
                (None, _) | (Some(_), ToolUse::McpServer(_)) => true,
                (Some(_), ToolUse::Other) => false,
                // Who denies a domain means its subdomains, too.
                (Some(pattern), ToolUse::Host(host)) => domain_pattern(pattern.text()).is_none_or(|domain| {
                    wildcard::matches(&domain, host) || wildcard::matches(&format!("*.{domain}"), host)
                }),
                (Some(RulePattern::Literal(text)), ToolUse::File { path, .. }) => path.starts_with(text),
                (Some(RulePattern::Glob(pattern)), ToolUse::File { path, cwd }) => {
                    path_pattern::denies_path(pattern, path, cwd)
                }
            }
    }

    /// As in the official rules, those for `Edit` hold for every tool that
    /// edits, those for `Read` for every tool that reads, and `mcp__server` for
    /// all tools whose names begin so.
    pub fn covers_tool(&self, tool: &str) -> bool {
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

    /// Whether it allows the tools of this server. The name alone does not say
    /// where the server's ends: `mcp__a__b__c` is a tool of `a` or of `a__b`.
    fn allows_of_server(&self, server: &str, tool: &str) -> bool {
        let Some(rest) = self.tool.strip_prefix("mcp__") else { return wildcard::matches(&self.tool, tool) };
        let tool_of_server = tool.strip_prefix("mcp__").and_then(|tool| tool.strip_prefix(server));
        match rest.strip_prefix(server) {
            Some("") => true,
            Some(behind) if behind.starts_with("__") => {
                tool_of_server.is_some_and(|name| wildcard::matches(behind, name))
            }
            // A star in the server's name means several servers, if no tool is named.
            _ => rest.contains('*') && !rest.contains("__") && wildcard::matches(rest, server),
        }
    }
}

/// The domain that a rule names; hosts are written in lower case.
fn domain_pattern(text: &str) -> Option<String> {
    text.strip_prefix("domain:").map(|domain| domain.trim().to_ascii_lowercase())
}

impl fmt::Display for PermissionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            None => f.write_str(&self.tool),
            Some(pattern) => write!(f, "{}({})", self.tool, pattern.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_edits_holds_for_writes() {
        let call = ToolUse::File { path: Path::new("/a"), cwd: Path::new("/") };
        let edit = PermissionRule::new("Edit", None);
        assert!(edit.allows("Write", call) && !edit.allows("Read", call));
        assert!(!PermissionRule::new("Write", None).allows("Edit", call));
    }

    #[test]
    fn a_rule_for_a_domain_allows_it_and_denies_its_subdomains_too() {
        let check = |rule: &str, host: &str, allows: bool, denies: bool| {
            let (rule, call) = (PermissionRule::parse(rule).unwrap(), ToolUse::Host(host));
            let found = (rule.allows("WebFetch", call), rule.denies("WebFetch", call));
            assert_eq!(found, (allows, denies), "{rule} on {host}");
        };
        check("WebFetch", "example.com", true, true);
        check("WebFetch(domain:Example.com)", "example.com", true, true);
        check("WebFetch(domain:example.com)", "docs.example.com", false, true);
        check("WebFetch(domain:*.example.com)", "docs.example.com", true, true);
        check("WebFetch(domain:example.com)", "badexample.com", false, false);
        check("WebFetch(domain:example.com)", "example.com.evil.net", false, false);
        // What names no domain allows nothing and denies all.
        check("WebFetch(example.com)", "example.com", false, true);
    }

    #[test]
    fn a_rule_for_a_server_allows_the_tools_of_that_server_only() {
        let check = |rule: &str, server: &str, tool: &str, allows: bool, denies: bool| {
            let (rule, call) = (PermissionRule::parse(rule).unwrap(), ToolUse::McpServer(server));
            let name = format!("mcp__{server}__{tool}");
            assert_eq!(
                (rule.allows(&name, call), rule.denies(&name, call)),
                (allows, denies),
                "{rule} on {name}"
            );
        };
        check("mcp__a", "a", "x", true, true);
        check("mcp__a", "a", "b__x", true, true);
        check("mcp__a", "a__b", "x", false, true);
        check("mcp__a__*", "a", "x", true, true);
        check("mcp__a__*", "a__b", "x", false, true);
        check("mcp__a__b", "a", "b", true, true);
        check("mcp__a__b", "a", "b2", false, false);
        check("mcp__a__b", "a__b", "x", true, true);
        check("mcp__a__read_*", "a", "read_file", true, true);
        check("mcp__a__read_*", "a", "write_file", false, false);
        check("mcp__*", "a__b", "x", true, true);
        check("mcp__a", "ab", "x", false, false);
        check("*", "a", "x", true, true);
    }

    #[test]
    fn a_list_is_split_outside_of_brackets() {
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
