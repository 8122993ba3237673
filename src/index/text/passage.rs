//! What of a transcript's entries can be searched: prompts, replies, and apart
//! from them what tools were asked and gave back.
//!
//! Not searched: the model's reasoning, what sub-agents and the agent itself
//! wrote, summaries of compactions. What is shown beside a hit is read from
//! the entry again, by the same rules.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::words;
use crate::session::line::{Kind, Line, Raw, text};
use crate::session::prompt::is_typed;

/// Bytes of what was said in one entry that are searched.
const SAID: usize = 256 << 10;

/// Bytes of one tool's input or output that are searched: its beginning, and
/// its end, where errors stand.
const TOOL: (usize, usize) = (1024, 512);

/// One entry's words, as the index takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Where the entry's line begins in the transcript, in bytes.
    pub offset: u64,
    /// Bytes of that line.
    pub length: u64,
    /// The words of the prompt or reply; may be empty.
    pub(super) said: String,
    /// The words of tools; may be empty.
    pub(super) tools: String,
}

impl Passage {
    /// The words of this line; none where it has nothing to search.
    pub fn of_line(line: &Line<'_>, offset: u64) -> Option<Self> {
        let texts = Texts::of_line(line);
        let said = folded(texts.said.iter().map(|text| &text[..floor(text, SAID)]));
        let tools = folded(texts.tools.iter().flat_map(|text| {
            let (beginning, end) = TOOL;
            if text.len() <= beginning + end {
                return [text.as_ref(), ""];
            }
            [&text[..floor(text, beginning)], &text[floor(text, text.len() - end)..]]
        }));
        let length = line.json().len() as u64;
        (!said.is_empty() || !tools.is_empty()).then_some(Self { offset, length, said, tools })
    }
}

/// The texts of one entry as they were written.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    /// What was said.
    pub said: Vec<Cow<'a, str>>,
    /// What tools were asked and gave back.
    pub tools: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Raw<'a>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    text: Raw<'a>,
    #[serde(borrow)]
    input: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
}

impl<'a> Texts<'a> {
    /// The texts of a line that a person can be led to.
    pub fn of_line(line: &Line<'a>) -> Self {
        let mut texts = Self::default();
        let kind = line.kind();
        if !matches!(kind, Kind::User | Kind::Assistant)
            || line.is_meta()
            || line.is_sidechain()
            || line.is_compact_summary()
        {
            return texts;
        }
        let message = line.message().and_then(|raw| serde_json::from_str::<Message<'_>>(raw).ok());
        for piece in pieces(message.and_then(|message| message.content)) {
            match piece {
                Piece::Text(said) if kind == Kind::Assistant || is_typed(&said) => texts.said.push(said),
                Piece::Text(_) => {}
                Piece::Input(input) => {
                    strings(serde_json::from_str(input).unwrap_or_default(), &mut texts.tools);
                }
                Piece::Result(content) => {
                    let results = pieces(content).into_iter().filter_map(|piece| match piece {
                        Piece::Text(result) => Some(result),
                        Piece::Input(_) | Piece::Result(_) => None,
                    });
                    texts.tools.extend(results);
                }
            }
        }
        texts
    }
}

/// What of a message's content has text in it.
enum Piece<'a> {
    Text(Cow<'a, str>),
    Input(&'a str),
    Result(Raw<'a>),
}

/// What has text in a content, which is a text or a list of blocks.
fn pieces<'a>(content: Raw<'a>) -> Vec<Piece<'a>> {
    let Some(json) = content.map(RawValue::get) else { return Vec::new() };
    if !json.starts_with('[') {
        return text(content).map(Piece::Text).into_iter().collect();
    }
    let blocks: Vec<Block<'a>> = serde_json::from_str(json).unwrap_or_default();
    let piece = |block: Block<'a>| match text(block.kind)?.as_ref() {
        "tool_use" | "server_tool_use" => Some(Piece::Input(block.input?.get())),
        "text" => text(block.text).map(Piece::Text),
        "tool_result" => Some(Piece::Result(block.content)),
        _ => None,
    };
    blocks.into_iter().filter_map(piece).collect()
}

/// All strings in a tool's input, whatever they are called.
fn strings(value: Value, found: &mut Vec<Cow<'_, str>>) {
    match value {
        Value::String(text) => found.push(Cow::Owned(text)),
        Value::Array(items) => items.into_iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| strings(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn folded<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        let words = words::folded(text);
        if !all.is_empty() && !words.is_empty() {
            all.push(' ');
        }
        all.push_str(&words);
    }
    all
}

/// The last place not behind `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, said: &str, tools: &str) {
        let passage = Passage::of_line(&Line::parse(line).unwrap(), 7);
        let found = passage.map(|passage| (passage.said, passage.tools)).unwrap_or_default();
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
        check(r#"{"type":"assistant","isSidechain":true,"message":{"content":"hello"}}"#, "", "");
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
        let passage = Passage::of_line(&Line::parse(&line).unwrap(), 0).unwrap();
        assert!(passage.tools.starts_with("begins and") && passage.tools.ends_with("and ends"));
        assert!(passage.tools.len() < 2 * (TOOL.0 + TOOL.1));
    }
}
