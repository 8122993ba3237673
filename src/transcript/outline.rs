//! An entry without what it says: its type, its links, its ids.
//!
//! Which entries are the conversation ([`super::conversation_path`]) depends on nothing
//! else, so that can be decided for a transcript that does not fit into memory: its outline
//! takes some hundred bytes an entry, however long the entry is.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::raw_entry::RawEntry;

/// The longest field that is kept. Longer ones hold text; nothing that links entries is as long.
const MAX_FIELD_BYTES: usize = 512;
/// Kept at any length: it names the messages that a compaction kept.
const KEPT_FIELDS: [&str; 2] = ["type", "compactMetadata"];
/// What is kept of a block of a message.
const BLOCK_FIELDS: [&str; 3] = ["type", "id", "tool_use_id"];

/// The entry's outline, as a line without its newline.
pub fn outline(entry: &RawEntry<'_>) -> String {
    // An entry that was read is an object, so an error cannot come up; it would be an entry less.
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(entry.json()).unwrap_or_default();
    let mut kept = String::from("{");
    for (name, value) in &fields {
        let value = match name.as_str() {
            "message" => &message_outline(value.get()),
            name if KEPT_FIELDS.contains(&name) || value.get().len() <= MAX_FIELD_BYTES => value.get(),
            _ => continue,
        };
        if kept.len() > 1 {
            kept.push(',');
        }
        kept.push_str(&json!(name).to_string());
        kept.push(':');
        kept.push_str(value);
    }
    kept.push('}');
    kept
}

/// A message's own id, and the ids of its calls and results.
fn message_outline(message: &str) -> String {
    let Ok(message) = serde_json::from_str::<BTreeMap<String, &RawValue>>(message) else {
        return "null".to_owned();
    };
    let mut kept = Map::new();
    for name in ["id", "role", "model"] {
        let value = message.get(name).filter(|value| value.get().len() <= MAX_FIELD_BYTES);
        if let Some(value) = value.and_then(|value| serde_json::from_str(value.get()).ok()) {
            kept.insert(name.to_owned(), value);
        }
    }
    let content = message.get("content").map(|content| content.get()).unwrap_or_default();
    let blocks: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(content).unwrap_or_default();
    let blocks = blocks.iter().map(|block| {
        let field =
            |name: &&str| Some(((*name).to_owned(), serde_json::from_str(block.get(*name)?.get()).ok()?));
        Value::Object(BLOCK_FIELDS.iter().filter_map(field).collect())
    });
    kept.insert("content".to_owned(), blocks.collect());
    Value::Object(kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{PathScope, Transcript, TranscriptText};
    use super::*;

    #[test]
    fn an_outline_is_short_and_has_the_links() {
        let long = "x".repeat(100_000);
        let line = format!(
            r#"{{"type":"assistant","uuid":"b","parentUuid":"a","toolUseResult":"{long}","message":{{"id":"m","content":[{{"type":"text","text":"{long}"}},{{"type":"tool_use","id":"t","name":"Bash","input":{{"command":"{long}"}}}}]}}}}"#
        );
        let outline = outline(&RawEntry::parse(&line).unwrap());
        assert!(outline.len() < 200, "{outline}");
        let entry = RawEntry::parse(&outline).unwrap();
        assert_eq!((entry.uuid().unwrap(), entry.parent_uuid().unwrap()), ("b".into(), "a".into()));
        assert!(entry.message().unwrap().contains(r#""id":"t""#), "{outline}");
    }

    #[test]
    fn the_conversation_of_the_outlines_is_that_of_the_entries() {
        let cases: Value = serde_json::from_str(include_str!("../../tests/resume/cases.json")).unwrap();
        let mut compared = 0;
        for case in cases.as_array().unwrap() {
            let lines: Vec<&str> =
                case["lines"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let text = lines.join("\n");
            let text = TranscriptText::read(text.as_bytes());
            let whole = Transcript::read(&text);
            let outlines: String = whole.entries.iter().map(|entry| outline(entry) + "\n").collect();
            let outlines = TranscriptText::read(outlines.as_bytes());
            let short = Transcript::read(&outlines);
            assert_eq!(short.entries.len(), whole.entries.len(), "{}", case["name"]);
            for scope in [PathScope::Model, PathScope::Display] {
                let path = whole.conversation(whole.leaf(), scope);
                assert_eq!(short.conversation(short.leaf(), scope), path, "{}", case["name"]);
                compared += path.entries.len();
            }
        }
        assert!(compared > 100, "{compared}");
    }
}
