//! One tool call of the agent's, in the words of the official tools, so that
//! diffs and commands look the same whoever makes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use agent_client_protocol_schema::v1::{
    Diff, ToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdateFields, ToolKind,
};
use serde_json::{Value, json};

use super::turn_assembler::content_text;
use crate::session::conversation::ToolResult;
use crate::session::message::MessageBlock;

/// A call, as far as it is known.
#[derive(Debug, Clone)]
pub(super) struct AcpToolCall {
    pub title: String,
    pub kind: ToolKind,
    status: ToolCallStatus,
    /// The agent's own name for the tool.
    name: Option<String>,
    input: Value,
    output: Option<Value>,
    /// What it would change.
    diff: Option<Diff>,
    /// What it said so far.
    text: String,
    locations: Vec<PathBuf>,
    /// The terminals it runs in, and whether what they said before is told.
    terminals: Vec<(String, bool)>,
    /// The conversation has it.
    started: bool,
    /// So much of what it said was told.
    output_sent: usize,
    /// Its result was told.
    finished: bool,
}

impl AcpToolCall {
    pub fn new(reported: ToolCall) -> Self {
        let mut call = Self {
            title: reported.title,
            kind: reported.kind,
            status: reported.status,
            name: reported.name,
            input: reported.raw_input.unwrap_or_default(),
            output: reported.raw_output,
            diff: None,
            text: String::new(),
            locations: reported.locations.into_iter().map(|place| place.path).collect(),
            terminals: Vec::new(),
            started: false,
            output_sent: 0,
            finished: false,
        };
        call.read_content(reported.content);
        call
    }

    /// What is named is another now.
    pub fn update(&mut self, fields: ToolCallUpdateFields) {
        self.title = fields.title.unwrap_or(std::mem::take(&mut self.title));
        self.kind = fields.kind.unwrap_or(self.kind);
        self.status = fields.status.unwrap_or(self.status);
        self.name = fields.name.or(self.name.take());
        self.output = fields.raw_output.or(self.output.take());
        if let Some(places) = fields.locations {
            self.locations = places.into_iter().map(|place| place.path).collect();
        }
        // A permission request may repeat less than is known.
        let larger = |input: &Value| {
            input.as_object().map(serde_json::Map::len) >= self.input.as_object().map(serde_json::Map::len)
        };
        if let Some(input) = fields.raw_input.filter(larger) {
            self.input = input;
        }
        if let Some(content) = fields.content {
            self.read_content(content);
        }
    }

    fn read_content(&mut self, content: Vec<ToolCallContent>) {
        let mut text = String::new();
        for piece in content {
            match piece {
                ToolCallContent::Content(piece) => text.push_str(&content_text(piece.content)),
                ToolCallContent::Diff(diff) => self.diff = Some(diff),
                ToolCallContent::Terminal(terminal) => {
                    let id = terminal.terminal_id.0.to_string();
                    if !self.terminals.iter().any(|(known, _)| *known == id) {
                        self.terminals.push((id, false));
                    }
                }
                _ => {}
            }
        }
        if !text.is_empty() {
            self.output_sent = if text.starts_with(&self.text) { self.output_sent } else { 0 };
            self.text = text;
        }
    }

    /// Enough is known to show it: some agents name a call before its arguments.
    pub fn is_showable(&self) -> bool {
        self.status != ToolCallStatus::Pending || !self.terminals.is_empty()
    }

    /// It runs in this terminal, and what that said before is told.
    pub fn shows_terminal(&self, terminal: &str) -> bool {
        !self.finished && self.terminals.iter().any(|(known, reported)| *reported && known == terminal)
    }

    /// The terminals that are told of now, the first time.
    pub fn unannounced_terminals(&mut self) -> Vec<String> {
        let new = self.terminals.iter_mut().filter(|(_, reported)| !reported);
        new.map(|(terminal, reported)| {
            *reported = true;
            terminal.clone()
        })
        .collect()
    }

    /// All its terminals.
    pub fn terminals(&self) -> impl Iterator<Item = &String> {
        self.terminals.iter().map(|(terminal, _)| terminal)
    }

    /// The call, the first time.
    pub fn start_block(&mut self, id: &str) -> Option<MessageBlock> {
        if std::mem::replace(&mut self.started, true) {
            return None;
        }
        let (name, input) = self.official_tool();
        Some(MessageBlock::ToolUse { id: id.to_owned(), name, input })
    }

    /// What it said since the last time.
    pub fn new_output(&mut self) -> Option<String> {
        let new = self.text.get(self.output_sent..).filter(|new| !new.is_empty())?.to_owned();
        self.output_sent = self.text.len();
        Some(new)
    }

    /// Its result, the first time; with what its terminals said.
    pub fn take_result(&mut self, of_terminals: &str) -> Option<ToolResult> {
        let is_error = match self.status {
            ToolCallStatus::Completed => false,
            ToolCallStatus::Failed => true,
            _ => return None,
        };
        if std::mem::replace(&mut self.finished, true) {
            return None;
        }
        let given = self.output.as_ref().and_then(|output| output["output"].as_str().or(output.as_str()));
        let said = [self.text.as_str(), of_terminals].into_iter().filter(|text| !text.is_empty());
        let said = said.collect::<Vec<_>>().join("\n");
        let text = if said.is_empty() { given.unwrap_or_default().to_owned() } else { said };
        Some(ToolResult { text, is_error, detail: None })
    }

    /// The tool and its arguments in the official words, where there are any.
    pub fn official_tool(&self) -> (String, Value) {
        if let Some(diff) = &self.diff {
            let path = diff.path.display().to_string();
            return match diff.old_text.as_deref().filter(|old| !old.is_empty()) {
                Some(old) => {
                    let input = json!({"file_path": path, "old_string": old, "new_string": diff.new_text});
                    ("Edit".to_owned(), input)
                }
                None => ("Write".to_owned(), json!({"file_path": path, "content": diff.new_text})),
            };
        }
        let words = |keys: &[&str]| keys.iter().find_map(|key| self.input[*key].as_str());
        let path = self.named_path();
        match (self.kind, path) {
            (ToolKind::Execute, _) => {
                let command = words(&["command"]).unwrap_or(&self.title);
                let input = json!({"command": command, "description": words(&["description"])});
                ("Bash".to_owned(), input)
            }
            (ToolKind::Edit, Some(path)) => {
                match (words(&["oldString", "old_string"]), words(&["content"])) {
                    (Some(old), _) => {
                        let new = words(&["newString", "new_string"]).unwrap_or_default();
                        ("Edit".to_owned(), json!({"file_path": path, "old_string": old, "new_string": new}))
                    }
                    (None, Some(text)) => ("Write".to_owned(), json!({"file_path": path, "content": text})),
                    (None, None) => self.raw_tool(),
                }
            }
            (ToolKind::Read, Some(path)) => ("Read".to_owned(), json!({"file_path": path})),
            _ => self.raw_tool(),
        }
    }

    fn raw_tool(&self) -> (String, Value) {
        let input = if self.input.is_null() { json!({}) } else { self.input.clone() };
        (self.name.clone().unwrap_or_else(|| self.title.clone()), input)
    }

    fn named_path(&self) -> Option<&str> {
        ["filePath", "file_path", "filepath", "path"].iter().find_map(|key| self.input[*key].as_str())
    }

    /// The files that it changes, as far as it says.
    pub fn changed_files(&self) -> BTreeSet<PathBuf> {
        if self.kind != ToolKind::Edit && self.diff.is_none() {
            return BTreeSet::new();
        }
        let named =
            self.diff.iter().map(|diff| diff.path.clone()).chain(self.named_path().map(PathBuf::from));
        named.chain(self.locations.iter().cloned()).collect()
    }

    /// The command that it runs, as a person is shown it.
    pub fn shown_command(&self) -> Option<String> {
        let (tool, input) = self.official_tool();
        input["command"].as_str().filter(|_| tool == "Bash").map(str::to_owned)
    }

    /// Whether everything it names lies in this folder.
    pub fn is_inside(&self, folder: &Path) -> bool {
        let climbs = |path: &Path| path.components().any(|part| part == std::path::Component::ParentDir);
        let mut named =
            self.locations.iter().map(PathBuf::as_path).chain(self.diff.iter().map(|diff| &*diff.path));
        let all = named.clone().all(|path| path.starts_with(folder) && !climbs(path));
        named.next().is_some() && all
    }
}
