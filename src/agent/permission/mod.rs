//! What may run without asking, and what asking is answered with.
//!
//! Owns the mode, the rules and the folders. Decides, and never runs, asks or
//! writes anything. What was granted for the session is forgotten at a switch.

mod glob;
mod place;
mod rule;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use rule::{Call, Rule};

use super::hook::Said;
use super::tool::{Hidden, Need, real};
use crate::protocol::PermissionMode;

/// What may run without asking.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// The mode; a switch does not change it.
    pub mode: PermissionMode,
    /// What is no rule, and who says it, for a person.
    pub problems: Vec<String>,
    /// From the command line and the settings files.
    standing: Rules,
    /// Granted or refused for the active session.
    session: Rules,
}

/// Rules of one lifetime.
#[derive(Debug, Clone, Default)]
struct Rules {
    allowed: Vec<Rule>,
    asked: Vec<Rule>,
    denied: Vec<Rule>,
    folders: Vec<PathBuf>,
}

impl Rules {
    /// Those of a behavior, by its name on the wire.
    fn of(&mut self, behavior: &str) -> &mut Vec<Rule> {
        match behavior {
            "deny" => &mut self.denied,
            "ask" => &mut self.asked,
            _ => &mut self.allowed,
        }
    }
}

/// Whether a call may run.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
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
        permissions.standing.folders = folders.iter().map(real).collect();
        for (flag, behavior, texts) in
            [("--allowedTools", "allow", allowed), ("--disallowedTools", "deny", denied)]
        {
            let texts = texts.iter().flat_map(|text| Rule::texts(text));
            permissions.take_rules(flag, behavior, texts);
        }
        permissions
    }

    /// Adds those of a settings file: `{permissions: {allow, ask, deny, additionalDirectories}}`.
    pub fn take_settings(&mut self, name: &str, settings: &Value) {
        let permissions = &settings["permissions"];
        let texts = |list: &str| permissions[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        for behavior in ["allow", "ask", "deny"] {
            self.take_rules(name, behavior, texts(behavior));
        }
        self.standing.folders.extend(texts("additionalDirectories").map(real));
    }

    fn take_rules<'a>(&mut self, whose: &str, behavior: &str, texts: impl Iterator<Item = &'a str>) {
        for text in texts {
            match Rule::parse(text) {
                Some(rule) => self.standing.of(behavior).push(rule),
                None => {
                    self.problems.push(format!("“{text}” is no permission rule; {whose} names it in vain"));
                }
            }
        }
    }

    /// Forgets what held for the session that is left.
    pub fn forget_session(&mut self) {
        self.session = Rules::default();
    }

    /// Whether this call may run in a session that works in `cwd`.
    pub fn decide(&self, tool: &str, need: &Need, cwd: &Path) -> Decision {
        self.decide_after(None, tool, need, cwd)
    }

    /// The same after hooks have spoken: what they allow needs no asking, but
    /// the rules that deny or ask hold all the same.
    pub fn decide_after(&self, said: Option<Said>, tool: &str, need: &Need, cwd: &Path) -> Decision {
        let path = match need {
            Need::Look(path) | Need::Edit(path) => real(path),
            Need::Command(_) | Need::Fetch(_) | Need::Service | Need::Nothing => PathBuf::new(),
        };
        let (call, content) = match need {
            Need::Look(_) | Need::Edit(_) => {
                (Call::File { path: &path, cwd }, Some(path.display().to_string()))
            }
            Need::Command(command) => (Call::Command(command), Some(command.clone())),
            Need::Fetch(host) => (Call::Host(host), Some(format!("domain:{host}"))),
            Need::Service | Need::Nothing => (Call::Service, None),
        };
        let mut denied = self.standing.denied.iter().chain(&self.session.denied);
        if let Some(rule) = denied.find(|rule| rule.forbids(tool, call)) {
            return Decision::Deny(format!("{tool} is not allowed here: the rule {rule} forbids it."));
        }
        if *need == Need::Nothing && said.is_none() {
            return Decision::Allow;
        }
        let mut asked = self.standing.asked.iter().chain(&self.session.asked);
        let must_ask = said == Some(Said::Ask) || asked.any(|rule| rule.forbids(tool, call));
        if said == Some(Said::Allow) && !must_ask {
            return Decision::Allow;
        }
        if self.mode == PermissionMode::BypassPermissions && !must_ask {
            return Decision::Allow;
        }
        let is_near = self.is_near(need, cwd);
        if self.mode == PermissionMode::Plan && !matches!(need, Need::Look(_) | Need::Fetch(_)) {
            return Decision::Deny(format!("{tool} is not allowed in plan mode, which only reads."));
        }
        let mut allowed = self.standing.allowed.iter().chain(&self.session.allowed);
        let is_granted = allowed.any(|rule| rule.permits(tool, call));
        let needs_none = match need {
            Need::Look(_) => is_near,
            Need::Edit(_) => is_near && self.mode == PermissionMode::AcceptEdits,
            Need::Command(_) | Need::Fetch(_) | Need::Service | Need::Nothing => false,
        };
        if (is_granted || needs_none) && !must_ask {
            return Decision::Allow;
        }
        if self.mode == PermissionMode::DontAsk {
            return Decision::Deny(format!(
                "{tool} needs a permission, and in this mode nobody is asked for one."
            ));
        }
        let mut rule = json!({"toolName": tool});
        if let Some(content) = content {
            rule["ruleContent"] = json!(content);
        }
        Decision::Ask {
            suggestions: vec![
                json!({"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "session"}),
            ],
            blocked_path: match need {
                Need::Look(_) | Need::Edit(_) if !is_near => Some(path.clone()),
                _ => None,
            },
        }
    }

    /// What searches in a session's folder must pass over: what may not be read.
    pub fn hidden(&self, cwd: &Path) -> Hidden {
        let denied = self.standing.denied.iter().chain(&self.session.denied);
        let unreadable: Vec<_> = denied.filter_map(|rule| rule.unreadable(cwd)).collect();
        if unreadable.is_empty() {
            return Hidden::default();
        }
        Hidden::new(move |path| unreadable.iter().any(|files| files.holds(path)))
    }

    /// Whether a rule allows some calls of a tool, by its very name.
    pub fn allows_some(&self, tool: &str) -> bool {
        self.standing.allowed.iter().any(|rule| rule.names(tool))
    }

    /// Whether a tool is forbidden whatever it is to do, so that a model need
    /// not know it.
    pub fn forbids_all(&self, tool: &str) -> bool {
        self.standing.denied.iter().chain(&self.session.denied).any(|rule| rule.is_about_all(tool))
    }

    /// Takes over what the host granted along with an answer: for the session,
    /// or for all where it goes into a settings file. One of our own suggestions
    /// means the very call it was made for, stars and all.
    pub fn apply(&mut self, update: &Value, suggested: &[Value]) {
        let rule_of = if suggested.contains(update) { exact_rule_of } else { rule_of };
        let rules =
            || update["rules"].as_array().into_iter().flatten().filter_map(rule_of).collect::<Vec<_>>();
        let folders =
            || update["directories"].as_array().into_iter().flatten().filter_map(Value::as_str).map(real);
        let stays = update["destination"].as_str().is_some_and(|name| name.ends_with("Settings"));
        let held = if stays { &mut self.standing } else { &mut self.session };
        let list = held.of(update["behavior"].as_str().unwrap_or_default());
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
    fn is_near(&self, need: &Need, cwd: &Path) -> bool {
        let (Need::Look(path) | Need::Edit(path)) = need else { return false };
        let (path, cwd) = (real(path), real(cwd));
        let folders = self.standing.folders.iter().chain(&self.session.folders);
        std::iter::once(&cwd).chain(folders).any(|folder| path.starts_with(folder))
    }
}

fn rule_of(rule: &Value) -> Option<Rule> {
    Some(Rule::new(rule["toolName"].as_str()?, rule["ruleContent"].as_str()))
}

fn exact_rule_of(rule: &Value) -> Option<Rule> {
    let tool = rule["toolName"].as_str()?;
    Some(rule["ruleContent"].as_str().map_or_else(|| Rule::new(tool, None), |call| Rule::exactly(tool, call)))
}

#[cfg(test)]
mod tests;
