//! Our tool calls in the editor's terms: title, kind, locations, diffs.

use agent_client_protocol_schema::v1::{
    Content, ContentBlock, Diff, Plan, PlanEntry, PlanEntryPriority, PlanEntryStatus, SessionUpdate,
    ToolCall, ToolCallContent, ToolCallLocation, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields,
    ToolKind,
};
use serde_json::Value;

use crate::session::conversation::{ToolCall as Made, ToolResult};

/// A call that starts. `TodoWrite` is sent as a plan instead.
pub(super) fn call_started(made: &Made) -> SessionUpdate {
    plan(made).unwrap_or_else(|| SessionUpdate::ToolCall(call(&made.id, &made.name, &made.input)))
}

/// A running call with new output.
pub(super) fn call_running(made: &Made) -> SessionUpdate {
    let fields = ToolCallUpdateFields::new()
        .status(ToolCallStatus::InProgress)
        .content(vec![text_content(&made.partial_output)]);
    SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(made.id.clone(), fields))
}

/// A finished call; `None` if it was sent as a plan.
pub(super) fn call_ended(made: &Made, result: &ToolResult) -> Option<SessionUpdate> {
    if plan(made).is_some() {
        return None;
    }
    let status = if result.is_error { ToolCallStatus::Failed } else { ToolCallStatus::Completed };
    let mut fields = ToolCallUpdateFields::new().status(status);
    // A diff is already shown, so only failures and other tools need text.
    if result.is_error || diff(&made.name, &made.input).is_none() {
        fields = fields.content(vec![text_content(&result.text)]);
    }
    Some(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(made.id.clone(), fields)))
}

/// A call of a stored conversation.
pub(super) fn stored_call(made: &Made) -> Vec<SessionUpdate> {
    let ended = made.result.as_ref().and_then(|result| call_ended(made, result));
    std::iter::once(call_started(made)).chain(ended).collect()
}

/// The call that needs permission.
pub(super) fn call_for_permission(id: &str, name: &str, input: &Value) -> ToolCallUpdate {
    let call = call(id, name, input);
    let fields = ToolCallUpdateFields::new()
        .title(call.title)
        .kind(call.kind)
        .status(call.status)
        .content(call.content)
        .locations(call.locations)
        .raw_input(call.raw_input);
    ToolCallUpdate::new(id.to_owned(), fields)
}

fn call(id: &str, name: &str, input: &Value) -> ToolCall {
    let path = string_field(input, "file_path");
    ToolCall::new(id.to_owned(), title(name, input))
        .kind(kind(name))
        .content(diff(name, input).into_iter().collect::<Vec<_>>())
        .locations(path.map(|path| vec![ToolCallLocation::new(path)]).unwrap_or_default())
        .raw_input(input.clone())
}

fn kind(name: &str) -> ToolKind {
    match name {
        "Read" => ToolKind::Read,
        "Edit" | "Write" => ToolKind::Edit,
        "Bash" => ToolKind::Execute,
        "Glob" | "Grep" => ToolKind::Search,
        _ => ToolKind::Other,
    }
}

fn title(name: &str, input: &Value) -> String {
    let about = ["command", "file_path", "pattern"].into_iter().find_map(|key| string_field(input, key));
    match (name, about) {
        ("Bash", Some(command)) => command.to_owned(),
        (_, Some(about)) => format!("{name} {about}"),
        (_, None) => name.to_owned(),
    }
}

/// The change a call would make, as far as its input tells.
fn diff(name: &str, input: &Value) -> Option<ToolCallContent> {
    let path = string_field(input, "file_path")?;
    let diff = match name {
        "Edit" => Diff::new(path, string_field(input, "new_string")?)
            .old_text(string_field(input, "old_string")?.to_owned()),
        "Write" => Diff::new(path, string_field(input, "content")?),
        _ => return None,
    };
    Some(ToolCallContent::Diff(diff))
}

fn plan(made: &Made) -> Option<SessionUpdate> {
    let items = made.input["todos"].as_array().filter(|_| made.name == "TodoWrite")?;
    let entry = |item: &Value| {
        let status = match string_field(item, "status") {
            Some("completed") => PlanEntryStatus::Completed,
            Some("in_progress") => PlanEntryStatus::InProgress,
            _ => PlanEntryStatus::Pending,
        };
        Some(PlanEntry::new(string_field(item, "content")?, PlanEntryPriority::Medium, status))
    };
    Some(SessionUpdate::Plan(Plan::new(items.iter().filter_map(entry).collect())))
}

fn text_content(text: &str) -> ToolCallContent {
    ToolCallContent::Content(Content::new(ContentBlock::from(text)))
}

fn string_field<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}
