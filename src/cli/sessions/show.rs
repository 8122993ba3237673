//! `hotseat sessions show`: a conversation as text, in a pager on a terminal.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, Local, Utc};

use super::export::{call_subject, notice_text};
use super::lookup::SessionLookup;
use crate::cli::completions::session_completer;
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output::{self, OutputTarget, PrintPiece};
use crate::index::ConversationStream;
use crate::session::conversation::{Item, ItemKind, Notice, ToolCall};
use crate::session::{SessionId, sdk_messages};
use crate::store::{MemoryStore, SessionStore, subagents_of};
use crate::text::format::pluralize;
use crate::text::{clean, clean_line, strip};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct ShowArgs {
    /// Session: its id, the start of its id, or its title.
    #[arg(value_name = "REF", add = session_completer())]
    reference: String,
    /// Include tool input and output, and thinking.
    #[arg(long)]
    tools: bool,
    /// Show the subagent with this id, or the start of it; `info` lists them.
    #[arg(long, value_name = "ID")]
    subagent: Option<String>,
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
the conversation as hotseat shows it. With --subagent, it is what
get_subagent_messages() returns.

Exit codes: 0 done, 1 no such session or it cannot be read, 2 wrong usage.";

impl ShowArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let id = stock.find_one(&self.reference)?;
        if let Some(wanted) = &self.subagent {
            return self.show_subagent(stock, id, wanted);
        }
        if self.json {
            let bytes = stock.store.read(id).context("cannot read the session")?;
            output::print_json(&sdk_messages::session_messages(&bytes))?;
        } else {
            // The title may lie beside the transcript.
            let title = stock.title(id).context("cannot read the session")?;
            let stream = ConversationStream::open(&*stock.store, id).context("cannot read the session")?;
            self.print_text(&title, &id.to_string(), &stream)?;
        }
        Ok(CliExit::Done)
    }

    fn show_subagent(&self, stock: &SessionLookup, id: SessionId, wanted: &str) -> Result<CliExit> {
        let all = subagents_of(&stock.store.find(id).context("cannot find the session")?.path);
        let agent = match all.iter().find(|agent| agent.id == wanted) {
            Some(agent) => agent,
            None => match &all.iter().filter(|agent| agent.id.starts_with(wanted)).collect::<Vec<_>>()[..] {
                [agent] => *agent,
                found => {
                    let ids: Vec<_> = all.iter().map(|agent| clean_line(&agent.id).into_owned()).collect();
                    let what = if found.is_empty() { "no subagent" } else { "several subagents" };
                    let next = match ids.len() {
                        0 => "This session has none.".to_owned(),
                        _ => format!("It has: {}.", ids.join(", ")),
                    };
                    return Err(CliError::failed(format!("{what} “{}”", clean_line(wanted)), next).into());
                }
            },
        };
        let purpose = agent.purpose();
        if self.json {
            let bytes = std::fs::read(&agent.path).context("cannot read the subagent's transcript")?;
            let (call, parent) = (purpose.tool_use_id.as_deref(), purpose.parent_agent_id.as_deref());
            output::print_json(&sdk_messages::subagent_messages(&bytes, call, parent))?;
            return Ok(CliExit::Done);
        }
        let bytes = agent.read().context("cannot read the subagent's transcript")?;
        let parts = [purpose.agent_type, purpose.description].into_iter().flatten();
        let title = parts.collect::<Vec<_>>().join(": ");
        let title = if title.is_empty() { "Subagent".to_owned() } else { title };
        let lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        let (store, copy) = (MemoryStore::new(), SessionId::random());
        store.open(copy, Path::new("/"))?.append(&lines).context("cannot read the subagent's transcript")?;
        let stream = ConversationStream::open(&store, copy)?;
        self.print_text(&title, &format!("{id} subagent {}", agent.id), &stream)?;
        Ok(CliExit::Done)
    }

    fn print_text(&self, title: &str, name: &str, stream: &ConversationStream<'_>) -> Result<()> {
        let page = OutputTarget::stdout();
        page.show_in_pager(|print| {
            TextRenderer { page, tools: self.tools, text: String::new() }.write(title, name, stream, print)
        })
    }
}

/// Renders a conversation as text.
struct TextRenderer {
    page: OutputTarget,
    tools: bool,
    text: String,
}

impl TextRenderer {
    /// Writes the conversation, an item at a time: it may be larger than the memory.
    fn write(
        mut self,
        title: &str,
        name: &str,
        stream: &ConversationStream<'_>,
        print: &mut PrintPiece<'_>,
    ) -> Result<()> {
        let facts = stream.facts();
        let title = clean_line(title).into_owned();
        let _ = writeln!(self.text, "{}", self.page.bold(&title));
        let about = [
            Some(name.to_owned()),
            facts.cwd.clone(),
            facts.model.clone(),
            Some(pluralize(facts.turns, "turn")),
            facts.active.map(local_time),
            (facts.gaps > 0).then(|| format!("{} bridged", pluralize(facts.gaps, "gap"))),
            (facts.health.torn > 0).then(|| pluralize(facts.health.torn, "damaged line")),
        ];
        let about: Vec<_> = about.into_iter().flatten().collect();
        let _ = writeln!(self.text, "{}", self.page.dim(&clean_line(&about.join(" · "))));
        print(&self.text)?;
        stream.for_each(|item| {
            self.text.clear();
            self.push_item(item);
            print(&self.text)
        })
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
        let id = SessionId::random();
        let store = MemoryStore::new();
        let lines: Vec<_> = LINES.lines().map(str::to_owned).collect();
        store.open(id, Path::new("/")).unwrap().append(&lines).unwrap();
        let stream = ConversationStream::open(&store, id).unwrap();
        let mut shown = String::new();
        let print = &mut |text: &str| {
            shown.push_str(text);
            Ok(())
        };
        TextRenderer { page, tools, text: String::new() }.write("list", "3f9c1a52", &stream, print).unwrap();
        shown
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
