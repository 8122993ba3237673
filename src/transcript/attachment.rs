//! What an `attachment` entry tells the model: words of a person, a file that a
//! prompt names, or what a hook added.
//!
//! Newer programs write down what they told the model (`rendered`); for the
//! others it is told as Claude Code 2.1.332 does. Everything else that is
//! attached is about the program's own environment, which the program that goes
//! on describes itself.

use serde::Deserialize;
use serde_json::Value;

use super::raw_entry::RawEntry;

/// What one attachment tells the model.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attachment {
    /// Texts for a user message, each a `<system-reminder>` of its own.
    pub texts: Vec<String>,
    /// They belong in front of the prompt that they came with.
    pub goes_before_prompt: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    #[serde(default)]
    attachment: Value,
    #[serde(default)]
    rendered_role: Option<String>,
    #[serde(default)]
    rendered: Option<Vec<Rendered>>,
}

#[derive(Deserialize)]
struct Rendered {
    #[serde(default)]
    content: Value,
}

impl Attachment {
    /// Reads an attachment entry; without texts if the model is told nothing.
    pub fn from_entry(entry: &RawEntry<'_>) -> Self {
        let Ok(wire) = serde_json::from_str::<WireEntry>(entry.json()) else { return Self::default() };
        if let Some(rendered) = &wire.rendered {
            let is_for_user = wire.rendered_role.as_deref() == Some("user");
            let texts = rendered.iter().filter_map(|rendered| rendered.content.as_str());
            let texts = texts.filter(|_| is_for_user).map(str::to_owned).collect();
            return Self { texts, goes_before_prompt: false };
        }
        let attachment = &wire.attachment;
        let text = |key: &str| attachment[key].as_str();
        match text("type") {
            Some("queued_command") => {
                let prompt = joined(&attachment["prompt"], "text");
                Self { texts: prompt.map(|prompt| queued(&prompt)).into_iter().collect(), ..Self::default() }
            }
            Some("file") => Self { texts: file(attachment).unwrap_or_default(), goes_before_prompt: true },
            Some("hook_additional_context") => {
                let context = joined(&attachment["content"], "text");
                let hook = text("hookName").unwrap_or("A");
                let told = |context| reminder(&format!("{hook} hook additional context: {context}"));
                Self { texts: context.map(told).into_iter().collect(), goes_before_prompt: true }
            }
            _ => Self::default(),
        }
    }
}

/// A text that the model does not take for the user's own words.
pub(super) fn reminder(text: &str) -> String {
    format!("<system-reminder>\n{text}\n</system-reminder>")
}

fn queued(prompt: &str) -> String {
    reminder(&format!(
        "The user sent a new message while you were working:\n{prompt}\n\n\
         Answer it as well, after what you are doing now."
    ))
}

/// A file's text as the Read tool shows it.
fn file(attachment: &Value) -> Option<Vec<String>> {
    let content = &attachment["content"];
    if content["type"] != "text" {
        return None;
    }
    let file = &content["file"];
    let path = file["filePath"].as_str().or_else(|| attachment["filename"].as_str())?;
    let first = file["startLine"].as_u64().unwrap_or(1);
    let lines = file["content"].as_str()?.split('\n').zip(first..);
    let lines: Vec<_> = lines.map(|(line, number)| format!("{number}\t{line}")).collect();
    let input = serde_json::json!({"file_path": path});
    Some(vec![
        reminder(&format!("Called the Read tool with the following input: {input}")),
        reminder(&format!("Result of calling the Read tool:\n{}", lines.join("\n"))),
    ])
}

/// A text, or a list of texts or of blocks with a text, as one.
fn joined(value: &Value, key: &str) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.as_str().or_else(|| part[key].as_str()));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}
