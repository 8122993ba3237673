//! codex's approval requests as permission requests.
//!
//! They show the raw command line and every change of every file: codex's own
//! `commandActions` are "best-effort", and leave out whole parts of a command.

use serde_json::{Map, Value, json};

use super::CodexDriver;
use super::items::{command_line, string_field};
use crate::protocol::json_rpc::{self, RequestId};
use crate::slot::PermissionRequest;
use crate::slot::driver::{AgentEvent, DriverOutput};
use crate::text::diff::{Hunk, LineChange};

/// Parameters that are shown elsewhere (`reason` as the description), identify
/// the request, or offer answers that hotseat never gives.
const NOT_SHOWN: [&str; 11] = [
    "threadId",
    "turnId",
    "itemId",
    "approvalId",
    "startedAtMs",
    "reason",
    "command",
    "commandActions",
    "cwd",
    "proposedExecpolicyAmendment",
    "proposedNetworkPolicyAmendments",
];

impl CodexDriver {
    /// A request from codex: an approval, or a method that is not supported.
    pub(super) fn server_request(&self, method: &str, id: &RequestId, params: &Value) -> DriverOutput {
        let mut request = match method {
            "item/commandExecution/requestApproval" => self.command_approval(params),
            "item/fileChange/requestApproval" => self.file_change_approval(params),
            other => {
                let error = json_rpc::method_not_found(other);
                return DriverOutput::SendLine(json_rpc::error_response(id, &error));
            }
        };
        // As text that gives the id back, a number or a string.
        request.id = serde_json::to_string(id).unwrap_or_default();
        request.description = params["reason"].as_str().map(str::to_owned);
        DriverOutput::Event(AgentEvent::PermissionRequested(request))
    }

    fn command_approval(&self, params: &Value) -> PermissionRequest {
        let item = self.item(params);
        let command = [params, item].into_iter().map(command_line).find(|command| !command.is_empty());
        let mut input = Map::new();
        input.extend(command.map(|command| ("command".to_owned(), json!(command))));
        for (field, value) in params.as_object().into_iter().flatten() {
            if !NOT_SHOWN.contains(&field.as_str()) && !value.is_null() && *value != "command" {
                input.insert(field.clone(), value.clone());
            }
        }
        let cwd = [params, item].into_iter().find_map(|of| of["cwd"].as_str());
        let cwd = cwd.map(std::path::PathBuf::from).filter(|cwd| *cwd != self.thread_cwd);
        PermissionRequest { cwd, ..PermissionRequest::new(String::new(), "Bash", Value::Object(input)) }
    }

    fn file_change_approval(&self, params: &Value) -> PermissionRequest {
        let changes = self.item(params)["changes"].as_array().into_iter().flatten();
        let mut changes: Vec<_> = changes.flat_map(official_changes).collect();
        let (tool, mut input) = match changes.len() {
            1 => {
                let change = changes.remove(0);
                (if change.contains_key("content") { "Write" } else { "Edit" }, change)
            }
            0 => {
                let unknown = json!("codex did not report which files would change");
                ("Edit", Map::from_iter([("unknown".to_owned(), unknown)]))
            }
            _ => {
                let changes = changes.into_iter().map(Value::Object).collect();
                ("Edit", Map::from_iter([("changes".to_owned(), changes)]))
            }
        };
        if let Some(root) = params["grantRoot"].as_str() {
            input.insert("grant_root".to_owned(), json!(root));
        }
        PermissionRequest::new(String::new(), tool, Value::Object(input))
    }

    /// The unfinished item that a request is about.
    fn item(&self, params: &Value) -> &Value {
        params["itemId"].as_str().and_then(|id| self.open_items.get(id)).unwrap_or(&Value::Null)
    }
}

/// A change of a file in the fields of the official tools, hunk by hunk.
fn official_changes(change: &Value) -> Vec<Map<String, Value>> {
    let (path, diff, kind) = (&change["path"], string_field(change, "diff"), &change["kind"]);
    let fields = |fields: &[(&str, Value)]| {
        let path = ("file_path".to_owned(), path.clone());
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let moved = ("move_to".to_owned(), kind["move_path"].clone());
        std::iter::once(path).chain(fields).chain(Some(moved).filter(|(_, to)| !to.is_null())).collect()
    };
    // Hunks are lines without their breaks: with others than `\n`, all is shown raw.
    let is_diff = diff.starts_with("@@ -") && !diff.contains('\r');
    match kind["type"].as_str() {
        Some("add") if !is_diff => vec![fields(&[("content", json!(diff))])],
        Some("delete") if !is_diff => {
            vec![fields(&[("old_string", json!(diff)), ("new_string", json!("")), ("deletes", json!(true))])]
        }
        Some("update") if is_diff => Hunk::from_unified_diff(&diff)
            .iter()
            .map(|hunk| {
                let (old, new) =
                    (hunk.side_without(LineChange::Added), hunk.side_without(LineChange::Removed));
                fields(&[("old_string", json!(old)), ("new_string", json!(new))])
            })
            .collect(),
        _ => vec![fields(&[("diff", json!(diff)), ("kind", kind["type"].clone())])],
    }
}
