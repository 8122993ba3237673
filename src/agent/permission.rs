//! What may run without asking, and what to ask about the rest.
//!
//! Owns the mode, the rules and the working folders. Decides, and never runs,
//! asks or writes anything. What was granted for a session is forgotten at a
//! switch. Start at [`Permissions::decide_with_hook`]; how a command line is
//! taken apart is in [`shell`], what the rules say of its parts in
//! [`command_review`].

mod command_files;
mod command_review;
mod command_text;
mod decide;
mod git_read_only;
mod path_pattern;
mod reach;
mod read_only;
mod removal;
mod repository_programs;
mod rule;
mod sed_script;
mod shell;
mod traversal;
mod updates;
mod wildcard;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use rule::{PermissionRule, ToolUse};

use super::tool::{HiddenFiles, canonical};
use crate::protocol::PermissionMode;

/// What may run without asking.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// The mode; a switch does not change it.
    pub mode: PermissionMode,
    /// Rules and settings that make no sense, for a person.
    pub problems: Vec<String>,
    /// From the command line and the settings files.
    lasting_rules: RuleSet,
    /// Granted or refused for the active session.
    session_rules: RuleSet,
}

/// Rules of one lifetime.
#[derive(Debug, Clone, Default)]
struct RuleSet {
    allowed: Vec<PermissionRule>,
    asked: Vec<PermissionRule>,
    denied: Vec<PermissionRule>,
    folders: Vec<PathBuf>,
}

impl RuleSet {
    /// The rules of a behavior, by its name on the wire: `allow`, `ask`, `deny`.
    fn list_mut(&mut self, behavior: &str) -> &mut Vec<PermissionRule> {
        match behavior {
            "deny" => &mut self.denied,
            "ask" => &mut self.asked,
            _ => &mut self.allowed,
        }
    }
}

/// Whether a call may run.
#[derive(Debug, Clone, PartialEq)]
pub enum AccessDecision {
    /// It may.
    Allow,
    /// It may not; the reason is for the model.
    Deny(String),
    /// The host must be asked.
    Ask {
        /// Permission updates that would make asking needless.
        suggestions: Vec<Value>,
        /// The file that the question is about, where it truly lies: set if
        /// that is outside of the working folders, protected, or not where the
        /// call says.
        blocked_path: Option<PathBuf>,
        /// Why a person is asked; `None` if nothing but the mode says so.
        reason: Option<AskReason>,
    },
}

/// Why a person is asked about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskReason {
    /// Which step of the decision asks.
    pub kind: AskReasonKind,
    /// In words, for the person.
    pub text: String,
}

/// The steps of a decision that ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskReasonKind {
    Rule,
    Hook,
    /// A protected file or a critical removal.
    SafetyCheck,
    /// A file outside of the working folders.
    WorkingFolder,
    /// Anything else, such as a command line that cannot be read.
    Other,
}

impl AskReasonKind {
    /// Its name on the wire (`decision_reason_type`; Claude Code 2.1.332).
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Hook => "hook",
            Self::SafetyCheck => "safetyCheck",
            Self::WorkingFolder => "workingDir",
            Self::Other => "other",
        }
    }

    /// A reason of this kind.
    pub fn because(self, text: impl Into<String>) -> AskReason {
        AskReason { kind: self, text: text.into() }
    }
}

impl Permissions {
    /// The permissions of the command line.
    pub fn new(mode: PermissionMode, allowed: &[String], denied: &[String], folders: &[PathBuf]) -> Self {
        let mut permissions = Self { mode, ..Self::default() };
        permissions.lasting_rules.folders = folders.iter().map(canonical).collect();
        for (flag, behavior, texts) in
            [("--allowedTools", "allow", allowed), ("--disallowedTools", "deny", denied)]
        {
            let texts = texts.iter().flat_map(|text| PermissionRule::split_list(text));
            permissions.add_rules(flag, behavior, texts);
        }
        permissions
    }

    /// Adds those of a settings file: `{permissions: {allow, ask, deny, additionalDirectories}}`.
    pub fn add_settings(&mut self, name: &str, settings: &Value) {
        let permissions = &settings["permissions"];
        let texts = |list: &str| permissions[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        for behavior in ["allow", "ask", "deny"] {
            self.add_rules(name, behavior, texts(behavior));
        }
        self.lasting_rules.folders.extend(texts("additionalDirectories").map(canonical));
    }

    fn add_rules<'a>(&mut self, source: &str, behavior: &str, texts: impl Iterator<Item = &'a str>) {
        for text in texts {
            match PermissionRule::parse(text) {
                Some(rule) => self.lasting_rules.list_mut(behavior).push(rule),
                None => {
                    self.problems
                        .push(format!("“{text}” in {source} is not a permission rule and is ignored"));
                }
            }
        }
    }

    /// Forgets what was granted or refused for the session that is left.
    pub fn clear_session_rules(&mut self) {
        self.session_rules = RuleSet::default();
    }

    /// The files that searches in a session's folder must pass over, since a
    /// rule denies reading them.
    pub fn unreadable_files(&self, cwd: &Path) -> HiddenFiles {
        let unreadable: Vec<_> = self.denied().filter_map(|rule| rule.read_denial(cwd)).collect();
        if unreadable.is_empty() {
            return HiddenFiles::default();
        }
        HiddenFiles::new(move |path| unreadable.iter().any(|files| files.matches(path)))
    }

    /// Whether a rule allows some calls of a tool, by the tool's exact name.
    pub fn has_allow_rule_for(&self, tool: &str) -> bool {
        self.lasting_rules.allowed.iter().any(|rule| rule.is_named(tool))
    }

    /// Whether a tool is denied whatever it is to do, so that the model need
    /// not be told of it.
    pub fn denies_whole_tool(&self, tool: &str) -> bool {
        self.denied().any(|rule| rule.covers_whole_tool(tool))
    }

    /// Whether a rule denies writing this file, whichever tool would do it.
    pub fn denies_edit(&self, path: &Path, cwd: &Path) -> bool {
        let file = ToolUse::File { path, cwd };
        self.denied().any(|rule| rule.denies("Edit", file) || rule.denies("Write", file))
    }

    fn allowed(&self) -> impl Iterator<Item = &PermissionRule> {
        self.lasting_rules.allowed.iter().chain(&self.session_rules.allowed)
    }

    fn asked(&self) -> impl Iterator<Item = &PermissionRule> {
        self.lasting_rules.asked.iter().chain(&self.session_rules.asked)
    }

    fn denied(&self) -> impl Iterator<Item = &PermissionRule> {
        self.lasting_rules.denied.iter().chain(&self.session_rules.denied)
    }

    /// Whether a resolved path lies in a folder the tools may use.
    fn is_in_working_folders(&self, path: &Path, cwd: &Path) -> bool {
        let folders = self.lasting_rules.folders.iter().chain(&self.session_rules.folders);
        path.starts_with(canonical(cwd)) || folders.into_iter().any(|folder| path.starts_with(folder))
    }
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;
