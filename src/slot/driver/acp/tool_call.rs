//! One tool call of the agent, in the terms of the official tools, so that diffs
//! and commands look the same whichever agent makes them.
//!
//! Nothing that the agent said of a call is left out of what is shown.

use std::path::{Path, PathBuf};

use agent_client_protocol_schema::v1::{
    Diff, ToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdateFields, ToolKind,
};
use serde_json::{Map, Value, json};

use super::file_names::{EDIT_TEXTS, collect_file_names};
use super::shown_change::{ShownChange, change_fields, shown_change};
use super::turn_assembler::content_text;
use crate::session::conversation::ToolResult;
use crate::session::message::MessageBlock;
use crate::slot::driver::shell_words::join;
use crate::sys::protected_paths::is_protected;
use crate::sys::real_path::resolve;

/// The names that agents give to the fields of the official tools.
const FIELD_NAMES: [(&str, &str); 6] = [
    ("filePath", "file_path"),
    ("filepath", "file_path"),
    ("path", "file_path"),
    ("oldString", "old_string"),
    ("newString", "new_string"),
    ("replaceAll", "replace_all"),
];

/// Names of a command other than the official one.
const COMMAND_NAMES: [&str; 5] = ["cmd", "argv", "commandLine", "command_line", "script"];
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
    /// The changes it would make, one or more for each file.
    diffs: Vec<Diff>,
    /// Its output so far.
    text: String,
    locations: Vec<PathBuf>,
    /// The terminals it runs in, and whether their earlier output was sent.
    terminals: Vec<(String, bool)>,
    /// The conversation has the call.
    started: bool,
    /// So many bytes of `text` were sent.
    output_sent: usize,
    /// The conversation has the result.
    finished: bool,
}

impl AcpToolCall {
    pub fn new(call: ToolCall) -> Self {
        let mut new = Self {
            title: call.title,
            kind: call.kind,
            status: call.status,
            name: call.name,
            input: call.raw_input.unwrap_or_default(),
            output: call.raw_output,
            diffs: Vec::new(),
            text: String::new(),
            locations: call.locations.into_iter().map(|location| location.path).collect(),
            terminals: Vec::new(),
            started: false,
            output_sent: 0,
            finished: false,
        };
        new.read_content(call.content);
        new
    }

    /// Replaces the fields that an update names.
    pub fn update(&mut self, fields: ToolCallUpdateFields) {
        self.title = fields.title.unwrap_or(std::mem::take(&mut self.title));
        self.kind = fields.kind.unwrap_or(self.kind);
        self.status = fields.status.unwrap_or(self.status);
        self.name = fields.name.or(self.name.take());
        self.output = fields.raw_output.or(self.output.take());
        if let Some(locations) = fields.locations {
            self.locations = locations.into_iter().map(|location| location.path).collect();
        }
        // A permission request may repeat less than is known; what it does say counts.
        match (fields.raw_input, &mut self.input) {
            (Some(Value::Object(said)), Value::Object(known)) => known.extend(said),
            (Some(Value::Null) | None, _) => {}
            (Some(said), known) => *known = said,
        }
        if let Some(content) = fields.content {
            self.read_content(content);
        }
    }

    fn read_content(&mut self, content: Vec<ToolCallContent>) {
        let mut text = String::new();
        let mut diffs = Vec::new();
        for piece in content {
            match piece {
                ToolCallContent::Content(piece) => text.push_str(&content_text(piece.content)),
                ToolCallContent::Diff(diff) => diffs.push(diff),
                ToolCallContent::Terminal(terminal) => {
                    let id = terminal.terminal_id.0.to_string();
                    if !self.terminals.iter().any(|(known, _)| *known == id) {
                        self.terminals.push((id, false));
                    }
                }
                _ => {}
            }
        }
        if !diffs.is_empty() {
            // A change of another file is not undone by a list without it.
            self.diffs.retain(|known| diffs.iter().all(|diff: &Diff| diff.path != known.path));
            self.diffs.extend(diffs);
        }
        if !text.is_empty() {
            self.output_sent = if text.starts_with(&self.text) { self.output_sent } else { 0 };
            self.text = text;
        }
    }

    /// Whether enough is known to show it: some agents announce a call before its
    /// arguments.
    pub fn is_showable(&self) -> bool {
        self.status != ToolCallStatus::Pending || !self.terminals.is_empty()
    }

    /// Whether it runs in this terminal, whose earlier output was sent.
    pub fn shows_terminal(&self, terminal: &str) -> bool {
        !self.finished && self.terminals.iter().any(|(known, sent)| *sent && known == terminal)
    }

    /// The terminals whose earlier output must be sent now.
    pub fn unannounced_terminals(&mut self) -> Vec<String> {
        let new = self.terminals.iter_mut().filter(|(_, sent)| !sent);
        new.map(|(terminal, sent)| {
            *sent = true;
            terminal.clone()
        })
        .collect()
    }

    pub fn terminals(&self) -> impl Iterator<Item = &String> {
        self.terminals.iter().map(|(terminal, _)| terminal)
    }

    /// The call as a block of the conversation, the first time.
    pub fn start_block(&mut self, id: &str) -> Option<MessageBlock> {
        if std::mem::replace(&mut self.started, true) {
            return None;
        }
        let (name, input) = self.official_tool();
        Some(MessageBlock::ToolUse { id: id.to_owned(), name, input })
    }

    /// The output since the last time.
    pub fn new_output(&mut self) -> Option<String> {
        let new = self.text.get(self.output_sent..).filter(|new| !new.is_empty())?.to_owned();
        self.output_sent = self.text.len();
        Some(new)
    }

    /// The result, the first time, with the output of its terminals.
    pub fn take_result(&mut self, of_terminals: &str) -> Option<ToolResult> {
        let is_error = match self.status {
            ToolCallStatus::Completed => false,
            ToolCallStatus::Failed => true,
            _ => return None,
        };
        if std::mem::replace(&mut self.finished, true) {
            return None;
        }
        let raw = self.output.as_ref().and_then(|output| output["output"].as_str().or(output.as_str()));
        let texts = [self.text.as_str(), of_terminals].into_iter().filter(|text| !text.is_empty());
        let texts = texts.collect::<Vec<_>>().join("\n");
        let text = if texts.is_empty() { raw.unwrap_or_default().to_owned() } else { texts };
        Some(ToolResult { text, is_error, detail: None })
    }

    /// The official tool that does the same, and its input. Whatever the agent
    /// said beyond that is kept as further fields.
    pub fn official_tool(&self) -> (String, Value) {
        match (self.diffs.as_slice(), self.kind) {
            ([], ToolKind::Execute) => ("Bash".to_owned(), self.command_input()),
            ([], ToolKind::Edit | ToolKind::Read) => self.file_tool(),
            ([], _) => self.raw_tool(),
            ([diff], _) => {
                let tool = if shown_change(diff).is_whole() { "Write" } else { "Edit" };
                (tool.to_owned(), self.with_other_fields(change_fields(diff)))
            }
            (diffs, _) => {
                let changes: Vec<_> = diffs.iter().map(|diff| Value::Object(change_fields(diff))).collect();
                let changes = Map::from_iter([("changes".to_owned(), Value::Array(changes))]);
                ("Edit".to_owned(), self.with_other_fields(changes))
            }
        }
    }

    /// The command as it would be typed, then every other field.
    fn command_input(&self) -> Value {
        let mut fields = self.input.as_object().cloned().unwrap_or_default();
        if !fields.contains_key("command")
            && let Some((_, command)) = COMMAND_NAMES.iter().find_map(|name| fields.shift_remove_entry(*name))
        {
            fields.insert("command".to_owned(), command);
        }
        let words = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let command = match fields.shift_remove("command") {
            Some(Value::String(command)) => match fields.get("args").and_then(words) {
                Some(args) if !args.is_empty() => {
                    fields.shift_remove("args");
                    let argv: Vec<_> = std::iter::once(command).chain(args).collect();
                    join(argv.iter().map(String::as_str))
                }
                _ => command,
            },
            Some(command) => words(&command)
                .map_or_else(|| command.to_string(), |argv| join(argv.iter().map(String::as_str))),
            None => match &self.input {
                Value::String(command) => command.clone(),
                input => words(input)
                    .map_or_else(|| self.title.clone(), |argv| join(argv.iter().map(String::as_str))),
            },
        };
        let command = std::iter::once(("command".to_owned(), Value::String(command)));
        Value::Object(command.chain(fields).collect())
    }

    /// An edit, a write or a read that is known by its input alone.
    fn file_tool(&self) -> (String, Value) {
        let Some(fields) = self.input.as_object().filter(|_| self.named_path().is_some()) else {
            return self.raw_tool();
        };
        let mut official = Map::new();
        for (field, value) in fields {
            let name = FIELD_NAMES.iter().find(|(theirs, _)| theirs == field).map(|(_, official)| *official);
            let name = name.filter(|name| !official.contains_key(*name)).unwrap_or(field);
            official.insert(name.to_owned(), value.clone());
        }
        let has = |name: &str| official.get(name).is_some_and(Value::is_string);
        let tool = match self.kind {
            ToolKind::Read => "Read",
            _ if has("old_string") => "Edit",
            _ if has("content") => "Write",
            _ => return self.raw_tool(),
        };
        (tool.to_owned(), Value::Object(official))
    }

    fn raw_tool(&self) -> (String, Value) {
        let input = if self.input.is_null() { json!({}) } else { self.input.clone() };
        (self.name.clone().unwrap_or_else(|| self.title.clone()), input)
    }

    /// Adds the input fields that the diffs do not show already.
    fn with_other_fields(&self, mut shown: Map<String, Value>) -> Value {
        let texts = || {
            let of = |diff: &Diff| [diff.old_text.clone().unwrap_or_default(), diff.new_text.clone()];
            self.diffs.iter().flat_map(of)
        };
        let is_shown = |field: &str, value: &Value| {
            let Some(text) = value.as_str() else { return value.is_null() };
            let names_file = FIELD_NAMES
                .iter()
                .any(|(theirs, official)| *official == "file_path" && [theirs, official].contains(&&field));
            names_file && self.diffs.iter().any(|diff| diff.path.ends_with(text))
                || EDIT_TEXTS.contains(&field) && texts().any(|shown| shown.contains(text))
        };
        for (field, value) in self.input.as_object().into_iter().flatten() {
            if !is_shown(field, value) && !shown.contains_key(field) {
                shown.insert(field.clone(), value.clone());
            }
        }
        Value::Object(shown)
    }

    fn named_path(&self) -> Option<&str> {
        ["filePath", "file_path", "filepath", "path"].iter().find_map(|key| self.input[*key].as_str())
    }

    /// The changes that its permission request shows, by file.
    pub fn shown_changes(&self) -> Vec<(PathBuf, ShownChange)> {
        if !self.diffs.is_empty() {
            return self.diffs.iter().map(|diff| (diff.path.clone(), shown_change(diff))).collect();
        }
        let (tool, input) = self.official_tool();
        let text = |field: &str| input[field].as_str().map(str::to_owned);
        let change = match tool.as_str() {
            "Write" => text("content").map(ShownChange::Whole),
            "Edit" => {
                text("old_string").zip(text("new_string")).map(|(old, new)| ShownChange::Part { old, new })
            }
            _ => None,
        };
        text("file_path").zip(change).map(|(path, change)| (path.into(), change)).into_iter().collect()
    }

    /// The command that its permission request shows, and the folder it runs in
    /// if it names one.
    pub fn shown_command(&self) -> Option<(String, Option<PathBuf>)> {
        let (tool, input) = self.official_tool();
        let command = input["command"].as_str().filter(|_| tool == "Bash")?.to_owned();
        let cwd = ["cwd", "workdir", "directory"].iter().find_map(|field| input[*field].as_str());
        Some((command, cwd.map(PathBuf::from)))
    }

    /// Whether every file it names lies in this folder, links resolved, and none
    /// of them is one that must always be asked about.
    pub fn is_inside(&self, folder: &Path) -> bool {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let files = self.real_files(&root);
        !files.is_empty() && files.iter().all(|real| real.starts_with(&root) && !is_protected(real))
    }

    /// Whether it changes a file that no mode changes by itself.
    pub fn changes_protected(&self, folder: &Path) -> bool {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let changes = matches!(self.kind, ToolKind::Edit | ToolKind::Delete | ToolKind::Move);
        (changes || !self.diffs.is_empty()) && self.real_files(&root).iter().any(|real| is_protected(real))
    }

    /// What the files that it names anywhere really are.
    fn real_files(&self, root: &Path) -> Vec<PathBuf> {
        let mut named = Vec::new();
        collect_file_names(&self.input, false, &mut named);
        let of_diffs = self.diffs.iter().map(|diff| diff.path.as_path());
        let paths = self.locations.iter().map(PathBuf::as_path).chain(of_diffs);
        paths.chain(named.into_iter().map(Path::new)).map(|path| resolve(root, path)).collect()
    }
}
