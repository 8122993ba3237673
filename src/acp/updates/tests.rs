use serde_json::json;

use super::*;
use crate::session::conversation::ToolResult;

fn check(changes: Vec<ConversationEvent>, expected: &[Value]) {
    let mut said = UpdateBuilder::default();
    let updates: Vec<_> = changes.into_iter().flat_map(|change| said.push(change)).collect();
    let updates: Vec<_> = updates.iter().map(|update| serde_json::to_value(update).unwrap()).collect();
    assert_eq!(updates, expected);
}

fn block(block: MessageBlock) -> ConversationEvent {
    ConversationEvent::Block { block, model: None, usage: None }
}

fn call(name: &str, input: Value) -> ConversationEvent {
    block(MessageBlock::ToolUse { id: "c".to_owned(), name: name.to_owned(), input })
}

fn result(text: &str, is_error: bool) -> ConversationEvent {
    let result = ToolResult { text: text.to_owned(), is_error, detail: None };
    ConversationEvent::Result { tool_use_id: "c".to_owned(), result }
}

fn chunk_of(kind: &str, text: &str) -> Value {
    json!({"sessionUpdate": kind, "content": {"type": "text", "text": text}})
}

#[test]
fn what_streamed_is_not_told_again_when_it_is_complete() {
    let text = |text: &str| block(MessageBlock::Text(text.to_owned()));
    check(
        vec![
            ConversationEvent::TextDelta("a".to_owned()),
            ConversationEvent::TextDelta("b".to_owned()),
            text("ab"),
            text("c"),
        ],
        &["a", "b", "c"].map(|text| chunk_of("agent_message_chunk", text)),
    );
    check(
        vec![ConversationEvent::ThinkingDelta("a".to_owned()), block(MessageBlock::Thinking("a".to_owned()))],
        &[chunk_of("agent_thought_chunk", "a")],
    );
}

#[test]
fn an_edit_is_a_diff() {
    let input = json!({"file_path": "/a", "old_string": "x", "new_string": "y"});
    let diff = json!({"type": "diff", "path": "/a", "oldText": "x", "newText": "y"});
    check(
        vec![call("Edit", input.clone()), result("done", false)],
        &[
            json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Edit /a", "kind": "edit",
                "content": [diff], "locations": [{"path": "/a"}], "rawInput": input}),
            json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed"}),
        ],
    );
}

#[test]
fn a_failure_says_why() {
    let text = json!({"type": "content", "content": {"type": "text", "text": "no"}});
    let changes = vec![call("Bash", json!({"command": "ls"})), result("no", true)];
    check(
        changes,
        &[
            json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "ls", "kind": "execute",
                "rawInput": {"command": "ls"}}),
            json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "failed", "content": [text]}),
        ],
    );
}

#[test]
fn what_a_command_says_is_told_whole_while_it_runs() {
    let output =
        |text: &str| ConversationEvent::ToolOutput { tool_use_id: "c".to_owned(), text: text.to_owned() };
    let reported = |text: &str| {
        let text = json!({"type": "content", "content": {"type": "text", "text": text}});
        json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress", "content": [text]})
    };
    let begun = json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "ls", "kind": "execute",
        "rawInput": {"command": "ls"}});
    let changes = vec![call("Bash", json!({"command": "ls"})), output("a"), output("b")];
    check(changes, &[begun, reported("a"), reported("ab")]);
}

#[test]
fn a_list_of_things_to_do_is_a_plan() {
    let todos = json!({"todos": [{"content": "one", "status": "in_progress", "activeForm": "doing"}]});
    let entry = json!({"content": "one", "priority": "medium", "status": "in_progress"});
    let changes = vec![call("TodoWrite", todos), result("done", false)];
    check(changes, &[json!({"sessionUpdate": "plan", "entries": [entry]})]);
}
