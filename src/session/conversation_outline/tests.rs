use super::*;
use crate::session::conversation::ItemKind;
use crate::session::{Conversation, SessionSummary, SummaryBuilder};
use crate::transcript::ParsedLine;

/// An entry; `more` is what else it says.
fn entry(kind: &str, uuid: &str, parent: &str, more: &str) -> String {
    let parent = if parent.is_empty() { "null".to_owned() } else { format!("\"{parent}\"") };
    format!(r#"{{"type":"{kind}","uuid":"{uuid}","parentUuid":{parent}{more}}}"#)
}

fn prompt(uuid: &str, parent: &str) -> String {
    entry("user", uuid, parent, &format!(r#","message":{{"content":"prompt {uuid}"}}"#))
}

fn reply(uuid: &str, parent: &str) -> String {
    let message = format!(
        r#","timestamp":"2026-11-20T10:00:00Z","message":{{"id":"m-{uuid}","model":"model-{uuid}","usage":{{"output_tokens":1}},"content":[{{"type":"text","text":"reply {uuid}"}}]}}"#
    );
    entry("assistant", uuid, parent, &message)
}

/// A conversation of alternating prompts and replies, `a0` to `a<count>`.
fn straight(count: usize) -> Vec<String> {
    let uuid = |at: usize| format!("a{at}");
    let parent = |at: usize| at.checked_sub(1).map(uuid).unwrap_or_default();
    (0..count)
        .map(|at| if at % 2 == 0 { prompt(&uuid(at), &parent(at)) } else { reply(&uuid(at), &parent(at)) })
        .collect()
}

fn prompts_shown(lines: &[String]) -> Vec<String> {
    let text = lines.join("\n");
    let conversation = Conversation::from_transcript(&Transcript::read(
        &crate::transcript::TranscriptText::read(text.as_bytes()),
    ));
    let items = conversation.items().iter();
    items
        .filter_map(|item| match &item.kind {
            ItemKind::Prompt(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// The summary has the prompts that the screen shows, wherever the reading was interrupted.
fn check(lines: &[String], prompts: &[&str], gaps: usize) -> SessionSummary {
    assert_eq!(prompts_shown(lines), prompts, "the screen");
    let mut whole = SummaryBuilder::default();
    for at in 0..=lines.len() {
        let stored = serde_json::to_string(&whole).unwrap();
        let mut rest: SummaryBuilder = serde_json::from_str(&stored).unwrap();
        lines[at..].iter().for_each(|line| rest.push_line(&ParsedLine::parse(line), 0));
        let summary = rest.summary();
        assert_eq!((summary.turns, summary.gaps), (prompts.len(), gaps), "interrupted at {at}");
        assert_eq!(summary.first_prompt.as_deref(), prompts.first().copied(), "{at}");
        assert_eq!(summary.last_prompt.as_deref(), prompts.last().copied(), "{at}");
        if let Some(line) = lines.get(at) {
            whole.push_line(&ParsedLine::parse(line), 0);
        }
    }
    whole.summary()
}

#[test]
fn a_straight_conversation_is_all_of_it() {
    let summary = check(&straight(6), &["prompt a0", "prompt a2", "prompt a4"], 0);
    assert_eq!((summary.messages, summary.usage.output_tokens), (6, 3));
    assert_eq!(summary.model.as_deref(), Some("model-a5"));
}

#[test]
fn a_rewind_leaves_prompts_behind_but_not_their_cost() {
    let mut lines = straight(6);
    lines.push(prompt("b", "a1"));
    lines.push(reply("c", "b"));
    let summary = check(&lines, &["prompt a0", "prompt b"], 0);
    assert_eq!((summary.messages, summary.usage.output_tokens), (4, 4), "all of it was paid");
    assert_eq!(summary.last_request.unwrap().model, "model-c");
    // A later line says that the former branch is the one to go on with.
    lines.push(r#"{"type":"last-prompt","lastPrompt":"x","leafUuid":"a5"}"#.to_owned());
    let summary = check(&lines, &["prompt a0", "prompt a2", "prompt a4"], 0);
    assert_eq!(summary.last_request.unwrap().model, "model-a5");
}

#[test]
fn a_gap_is_bridged_and_counted() {
    let mut lines = straight(4);
    lines.push(prompt("b", "gone"));
    check(&lines, &["prompt a0", "prompt a2", "prompt b"], 1);
    lines.push(entry("assistant", "c", "b", r#","message":{}"#));
    lines.push(prompt("d", "gone too"));
    check(&lines, &["prompt a0", "prompt a2", "prompt b", "prompt d"], 2);
}

#[test]
fn parallel_calls_compactions_and_unknown_entries_are_followed() {
    let call = |uuid: &str, parent: &str, id: &str| {
        let content = format!(
            r#","message":{{"id":"m","model":"x","content":[{{"type":"tool_use","id":"{id}","name":"Bash","input":{{}}}}]}}"#
        );
        entry("assistant", uuid, parent, &content)
    };
    let result = |uuid: &str, parent: &str, id: &str| {
        let content = format!(
            r#","message":{{"content":[{{"type":"tool_result","tool_use_id":"{id}","content":"x"}}]}}"#
        );
        entry("user", uuid, parent, &content)
    };
    let mut lines = straight(2);
    lines.extend([prompt("p", "a1"), call("c1", "p", "t1"), call("c2", "c1", "t2")]);
    lines.extend([result("r1", "c1", "t1"), result("r2", "c2", "t2")]);
    lines.push(entry("a-later-kind", "u", "r2", ""));
    lines.push(prompt("q", "u"));
    let summary = check(&lines, &["prompt a0", "prompt p", "prompt q"], 0);
    assert_eq!(summary.messages, 8, "the result beside the chain counts");
    let boundary = r#","subtype":"compact_boundary","logicalParentUuid":"q","compactMetadata":{"trigger":"manual","preservedSegment":{"headUuid":"q","anchorUuid":"s","tailUuid":"q"}}"#;
    lines.push(entry("system", "z", "", boundary));
    lines.push(entry("user", "s", "z", r#","isCompactSummary":true,"message":{"content":"sum"}"#));
    lines.push(prompt("n", "q"));
    check(&lines, &["prompt a0", "prompt p", "prompt q", "prompt n"], 0);
}

#[test]
fn what_is_left_behind_is_told_by_its_place() {
    let mut lines = straight(6);
    lines.push(prompt("b", "a1"));
    let mut outline = ConversationOutline::default();
    for (at, line) in lines.iter().enumerate() {
        outline.push(&RawEntry::parse(line).unwrap(), 10 * at as u64);
    }
    let left_behind = outline.left_behind(&outline.path());
    assert_eq!(left_behind.iter().map(|range| (range.start, range.end)).collect::<Vec<_>>(), [(20, 51)]);
    assert_eq!(outline.left_behind(&outline.everything()), []);
}

#[test]
fn a_line_that_is_there_twice_counts_once() {
    let once = straight(4);
    let twice = [once.clone(), once.clone()].concat();
    let summary = check(&twice, &["prompt a0", "prompt a2"], 0);
    assert_eq!((summary.messages, summary.usage.output_tokens), (4, 2));
}
