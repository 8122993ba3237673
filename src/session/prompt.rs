//! Finds the prompt in a user entry, if a person typed one.

use std::borrow::Cow;

use super::message::{ApiMessage, MessageBlock};
use crate::transcript::raw_entry::{EntryKind, RawEntry};

pub use crate::transcript::prompt_text::{INTERRUPTED_TEXT, is_user_typed, typed_text};

/// The prompt in this line, if it holds one.
pub fn from_entry(line: &RawEntry<'_>) -> Option<String> {
    if line.kind() != EntryKind::User || line.is_meta() || line.is_sidechain() || line.is_compact_summary() {
        return None;
    }
    from_message(&ApiMessage::parse(line.message()?)?)
}

/// The prompt in a user message: its typed texts, with a mark for each picture.
pub fn from_message(message: &ApiMessage) -> Option<String> {
    let parts = message.blocks.iter().filter_map(|block| match block {
        MessageBlock::Text(text) => typed_text(text),
        MessageBlock::Image => Some(Cow::Borrowed("[image]")),
        _ => None,
    });
    let text = parts.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, prompt: Option<&str>) {
        assert_eq!(from_entry(&RawEntry::parse(line).unwrap()).as_deref(), prompt, "{line}");
    }

    #[test]
    fn only_what_was_typed_is_a_prompt() {
        check(r#"{"type":"user","message":{"content":"hello"}}"#, Some("hello"));
        check(
            r#"{"type":"user","message":{"content":[{"type":"image"},{"type":"text","text":"what is it"}]}}"#,
            Some("[image]\nwhat is it"),
        );
        check(r#"{"type":"user","isMeta":true,"message":{"content":"hello"}}"#, None);
        check(r#"{"type":"user","isSidechain":true,"message":{"content":"hello"}}"#, None);
        check(r#"{"type":"user","message":{"content":"<command-name>/clear</command-name>"}}"#, None);
        check(r#"{"type":"user","message":{"content":"[Request interrupted by user for tool use]"}}"#, None);
        check(r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t"}]}}"#, None);
        check(r#"{"type":"assistant","message":{"content":"hello"}}"#, None);
    }
}
