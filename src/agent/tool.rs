//! The tools of the model, with the official names, inputs and result shapes
//! (CLI 2.1.329).
//!
//! A tool says what a call would do, and does it. It never decides whether it
//! may, and never writes to a transcript. Dropping its future cancels it. Start
//! at [`Tool`]; each tool is in the file of its name.

mod atomic_write;
mod bash;
mod canonical;
mod edit;
mod file_search;
mod file_target;
mod glob;
mod grep;
mod line_matches;
mod live_output;
mod process_group;
mod read;
mod read_files;
mod read_media;
mod result_dir;
pub mod structured_output;
mod structured_patch;
mod todo;
mod tool_context;
mod web_fetch;
mod write;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};

pub use atomic_write::atomic_write;
pub use bash::Bash;
pub use canonical::canonical;
pub use edit::Edit;
pub use file_target::{AccessPath, FileTarget, HeldTarget};
pub use glob::Glob;
pub use grep::Grep;
pub use live_output::LiveOutput;
pub use process_group::{ToolProcessGroup, guarded_shell};
pub use read::Read;
pub use read_files::ReadFiles;
pub use read_media::media_block;
pub use result_dir::ResultDir;
pub use structured_output::StructuredOutput;
pub use structured_patch::hunks;
pub use todo::{TodoList, TodoWrite};
pub use tool_context::{HiddenFiles, ToolContext};
pub use web_fetch::{NAME as WEB_FETCH, WebFetch};
pub use write::Write;

/// A tool that the model can call.
pub trait Tool: Send + Sync {
    /// Its name, as the model and the rules call it.
    fn name(&self) -> &str;

    /// What it does and when to use it, for the model.
    fn description(&self) -> &str;

    /// The JSON schema of its arguments. It must be the same each time, since it is
    /// part of what a provider caches.
    fn input_schema(&self) -> Value;

    /// The most bytes of a result that the model is shown. A longer one is saved
    /// whole in the session's result folder.
    fn max_output(&self) -> usize {
        50_000
    }

    /// Whether this call changes nothing anywhere, so that it can run beside others that change nothing.
    fn is_read_only(&self, _input: &Value) -> bool {
        false
    }

    /// What this call would do, for the permission check.
    fn access(&self, input: &Value, place: &ToolContext) -> Access;

    /// Runs the call. A failure is a [`ToolOutcome`], too.
    fn run(&self, input: Value, place: ToolContext) -> ToolFuture;
}

/// A running call.
pub type ToolFuture = Pin<Box<dyn Future<Output = ToolOutcome> + Send>>;

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Read a file.
    Read(AccessPath),
    /// Write or create a file.
    Edit(AccessPath),
    /// Run this command.
    Command(String),
    /// Get something from this host.
    Fetch(String),
    /// Call a tool of the MCP server of this name.
    McpServer(String),
    /// Nothing: no file, host or server is involved, or the arguments make no
    /// sense and the tool will say so.
    Nothing,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutcome {
    /// The text for the model.
    pub text: String,
    /// The call failed.
    pub is_error: bool,
    /// The structured result (`toolUseResult`), for the host and the transcript.
    pub detail: Value,
    /// Messages API blocks in place of the text, such as images; `None` for text alone.
    pub blocks: Option<Vec<Value>>,
}

impl ToolOutcome {
    /// The outcome of a call that succeeded.
    pub fn success(text: String, detail: Value) -> Self {
        Self { text, is_error: false, detail, blocks: None }
    }

    /// The outcome of a call that failed. As in the official CLI, its structured
    /// result is a text.
    pub fn error(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { detail: json!(format!("Error: {text}")), text, is_error: true, blocks: None }
    }

    /// Puts another output in place of this one, as a hook wants it: a text, content blocks, or any JSON.
    pub fn replace_output(&mut self, output: Value) {
        let texts = |blocks: &[Value]| {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        };
        (self.text, self.blocks) = match &output {
            Value::String(text) => (text.clone(), None),
            Value::Array(blocks) if blocks.iter().all(|block| block["type"].is_string()) => {
                (texts(blocks), Some(blocks.clone()))
            }
            // The structured result of a command.
            Value::Object(fields) if fields.get("stdout").is_some_and(Value::is_string) => {
                (fields["stdout"].as_str().unwrap_or_default().to_owned(), None)
            }
            other => (other.to_string(), None),
        };
        self.detail = output;
    }

    /// The outcome of a call that made no sense, so that nothing was tried. Marked
    /// for the model as in the official CLI.
    pub fn usage_error(why: impl Into<String>) -> Self {
        let failed = Self::error(why);
        Self { text: format!("<tool_use_error>{}</tool_use_error>", failed.text), ..failed }
    }
}

/// The tools of this process.
pub struct Toolbox(Vec<Arc<dyn Tool>>);

impl Toolbox {
    /// The tools that `--tools` names; all if it is absent or `default`.
    /// [`WebFetch`] reaches out of this machine: it is included only if a rule
    /// allows some of it, or `--tools` names it.
    pub fn new(chosen: Option<&[String]>, fetches: bool) -> Self {
        let mut tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(Bash),
            Arc::new(Edit),
            Arc::new(Glob),
            Arc::new(Grep),
            Arc::new(Read),
            Arc::new(TodoWrite),
            Arc::new(WebFetch),
            Arc::new(Write),
        ];
        let names: Vec<_> =
            chosen.into_iter().flatten().flat_map(|names| names.split(',')).map(str::trim).collect();
        let is_named = |tool: &Arc<dyn Tool>| names.contains(&tool.name());
        if chosen.is_some() && !names.contains(&"default") {
            tools.retain(is_named);
        }
        tools.retain(|tool| tool.name() != WEB_FETCH || fetches || is_named(tool));
        Self(tools)
    }

    /// Adds a tool.
    #[must_use]
    pub fn with_tool(mut self, tool: Option<impl Tool + 'static>) -> Self {
        self.0.extend(tool.map(|tool| Arc::new(tool) as Arc<dyn Tool>));
        self
    }

    /// Puts a tool in the place of one of the same name, or behind all others.
    pub fn replace(&mut self, tool: Option<impl Tool + 'static>) {
        let Some(tool) = tool else { return };
        self.0.retain(|other| other.name() != tool.name());
        self.0.push(Arc::new(tool));
    }

    /// The names of all tools.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|tool| tool.name()).collect()
    }

    pub fn all(&self) -> impl Iterator<Item = &dyn Tool> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.0.iter().find(|tool| tool.name() == name).cloned()
    }
}

/// A text argument of a call; `None` if it is missing or empty.
fn string_argument<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input[name].as_str().filter(|text| !text.is_empty())
}

/// Runs work that touches the disk on a thread where it cannot block the loop.
async fn run_blocking(work: impl FnOnce() -> ToolOutcome + Send + 'static) -> ToolOutcome {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| ToolOutcome::error(format!("the tool broke down: {error}")))
}

/// The outcome of an I/O error, with the path it is about.
fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> ToolOutcome {
    ToolOutcome::error(format!("cannot {doing} {}: {error}", path.display()))
}
