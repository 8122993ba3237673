//! The order in which rules, hooks and the mode answer.
//!
//! Deny rules first, then what a person always decides, then ask rules, hooks,
//! the mode, and allow rules last. A later one never overrides an earlier one.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::command_review::{CommandReview, FileAccess, Hit};
use super::rule::{PermissionRule, ToolUse};
use super::traversal::DeniedInside;
use super::{AccessDecision, AskReason, AskReasonKind, Permissions};
use crate::agent::hook::HookDecision;
use crate::agent::tool::{Access, AccessPath, canonical};
use crate::protocol::PermissionMode;
use crate::sys::protected_paths::is_protected;

/// What was found out about a call before the mode is asked.
#[derive(Default)]
struct Findings {
    /// A rule wants a person to be asked, or nothing else may answer.
    must_ask: bool,
    /// A person is asked unless a hook, which is a person's own, agrees.
    should_ask: bool,
    /// Why, for the person.
    reason: Option<AskReason>,
    /// It only reads, where reading is allowed.
    only_reads: bool,
    /// A rule allows it.
    is_allowed: bool,
    is_allowed_by_mode: bool,
    blocked_path: Option<PathBuf>,
    /// What a rule for this very call would say.
    rule_content: Option<String>,
}

impl Permissions {
    /// Whether this call may run in a session that works in `cwd`.
    pub fn decide(&self, tool: &str, access: &Access, cwd: &Path) -> AccessDecision {
        self.decide_with_hook(None, tool, access, cwd)
    }

    /// The same after hooks have answered: what they allow needs no question,
    /// but the rules that deny or ask hold all the same.
    pub fn decide_with_hook(
        &self,
        hook: Option<HookDecision>,
        tool: &str,
        access: &Access,
        cwd: &Path,
    ) -> AccessDecision {
        let findings = match access {
            Access::Command(line) => self.review_command(line, cwd),
            Access::Read(path) => self.review_file(tool, path, false, cwd),
            Access::Edit(path) => self.review_file(tool, path, true, cwd),
            Access::Fetch(host) => {
                let mut findings = self.review_other(tool, ToolUse::Host(host));
                if let Ok(findings) = &mut findings {
                    findings.rule_content = Some(format!("domain:{host}"));
                    // Fetching changes nothing here: plan mode may ask for it.
                    findings.only_reads = false;
                }
                findings
            }
            Access::McpServer(server) => self.review_other(tool, ToolUse::McpServer(server)),
            Access::Nothing => self.review_other(tool, ToolUse::Other),
        };
        let findings = match findings {
            Ok(findings) => findings,
            Err(reason) => return AccessDecision::Deny(reason),
        };
        if *access == Access::Nothing && hook.is_none() {
            return AccessDecision::Allow;
        }
        let must_ask = findings.must_ask || hook == Some(HookDecision::Ask);
        let by_hook = || AskReasonKind::Hook.because("a PreToolUse hook wants a person to decide");
        let reason = findings.reason.clone().or_else(|| (hook == Some(HookDecision::Ask)).then(by_hook));
        if hook == Some(HookDecision::Allow) && !must_ask {
            return AccessDecision::Allow;
        }
        let must_ask = must_ask || findings.should_ask;
        if self.mode == PermissionMode::BypassPermissions && !must_ask {
            return AccessDecision::Allow;
        }
        let may_plan = matches!(access, Access::Read(_) | Access::Fetch(_)) || findings.only_reads;
        if self.mode == PermissionMode::Plan && !may_plan {
            return AccessDecision::Deny(format!("{tool} is not allowed in plan mode, which only reads."));
        }
        if !must_ask && (findings.only_reads || findings.is_allowed || findings.is_allowed_by_mode) {
            return AccessDecision::Allow;
        }
        if self.mode == PermissionMode::DontAsk {
            let why = findings.reason.map(|reason| format!(": {}", reason.text)).unwrap_or_default();
            return AccessDecision::Deny(format!(
                "{tool} needs a permission, and in this mode nobody is asked for one{why}."
            ));
        }
        AccessDecision::Ask {
            suggestions: vec![suggestion(tool, findings.rule_content)],
            blocked_path: findings.blocked_path,
            reason,
        }
    }

    /// The error is why it is denied, for the model.
    fn review_command(&self, line: &str, cwd: &Path) -> Result<Findings, String> {
        let review = CommandReview::new(line, cwd);
        let files = Files { permissions: self, cwd };
        let mut findings = Findings { rule_content: Some(line.to_owned()), ..Findings::default() };
        let mut unknown_file = None;
        for rule in self.denied() {
            match review.hit_by(rule) {
                Some(Hit::Part) => {
                    return Err(format!("Bash is not allowed here: the rule {rule} forbids it."));
                }
                Some(Hit::NotUnderstood(why)) => {
                    return Err(format!(
                        "Bash is not allowed here: {why}, so the rule {rule} cannot be checked. Write it as plain commands."
                    ));
                }
                Some(Hit::UnknownFile) => {
                    unknown_file = Some(format!(
                        "it uses files that are only known when it runs, and {rule} denies some"
                    ));
                }
                Some(Hit::Inside(DeniedInside::File(file))) => {
                    unknown_file = Some(format!(
                        "it goes through a folder with {}, which {rule} denies",
                        file.display()
                    ));
                }
                Some(Hit::Inside(DeniedInside::Unknown(folder))) => {
                    unknown_file = Some(format!(
                        "it goes through {}, which may have files that {rule} denies",
                        folder.display()
                    ));
                }
                None => {}
            }
        }
        // A person agreed to this very line in this session.
        let is_granted = self.session_rules.allowed.iter().any(|rule| {
            rule.is_literal()
                && rule.covers_tool("Bash")
                && rule.pattern().is_some_and(|pattern| pattern.text() == line.trim())
        });
        let critical = review.critical_removal();
        let by_rule = self.asked().find(|rule| review.hit_by(rule).is_some()).map(asked_by);
        let uncertain = unknown_file.map(|why| AskReasonKind::Other.because(why));
        let uncertain = uncertain.or_else(|| review.concern());
        findings.must_ask = critical.is_some() || by_rule.is_some();
        findings.should_ask = uncertain.is_some() && !is_granted;
        let critical = critical.map(|why| AskReasonKind::SafetyCheck.because(why));
        findings.reason = critical.or(by_rule).or(uncertain);
        findings.only_reads = review.is_read_only(&files);
        let allowed: Vec<_> = self.allowed().collect();
        findings.is_allowed = is_granted || review.is_allowed_by(&allowed, &files);
        findings.blocked_path = review.blocked_path(&files);
        Ok(findings)
    }

    fn review_file(
        &self,
        tool: &str,
        access: &AccessPath,
        edits: bool,
        cwd: &Path,
    ) -> Result<Findings, String> {
        let path = access.resolved.clone();
        let file = ToolUse::File { path: &path, cwd };
        if let Some(rule) = self.denied().find(|rule| rule.denies(tool, file)) {
            return Err(format!("{tool} is not allowed here: the rule {rule} forbids it."));
        }
        let is_inside = self.is_in_working_folders(&path, cwd);
        let is_protected = edits && is_protected(&path);
        // A person agreed to this very file in this session.
        let is_granted = self.allowed().any(|rule| rule.is_literal() && rule.allows(tool, file));
        let is_elsewhere = path != plain(&access.written, cwd);
        let by_rule = self.asked().find(|rule| rule.denies(tool, file)).map(asked_by);
        let protected = || is_protected.then(|| decides_later(&path));
        let outside = || {
            let why = format!("{} lies outside of the working folders", path.display());
            (!is_inside).then(|| AskReasonKind::WorkingFolder.because(why))
        };
        Ok(Findings {
            must_ask: by_rule.is_some(),
            should_ask: is_protected && !is_granted,
            reason: by_rule.or_else(protected).or_else(outside),
            only_reads: !edits && is_inside,
            is_allowed: self.allowed().any(|rule| rule.allows(tool, file)),
            is_allowed_by_mode: edits && is_inside && self.mode == PermissionMode::AcceptEdits,
            rule_content: Some(path.display().to_string()),
            blocked_path: (!is_inside || is_protected || is_elsewhere).then_some(path),
        })
    }

    fn review_other(&self, tool: &str, call: ToolUse<'_>) -> Result<Findings, String> {
        if let Some(rule) = self.denied().find(|rule| rule.denies(tool, call)) {
            return Err(format!("{tool} is not allowed here: the rule {rule} forbids it."));
        }
        let by_rule = self.asked().find(|rule| rule.denies(tool, call)).map(asked_by);
        Ok(Findings {
            must_ask: by_rule.is_some(),
            reason: by_rule,
            is_allowed: self.allowed().any(|rule| rule.allows(tool, call)),
            ..Findings::default()
        })
    }
}

fn asked_by(rule: &PermissionRule) -> AskReason {
    AskReasonKind::Rule.because(format!("the rule {rule} wants a person to decide"))
}

fn decides_later(path: &Path) -> AskReason {
    AskReasonKind::SafetyCheck.because(format!("{} decides what runs later", path.display()))
}

/// The update that would make the question needless.
fn suggestion(tool: &str, rule_content: Option<String>) -> Value {
    let mut rule = json!({"toolName": tool});
    if let Some(content) = rule_content {
        rule["ruleContent"] = json!(content);
    }
    json!({"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "session"})
}

/// A path without dots, and with the session's folder resolved, but with the
/// links below it as they are written.
fn plain(path: &Path, cwd: &Path) -> PathBuf {
    let path = match path.strip_prefix(cwd) {
        Ok(rest) => canonical(cwd).join(rest),
        Err(_) => path.to_owned(),
    };
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain
}

/// What the file rules and the mode allow, for the files that a command names.
struct Files<'a> {
    permissions: &'a Permissions,
    cwd: &'a Path,
}

impl FileAccess for Files<'_> {
    fn may_read(&self, path: &Path) -> bool {
        let file = ToolUse::File { path, cwd: self.cwd };
        self.is_inside(path) || self.permissions.allowed().any(|rule| rule.allows("Read", file))
    }

    fn may_edit(&self, path: &Path) -> bool {
        let file = ToolUse::File { path, cwd: self.cwd };
        let by_mode = self.permissions.mode == PermissionMode::AcceptEdits && self.is_inside(path);
        !is_protected(path) && (by_mode || self.permissions.allowed().any(|rule| rule.allows("Edit", file)))
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.permissions.is_in_working_folders(path, self.cwd)
    }
}
