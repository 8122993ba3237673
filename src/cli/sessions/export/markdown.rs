//! A session as Markdown.
//!
//! Prompts become quotations, replies stay Markdown, tool input and output become
//! code blocks whose fences are longer than any inside.

use std::fmt::Write;

use super::{ExportedSession, call_subject};
use crate::session::conversation::{ItemKind, Notice, ToolCall};
use crate::text::{clean, clean_line, strip};

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
                push_line(&mut text, format_args!("{}", clean(reply).trim_end()));
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
    text
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
