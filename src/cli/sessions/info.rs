//! `hotseat sessions info`: all that is known of one session.

use std::fmt::Write;

use anyhow::{Context, Result};
use chrono::{DateTime, Local, Utc};
use serde::Serialize;

use super::measure::bytes;
use super::page::{self, Page};
use super::reference::Stock;
use super::told;
use crate::cli::completions::sessions;
use crate::cli::exit::Exit;
use crate::index::Row;
use crate::session::{Prices, Resuming};
use crate::store::{Scope, SessionStore};
use crate::tui::view::figures::{age, grouped, rounded};
use crate::tui::view::text::{clean_line, pad};

/// What the command is told.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Info {
    /// The session: its id, the beginning of it, or its title.
    #[arg(value_name = "REF", add = sessions())]
    reference: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
--json is an object as in `hotseat sessions list --json`, and in it: resuming
(model, context_tokens, window_tokens, warm_until, estimated_usd,
estimated_usd_cold; null where nothing was asked), deleted_after (when the official
clean-up takes it), pinned, folder_exists, resume_command.

Exit codes: 0 done, 1 no such session, 2 wrong usage.";

/// What is known beyond a list.
struct Known<'a> {
    row: &'a Row,
    resuming: Option<Resuming>,
    deleted_after: Option<DateTime<Utc>>,
    pinned: bool,
    folder_exists: bool,
    resume: String,
}

/// The same for programs.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    listed: told::Told<'a>,
    resuming: Option<serde_json::Value>,
    deleted_after: Option<i64>,
    pinned: bool,
    folder_exists: bool,
    resume_command: &'a str,
}

impl Info {
    /// Tells it.
    pub fn run(&self, stock: &Stock, prices: &Prices) -> Result<Exit> {
        let id = stock.one(&self.reference)?;
        let rows = stock.rows_of(&Scope::All)?;
        let row = rows.iter().find(|row| row.stored.id == id).context("the session is gone again")?;
        let known = Known::of(row, stock, prices);
        if self.json {
            page::print_json(&known.told(prices))?;
        } else {
            page::print(&known.sheet(prices, Page::of_stdout(), Utc::now()))?;
        }
        Ok(Exit::Done)
    }
}

impl<'a> Known<'a> {
    fn of(row: &'a Row, stock: &Stock, prices: &Prices) -> Self {
        let id = row.stored.id;
        let kept = stock.store.cleanup_period();
        Self {
            row,
            resuming: Resuming::of(&row.facts, prices, Utc::now()),
            deleted_after: kept
                .filter(|_| row.facts.agent.is_none())
                .and_then(|kept| row.stored.modified.checked_add(kept))
                .map(Into::into),
            pinned: stock.store.has_pin(id),
            folder_exists: row.facts.cwd.as_ref().is_some_and(|folder| std::path::Path::new(folder).is_dir()),
            resume: format!("hotseat --resume {id}"),
        }
    }

    fn told(&self, prices: &Prices) -> Told<'_> {
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
        Told {
            listed: told::Told::of(self.row, prices),
            resuming,
            deleted_after: self.deleted_after.map(|at| at.timestamp_millis()),
            pinned: self.pinned,
            folder_exists: self.folder_exists,
            resume_command: &self.resume,
        }
    }

    fn sheet(&self, prices: &Prices, page: Page, now: DateTime<Utc>) -> String {
        let (facts, stored) = (&self.row.facts, &self.row.stored);
        let mut sheet = Sheet { page, text: format!("{}\n", page.bold(&clean_line(facts.title_text()))) };
        let day = |at: DateTime<Utc>| {
            format!("{} ({})", at.with_timezone(&Local).format("%Y-%m-%d %H:%M"), age(now, at))
        };
        sheet.say("id", Some(stored.id.to_string()));
        let gone = if self.folder_exists { "" } else { "  (gone)" };
        sheet.say("folder", facts.cwd.as_ref().map(|folder| format!("{folder}{gone}")));
        sheet.say("branch", facts.branch.clone());
        sheet.say("tag", facts.tag.clone());
        sheet.say("kept by", facts.agent.clone());
        sheet.say("its id there", facts.agent_session.clone());
        sheet.say("forked from", facts.forked_from.as_ref().map(|from| from.session_id.clone()));
        sheet.say("started", facts.created.map(day));
        sheet.say("last active", Some(day(self.row.active())));
        sheet.say("turns", Some(format!("{}, {} messages", grouped(facts.turns), grouped(facts.messages))));
        let models: Vec<_> = facts.used.iter().map(|(model, _)| model).collect();
        sheet.say("models", Some(models.join(", ")));
        sheet.say("tokens", Some(rounded(facts.usage.total())));
        sheet.say("cost", prices.of_session(facts).map(|cost| cost.to_string()));
        sheet.say("resuming", self.resuming.as_ref().map(resuming));
        sheet.say(
            "open in",
            self.row.open_in.as_ref().map(|holder| {
                format!("{} (pid {}) {}", holder.program, holder.pid, holder.status).trim_end().to_owned()
            }),
        );
        let deleted = match self.deleted_after {
            _ if self.pinned => Some("pinned: a copy is kept that no clean-up finds".to_owned()),
            Some(at) if at <= now => Some("the official tools may delete it any time now".to_owned()),
            at => at.map(|at| format!("the official tools delete it after {}", at.format("%Y-%m-%d"))),
        };
        sheet.say("clean-up", deleted);
        sheet.say("health", Some(self.health()));
        sheet.say("file", Some(format!("{}  {}", stored.path.display(), bytes(stored.size))));
        sheet.say("resume", Some(self.resume.clone()));
        sheet.text
    }

    fn health(&self) -> String {
        let health = &self.row.facts.health;
        if let Some(problem) = &self.row.problem {
            return format!("cannot be read: {problem}");
        }
        if health.is_good() {
            return "good".to_owned();
        }
        format!("{} torn and {} foreign lines; the rest is whole", health.torn, health.foreign)
    }
}

fn resuming(resuming: &Resuming) -> String {
    let usd = |usd: Option<f64>| usd.map_or_else(String::new, |usd| format!(", ~${usd:.2} to read again"));
    let cache = if resuming.warm_until.is_some() { "likely cached" } else { "not cached any more" };
    format!("{} tokens of context, {cache}{}", rounded(resuming.context), usd(resuming.usd))
}

/// Facts under their names.
struct Sheet {
    page: Page,
    text: String,
}

impl Sheet {
    /// What is empty is not told; the text may be hostile.
    fn say(&mut self, name: &str, fact: Option<String>) {
        let Some(fact) = fact.filter(|fact| !fact.is_empty()) else { return };
        let _ = writeln!(self.text, "  {}{}", self.page.dim(&pad(name, 13)), clean_line(&fact));
    }
}
