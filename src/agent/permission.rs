//! What may run without asking, and what asking is answered with.
//!
//! Owns the mode, the rules and the folders. Decides, and never runs, asks or
//! writes anything. What was granted for the session is forgotten at a switch.

mod path_pattern;
mod rule;
mod wildcard;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use rule::{PermissionRule, ToolUse};

use super::hook::HookDecision;
use super::tool::{Access, HiddenFiles, canonical};
use crate::protocol::PermissionMode;

/// What may run without asking.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// The mode; a switch does not change it.
    pub mode: PermissionMode,
    /// What is no rule, and who says it, for a person.
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
    /// Those of a behavior, by its name on the wire.
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
        /// Rules that would make asking needless.
        suggestions: Vec<Value>,
        /// The path that made it ask: where it truly leads.
        blocked_path: Option<PathBuf>,
    },
}

impl Permissions {
    /// Those of the command line.
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

    fn add_rules<'a>(&mut self, whose: &str, behavior: &str, texts: impl Iterator<Item = &'a str>) {
        for text in texts {
            match PermissionRule::parse(text) {
                Some(rule) => self.lasting_rules.list_mut(behavior).push(rule),
                None => {
                    self.problems.push(format!("“{text}” is no permission rule; {whose} names it in vain"));
                }
            }
        }
    }

    /// Forgets what held for the session that is left.
    pub fn clear_session_rules(&mut self) {
        self.session_rules = RuleSet::default();
    }

    /// Whether this call may run in a session that works in `cwd`.
    pub fn decide(&self, tool: &str, need: &Access, cwd: &Path) -> AccessDecision {
        self.decide_with_hook(None, tool, need, cwd)
    }

    /// The same after hooks have spoken: what they allow needs no asking, but
    /// the rules that deny or ask hold all the same.
    pub fn decide_with_hook(
        &self,
        said: Option<HookDecision>,
        tool: &str,
        need: &Access,
        cwd: &Path,
    ) -> AccessDecision {
        let path = match need {
            Access::Read(path) | Access::Edit(path) => canonical(path),
            Access::Command(_) | Access::Fetch(_) | Access::McpServer | Access::Nothing => PathBuf::new(),
        };
        let (call, content) = match need {
            Access::Read(_) | Access::Edit(_) => {
                (ToolUse::File { path: &path, cwd }, Some(path.display().to_string()))
            }
            Access::Command(command) => (ToolUse::Command(command), Some(command.clone())),
            Access::Fetch(host) => (ToolUse::Host(host), Some(format!("domain:{host}"))),
            Access::McpServer | Access::Nothing => (ToolUse::McpServer, None),
        };
        let mut denied = self.lasting_rules.denied.iter().chain(&self.session_rules.denied);
        if let Some(rule) = denied.find(|rule| rule.denies(tool, call)) {
            return AccessDecision::Deny(format!("{tool} is not allowed here: the rule {rule} forbids it."));
        }
        if *need == Access::Nothing && said.is_none() {
            return AccessDecision::Allow;
        }
        let mut asked = self.lasting_rules.asked.iter().chain(&self.session_rules.asked);
        let must_ask = said == Some(HookDecision::Ask) || asked.any(|rule| rule.denies(tool, call));
        if said == Some(HookDecision::Allow) && !must_ask {
            return AccessDecision::Allow;
        }
        if self.mode == PermissionMode::BypassPermissions && !must_ask {
            return AccessDecision::Allow;
        }
        let is_near = self.is_in_working_folders(need, cwd);
        if self.mode == PermissionMode::Plan && !matches!(need, Access::Read(_) | Access::Fetch(_)) {
            return AccessDecision::Deny(format!("{tool} is not allowed in plan mode, which only reads."));
        }
        let mut allowed = self.lasting_rules.allowed.iter().chain(&self.session_rules.allowed);
        let is_granted = allowed.any(|rule| rule.allows(tool, call));
        let needs_none = match need {
            Access::Read(_) => is_near,
            Access::Edit(_) => is_near && self.mode == PermissionMode::AcceptEdits,
            Access::Command(_) | Access::Fetch(_) | Access::McpServer | Access::Nothing => false,
        };
        if (is_granted || needs_none) && !must_ask {
            return AccessDecision::Allow;
        }
        if self.mode == PermissionMode::DontAsk {
            return AccessDecision::Deny(format!(
                "{tool} needs a permission, and in this mode nobody is asked for one."
            ));
        }
        let mut rule = json!({"toolName": tool});
        if let Some(content) = content {
            rule["ruleContent"] = json!(content);
        }
        AccessDecision::Ask {
            suggestions: vec![
                json!({"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "session"}),
            ],
            blocked_path: match need {
                Access::Read(_) | Access::Edit(_) if !is_near => Some(path.clone()),
                _ => None,
            },
        }
    }

    /// What searches in a session's folder must pass over: what may not be read.
    pub fn unreadable_files(&self, cwd: &Path) -> HiddenFiles {
        let denied = self.lasting_rules.denied.iter().chain(&self.session_rules.denied);
        let unreadable: Vec<_> = denied.filter_map(|rule| rule.read_denial(cwd)).collect();
        if unreadable.is_empty() {
            return HiddenFiles::default();
        }
        HiddenFiles::new(move |path| unreadable.iter().any(|files| files.matches(path)))
    }

    /// Whether a rule allows some calls of a tool, by its very name.
    pub fn has_allow_rule_for(&self, tool: &str) -> bool {
        self.lasting_rules.allowed.iter().any(|rule| rule.is_named(tool))
    }

    /// Whether a tool is forbidden whatever it is to do, so that a model need
    /// not know it.
    pub fn denies_whole_tool(&self, tool: &str) -> bool {
        self.lasting_rules
            .denied
            .iter()
            .chain(&self.session_rules.denied)
            .any(|rule| rule.covers_whole_tool(tool))
    }

    /// Takes over what the host granted along with an answer: for the session,
    /// or for all where it goes into a settings file. One of our own suggestions
    /// means the very call it was made for, stars and all.
    pub fn apply(&mut self, update: &Value, suggested: &[Value]) {
        let rule_of = if suggested.contains(update) { parse_literal_update_rule } else { parse_update_rule };
        let rules =
            || update["rules"].as_array().into_iter().flatten().filter_map(rule_of).collect::<Vec<_>>();
        let folders = || {
            update["directories"].as_array().into_iter().flatten().filter_map(Value::as_str).map(canonical)
        };
        let stays = update["destination"].as_str().is_some_and(|name| name.ends_with("Settings"));
        let held = if stays { &mut self.lasting_rules } else { &mut self.session_rules };
        let list = held.list_mut(update["behavior"].as_str().unwrap_or_default());
        match update["type"].as_str() {
            Some("addRules") => list.extend(rules()),
            Some("replaceRules") => *list = rules(),
            Some("removeRules") => {
                let gone = rules();
                list.retain(|rule| !gone.contains(rule));
            }
            Some("setMode") => match update["mode"].as_str().unwrap_or_default().parse() {
                Ok(mode) => self.mode = mode,
                Err(error) => tracing::warn!("a permission update was passed over: {error}"),
            },
            Some("addDirectories") => held.folders.extend(folders()),
            Some("removeDirectories") => {
                let gone: Vec<_> = folders().collect();
                held.folders.retain(|folder| !gone.contains(folder));
            }
            _ => tracing::warn!("an unknown permission update was passed over"),
        }
    }

    /// Whether a path lies in a folder the tools may use.
    fn is_in_working_folders(&self, need: &Access, cwd: &Path) -> bool {
        let (Access::Read(path) | Access::Edit(path)) = need else { return false };
        let (path, cwd) = (canonical(path), canonical(cwd));
        let folders = self.lasting_rules.folders.iter().chain(&self.session_rules.folders);
        std::iter::once(&cwd).chain(folders).any(|folder| path.starts_with(folder))
    }
}

fn parse_update_rule(rule: &Value) -> Option<PermissionRule> {
    Some(PermissionRule::new(rule["toolName"].as_str()?, rule["ruleContent"].as_str()))
}

fn parse_literal_update_rule(rule: &Value) -> Option<PermissionRule> {
    let tool = rule["toolName"].as_str()?;
    Some(
        rule["ruleContent"]
            .as_str()
            .map_or_else(|| PermissionRule::new(tool, None), |call| PermissionRule::literal(tool, call)),
    )
}

#[cfg(test)]
mod tests;
