//! `hotseat sessions show`: a conversation as text, in a pager on a terminal.

use std::fmt::Write;

use anyhow::{Context, Result};
use chrono::{DateTime, Local, Utc};

use super::export::{call_subject, notice_text};
use super::lookup::SessionLookup;
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::cli::output::{self, OutputTarget};
use crate::session::conversation::{Conversation, Item, ItemKind, Notice, ToolCall};
use crate::session::{SessionId, SessionSummary, Transcript, sdk_messages};
use crate::store::SessionStore;
use crate::text::format::pluralize;
use crate::text::{clean, clean_line, strip};
use crate::transcript::TranscriptText;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct ShowArgs {
    /// Session: its id, the start of its id, or its title.
    #[arg(value_name = "REF", add = session_completer())]
    reference: String,
    /// Include tool input and output, and thinking.
    #[arg(long)]
    tools: bool,
    /// Print one JSON array of messages.
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
On a terminal the text goes through $PAGER (less if unset, no pager if empty).

--json prints what get_session_messages() of the Python package claude-agent-sdk
returns, in its order: objects with type, uuid, session_id, message,
parent_tool_use_id, parent_agent_id. By the official rules it may follow another
branch than the text after a rewind. `hotseat sessions export --format json` prints
the conversation as hotseat shows it.

Exit codes: 0 done, 1 no such session or it cannot be read, 2 wrong usage.";

impl ShowArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let id = stock.find_one(&self.reference)?;
        let bytes = stock.store.read(id).context("cannot read the session")?;
        if self.json {
            output::print_json(&sdk_messages::session_messages(&bytes))?;
        } else {
            let text = TranscriptText::read(&bytes);
            let transcript = Transcript::read(&text);
            let page = OutputTarget::stdout();
            let writing = TextRenderer { page, tools: self.tools, text: String::new() };
            page.show_in_pager(&writing.render(id, &transcript))?;
        }
        Ok(CliExit::Done)
    }
}

/// Renders a conversation as text.
struct TextRenderer {
    page: OutputTarget,
    tools: bool,
    text: String,
}

impl TextRenderer {
    fn render(mut self, id: SessionId, transcript: &Transcript<'_>) -> String {
        let facts = SessionSummary::from_transcript(transcript);
        let title = clean_line(facts.title_text()).into_owned();
        let _ = writeln!(self.text, "{}", self.page.bold(&title));
        let about = [
            Some(id.to_string()),
            facts.cwd.clone(),
            facts.model.clone(),
            Some(pluralize(facts.turns, "turn")),
            facts.active.map(local_time),
        ];
        let about: Vec<_> = about.into_iter().flatten().collect();
        let _ = writeln!(self.text, "{}", self.page.dim(&clean_line(&about.join(" · "))));
        for item in Conversation::from_transcript(transcript).items() {
            self.push_item(item);
        }
        self.text
    }

    fn push_item(&mut self, item: &Item) {
        match &item.kind {
            ItemKind::Prompt(prompt) => {
                let at =
                    item.at.map(|at| self.page.dim(&format!("  {}", local_time(at)))).unwrap_or_default();
                let prompt = clean(prompt).trim_end().replace('\n', "\n  ");
                let (first, rest) = prompt.split_once('\n').unwrap_or((&prompt, ""));
                let gap = if rest.is_empty() { "" } else { "\n" };
                let first = self.page.bold(&format!("❯ {first}"));
                let _ = writeln!(self.text, "\n{first}{at}{gap}{rest}");
            }
            ItemKind::Reply { text, .. } => {
                let _ = writeln!(self.text, "\n{}", clean(text).trim());
            }
            ItemKind::Thinking(thought) => {
                if self.tools {
                    let _ = writeln!(self.text);
                    self.push_indented(&clean(thought));
                }
            }
            ItemKind::Tool(call) => self.push_tool(call),
            ItemKind::Notice(kind, words) => {
                let _ = writeln!(self.text, "\n{}", self.page.dim(&format!("- {} -", notice_text(*kind))));
                if *kind != Notice::Interrupted {
                    self.push_indented(&clean(words));
                }
            }
            ItemKind::TurnEnd(_) => {}
        }
    }

    fn push_tool(&mut self, call: &ToolCall) {
        let failed = call.result.as_ref().is_some_and(|result| result.is_error);
        let about = clean_line(call_subject(call).unwrap_or_default()).into_owned();
        let line = format!("▸ {}  {about}{}", clean_line(&call.name), if failed { "  ✕ failed" } else { "" });
        let _ = writeln!(self.text, "\n{}", self.page.dim(line.trim_end()));
        if self.tools {
            self.push_indented(&clean(&serde_json::to_string_pretty(&call.input).unwrap_or_default()));
            if let Some(result) = &call.result {
                self.push_indented(&strip(&result.text));
            }
        }
    }

    /// Appends dim, indented text.
    fn push_indented(&mut self, words: &str) {
        for line in words.trim_end().lines() {
            let _ = writeln!(self.text, "    {}", self.page.dim(line));
        }
    }
}

/// A time in the local time zone.
fn local_time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"type":"user","uuid":"a","parentUuid":null,"timestamp":"2026-11-20T10:00:00Z","message":{"content":"list\n\u001b[2Jthem"}}
{"type":"assistant","uuid":"b","parentUuid":"a","message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}
{"type":"user","uuid":"c","parentUuid":"b","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"\u001b[31ma.rs"}]}}
{"type":"assistant","uuid":"d","parentUuid":"c","message":{"id":"n","content":[{"type":"text","text":"One file."}]}}"#;

    fn shown(tools: bool) -> String {
        let page = OutputTarget { width: None, styled: false };
        let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap();
        TextRenderer { page, tools, text: String::new() }.render(id, &Transcript::parse(LINES.as_bytes()))
    }

    #[test]
    fn a_conversation_is_plain_text_without_control_characters() {
        let text = shown(false);
        let (_, said) = text.split_once("\n\n").unwrap();
        assert!(
            said.starts_with("❯ list  20") && said.ends_with("\n  ␛[2Jthem\n\n▸ Bash  ls\n\nOne file.\n"),
            "{said}"
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn tools_are_shown_on_request() {
        let text = shown(true);
        assert!(text.contains("\"command\": \"ls\"") && text.contains("\n    a.rs\n"), "{text}");
    }
}
