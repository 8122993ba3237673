//! Permission updates: what a person grants along with an answer.

use serde_json::Value;

use super::{PermissionRule, Permissions};
use crate::agent::tool::canonical;

impl Permissions {
    /// Applies an update of the host's: for the session, or for all sessions if
    /// its destination is a settings file. One of our own suggestions means the
    /// very call it was made for, so its text is taken to the letter.
    pub fn apply(&mut self, update: &Value, suggested: &[Value]) {
        let parse_rule = if suggested.contains(update) { parse_literal_rule } else { parse_rule };
        let rules =
            || update["rules"].as_array().into_iter().flatten().filter_map(parse_rule).collect::<Vec<_>>();
        let folders = || {
            update["directories"].as_array().into_iter().flatten().filter_map(Value::as_str).map(canonical)
        };
        let is_lasting = update["destination"].as_str().is_some_and(|name| name.ends_with("Settings"));
        let rule_set = if is_lasting { &mut self.lasting_rules } else { &mut self.session_rules };
        let list = rule_set.list_mut(update["behavior"].as_str().unwrap_or_default());
        match update["type"].as_str() {
            Some("addRules") => list.extend(rules()),
            Some("replaceRules") => *list = rules(),
            Some("removeRules") => {
                let removed = rules();
                list.retain(|rule| !removed.contains(rule));
            }
            Some("setMode") => match update["mode"].as_str().unwrap_or_default().parse() {
                Ok(mode) => self.mode = mode,
                Err(error) => tracing::warn!("a permission update is ignored: {error}"),
            },
            Some("addDirectories") => rule_set.folders.extend(folders()),
            Some("removeDirectories") => {
                let removed: Vec<_> = folders().collect();
                rule_set.folders.retain(|folder| !removed.contains(folder));
            }
            _ => tracing::warn!("an unknown permission update is ignored"),
        }
    }
}

fn parse_rule(rule: &Value) -> Option<PermissionRule> {
    Some(PermissionRule::new(rule["toolName"].as_str()?, rule["ruleContent"].as_str()))
}

fn parse_literal_rule(rule: &Value) -> Option<PermissionRule> {
    let tool = rule["toolName"].as_str()?;
    Some(match rule["ruleContent"].as_str() {
        Some(call) => PermissionRule::literal(tool, call),
        None => PermissionRule::new(tool, None),
    })
}
