//! `hotseat sessions prune`: moves old and large sessions to the trash, and with
//! `--trash` removes them from the trash for good.
//!
//! A dry run without `--apply`. Never takes sessions that are pinned, open in a live
//! process or owned by another agent; reports how many of those matched.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

use super::list::scope;
use super::lookup::SessionLookup;
use super::progress::progress_bar;
use super::report::{OutputArgs, print_answer};
use super::restore::trash_titles;
use super::units::{AgeArg, SizeArg, format_bytes};
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output::print_stderr;
use crate::session::SessionId;
use crate::store::{SessionStore, StoreError, TrashedSession};
use crate::text::format::pluralize;
use crate::text::{clean_line, truncate};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct PruneArgs {
    /// Sessions without activity for this long: 12h, 90d, 8w, 6m, 1y.
    #[arg(long, value_name = "AGE")]
    older_than: Option<AgeArg>,
    /// Sessions larger than this, side files included: 800KB, 50MB, 1.5GB.
    #[arg(long, value_name = "SIZE")]
    larger_than: Option<SizeArg>,
    /// Sessions of all projects, not only of this folder's.
    #[arg(long)]
    all: bool,
    /// Skip sessions that have a tag.
    #[arg(long)]
    keep_tagged: bool,
    /// Remove sessions from the trash, of all projects, for good to free disk space;
    /// --older-than counts from the day of deletion.
    #[arg(long, conflicts_with = "keep_tagged")]
    trash: bool,
    /// Do it; without this, only list what would go.
    #[arg(long, visible_alias = "yes")]
    apply: bool,
    #[command(flatten)]
    answer: OutputArgs,
}

const HELP: &str = "\
Covers the sessions of this folder's project, as `list` does; --all covers every
project. Sessions that are pinned, open in a live process or owned by another agent
are never taken.

--json prints an object: applied, from_trash, scope (project or all), bytes, sessions
(session_id, title, at, size, error), passed_over (why, agent, count).

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// A session that matches.
struct PruneCandidate {
    id: SessionId,
    title: String,
    /// Its last entry, or when it was deleted.
    at: DateTime<Utc>,
    size: u64,
    /// Its place in the trash, with `--trash`.
    trashed: Option<TrashedSession>,
}

/// Why a matching session is skipped.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SkipReason {
    /// It belongs to another agent.
    KeptBy(String),
    /// A live process has it open.
    Open,
    Pinned,
    /// It has a tag, and `--keep-tagged` is set.
    Tagged,
    /// It cannot be read, so it may be anything.
    Unreadable,
}

type SkipCounts = BTreeMap<SkipReason, usize>;

impl PruneArgs {
    /// Lists matching sessions, and with `--apply` removes them.
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        if self.older_than.is_none() && self.larger_than.is_none() {
            let next = "For example --older-than 90d, --larger-than 50MB, or both; with both, a session must match both.";
            return Err(CliError::usage("specify --older-than or --larger-than", next).into());
        }
        let found = if self.trash { self.trash_candidates(stock) } else { self.stored_candidates(stock) };
        let (candidates, kept) = found.context("cannot read the sessions")?;
        let failed = if self.apply { remove_all(stock, &candidates) } else { Vec::new() };
        let text = if self.answer.json {
            self.json(&candidates, &kept, &failed)
        } else {
            self.text(&candidates, &kept, &failed)
        };
        print_answer(&text, self.answer)?;
        if !self.answer.json {
            for (_, error) in &failed {
                print_stderr(&format!("hotseat: {}", clean_line(&error.to_string())));
            }
        }
        Ok(if failed.is_empty() { CliExit::Done } else { CliExit::Failed })
    }

    fn matches(&self, at: DateTime<Utc>, size: u64) -> bool {
        let is_old = self.older_than.is_none_or(|AgeArg(age)| Utc::now() - at > age);
        is_old && self.larger_than.is_none_or(|SizeArg(least)| size > least)
    }

    /// Matching sessions, oldest first, and how many were skipped.
    fn stored_candidates(&self, stock: &SessionLookup) -> Result<(Vec<PruneCandidate>, SkipCounts)> {
        let pinned: HashSet<_> = stock.store.pinned()?.into_iter().map(|pinned| pinned.id).collect();
        let (mut candidates, mut kept) = (Vec::new(), SkipCounts::new());
        for row in stock.rows_in(&scope(self.all)?)? {
            let id = row.stored.id;
            let why = match &row.facts.agent {
                // Only that agent may delete its sessions.
                Some(agent) => Some(SkipReason::KeptBy(agent.clone())),
                None if row.holder.is_some() => Some(SkipReason::Open),
                None if pinned.contains(&id) => Some(SkipReason::Pinned),
                None if self.keep_tagged && row.facts.tag.is_some() => Some(SkipReason::Tagged),
                None => row.read_error.is_some().then_some(SkipReason::Unreadable),
            };
            let size = stock.store.total_size(&row.stored);
            match why {
                _ if !self.matches(row.active_at(), size) => {}
                Some(why) => *kept.entry(why).or_default() += 1,
                None => {
                    let title = row.facts.title_text().to_owned();
                    candidates.push(PruneCandidate { id, title, at: row.active_at(), size, trashed: None });
                }
            }
        }
        candidates.sort_by_key(|candidate| candidate.at);
        Ok((candidates, kept))
    }

    fn trash_candidates(&self, stock: &SessionLookup) -> Result<(Vec<PruneCandidate>, SkipCounts)> {
        let mut trash = stock.store.trash()?;
        trash.retain(|trashed| self.matches(trashed.deleted_at.into(), trashed.size));
        let fitting = trash.len();
        trash.retain(|trashed| !stock.store.is_pinned(trashed.id));
        let pinned = fitting - trash.len();
        let kept = (pinned > 0).then_some((SkipReason::Pinned, pinned)).into_iter().collect();
        trash.reverse();
        let titles = trash_titles(&trash);
        let candidates = trash.into_iter().zip(titles).map(|(trashed, (id, title))| PruneCandidate {
            id,
            title,
            at: trashed.deleted_at.into(),
            size: trashed.size,
            trashed: Some(trashed),
        });
        Ok((candidates.collect(), kept))
    }

    fn text(
        &self,
        candidates: &[PruneCandidate],
        kept: &SkipCounts,
        failed: &[(SessionId, StoreError)],
    ) -> String {
        let kept: String = kept.iter().map(|(why, count)| skip_line(why, *count)).collect();
        if candidates.is_empty() {
            return format!("No sessions {} match.\n{kept}", self.scope_text());
        }
        let line = |PruneCandidate { id, title, at, size, .. }: &PruneCandidate| {
            let (day, size) = (at.format("%Y-%m-%d"), format_bytes(*size));
            let line = format!("{id}  {day}  {size:>9}  {}", truncate(&clean_line(title), 60));
            line.trim_end().to_owned()
        };
        let list: Vec<_> = candidates.iter().map(line).collect();
        let gone = candidates.iter().filter(|candidate| !failed.iter().any(|(id, _)| *id == candidate.id));
        let (count, size) = gone.fold((0, 0), |(count, size), gone| (count + 1, size + gone.size));
        let sessions = format!("{} {}", pluralize(count, "session"), self.scope_text());
        let size = format_bytes(size);
        list.join("\n")
            + "\n"
            + &match (self.apply, self.trash) {
                (false, false) => {
                    format!("\n{sessions} would move to the trash, {size}. Add --apply to do it.\n")
                }
                (false, true) => {
                    format!("\n{sessions} would be removed for good, {size}. Add --apply to do it.\n")
                }
                (true, false) => format!(
                    "\n{sessions} moved to the trash, {size}.\n  undo: hotseat sessions restore REF\n  \
                 to free the disk: hotseat sessions prune --trash --older-than 30d\n"
                ),
                (true, true) => format!("\n{sessions} removed for good, {size}.\n"),
            }
            + &kept
    }

    fn scope_text(&self) -> &'static str {
        match (self.trash, self.all) {
            (true, _) => "in the trash",
            (false, true) => "of all projects",
            (false, false) => "of this folder's project (--all: of all projects)",
        }
    }

    fn json(
        &self,
        candidates: &[PruneCandidate],
        kept: &SkipCounts,
        failed: &[(SessionId, StoreError)],
    ) -> String {
        let passed_over = kept.iter().map(|(why, count)| {
            let agent = if let SkipReason::KeptBy(agent) = why { Some(agent) } else { None };
            json!({ "why": why.json_name(), "agent": agent, "count": count })
        });
        let sessions = candidates.iter().map(|candidate| {
            let error = failed.iter().find(|(id, _)| *id == candidate.id).map(|(_, error)| error.to_string());
            json!({
                "session_id": candidate.id,
                "title": candidate.title,
                "at": candidate.at,
                "size": candidate.size,
                "error": error,
            })
        });
        let whole = json!({
            "applied": self.apply,
            "from_trash": self.trash,
            "scope": if self.all || self.trash { "all" } else { "project" },
            "bytes": candidates.iter().map(|candidate| candidate.size).sum::<u64>(),
            "sessions": sessions.collect::<Vec<_>>(),
            "passed_over": passed_over.collect::<Vec<_>>(),
        });
        format!("{whole:#}\n")
    }
}

impl SkipReason {
    fn json_name(&self) -> &'static str {
        match self {
            Self::KeptBy(_) => "kept_by_agent",
            Self::Open => "open",
            Self::Pinned => "pinned",
            Self::Tagged => "tagged",
            Self::Unreadable => "unreadable",
        }
    }
}

fn skip_line(why: &SkipReason, count: usize) -> String {
    let why = match why {
        SkipReason::KeptBy(agent) => format!("owned by {}, which alone can delete them", clean_line(agent)),
        SkipReason::Open => "open in a live process".to_owned(),
        SkipReason::Pinned => "pinned".to_owned(),
        SkipReason::Tagged => "tagged".to_owned(),
        SkipReason::Unreadable => "unreadable".to_owned(),
    };
    format!("  skipped: {}, {why}\n", pluralize(count, "session"))
}

/// Removes all of them; returns the failures.
fn remove_all(stock: &SessionLookup, candidates: &[PruneCandidate]) -> Vec<(SessionId, StoreError)> {
    let bar = progress_bar("moving");
    let mut failed = Vec::new();
    for (at, PruneCandidate { id, trashed, .. }) in candidates.iter().enumerate() {
        let outcome = match trashed {
            Some(trashed) => stock.store.purge(trashed),
            None => stock.store.delete(*id),
        };
        failed.extend(outcome.err().map(|error| (*id, error)));
        bar.set(at + 1, candidates.len());
    }
    failed
}
