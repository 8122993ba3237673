//! What `list_sessions()` of the Python SDK 0.2.186 reports about a session.
//!
//! The SDK searches the transcript's text for fields, also in malformed lines, in
//! the first and last 64 KiB. This applies the same rules to the whole file.

use chrono::DateTime;
use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::message::{ApiMessage, MessageBlock};
use crate::transcript::raw_entry::{EntryKind, RawEntry};

/// The longest first prompt, in characters.
const MAX_PROMPT_CHARS: usize = 200;

/// Texts the official functions do not take for a prompt: how they begin.
const NON_PROMPT_PREFIXES: [&str; 5] =
    ["<local-command-stdout>", "<session-start-hook>", "<tick>", "<goal>", "[Request interrupted by user"];

/// Likewise, where nothing follows them: how they begin and end.
const NON_PROMPT_TAGS: [(&str, &str); 2] =
    [("<ide_opened_file>", "</ide_opened_file>"), ("<ide_selection>", "</ide_selection>")];

/// What an official list says, under the official names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SdkSessionInfo {
    /// The name to show; a session without one is not listed.
    pub summary: Option<String>,
    /// The title a person gave, else the one a model gave.
    pub custom_title: Option<String>,
    /// The first prompt, at most 200 characters and `…`; else the first command.
    pub first_prompt: Option<String>,
    /// The last branch.
    pub git_branch: Option<String>,
    /// The first folder.
    pub cwd: Option<String>,
    /// The last tag.
    pub tag: Option<String>,
    /// The first time, in milliseconds since 1970.
    pub created_at: Option<i64>,
}

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SdkSessionInfoBuilder {
    custom_title: Option<String>,
    ai_title: Option<String>,
    last_prompt: Option<String>,
    summary: Option<String>,
    first_branch: Option<String>,
    git_branch: Option<String>,
    cwd: Option<String>,
    tag: Option<String>,
    timestamp: Option<String>,
    first_prompt: Option<String>,
    command: Option<String>,
}

impl SdkSessionInfoBuilder {
    /// Adds an entry.
    pub fn push_entry(&mut self, line: &RawEntry<'_>) {
        let own = |field: Option<std::borrow::Cow<'_, str>>, last: &mut Option<String>| {
            if let Some(text) = field {
                *last = Some(text.into_owned());
            }
        };
        own(line.custom_title(), &mut self.custom_title);
        own(line.ai_title(), &mut self.ai_title);
        own(line.last_prompt(), &mut self.last_prompt);
        own(line.summary(), &mut self.summary);
        if let Some(branch) = line.git_branch_or_empty() {
            self.first_branch.get_or_insert_with(|| branch.to_string());
            self.git_branch = Some(branch.into_owned());
        }
        self.observe_first(line.json());
        if line.json().starts_with(TAG_LINE_PREFIX) {
            self.tag = last_field(line.json(), "tag");
        }
        if self.first_prompt.is_none() && line.kind() == EntryKind::User {
            self.observe_prompt(line);
        }
    }

    /// Adds a malformed line: fields that are left in it count, too.
    pub fn push_malformed(&mut self, line: &str) {
        for (key, last) in [
            ("customTitle", &mut self.custom_title),
            ("aiTitle", &mut self.ai_title),
            ("lastPrompt", &mut self.last_prompt),
            ("summary", &mut self.summary),
            ("gitBranch", &mut self.git_branch),
        ] {
            *last = last_field(line, key).or(last.take());
        }
        if self.first_branch.is_none() {
            self.first_branch = first_field(line, "gitBranch");
        }
        self.observe_first(line);
        if line.starts_with(TAG_LINE_PREFIX) {
            self.tag = last_field(line, "tag");
        }
    }

    /// What counts where it is found first, at any depth: the first line of a
    /// real transcript may hold its time in a snapshot.
    fn observe_first(&mut self, line: &str) {
        for (key, first) in [("timestamp", &mut self.timestamp), ("cwd", &mut self.cwd)] {
            if first.is_none() {
                *first = first_field(line, key);
            }
        }
    }

    fn observe_prompt(&mut self, line: &RawEntry<'_>) {
        let holds = |part: &str| memmem::find(line.json().as_bytes(), part.as_bytes()).is_some();
        if holds("\"tool_result\"") || line.is_meta() || line.is_compact_summary() {
            return;
        }
        let Some(message) = line.message().and_then(ApiMessage::parse) else { return };
        for block in &message.blocks {
            let MessageBlock::Text(text) = block else { continue };
            let text = text.replace('\n', " ");
            let text = text.trim_matches(is_python_space);
            if let Some(command) = command_name(text) {
                self.command.get_or_insert_with(|| command.to_owned());
            } else if is_prompt(text) {
                self.first_prompt = Some(truncate_prompt(text));
                return;
            }
        }
    }

    /// What a list says of all that was taken.
    pub fn build(&self) -> SdkSessionInfo {
        let some = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let custom_title = some(&self.custom_title).or_else(|| some(&self.ai_title));
        let first_prompt = self.first_prompt.clone().or_else(|| some(&self.command));
        let summary = custom_title
            .clone()
            .or_else(|| some(&self.last_prompt))
            .or_else(|| some(&self.summary))
            .or_else(|| first_prompt.clone());
        SdkSessionInfo {
            summary,
            custom_title,
            first_prompt,
            git_branch: some(&self.git_branch).or_else(|| some(&self.first_branch)),
            cwd: some(&self.cwd),
            tag: some(&self.tag),
            created_at: self.timestamp.as_deref().and_then(milliseconds),
        }
    }
}

/// How the SDK recognizes a line with a tag.
const TAG_LINE_PREFIX: &str = r#"{"type":"tag""#;

/// The first value of a key, at any depth; the compact spelling goes before the
/// spaced one.
fn first_field(line: &str, key: &str) -> Option<String> {
    [format!("\"{key}\":\""), format!("\"{key}\": \"")].iter().find_map(|mark| {
        let at = memmem::find(line.as_bytes(), mark.as_bytes())?;
        json_string_at(&line[at + mark.len()..])
    })
}

fn last_field(line: &str, key: &str) -> Option<String> {
    [format!("\"{key}\": \""), format!("\"{key}\":\"")].iter().find_map(|mark| {
        let found = memmem::find_iter(line.as_bytes(), mark.as_bytes());
        found.filter_map(|at| json_string_at(&line[at + mark.len()..])).last()
    })
}

/// The JSON string that begins here, behind its first quote; `None` if it does not
/// end.
fn json_string_at(rest: &str) -> Option<String> {
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let raw = &rest[..end];
    let json = format!("\"{raw}\"");
    Some(serde_json::from_str(&json).unwrap_or_else(|_| raw.to_owned()))
}

fn command_name(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<command-name>")?;
    rest.split_once("</command-name>").map(|(name, _)| name)
}

fn is_prompt(text: &str) -> bool {
    let skipped = NON_PROMPT_PREFIXES.iter().any(|mark| text.starts_with(mark));
    // A bracket that stays open is no mark.
    let open = text.starts_with('[') && !text.contains(']');
    let alone = NON_PROMPT_TAGS.iter().any(|(begin, end)| text.starts_with(begin) && text.ends_with(end));
    !text.is_empty() && (!skipped || open) && !alone
}

fn truncate_prompt(text: &str) -> String {
    match text.char_indices().nth(MAX_PROMPT_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end_matches(is_python_space)),
        None => text.to_owned(),
    }
}

/// White space as Python counts it.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Milliseconds by way of a float, as there: the last digit depends on it.
fn milliseconds(timestamp: &str) -> Option<i64> {
    let at = DateTime::parse_from_rfc3339(timestamp).ok()?;
    Some((at.timestamp_micros() as f64 / 1e6 * 1000.0) as i64)
}

#[cfg(test)]
mod tests;
