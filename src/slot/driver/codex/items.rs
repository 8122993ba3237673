//! The items of a turn as changes of a conversation. Commands and file changes
//! get the tool names that other agents use (`Bash`, `Edit`).

use serde_json::{Value, json};

use crate::session::conversation::{ConversationEvent, Notice, ToolResult};
use crate::session::message::MessageBlock;
use crate::slot::driver::DriverOutput;
use crate::slot::driver::shell_words::shell_quote;
use crate::text::diff::{Hunk, hunks_between};

/// The events of an item that starts.
pub(super) fn item_started(item: &Value) -> Vec<DriverOutput> {
    let call = |id: String, name: String, input: Value| {
        let block = MessageBlock::ToolUse { id, name, input };
        conversation_changed(item, ConversationEvent::Block { block, model: None, usage: None })
    };
    let id = || string_field(item, "id");
    match item["type"].as_str().unwrap_or_default() {
        "commandExecution" => vec![call(id(), "Bash".to_owned(), json!({"command": command_line(item)}))],
        "fileChange" => file_changes(item)
            .map(|(id, change)| {
                let input = json!({"file_path": change["path"], "edits": []});
                call(id, "Edit".to_owned(), input)
            })
            .collect(),
        "mcpToolCall" => {
            let name = format!("mcp__{}__{}", string_field(item, "server"), string_field(item, "tool"));
            vec![call(id(), name, item["arguments"].clone())]
        }
        "webSearch" => vec![call(id(), "WebSearch".to_owned(), json!({"query": item["query"]}))],
        _ => Vec::new(),
    }
}

/// The events of a completed item.
pub(super) fn item_completed(item: &Value) -> Vec<DriverOutput> {
    let said = |block| {
        vec![conversation_changed(item, ConversationEvent::Block { block, model: None, usage: None })]
    };
    let result = |tool_use_id, text, is_error, detail| {
        conversation_changed(
            item,
            ConversationEvent::Result { tool_use_id, result: ToolResult { text, is_error, detail } },
        )
    };
    let has_failed = item["status"] != "completed";
    let is_declined = item["status"] == "declined";
    match item["type"].as_str().unwrap_or_default() {
        "agentMessage" | "plan" => said(MessageBlock::Text(string_field(item, "text"))),
        "reasoning" => {
            let parts = ["summary", "content"].map(|of| item[of].as_array().into_iter().flatten());
            let parts: Vec<_> = parts.into_iter().flatten().filter_map(Value::as_str).collect();
            if parts.is_empty() { Vec::new() } else { said(MessageBlock::Thinking(parts.join("\n\n"))) }
        }
        "commandExecution" => {
            let output = string_field(item, "aggregatedOutput");
            let text = match (is_declined, item["exitCode"].as_i64()) {
                (true, _) => "denied by the user".to_owned(),
                (false, Some(code)) if has_failed => format!("Exit code {code}\n{output}"),
                (false, _) => output,
            };
            vec![result(string_field(item, "id"), text, has_failed, None)]
        }
        "fileChange" => {
            let outcome = if is_declined { "denied by the user" } else { "done" };
            let change = |(id, change): (String, &Value)| {
                let hunks = hunks(&string_field(change, "diff"), &change["kind"]["type"]);
                let patch: Vec<_> = hunks.iter().map(Hunk::to_structured_patch).collect();
                result(id, outcome.to_owned(), has_failed, Some(json!({"structuredPatch": patch})))
            };
            file_changes(item).map(change).collect()
        }
        "mcpToolCall" => {
            let content = item["result"]["content"].as_array().into_iter().flatten();
            let texts: Vec<_> = content.filter_map(|part| part["text"].as_str()).collect();
            let error = item["error"]["message"].as_str();
            let text = error.map_or_else(|| texts.join("\n"), str::to_owned);
            vec![result(string_field(item, "id"), text, has_failed, None)]
        }
        "webSearch" => vec![result(string_field(item, "id"), String::new(), false, None)],
        "contextCompaction" => {
            vec![conversation_changed(item, ConversationEvent::Notice(Notice::Compacted, String::new()))]
        }
        _ => Vec::new(),
    }
}

/// The command line as codex runs it, its shell included. Never codex's own
/// `commandActions`: those leave parts of a command out.
pub(super) fn command_line(item: &Value) -> String {
    match &item["command"] {
        Value::Array(words) => words
            .iter()
            .map(|word| word.as_str().map_or_else(|| word.to_string(), shell_quote))
            .collect::<Vec<_>>()
            .join(" "),
        command => command.as_str().unwrap_or_default().to_owned(),
    }
}

fn conversation_changed(item: &Value, change: ConversationEvent) -> DriverOutput {
    DriverOutput::changed(string_field(item, "id"), change)
}

/// The file changes of an item, each with an id of its own.
fn file_changes(item: &Value) -> impl Iterator<Item = (String, &Value)> {
    let id = string_field(item, "id");
    let changes = item["changes"].as_array().into_iter().flatten();
    changes.enumerate().map(move |(at, change)| (format!("{id}/{at}"), change))
}

/// The changed lines of a file. For an added or deleted file codex gives the
/// whole content instead of a diff.
fn hunks(diff: &str, kind: &Value) -> Vec<Hunk> {
    match kind.as_str() {
        Some("add") if !diff.starts_with("@@") => hunks_between("", diff, true),
        Some("delete") if !diff.starts_with("@@") => hunks_between(diff, "", true),
        _ => Hunk::from_unified_diff(diff),
    }
}

pub(super) fn string_field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
