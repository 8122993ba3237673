//! `hotseat sessions export`: sessions as Markdown, HTML or JSON.
//!
//! Never overwrites a file.

mod html;
mod json;
mod markdown;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::lookup::SessionLookup;
use super::report::{ActionDone, ActionError, ActionReport, OutputArgs};
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output;
use crate::session::conversation::{Notice, ToolCall};
use crate::session::{Conversation, SessionId, SessionSummary, Transcript};
use crate::store::SessionStore;
use crate::transcript::TranscriptText;

const JSON_HELP: &str = "\
The JSON document is one object:
  session_id, title, cwd, git_branch, model, created_at, last_active, forked_from, cost_usd, items
Each item has kind, uuid and at (time), and depending on its kind:
  prompt, thinking  text
  reply             text, model, usage
  tool              id, name, input, result (text, is_error, detail), null if there is none
  notice            notice (interrupted, compacted, error, info), text";

#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub struct ExportArgs {
    /// Sessions to export.
    #[arg(value_name = "REF", required = true, add = session_completer())]
    references: Vec<String>,
    /// Format of the document.
    #[arg(long, short, value_enum, default_value_t = ExportFormat::Markdown)]
    format: ExportFormat,
    /// File to write, or a folder for one file per session; default: stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    answer: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// Readable as text and in any viewer.
    Markdown,
    /// One self-contained file.
    Html,
    /// The conversation as data.
    Json,
}

impl ExportFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Json => "json",
        }
    }
}

/// What the formats need of a session.
struct ExportedSession<'a> {
    id: SessionId,
    title: String,
    facts: &'a SessionSummary,
    conversation: &'a Conversation,
}

impl ExportedSession<'_> {
    /// Names and values for the top of a document.
    fn header(&self) -> Vec<(&'static str, String)> {
        let facts = self.facts;
        let day = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
        let head = [
            ("Session", Some(self.id.to_string())),
            ("Folder", facts.cwd.clone()),
            ("Branch", facts.branch.clone()),
            ("Model", facts.model.clone()),
            ("Turns", Some(facts.turns.to_string())),
            ("Started", facts.created.map(day)),
            ("Last active", facts.active.map(day)),
            ("Cost", facts.cost_usd.map(|usd| format!("${usd:.2}"))),
            ("Forked from", facts.forked_from.as_ref().map(|from| from.session_id.clone())),
        ];
        head.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl ExportArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let folder = self.output.as_deref().filter(|output| output.is_dir());
        if self.references.len() > 1 && folder.is_none() {
            let next = "Pass an existing folder: --output DIR.";
            return Err(CliError::usage("several sessions need an output folder", next).into());
        }
        let Some(output) = self.output.as_deref() else {
            let id = stock.resolve(&self.references[0])?;
            let text = self.document(stock, id)?;
            match self.format {
                ExportFormat::Json => output::print_json_text(&text)?,
                ExportFormat::Markdown | ExportFormat::Html => output::print_exact(&text)?,
            }
            return Ok(CliExit::Done);
        };
        let outcomes = ActionReport::for_each(stock, &self.references, |id| {
            let file = format!("{id}.{}", self.format.extension());
            let path = folder.map_or_else(|| output.to_owned(), |folder| folder.join(file));
            write_new(&path, &self.document(stock, id)?)?;
            let done = ActionDone::new(id, format!("exported “{}” to {}", stock.title(id)?, path.display()));
            Ok(done.with("path", path.display().to_string()))
        });
        outcomes.print(self.answer)
    }

    fn document(&self, stock: &SessionLookup, id: SessionId) -> Result<String, ActionError> {
        let bytes = stock.store.read(id)?;
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
        let facts = SessionSummary::from_transcript(&transcript);
        let conversation = Conversation::from_transcript(&transcript);
        let title = facts.title_text().to_owned();
        let session = ExportedSession { id, title, facts: &facts, conversation: &conversation };
        Ok(match self.format {
            ExportFormat::Markdown => markdown::render(&session),
            ExportFormat::Html => html::render(&session),
            ExportFormat::Json => json::render(&session),
        })
    }
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    let mut file = File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The main argument of a tool call: a file, a pattern, a command.
pub(super) fn call_subject(call: &ToolCall) -> Option<&str> {
    let named =
        ["file_path", "notebook_path", "command", "pattern", "query", "url", "path", "description", "prompt"];
    named.into_iter().find_map(|name| call.input.get(name).and_then(Value::as_str))
}

pub(super) fn notice_text(notice: Notice) -> String {
    match notice {
        Notice::Interrupted => "Interrupted by the user",
        Notice::Compacted => "Earlier messages were compacted",
        Notice::Error => "Error",
        Notice::Info => "Notice",
    }
    .to_owned()
}
