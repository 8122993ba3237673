//! `hotseat sessions info`: details of one session.

use std::fmt::Write;

use anyhow::{Context, Result};
use chrono::{DateTime, Local, Utc};
use serde::Serialize;

use super::lookup::SessionLookup;
use super::session_json;
use super::units::format_bytes;
use crate::cli::completions::session_completer;
use crate::cli::exit::CliExit;
use crate::cli::output::{self, OutputTarget};
use crate::index::SessionRow;
use crate::session::{Prices, ResumeEstimate, SessionSummary};
use crate::store::{Scope, SessionStore};
use crate::text::format::{age, grouped, pluralize, short_count};
use crate::text::{clean_line, pad};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct InfoArgs {
    /// Session: its id, the start of its id, or its title.
    #[arg(value_name = "REF", add = session_completer())]
    reference: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
--json prints an object as in `hotseat sessions list --json` with these fields
added: resuming (model, context_tokens, window_tokens, warm_until, estimated_usd,
estimated_usd_cold; null if no model was asked), deleted_after (when the official
clean-up may delete it), pinned, folder_exists, resume_command.

Exit codes: 0 done, 1 no such session, 2 wrong usage.";

/// What `list` does not show.
struct SessionInfo<'a> {
    row: &'a SessionRow,
    resuming: Option<ResumeEstimate>,
    deleted_after: Option<DateTime<Utc>>,
    pinned: bool,
    folder_exists: bool,
    resume: String,
}

#[derive(Serialize)]
struct SessionInfoJson<'a> {
    #[serde(flatten)]
    listed: session_json::SessionJson<'a>,
    resuming: Option<serde_json::Value>,
    deleted_after: Option<i64>,
    pinned: bool,
    folder_exists: bool,
    resume_command: &'a str,
}

impl InfoArgs {
    pub fn run(&self, stock: &SessionLookup, prices: &Prices) -> Result<CliExit> {
        let id = stock.find_one(&self.reference)?;
        let rows = stock.rows_in(&Scope::All)?;
        let row = rows.iter().find(|row| row.stored.id == id).context("the session was deleted meanwhile")?;
        let known = SessionInfo::from_row(row, stock, prices);
        if self.json {
            output::print_json(&known.to_json(prices))?;
        } else {
            output::print(&known.sheet(prices, OutputTarget::stdout(), Utc::now()))?;
        }
        Ok(CliExit::Done)
    }
}

impl<'a> SessionInfo<'a> {
    fn from_row(row: &'a SessionRow, stock: &SessionLookup, prices: &Prices) -> Self {
        let id = row.stored.id;
        let kept = stock.store.cleanup_period();
        Self {
            row,
            resuming: ResumeEstimate::from_summary(&row.facts, prices, Utc::now()),
            deleted_after: kept
                .filter(|_| row.facts.agent.is_none())
                .and_then(|kept| row.stored.modified.checked_add(kept))
                .map(Into::into),
            pinned: stock.store.is_pinned(id),
            folder_exists: row.facts.cwd.as_ref().is_some_and(|folder| std::path::Path::new(folder).is_dir()),
            resume: format!("hotseat --resume {id}"),
        }
    }

    fn to_json(&self, prices: &Prices) -> SessionInfoJson<'_> {
        let resuming = self.resuming.as_ref().map(|resuming| {
            serde_json::json!({
                "model": resuming.model,
                "context_tokens": resuming.context,
                "window_tokens": resuming.window,
                "warm_until": resuming.warm_until.map(|until| until.timestamp_millis()),
                "estimated_usd": resuming.usd,
                "estimated_usd_cold": resuming.usd_cold,
            })
        });
        SessionInfoJson {
            listed: session_json::SessionJson::from_row(self.row, prices),
            resuming,
            deleted_after: self.deleted_after.map(|at| at.timestamp_millis()),
            pinned: self.pinned,
            folder_exists: self.folder_exists,
            resume_command: &self.resume,
        }
    }

    fn sheet(&self, prices: &Prices, page: OutputTarget, now: DateTime<Utc>) -> String {
        let (facts, stored) = (&self.row.facts, &self.row.stored);
        let mut sheet = InfoSheet { page, text: format!("{}\n", page.bold(&clean_line(facts.title_text()))) };
        let day = |at: DateTime<Utc>| {
            format!("{} ({})", at.with_timezone(&Local).format("%Y-%m-%d %H:%M"), age(now, at))
        };
        sheet.push_fact("id", Some(stored.id.to_string()));
        let gone = if self.folder_exists { "" } else { "  (deleted)" };
        sheet.push_fact("folder", facts.cwd.as_ref().map(|folder| format!("{folder}{gone}")));
        sheet.push_fact("branch", facts.branch.clone());
        sheet.push_fact("tag", facts.tag.clone());
        sheet.push_fact("agent", facts.agent.clone());
        sheet.push_fact("agent's id", facts.agent_session.clone());
        sheet.push_fact("forked from", facts.forked_from.as_ref().map(|from| from.session_id.clone()));
        sheet.push_fact("started", facts.created.map(day));
        sheet.push_fact("last active", Some(day(self.row.active_at())));
        sheet.push_fact(
            "turns",
            Some(format!("{}, {} messages", grouped(facts.turns), grouped(facts.messages))),
        );
        let models: Vec<_> = facts.used.iter().map(|(model, _)| model).collect();
        sheet.push_fact("models", Some(models.join(", ")));
        sheet.push_fact("tokens", Some(short_count(facts.usage.total())));
        sheet.push_fact("cost", cost_text(facts, prices));
        for (at, agent) in facts.subagents.iter().enumerate() {
            let name = if at == 0 { "subagents" } else { "" };
            let tokens: u64 = agent.used.iter().map(|(_, used)| used.total()).sum();
            let tokens = short_count(tokens);
            sheet.push_fact(name, Some(format!("{}  {}, {tokens} tokens", agent.id, agent.label())));
        }
        sheet.push_fact("kind", self.row.aside().map(str::to_owned));
        sheet.push_fact("continued in", facts.continued_in.clone());
        sheet.push_fact("resuming", self.resuming.as_ref().map(resume_text));
        sheet.push_fact(
            "open in",
            self.row.holder.as_ref().map(|holder| {
                format!("{} (pid {}) {}", holder.program, holder.pid, holder.status).trim_end().to_owned()
            }),
        );
        let deleted = match self.deleted_after {
            _ if self.pinned => Some("pinned: protected from clean-up".to_owned()),
            Some(at) if at <= now => Some("the official tools may delete it at any time".to_owned()),
            at => at.map(|at| format!("the official tools may delete it after {}", at.format("%Y-%m-%d"))),
        };
        sheet.push_fact("clean-up", deleted);
        sheet.push_fact("health", Some(self.health()));
        sheet.push_fact("file", Some(format!("{}  {}", stored.path.display(), format_bytes(stored.size))));
        sheet.push_fact("resume", Some(self.resume.clone()));
        sheet.text
    }

    fn health(&self) -> String {
        let health = &self.row.facts.health;
        if let Some(problem) = &self.row.read_error {
            return format!("cannot be read: {problem}");
        }
        let some = |count: usize, what: &str| (count > 0).then(|| pluralize(count, what));
        let gaps = some(self.row.facts.gaps, "gap");
        let parts = [
            some(health.torn, "damaged line"),
            some(health.foreign, "unknown line"),
            gaps.map(|gaps| format!("{gaps} bridged to the message before")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return "good".to_owned();
        }
        let id = self.row.stored.id;
        format!("{}; `hotseat sessions fork {id} --repair` makes a repaired copy", parts.join(", "))
    }
}

/// What the session cost, and beside it what its parent paid for the part that was copied.
fn cost_text(facts: &SessionSummary, prices: &Prices) -> Option<String> {
    let own = prices.session_cost(facts).map(|cost| cost.to_string());
    let inherited = prices.inherited_cost(facts).map(|usd| format!("~${usd:.2}"));
    match (own, inherited) {
        (own, None) => own,
        (None, Some(inherited)) => Some(format!("inherited {inherited}, paid by the session it comes from")),
        (Some(own), Some(inherited)) => {
            Some(format!("{own}; inherited {inherited}, paid by the session it comes from"))
        }
    }
}

fn resume_text(resuming: &ResumeEstimate) -> String {
    let usd = |usd: Option<f64>| usd.map_or_else(String::new, |usd| format!(", ~${usd:.2} to re-read"));
    let cache = if resuming.warm_until.is_some() {
        "likely cached"
    } else {
        "cache expired: the whole context is re-read"
    };
    format!("{} tokens of context, {cache}{}", short_count(resuming.context), usd(resuming.usd))
}

/// Lines of `name  fact`.
struct InfoSheet {
    page: OutputTarget,
    text: String,
}

impl InfoSheet {
    /// Skips empty facts; removes control characters.
    fn push_fact(&mut self, name: &str, fact: Option<String>) {
        let Some(fact) = fact.filter(|fact| !fact.is_empty()) else { return };
        let _ = writeln!(self.text, "  {}{}", self.page.dim(&pad(name, 13)), clean_line(&fact));
    }
}
