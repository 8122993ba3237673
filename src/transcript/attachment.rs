//! What an `attachment` entry tells the model: words of a person, a file that a
//! prompt names, or what a hook added.
//!
//! Newer programs write down what they told the model (`rendered`); for the
//! others it is told as Claude Code 2.1.332 does. Everything else that is
//! attached is about the program's own environment, which the program that goes
//! on describes itself.

use serde::Deserialize;
use serde_json::{Value, json};

use super::raw_entry::RawEntry;

/// What one attachment tells the model.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attachment {
    /// Blocks for a user message: reminders, or an image.
    pub blocks: Vec<Value>,
    /// Where they belong.
    pub place: AttachmentPlace,
}

/// Where the words of an attachment stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum AttachmentPlace {
    /// Where the entry stands in the conversation.
    #[default]
    Here,
    /// In front of the prompt that they came with.
    BeforePrompt,
    /// The same; newer models are told behind it, by the role `system`.
    Context,
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
    /// Reads an attachment entry; without blocks if the model is told nothing.
    pub fn from_entry(entry: &RawEntry<'_>) -> Self {
        let Ok(wire) = serde_json::from_str::<WireEntry>(entry.json()) else { return Self::default() };
        let kind = wire.attachment["type"].as_str().unwrap_or_default();
        if let Some(rendered) = &wire.rendered {
            return Self::from_rendered(kind, wire.rendered_role.as_deref(), rendered);
        }
        let texts = |texts: Option<Vec<String>>, place| {
            let blocks = texts.unwrap_or_default().iter().map(|text| text_block(text)).collect();
            Self { blocks, place }
        };
        let attachment = &wire.attachment;
        let content = || joined(&attachment["content"], "text");
        let hook = attachment["hookName"].as_str().unwrap_or("A");
        match kind {
            "queued_command" => texts(
                joined(&attachment["prompt"], "text").map(|prompt| vec![queued(&prompt)]),
                AttachmentPlace::Here,
            ),
            "file" if attachment["content"]["type"] == "image" => {
                Self { blocks: image(attachment).unwrap_or_default(), place: AttachmentPlace::BeforePrompt }
            }
            "file" => texts(file(attachment), AttachmentPlace::Context),
            "hook_additional_context" => {
                let told = |context| vec![reminder(&format!("{hook} hook additional context: {context}"))];
                texts(content().map(told), AttachmentPlace::Context)
            }
            "hook_success"
                if HOOKS_THAT_TELL.contains(&attachment["hookEvent"].as_str().unwrap_or_default()) =>
            {
                let told = |context| vec![reminder(&format!("{hook} hook success: {context}"))];
                texts(content().map(told), AttachmentPlace::Context)
            }
            _ => Self::default(),
        }
    }

    /// What was told when the entry was written. Of what was said by the role
    /// `system` only the words of hooks are the conversation's; the rest is the
    /// environment of the program that said it.
    fn from_rendered(kind: &str, role: Option<&str>, rendered: &[Rendered]) -> Self {
        let place = match (role, kind) {
            (Some("user"), kind) if ENVIRONMENT.contains(&kind) => return Self::default(),
            (Some("user"), "file" | "directory") => AttachmentPlace::BeforePrompt,
            (Some("user"), _) => AttachmentPlace::Here,
            (Some("system"), kind) if kind.starts_with("hook_") => AttachmentPlace::Context,
            _ => return Self::default(),
        };
        let blocks = rendered.iter().flat_map(|rendered| match &rendered.content {
            Value::String(text) => vec![text_block(text)],
            Value::Array(blocks) => blocks.clone(),
            _ => Vec::new(),
        });
        Self { blocks: blocks.collect(), place }
    }
}

/// What the program told of itself in the user's message.
const ENVIRONMENT: [&str; 1] = ["remote_session_change"];

/// Events whose hooks tell the model what they print.
const HOOKS_THAT_TELL: [&str; 2] = ["SessionStart", "UserPromptSubmit"];

fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// An image that a prompt names, as the Read tool shows it.
fn image(attachment: &Value) -> Option<Vec<Value>> {
    let file = &attachment["content"]["file"];
    let path = attachment["filename"].as_str().unwrap_or_default();
    let source =
        json!({"type": "base64", "media_type": file["type"].as_str()?, "data": file["base64"].as_str()?});
    Some(vec![text_block(&called_read(path)), json!({"type": "image", "source": source})])
}

fn called_read(path: &str) -> String {
    reminder(&format!("Called the Read tool with the following input: {}", json!({"file_path": path})))
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
    Some(vec![
        called_read(path),
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
