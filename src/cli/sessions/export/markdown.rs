//! A session as Markdown: readable as it is, and in any viewer.
//!
//! Prompts are quotations, replies stay the Markdown they are, what went into a
//! tool and came out of it is code that nothing inside can end.

use std::fmt::Write;

use super::{Session, about};
use crate::session::conversation::{Body, Notice, ToolCall};
use crate::tui::view::text::{clean, clean_line, strip};

/// The whole document.
pub fn render(session: &Session<'_>) -> String {
    let mut text = format!("# {}\n\n", clean_line(&session.title));
    for (name, value) in session.head() {
        line(&mut text, format_args!("- {name}: {}", clean_line(&value)));
    }
    for item in session.conversation.items() {
        text.push('\n');
        match &item.body {
            Body::Prompt(prompt) => {
                let at =
                    item.at.map(|at| format!(" · {}", at.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
                line(&mut text, format_args!("---\n\n**Prompt**{at}\n"));
                quote(&mut text, prompt);
            }
            Body::Reply { text: reply, .. } => line(&mut text, format_args!("{}", clean(reply).trim_end())),
            Body::Thinking(thought) => {
                line(&mut text, format_args!("*Thinking*\n"));
                quote(&mut text, thought);
            }
            Body::Tool(call) => tool(&mut text, call),
            Body::Notice(notice, words) => {
                line(&mut text, format_args!("*{}*", clean_line(&super::notice(*notice))));
                if *notice == Notice::Compacted || *notice == Notice::Error {
                    text.push('\n');
                    quote(&mut text, words);
                }
            }
            Body::TurnEnd(_) => {}
        }
    }
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}

fn quote(text: &mut String, words: &str) {
    for words in clean(words).trim_end().lines() {
        line(text, format_args!("> {words}"));
    }
}

fn tool(text: &mut String, call: &ToolCall) {
    let about = about(call);
    let failed = call.result.as_ref().is_some_and(|result| result.is_error);
    line(text, format_args!("**{}**{}\n", clean_line(&call.name), if failed { " (failed)" } else { "" }));
    match about {
        Some(about) if call.input.as_object().is_some_and(|fields| fields.len() == 1) => {
            code(text, "", &clean(about));
        }
        _ => {
            let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
            code(text, "json", &clean(&input));
        }
    }
    if let Some(result) = call.result.as_ref().filter(|result| !result.text.trim().is_empty()) {
        text.push('\n');
        code(text, "", &strip(&result.text));
    }
}

/// A fence longer than any inside.
fn code(text: &mut String, language: &str, code: &str) {
    let inside = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(inside.max(2) + 1);
    line(text, format_args!("{fence}{language}\n{}\n{fence}", code.trim_end_matches('\n')));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_holds_whatever_is_inside() {
        let fenced = |inside: &str| {
            let mut text = String::new();
            code(&mut text, "", inside);
            text
        };
        assert_eq!(fenced("ls"), "```\nls\n```\n");
        assert_eq!(fenced("```\nx\n```\n"), "````\n```\nx\n```\n````\n");
    }
}
