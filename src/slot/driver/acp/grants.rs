//! What a person allowed in answer to the agent's own permission requests, so
//! that the `fs/*` and `terminal/*` requests that follow from them are not asked
//! about again.
//!
//! A grant covers exactly what was shown: this file, links resolved, with this
//! change; this command in this folder. It is used up by the first operation
//! that it covers, and lasts no longer than the turn.

use std::path::{Path, PathBuf};

use super::shown_change::ShownChange;
use super::tool_call::AcpToolCall;
use crate::sys::real_path::resolve;

/// The grants of the running turn.
#[derive(Debug, Default)]
pub(super) struct GrantStore {
    writes: Vec<(PathBuf, ShownChange)>,
    commands: Vec<(String, PathBuf)>,
}

impl GrantStore {
    /// A person allowed this call, in a session of this folder.
    pub fn grant_call(&mut self, call: &AcpToolCall, folder: &Path) {
        for (path, change) in call.shown_changes() {
            self.writes.push((resolve(folder, &path), change));
        }
        if let Some((command, cwd)) = call.shown_command() {
            let cwd = cwd.map_or_else(|| resolve(folder, Path::new("")), |cwd| resolve(folder, &cwd));
            self.commands.push((command, cwd));
        }
    }

    /// Whether any change of this file was allowed.
    pub fn has_write(&self, real: &Path) -> bool {
        self.writes.iter().any(|(path, _)| path == real)
    }

    /// Whether it was allowed that this file, which holds `now`, gets this text:
    /// by one of the changes that were shown, or by all of them in their order.
    pub fn take_write(&mut self, real: &Path, now: &str, text: &str) -> bool {
        let one = self.writes.iter().position(|(path, change)| path == real && change.gives(now, text));
        if let Some(at) = one {
            self.writes.remove(at);
            return true;
        }
        let mut changes = self.writes.iter().filter(|(path, _)| path == real).map(|(_, change)| change);
        let all = changes.try_fold(now.to_owned(), |now, change| change.applied(&now));
        let covered = self.has_write(real) && all.is_some_and(|all| all == text);
        if covered {
            self.writes.retain(|(path, _)| path != real);
        }
        covered
    }

    /// Whether it was allowed to run this command, in one of its spellings, in
    /// this folder.
    pub fn take_command(&mut self, spellings: &[String], cwd: &Path) -> bool {
        let at =
            self.commands.iter().position(|(command, folder)| folder == cwd && spellings.contains(command));
        at.map(|at| self.commands.swap_remove(at)).is_some()
    }

    /// The turn has ended, or the session is left.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use agent_client_protocol_schema::v1::ToolCall;
    use serde_json::{Value, json};

    use super::*;

    fn granted(folder: &Path, call: &Value) -> GrantStore {
        let call: ToolCall = serde_json::from_value(call.clone()).unwrap();
        let mut grants = GrantStore::default();
        grants.grant_call(&AcpToolCall::new(call), folder);
        grants
    }

    fn call(kind: &str, content: &Value, input: &Value) -> Value {
        json!({"toolCallId": "c", "title": "t", "kind": kind, "content": content, "rawInput": input})
    }

    fn diff(path: &str, old: &Value, new: &str) -> Value {
        json!({"type": "diff", "path": path, "oldText": old, "newText": new})
    }

    #[test]
    fn a_write_is_covered_by_the_content_that_was_shown_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let check = |diffs: &[Value], now: &str, text: &str, expected: bool| {
            let mut grants = granted(&root, &call("edit", &json!(diffs), &json!({})));
            assert_eq!(grants.take_write(&root.join("a"), now, text), expected, "{diffs:?} {now} {text}");
            assert!(!expected || !grants.take_write(&root.join("a"), now, text), "it is used up");
        };
        let part = |old: &str, new: &str| diff("a", &json!(old), new);
        check(&[diff("a", &json!(null), "new")], "", "new", true);
        check(&[diff("a", &json!(null), "new")], "", "new and more", false);
        check(&[part("b", "x")], "a b c b", "a x c b", true);
        check(&[part("b", "x")], "a b c b", "a x c x", true);
        check(&[part("b", "x")], "a b c", "a x c; curl evil", false);
        check(&[part("a b c", "a x c")], "a b c", "a x c", true);
        check(&[part("a", "1"), part("c", "3")], "a b c", "1 b 3", true);
        check(&[part("a", "1"), part("c", "3")], "a b c", "1 b 4", false);
        check(&[diff("b", &json!(null), "new")], "", "new", false);
    }

    #[test]
    fn a_write_is_covered_by_its_real_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        let content = json!([diff("link", &json!(null), "new")]);
        let mut grants = granted(&root, &call("edit", &content, &json!({})));
        assert!(!grants.take_write(&root.join("link"), "", "new"));
        assert!(grants.take_write(&root.join("real"), "", "new"));
    }

    #[test]
    fn a_command_is_covered_in_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let mut grants = granted(&root, &call("execute", &json!([]), &json!({"command": ["git", "log -1"]})));
        let spelled = ["git 'log -1'".to_owned()];
        assert!(!grants.take_command(&spelled, Path::new("/")));
        assert!(!grants.take_command(&["git log -1".to_owned()], &root));
        assert!(grants.take_command(&spelled, &root));
        assert!(!grants.take_command(&spelled, &root), "it is used up");
    }
}
