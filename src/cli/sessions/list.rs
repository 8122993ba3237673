//! `hotseat sessions list`: a table on a terminal, tab-separated lines in a pipe, or
//! JSON that extends the official `list_sessions()`.

mod table;

use std::cmp::Reverse;

use anyhow::{Context, Result};
use chrono::{Local, Utc};
use clap::ValueEnum;
use rayon::prelude::*;

use self::table::TableShape;
use super::lookup::SessionLookup;
use super::session_json::{self, SessionJson};
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output::print_stderr;
use crate::cli::output::{self, OutputTarget};
use crate::index::SessionRow;
use crate::index::query::SessionQuery;
use crate::session::Prices;
use crate::session::summary::TitleSource;
use crate::store::Scope;
use crate::text::format::{grouped, pluralize};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct ListArgs {
    /// Only matching sessions, best first: words, and filters as in the screen
    /// (tag:keep, cost:>1, since:3d). After `--`, a - in front negates a filter.
    #[arg(value_name = "QUERY", num_args = ..)]
    query: Vec<String>,
    /// Sessions of all projects, not only of this folder's.
    #[arg(long)]
    pub all: bool,
    /// Include sessions without messages.
    #[arg(long)]
    empty: bool,
    /// Include sessions that no person had (`claude -p` and SDKs, background jobs,
    /// daemons, teams), archived ones, and those continued in another session.
    #[arg(long)]
    hidden: bool,
    /// List subagents under their session.
    #[arg(long)]
    subagents: bool,
    /// Print at most N.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Skip the first N.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    /// Order; default: best match with a query, else last active.
    #[arg(long, value_enum)]
    sort: Option<ListSort>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

/// Sessions that one thread serialises at a time.
const JSON_CHUNK: usize = 64;

/// The order of the list, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListSort {
    /// Last active first.
    Active,
    /// Last modified file first, as the official functions do.
    Modified,
    /// Newest first.
    Created,
    /// Most expensive first.
    Cost,
    /// Most turns first.
    Turns,
    /// Largest file first.
    Size,
    /// By title, A first.
    Title,
}

const HELP: &str = "\
Lists the sessions of this folder's project; --all lists those of every project.

In a pipe, each session is a line of these columns, separated by tabs:
  id, last active (UTC), turns, cost in US dollars, tag, branch, folder, title
An estimated cost starts with ~, an unknown one is empty.

--json prints an array of objects. Fields of list_sessions() in the Python package
claude-agent-sdk: session_id, summary, last_modified, file_size, custom_title,
first_prompt, git_branch, cwd, tag, created_at. Added fields: title, title_source,
last_active, turns, messages, model, tokens, cost_usd, cost_is_estimate,
inherited_cost_usd (what a fork copied; not in cost_usd), forked_from, aside (why
the list leaves it out: headless, background, daemon, teammate, archived,
continued; else null), continued_in, gaps (bridged), torn_lines, foreign_lines,
problem, open_in, kept_by (the agent that owns the session, path is a copy; else
null), agent_session_id (that agent's own id, if different; else null), partial
(not indexed completely: numbers are too low), subagents (id, agent_type,
description, messages, tokens), path. --json lists what list_sessions() lists, the
hidden ones, too. Times are milliseconds since 1970. --sort modified is the official
order.

Exit codes: 0 done (also if nothing matches), 1 failed, 2 wrong usage.";

impl ListArgs {
    pub fn run(&self, stock: &SessionLookup, prices: &Prices) -> Result<CliExit> {
        let query = SessionQuery::parse(&self.query.join(" "), Local::now().fixed_offset());
        if let Some(mistake) = query.errors.first() {
            return Err(CliError::usage(
                &mistake.message,
                "`hotseat sessions list --help` explains filters.",
            )
            .into());
        }
        let rows = stock.rows_in(&scope(self.all)?)?;
        let is_left_out = |row: &&SessionRow| row.aside().is_some() && has_something(row);
        let left_out = rows.iter().filter(is_left_out).count();
        let rows = self.select(&query, rows, prices);
        if self.json {
            print_json_array(&rows, prices)?;
            // The process ends now, and freeing thousands of rows takes time.
            std::mem::forget(rows);
            return Ok(CliExit::Done);
        }
        let page = OutputTarget::stdout();
        if !self.all && page.width.is_some() {
            self.mention_former_folder(stock)?;
        }
        match page.width {
            Some(_) if rows.is_empty() && left_out > 0 && !self.hidden => {
                print_stderr(&format!(
                    "{} here, all hidden: --hidden shows them.",
                    pluralize(left_out, "session")
                ));
            }
            Some(_) if rows.is_empty() => print_stderr(self.empty_message()),
            Some(width) => {
                let ids = stock.short_ids(rows.iter().map(|row| row.stored.id))?;
                let shape = TableShape { all: self.all, subagents: self.subagents, width };
                let table = table::render_table(&rows, &ids, prices, Utc::now(), page, shape);
                let count = pluralize(rows.len(), "session");
                let scope = if self.all {
                    "of all projects"
                } else {
                    "of this folder's project (--all: of all projects)"
                };
                let hidden = if left_out == 0 || self.hidden {
                    String::new()
                } else {
                    format!(", {} hidden (--hidden)", grouped(left_out))
                };
                output::print(&format!("{table}{}\n", page.dim(&format!("{count} {scope}{hidden}"))))?;
            }
            None => output::print(&table::render_lines(&rows, prices, self.subagents))?,
        }
        Ok(CliExit::Done)
    }

    fn select(&self, query: &SessionQuery, mut rows: Vec<SessionRow>, prices: &Prices) -> Vec<SessionRow> {
        rows.retain(|row| {
            let is_aside = row.aside().is_some() && !self.hidden;
            if self.json {
                // As the official functions list it.
                self.empty || is_in_official_list(row)
            } else {
                !is_aside && (self.empty || has_something(row))
            }
        });
        if !query.is_empty() {
            let ranked = query.rank_all(&rows, None);
            let mut rows_left: Vec<Option<SessionRow>> = rows.into_iter().map(Some).collect();
            rows = ranked.into_iter().filter_map(|at| rows_left[at].take()).collect();
        }
        if let Some(sort) = self.sort {
            sort.apply(&mut rows, prices);
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        rows.into_iter().skip(self.offset).take(limit).collect()
    }

    /// Says if this folder was renamed and its sessions were left behind.
    fn mention_former_folder(&self, stock: &SessionLookup) -> Result<()> {
        let here = std::env::current_dir().context("cannot find the current folder")?;
        if let Some(former) = stock.store.former_folder(&here) {
            let (sessions, path) = (pluralize(former.sessions, "session"), former.path.display());
            print_stderr(&format!(
                "{sessions} belong to {path}, which is gone. If it was renamed to this folder:\n  \
                 hotseat sessions move --from {:?} --to .",
                path.to_string()
            ));
        }
        Ok(())
    }

    fn empty_message(&self) -> &'static str {
        match (self.query.is_empty(), self.all) {
            (false, _) => "No sessions match.",
            (true, true) => "No sessions yet.",
            (true, false) => "No sessions in this folder yet. --all lists those of all folders.",
        }
    }
}

/// Prints the rows as one JSON array. Thousands of rows are megabytes, so all cores
/// serialise them in chunks that are printed one after the other.
fn print_json_array(rows: &[SessionRow], prices: &Prices) -> Result<()> {
    let mut separator = "[";
    for rows in rows.chunks(JSON_CHUNK * rayon::current_num_threads()) {
        let parts = rows.par_chunks(JSON_CHUNK).map(|rows| {
            let sessions: Vec<_> = rows.iter().map(|row| SessionJson::from_row(row, prices)).collect();
            serde_json::to_string(&sessions)
        });
        let parts: Vec<String> = parts.collect::<Result<_, _>>().context("cannot write the list as JSON")?;
        for part in parts {
            output::print(separator)?;
            output::print_json_text(&part[1..part.len() - 1])?;
            separator = ",";
        }
    }
    output::print(if rows.is_empty() { "[]\n" } else { "]\n" })
}

/// This folder's project, or all.
pub(super) fn scope(all: bool) -> Result<Scope> {
    if all {
        return Ok(Scope::All);
    }
    Ok(Scope::Project(std::env::current_dir().context("cannot find the current folder")?))
}

/// The official functions list sessions that have a summary by their rules.
fn is_in_official_list(row: &SessionRow) -> bool {
    row.facts.listed.summary.is_some()
}

/// It has messages or a title, or may have some.
fn has_something(row: &SessionRow) -> bool {
    let is_named = row.facts.title.as_ref().is_some_and(|title| title.source == TitleSource::Custom);
    is_named || row.partial || row.read_error.is_some() || !row.facts.is_empty()
}

impl ListSort {
    fn apply(self, rows: &mut [SessionRow], prices: &Prices) {
        match self {
            Self::Active => rows.sort_by_key(|row| Reverse(row.active_at())),
            Self::Modified => rows.sort_by_key(|row| Reverse(session_json::modified_millis(row))),
            Self::Created => rows.sort_by_key(|row| Reverse(row.facts.created)),
            Self::Turns => rows.sort_by_key(|row| Reverse(row.facts.turns)),
            Self::Size => rows.sort_by_key(|row| Reverse(row.stored.size)),
            Self::Title => rows.sort_by_cached_key(|row| row.facts.title_text().to_lowercase()),
            Self::Cost => {
                let cents =
                    |row: &SessionRow| prices.session_cost(&row.facts).map(|cost| (cost.usd * 1e6) as u64);
                rows.sort_by_cached_key(|row| Reverse(cents(row)));
            }
        }
    }
}
