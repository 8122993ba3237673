//! What is searchable in a transcript's entries: prompts, replies, and separately the input
//! and output of tools.
//!
//! Not searchable: the model's reasoning, hidden messages, summaries of compactions. Snippets are read from the entry again by the same rules.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::tokenizer;
use crate::session::prompt::typed_text;
use crate::session::raw_entry::{EntryKind, RawEntry, RawField, json_text};

/// How many bytes of the messages of one entry are searchable.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// How many bytes of one tool's input or output are searchable: its start, and its end,
/// where errors are.
const TOOL_HEAD_TAIL_BYTES: (usize, usize) = (1024, 512);

/// The words of one entry, as the index stores them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The byte offset of the entry's line in the transcript.
    pub offset: u64,
    /// Length of that line in bytes.
    pub length: u64,
    /// The words of the prompt or reply; may be empty.
    pub(super) message_words: String,
    /// The words of tool input and output; may be empty.
    pub(super) tool_words: String,
}

impl Passage {
    /// The words of this entry; `None` if nothing in it is searchable.
    pub fn from_line(line: &RawEntry<'_>, offset: u64) -> Option<Self> {
        let texts = EntryTexts::from_line(line);
        let said = fold_all(texts.messages.iter().map(|text| &text[..char_floor(text, MAX_TEXT_BYTES)]));
        let tools = fold_all(texts.tools.iter().flat_map(|text| {
            let (beginning, end) = TOOL_HEAD_TAIL_BYTES;
            if text.len() <= beginning + end {
                return [text.as_ref(), ""];
            }
            [&text[..char_floor(text, beginning)], &text[char_floor(text, text.len() - end)..]]
        }));
        let length = line.json().len() as u64;
        (!said.is_empty() || !tools.is_empty()).then_some(Self {
            offset,
            length,
            message_words: said,
            tool_words: tools,
        })
    }
}

impl Passage {
    /// The same, for a line of so many bytes in the file: cleaning may have made
    /// it shorter or longer.
    #[must_use]
    pub fn with_length(self, length: u64) -> Self {
        Self { length, ..self }
    }
}

/// The original texts of one entry.
#[derive(Debug, Default)]
pub(super) struct EntryTexts<'a> {
    /// Prompts and replies.
    pub messages: Vec<Cow<'a, str>>,
    /// Tool input and output.
    pub tools: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct MessageBody<'a> {
    #[serde(borrow)]
    content: RawField<'a>,
}

#[derive(Deserialize)]
struct RawBlock<'a> {
    #[serde(borrow, rename = "type")]
    kind: RawField<'a>,
    #[serde(borrow)]
    text: RawField<'a>,
    #[serde(borrow)]
    input: RawField<'a>,
    #[serde(borrow)]
    content: RawField<'a>,
}

impl<'a> EntryTexts<'a> {
    /// The searchable texts of an entry.
    pub fn from_line(line: &RawEntry<'a>) -> Self {
        let mut texts = Self::default();
        let kind = line.kind();
        if !matches!(kind, EntryKind::User | EntryKind::Assistant)
            || line.is_meta()
            || line.is_compact_summary()
        {
            return texts;
        }
        let message = line.message().and_then(|raw| serde_json::from_str::<MessageBody<'_>>(raw).ok());
        for piece in text_sources(message.and_then(|message| message.content)) {
            match piece {
                TextSource::Text(said) if kind == EntryKind::Assistant => texts.messages.push(said),
                TextSource::Text(said) => {
                    texts.messages.extend(typed_text(&said).map(|typed| Cow::Owned(typed.into_owned())));
                }
                TextSource::Input(input) => {
                    collect_strings(serde_json::from_str(input).unwrap_or_default(), &mut texts.tools);
                }
                TextSource::Result(content) => {
                    let results = text_sources(content).into_iter().filter_map(|piece| match piece {
                        TextSource::Text(result) => Some(result),
                        TextSource::Input(_) | TextSource::Result(_) => None,
                    });
                    texts.tools.extend(results);
                }
            }
        }
        texts
    }
}

/// The parts of a message that have text.
enum TextSource<'a> {
    Text(Cow<'a, str>),
    Input(&'a str),
    Result(RawField<'a>),
}

/// The text parts of a content, which is a string or a list of blocks.
fn text_sources<'a>(content: RawField<'a>) -> Vec<TextSource<'a>> {
    let Some(json) = content.map(RawValue::get) else { return Vec::new() };
    if !json.starts_with('[') {
        return json_text(content).map(TextSource::Text).into_iter().collect();
    }
    let blocks: Vec<RawBlock<'a>> = serde_json::from_str(json).unwrap_or_default();
    let piece = |block: RawBlock<'a>| match json_text(block.kind)?.as_ref() {
        "tool_use" | "server_tool_use" => Some(TextSource::Input(block.input?.get())),
        "text" => json_text(block.text).map(TextSource::Text),
        "tool_result" => Some(TextSource::Result(block.content)),
        _ => None,
    };
    blocks.into_iter().filter_map(piece).collect()
}

/// All strings in a tool's input, whatever their keys.
fn collect_strings(value: Value, found: &mut Vec<Cow<'_, str>>) {
    match value {
        Value::String(text) => found.push(Cow::Owned(text)),
        Value::Array(items) => items.into_iter().for_each(|item| collect_strings(item, found)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| collect_strings(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fold_all<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        let words = tokenizer::fold_words(text);
        if !all.is_empty() && !words.is_empty() {
            all.push(' ');
        }
        all.push_str(&words);
    }
    all
}

/// The last character boundary at or before `at`.
fn char_floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, said: &str, tools: &str) {
        let passage = Passage::from_line(&RawEntry::parse(line).unwrap(), 7);
        let found = passage.map(|passage| (passage.message_words, passage.tool_words)).unwrap_or_default();
        assert_eq!((found.0.as_str(), found.1.as_str()), (said, tools), "{line}");
    }

    #[test]
    fn prompts_and_replies_are_said() {
        check(r#"{"type":"user","message":{"content":"Fix the\nparser"}}"#, "fix the parser", "");
        check(
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"One."},{"type":"text","text":"Two"}]}}"#,
            "one two",
            "",
        );
    }

    #[test]
    fn tools_are_kept_apart() {
        check(
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":"ls -l","n":[1,"x"]}}]}}"#,
            "",
            "ls l x",
        );
        check(
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"total 0"}]}]}}"#,
            "",
            "total 0",
        );
        check(
            r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"total 0"}]}}"#,
            "",
            "total 0",
        );
    }

    #[test]
    fn what_nobody_is_shown_is_not_found() {
        check(r#"{"type":"user","isMeta":true,"message":{"content":"hello"}}"#, "", "");
        check(r#"{"type":"user","message":{"content":"<command-name>/clear</command-name>"}}"#, "", "");
        check(r#"{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"hm"}]}}"#, "", "");
        check(r#"{"type":"summary","summary":"hello"}"#, "", "");
        check(r#"{"type":"user","message":{"content":[7,{"type":"text"}]}}"#, "", "");
    }

    #[test]
    fn a_long_output_is_found_by_its_ends() {
        let output = format!("begins {} ends", "and ".repeat(10_000));
        let line = format!(
            r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{output}"}}]}}}}"#
        );
        let passage = Passage::from_line(&RawEntry::parse(&line).unwrap(), 0).unwrap();
        assert!(passage.tool_words.starts_with("begins and") && passage.tool_words.ends_with("and ends"));
        assert!(passage.tool_words.len() < 2 * (TOOL_HEAD_TAIL_BYTES.0 + TOOL_HEAD_TAIL_BYTES.1));
    }
}
