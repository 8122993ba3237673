//! Whatever a transcript holds, a model is given a request that its API accepts.

use std::collections::HashSet;

use hotseat::transcript::{ModelConversation, ModelRole, Transcript, TranscriptText};
use serde_json::Value;

use crate::fuzz;
use crate::reader::transcript;

/// What the Messages API would refuse in this conversation and a prompt behind it.
fn refusals(conversation: &ModelConversation) -> Vec<String> {
    let mut turns: Vec<(ModelRole, Vec<Value>)> = Vec::new();
    let mut refusals = Vec::new();
    for message in &conversation.messages {
        let blocks: Vec<Value> = message
            .blocks
            .iter()
            .map(|block| serde_json::from_str(block.raw().get()).expect("blocks are JSON"))
            .collect();
        if blocks.is_empty() {
            refusals.push("an empty message".to_owned());
        }
        match turns.last_mut() {
            Some((role, all)) if *role == message.role => all.extend(blocks),
            _ => turns.push((message.role, blocks)),
        }
    }
    let prompt = serde_json::json!({"type": "text", "text": "next"});
    match turns.last_mut() {
        Some((ModelRole::User, all)) => all.push(prompt),
        _ => turns.push((ModelRole::User, vec![prompt])),
    }
    if turns[0].0 != ModelRole::User {
        refusals.push("it begins with a reply".to_owned());
    }
    let mut called = HashSet::new();
    let mut open = HashSet::new();
    for (role, blocks) in &turns {
        let kind = |block: &Value| block["type"].as_str().unwrap_or_default().to_owned();
        let results: Vec<_> = blocks.iter().filter(|block| kind(block) == "tool_result").collect();
        let answered: HashSet<_> =
            results.iter().filter_map(|block| block["tool_use_id"].as_str().map(str::to_owned)).collect();
        if *role == ModelRole::User {
            if answered != open || answered.len() != results.len() {
                refusals.push(format!("calls {open:?}, results {answered:?}"));
            }
            let texts_behind = blocks.iter().skip(results.len()).all(|block| kind(block) != "tool_result");
            if !texts_behind {
                refusals.push("a result behind other blocks".to_owned());
            }
            open.clear();
        } else {
            for block in blocks.iter().filter(|block| kind(block) == "tool_use") {
                let id = block["id"].as_str().unwrap_or_default().to_owned();
                let is_plain =
                    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
                if !is_plain || !block["input"].is_object() || !called.insert(id.clone()) {
                    refusals.push(format!("the call {block}"));
                }
                open.insert(id);
            }
            if blocks.last().is_some_and(|last| kind(last) == "thinking") {
                refusals.push("a reply ends in thinking".to_owned());
            }
        }
        for block in blocks {
            let is_blank = |text: &Value| text.as_str().is_none_or(|text| text.trim().is_empty());
            let allowed: &[&str] = match role {
                ModelRole::User => &["text", "image", "document", "search_result", "tool_result"],
                ModelRole::Assistant => &["text", "thinking", "redacted_thinking", "tool_use"],
            };
            let kind = kind(block);
            let is_provider_tool = *role == ModelRole::Assistant && kind.contains("_tool_");
            if !allowed.contains(&kind.as_str()) && !is_provider_tool {
                refusals.push(format!("the block {block} of {role:?}"));
            }
            if kind == "text" && is_blank(&block["text"]) {
                refusals.push("a text without words".to_owned());
            }
        }
    }
    refusals
}

#[test]
fn any_bytes_give_a_request_that_is_valid() {
    fuzz("any_bytes_give_a_request_that_is_valid", |chance| {
        let bytes = transcript(chance);
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
        let leaf = if chance.percent(20) && !transcript.entries.is_empty() {
            Some(chance.below(transcript.entries.len()))
        } else {
            transcript.leaf()
        };
        let refusals = refusals(&ModelConversation::read(&transcript, leaf));
        assert!(refusals.is_empty(), "{refusals:?}\n{}", text.as_str());
    });
}
