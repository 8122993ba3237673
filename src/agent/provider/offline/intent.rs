//! What a prompt asks of the offline model.

use std::path::Path;

use serde_json::{Value, json};

use super::super::ToolDefinition;
use super::reply::OfflineCall;

/// One prompt, understood.
#[derive(Debug, PartialEq)]
pub enum PromptIntent {
    /// Use these tools.
    Calls(Vec<OfflineCall>),
    /// Say what was asked before.
    Prompts,
    /// Answer from the conversation.
    Question,
    /// Keep this in mind.
    Remember,
    /// Anything else.
    Other,
}

impl PromptIntent {
    /// Understands a prompt, as far as this model does.
    pub fn parse(prompt: &str, cwd: &Path, tools: &[ToolDefinition]) -> Self {
        let calls = calls(prompt, cwd);
        if !calls.is_empty() && calls.iter().all(|call| tools.iter().any(|tool| tool.name == call.tool)) {
            return Self::Calls(calls);
        }
        let lower = prompt.to_lowercase();
        let asks_for_prompts = ["prompts", "what did i ask", "what did i say", "what have i asked"];
        if asks_for_prompts.iter().any(|words| lower.contains(words)) {
            Self::Prompts
        } else if prompt.contains('?') {
            Self::Question
        } else if is_to_remember(prompt) {
            Self::Remember
        } else {
            Self::Other
        }
    }
}

/// Whether a prompt tells something to keep in mind: "Do you remember?" does not.
pub fn is_to_remember(prompt: &str) -> bool {
    let mut words = prompt.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_remember = |word: &str| word.eq_ignore_ascii_case("remember");
    words.next().is_some_and(is_remember) || !prompt.contains('?') && words.any(is_remember)
}

/// The calls a prompt asks for: one a line where every line asks for one, else
/// the whole prompt is one.
fn calls(prompt: &str, cwd: &Path) -> Vec<OfflineCall> {
    let lines = prompt.lines().filter(|line| !line.trim().is_empty());
    let each: Option<Vec<_>> = lines.map(|line| call(line, cwd)).collect();
    each.unwrap_or_else(|| call(prompt, cwd).into_iter().collect())
}

fn call(text: &str, cwd: &Path) -> Option<OfflineCall> {
    let (verb, rest) = text.trim().split_once(':')?;
    let rest = rest.trim();
    if rest.is_empty() {
        return None;
    }
    let path = |path: &str| cwd.join(path.trim()).display().to_string();
    match verb.to_lowercase().as_str() {
        "run" => Some(OfflineCall {
            tool: "Bash".to_owned(),
            input: json!({"command": rest, "description": "Run what you asked for"}),
        }),
        "read" => Some(OfflineCall { tool: "Read".to_owned(), input: json!({"file_path": path(rest)}) }),
        "write" => {
            let (file, text) = rest.split_once(':')?;
            let content = format!("{}\n", text.trim());
            Some(OfflineCall {
                tool: "Write".to_owned(),
                input: json!({"file_path": path(file), "content": content}),
            })
        }
        "call" => {
            let (tool, input) = rest.split_once(char::is_whitespace).unwrap_or((rest, "{}"));
            let input: Value = serde_json::from_str(input).ok().filter(Value::is_object)?;
            Some(OfflineCall { tool: tool.to_owned(), input })
        }
        _ => None,
    }
}
