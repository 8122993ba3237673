//! What the offline model says: made from the conversation, and from it alone.

use std::collections::HashSet;
use std::fmt::Write;

use serde_json::Value;

use super::super::CompletionRequest;
use super::intent::{PromptIntent, is_to_remember};
use super::{LABEL, is_own, text_of};
use crate::agent::context::{ContextMessage, MessageRole, ModelContext};
use crate::session::prompt;
use crate::session::summary::one_line;

/// A shorter word says nothing about what a text is about.
const MIN_KEYWORD_CHARS: usize = 3;
/// Words of questions, which say nothing about what they ask for.
const STOP_WORDS: [&str; 34] = [
    "about",
    "and",
    "any",
    "are",
    "can",
    "conversation",
    "did",
    "does",
    "for",
    "from",
    "has",
    "have",
    "how",
    "know",
    "many",
    "my",
    "our",
    "remember",
    "tell",
    "that",
    "the",
    "then",
    "there",
    "this",
    "was",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "why",
    "with",
    "you",
];
/// Earlier texts that a question may be answered with.
const MAX_QUOTES: usize = 12;
/// Lines of a tool's result that are told again.
const RESULT_LINES: usize = 20;

/// A reply: text, and the tools it asks for.
#[derive(Debug, PartialEq)]
pub struct OfflineReply {
    /// Markdown; may be empty.
    pub text: String,
    /// In this order.
    pub calls: Vec<OfflineCall>,
}

/// A tool that the model asks for.
#[derive(Debug, PartialEq)]
pub struct OfflineCall {
    /// Its name.
    pub tool: String,
    /// Its arguments.
    pub input: Value,
}

/// The answer to the last message of a conversation.
pub fn reply_to(request: &CompletionRequest) -> OfflineReply {
    let view = ConversationView::from_context(&request.context);
    if request.is_summary {
        return with_label(&view, &summary(&view));
    }
    if !view.results.is_empty() {
        return with_label(&view, &quote_results(&view.results));
    }
    match PromptIntent::parse(&view.prompt, &request.cwd, &request.tools) {
        PromptIntent::Calls(calls) => {
            let text = calls.iter().map(announcement).collect::<Vec<_>>().join("\n");
            OfflineReply { text, calls }
        }
        PromptIntent::Prompts => with_label(&view, &list_prompts(&view)),
        PromptIntent::Question => with_label(&view, &quote_matches(&view)),
        PromptIntent::Remember => with_label(
            &view,
            &format!(
                "I will remember, for as long as this conversation has the seat:\n\n> {}",
                one_line(&view.prompt)
            ),
        ),
        PromptIntent::Other => with_label(
            &view,
            "Noted. Ask me anything with a question mark, and I quote what you told me here.",
        ),
    }
}

/// A conversation, as this model sees it.
#[derive(Default)]
struct ConversationView {
    /// What was typed last.
    prompt: String,
    /// What was typed before that, oldest first.
    earlier: Vec<String>,
    /// What another model replied.
    replies: Vec<String>,
    /// The results that came since the last prompt.
    results: Vec<Value>,
    messages: usize,
}

impl ConversationView {
    fn from_context(context: &ModelContext) -> Self {
        let mut view = Self { messages: context.messages().len(), ..Self::default() };
        let mut typed = Vec::new();
        for message in context.messages() {
            match message.role {
                MessageRole::User => {
                    if message.is_prompt {
                        typed.push(typed_text(message));
                        view.results.clear();
                    }
                    view.results.extend(values(message).filter(|block| block["type"] == "tool_result"));
                }
                MessageRole::Assistant => {
                    view.results.clear();
                    if !is_own(message.reply.as_deref()) {
                        view.replies
                            .extend(values(message).filter_map(|block| text_of(&block).map(str::to_owned)));
                    }
                }
            }
        }
        view.prompt = typed.pop().unwrap_or_default();
        view.earlier = typed;
        view
    }
}

fn values(message: &ContextMessage) -> impl Iterator<Item = Value> {
    message.blocks.iter().filter_map(|block| serde_json::from_str(block.json()).ok())
}

fn typed_text(message: &ContextMessage) -> String {
    let texts = values(message).filter_map(|block| text_of(&block).map(str::to_owned));
    texts.filter(|text| prompt::is_user_typed(text)).collect::<Vec<_>>().join("\n")
}

/// A text, with what this model always says below it.
fn with_label(view: &ConversationView, text: &str) -> OfflineReply {
    let messages = plural(view.messages, "message");
    let prompts = plural(view.earlier.len() + 1, "prompt");
    OfflineReply { text: format!("{text}\n\n*{LABEL} ({messages}, {prompts} of yours).*"), calls: Vec::new() }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn announcement(call: &OfflineCall) -> String {
    let (verb, what) = match call.tool.as_str() {
        "Bash" => ("run", call.input["command"].as_str()),
        "Read" => ("read", call.input["file_path"].as_str()),
        "Write" => ("write", call.input["file_path"].as_str()),
        tool => ("use", Some(tool)),
    };
    format!("I {verb} `{}`.", one_line(what.unwrap_or_default()))
}

/// The whole of what was asked: all that this model can sum up.
fn summary(view: &ConversationView) -> String {
    let asked = view.earlier.iter().chain([&view.prompt]).filter(|prompt| !prompt.is_empty());
    let asked: Vec<_> = asked.map(|prompt| format!("- {}", one_line(prompt))).collect();
    format!("What was asked so far:\n\n{}", asked.join("\n"))
}

fn list_prompts(view: &ConversationView) -> String {
    if view.earlier.is_empty() {
        return "This is your first prompt in this conversation.".to_owned();
    }
    let mut text = format!("You asked me {} before this one:\n", plural(view.earlier.len(), "thing"));
    for (at, earlier) in view.earlier.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{}. {}", at + 1, one_line(earlier));
    }
    text
}

/// Everything to be remembered, then whatever shares a word with the question.
fn quote_matches(view: &ConversationView) -> String {
    let asked = keywords(&view.prompt);
    let is_related = |text: &str| !asked.is_disjoint(&keywords(text));
    let remembered = view.earlier.iter().filter(|text| is_to_remember(text));
    let related = view.earlier.iter().filter(|text| !is_to_remember(text) && !text.contains('?'));
    let theirs = view.replies.iter().flat_map(|reply| reply.split("\n\n"));
    let related = related.map(String::as_str).chain(theirs).filter(|text| is_related(text));
    let mut seen = HashSet::new();
    let quotes: Vec<_> = remembered
        .map(String::as_str)
        .chain(related)
        .map(one_line)
        .filter(|quote| !quote.is_empty() && seen.insert(quote.clone()))
        .collect();
    if quotes.is_empty() {
        return format!(
            "This conversation does not tell me that. I looked for an answer to:\n\n> {}",
            one_line(&view.prompt)
        );
    }
    let more = quotes.len().saturating_sub(MAX_QUOTES);
    let list =
        quotes.iter().take(MAX_QUOTES).map(|quote| format!("> {quote}")).collect::<Vec<_>>().join("\n>\n");
    let more =
        if more == 0 { String::new() } else { format!("\n\n… and {}.", plural(more, "more passage")) };
    format!("Here is what this conversation says about it:\n\n{list}{more}")
}

fn keywords(text: &str) -> HashSet<String> {
    text.split(|char: char| !char.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= MIN_KEYWORD_CHARS && !STOP_WORDS.contains(&word.as_str()))
        .collect()
}

fn quote_results(results: &[Value]) -> String {
    results.iter().map(quote_result).collect::<Vec<_>>().join("\n\n")
}

fn quote_result(result: &Value) -> String {
    let text = match &result["content"] {
        Value::Array(blocks) => blocks.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        content => content.as_str().unwrap_or_default().to_owned(),
    };
    let head = if result["is_error"] == true { "That did not work:" } else { "Done. It says:" };
    if text.trim().is_empty() {
        return "Done. It says nothing.".to_owned();
    }
    let lines: Vec<_> = text.lines().collect();
    let more = lines.len().saturating_sub(RESULT_LINES);
    let shown = lines[..lines.len() - more].join("\n");
    let more = if more == 0 { String::new() } else { format!("\n… {}", plural(more, "more line")) };
    // A fence longer than any in the text, so that the text cannot close it.
    let fence = "`".repeat(longest_run_of_backticks(&text).max(2) + 1);
    format!("{head}\n\n{fence}\n{shown}{more}\n{fence}")
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|char| char != '`').map(str::len).max().unwrap_or(0)
}
