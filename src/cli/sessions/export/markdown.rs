//! A session as Markdown.
//!
//! Prompts become quotations, replies stay Markdown, tool input and output become
//! code blocks whose fences are longer than any inside. HTML in any of them is text:
//! a viewer would run what a model or a program wrote.

use std::borrow::Cow;
use std::fmt::Write;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::{ExportedSession, call_subject};
use crate::session::conversation::{ItemKind, Notice, ToolCall};
use crate::text::{clean, clean_line, strip};

/// Times that a document is parsed until no HTML is left.
const MAX_PASSES: usize = 16;

pub fn render(session: &ExportedSession<'_>) -> String {
    let mut text = format!("# {}\n\n", clean_line(&session.title));
    for (name, value) in session.header() {
        push_line(&mut text, format_args!("- {name}: {}", clean_line(&value)));
    }
    for item in session.conversation.items() {
        text.push('\n');
        match &item.kind {
            ItemKind::Prompt(prompt) => {
                let at =
                    item.at.map(|at| format!(" · {}", at.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
                push_line(&mut text, format_args!("---\n\n**Prompt**{at}\n"));
                push_quote(&mut text, prompt);
            }
            ItemKind::Reply { text: reply, .. } => {
                push_line(&mut text, format_args!("{}", close_fence(clean(reply).trim_end())));
            }
            ItemKind::Thinking(thought) => {
                push_line(&mut text, format_args!("*Thinking*\n"));
                push_quote(&mut text, thought);
            }
            ItemKind::Tool(call) => push_tool(&mut text, call),
            ItemKind::Notice(notice, words) => {
                push_line(&mut text, format_args!("*{}*", clean_line(&super::notice_text(*notice))));
                if *notice == Notice::Compacted || *notice == Notice::Error {
                    text.push('\n');
                    push_quote(&mut text, words);
                }
            }
            ItemKind::TurnEnd(_) => {}
        }
    }
    escape_html(text)
}

fn push_line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}

fn push_quote(text: &mut String, words: &str) {
    for words in clean(words).trim_end().lines() {
        push_line(text, format_args!("> {words}"));
    }
}

/// Text whose code block ends with it. A fence that stays open would turn the next
/// fence, which keeps a tool's output from being Markdown, into its own end.
fn close_fence(markdown: &str) -> Cow<'_, str> {
    const BEHIND: &str = "\n\nx";
    let probe = format!("{markdown}{BEHIND}");
    let mut open_at = None;
    for (event, range) in Parser::new_ext(&probe, Options::empty()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if range.end >= probe.len() => {
                open_at = Some(range.start);
            }
            _ => {}
        }
    }
    let Some(fence) = open_at.map(|at| markdown[at..].trim_start()) else { return Cow::Borrowed(markdown) };
    let sign = fence.chars().next().unwrap_or('`');
    let length = fence.chars().take_while(|char| *char == sign).count();
    Cow::Owned(format!("{markdown}\n{}", sign.to_string().repeat(length)))
}

/// The syntaxes that viewers know. What is code in one can be HTML in another.
fn syntaxes() -> [Options; 3] {
    let github = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    [Options::empty(), github, Options::all()]
}

/// The document with HTML as text, in every syntax. Code keeps its `<`: there it is
/// text already.
fn escape_html(mut text: String) -> String {
    // What stood inside an HTML block is parsed again once that is none any more.
    for _ in 0..MAX_PASSES {
        let mut found: Vec<usize> = Vec::new();
        for syntax in syntaxes() {
            let events = Parser::new_ext(&text, syntax).into_offset_iter();
            let html = events.filter(|(event, _)| matches!(event, Event::Html(_) | Event::InlineHtml(_)));
            for (_, range) in html {
                let start = range.start;
                found.extend(text[range].match_indices('<').map(|(at, _)| start + at));
            }
        }
        if found.is_empty() {
            return text;
        }
        found.sort_unstable();
        found.dedup();
        let mut escaped = String::with_capacity(text.len() + 3 * found.len());
        let mut copied = 0;
        for at in found {
            escaped.push_str(&text[copied..at]);
            escaped.push_str("&lt;");
            copied = at + 1;
        }
        escaped.push_str(&text[copied..]);
        text = escaped;
    }
    // Made to be parsed anew without end: no `<` of it is worth that.
    text.replace('<', "&lt;")
}

fn push_tool(text: &mut String, call: &ToolCall) {
    let about = call_subject(call);
    let failed = call.result.as_ref().is_some_and(|result| result.is_error);
    push_line(
        text,
        format_args!("**{}**{}\n", clean_line(&call.name), if failed { " (failed)" } else { "" }),
    );
    match about {
        Some(about) if call.input.as_object().is_some_and(|fields| fields.len() == 1) => {
            push_code(text, "", &clean(about));
        }
        _ => {
            let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
            push_code(text, "json", &clean(&input));
        }
    }
    if let Some(result) = call.result.as_ref().filter(|result| !result.text.trim().is_empty()) {
        text.push('\n');
        push_code(text, "", &strip(&result.text));
    }
}

/// A code block with a fence longer than any inside.
fn push_code(text: &mut String, language: &str, code: &str) {
    let inside = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(inside.max(2) + 1);
    push_line(text, format_args!("{fence}{language}\n{}\n{fence}", code.trim_end_matches('\n')));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_text_except_in_code() {
        let check = |text: &str, escaped: &str| assert_eq!(escape_html(text.to_owned()), escaped, "{text}");
        check("a < b, **c**", "a < b, **c**");
        check("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>");
        check("x <img src=y onerror=z> `<b>`", "x &lt;img src=y onerror=z> `<b>`");
        check("```\n<b>\n```", "```\n<b>\n```");
        check("<div\nonclick=x>\n\n<b>y", "&lt;div\nonclick=x>\n\n&lt;b>y");
        check("<!-- a\n<b>\n--> <i>c", "&lt;!-- a\n&lt;b>\n--> &lt;i>c");
        check("<https://example.com>", "<https://example.com>");
        check("> - <svg onload=x>", "> - &lt;svg onload=x>");
        check("<?php x ?>\n<![CDATA[y]]>", "&lt;?php x ?>\n&lt;![CDATA[y]]>");
        // With tables, a cell ends the code; with footnotes, this is a paragraph.
        check("|a|b|\n|-|-|\n|`|<b>`|", "|a|b|\n|-|-|\n|`|&lt;b>`|");
        check("x[^1]\n\n[^1]: <b>", "x[^1]\n\n[^1]: &lt;b>");
        check("é <ü> <b>é", "é <ü> &lt;b>é");
    }

    #[test]
    fn a_reply_cannot_open_the_fence_of_what_follows() {
        let check = |text: &str, closed: &str| assert_eq!(close_fence(text), closed, "{text}");
        check("x\n```\ny\n```", "x\n```\ny\n```");
        check("x\n```rust\n<b>", "x\n```rust\n<b>\n```");
        check("~~~~\n```\n~~~", "~~~~\n```\n~~~\n~~~~");
        check("> ```\n> x", "> ```\n> x");
        check("- ```\n  x", "- ```\n  x");
        check("```", "```\n```");
    }

    #[test]
    fn html_that_is_parsed_anew_again_and_again_ends() {
        let nested = "<pre>\n```\n</pre>\n<b>\n".repeat(2_000);
        let escaped = escape_html(nested);
        for syntax in syntaxes() {
            let mut events = Parser::new_ext(&escaped, syntax);
            assert!(!events.any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_))));
        }
    }

    #[test]
    fn a_fence_holds_whatever_is_inside() {
        let fenced = |inside: &str| {
            let mut text = String::new();
            push_code(&mut text, "", inside);
            text
        };
        assert_eq!(fenced("ls"), "```\nls\n```\n");
        assert_eq!(fenced("```\nx\n```\n"), "````\n```\nx\n```\n````\n");
    }
}
