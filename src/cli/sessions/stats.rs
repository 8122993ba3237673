//! `hotseat sessions stats`: tokens and cost by day, project or model.
//!
//! All costs are estimates by the price table, because the totals that agents report
//! are not split by day. Tokens without a price are listed as such, never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::Result;
use chrono::Utc;
use clap::ValueEnum;
use serde::Serialize;

use super::list::scope;
use super::lookup::SessionLookup;
use super::session_json::TokensJson;
use super::units::AgeArg;
use crate::cli::exit::CliExit;
use crate::cli::output::print_stderr;
use crate::cli::output::{self, OutputTarget};
use crate::index::SessionRow;
use crate::session::message::Usage;
use crate::session::{Prices, SessionId};
use crate::text::format::{pluralize, short_count};
use crate::text::{clean_line, pad, pad_start, truncate_start, width};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct StatsArgs {
    /// What to sum up by.
    #[arg(long, value_enum, default_value_t = StatsBy::Day)]
    by: StatsBy,
    /// Only usage of this period: 12h, 30d, 8w, 6m, 1y (days are UTC).
    #[arg(long, value_name = "AGE")]
    since: Option<AgeArg>,
    /// Sessions of all projects, not only of this folder's.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum StatsBy {
    /// Day, in UTC.
    Day,
    /// Folder in which the session was started.
    Project,
    /// Model.
    Model,
}

const HELP: &str = "\
Costs are estimates by the price table and [prices] of the configuration. Tokens
of models without a price, or with a price that depends on the length of single
requests, count as unpriced.

--json prints an object: by, rows, total. A row has key, sessions, tokens (input,
output, cache_write, cache_read), estimated_usd, unpriced_tokens; total has no key.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Usage under one key.
#[derive(Debug, Clone, Default, PartialEq)]
struct UsageSum {
    sessions: BTreeSet<SessionId>,
    usage: Usage,
    usd: f64,
    unpriced_tokens: u64,
}

#[derive(Serialize)]
struct UsageSumJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    sessions: usize,
    tokens: TokensJson,
    estimated_usd: f64,
    unpriced_tokens: u64,
}

impl StatsArgs {
    pub fn run(&self, stock: &SessionLookup, prices: &Prices) -> Result<CliExit> {
        let rows = stock.rows_in(&scope(self.all)?)?;
        let first_day = self.since.map(|age| (Utc::now() - age.0).date_naive());
        let mut sums = BTreeMap::<String, UsageSum>::new();
        let mut total = UsageSum::default();
        for row in &rows {
            for (day, models) in
                row.facts.days.iter().filter(|(day, _)| first_day.is_none_or(|first| *day >= first))
            {
                for (model, usage) in models.iter() {
                    let key = match self.by {
                        StatsBy::Day => day.to_string(),
                        StatsBy::Project => row.facts.cwd.clone().unwrap_or_else(|| "(no folder)".to_owned()),
                        StatsBy::Model => model.to_owned(),
                    };
                    for sum in [sums.entry(key).or_default(), &mut total] {
                        sum.add(row, model, usage, prices);
                    }
                }
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        if self.by != StatsBy::Day {
            sums.sort_by(|(_, one), (_, other)| {
                other.usd.total_cmp(&one.usd).then(other.usage.total().cmp(&one.usage.total()))
            });
        }
        if self.json {
            let rows: Vec<_> = sums.iter().map(|(key, sum)| sum.to_json(Some(key))).collect();
            output::print_json(
                &serde_json::json!({ "by": self.by, "rows": rows, "total": total.to_json(None) }),
            )?;
        } else if sums.is_empty() {
            print_stderr("No usage in this period. --all includes all projects.");
        } else {
            output::print(&render_table(&sums, &total, OutputTarget::stdout()))?;
        }
        Ok(CliExit::Done)
    }
}

impl UsageSum {
    fn add(&mut self, row: &SessionRow, model: &str, usage: &Usage, prices: &Prices) {
        self.sessions.insert(row.stored.id);
        self.usage += *usage;
        match prices.total_cost([(model, usage)]) {
            Some(usd) => self.usd += usd,
            None => self.unpriced_tokens += usage.total(),
        }
    }

    fn to_json<'a>(&self, key: Option<&'a str>) -> UsageSumJson<'a> {
        UsageSumJson {
            key,
            sessions: self.sessions.len(),
            tokens: (&self.usage).into(),
            estimated_usd: self.usd,
            unpriced_tokens: self.unpriced_tokens,
        }
    }

    fn figures(&self) -> String {
        let usd = if self.usd > 0.0 { format!("~${:.2}", self.usd) } else { String::new() };
        let unpriced = match self.unpriced_tokens {
            0 => String::new(),
            tokens => format!("  {} without a price", short_count(tokens)),
        };
        let tokens = short_count(self.usage.total());
        let sessions = pluralize(self.sessions.len(), "session");
        format!("{}  {}  {}{unpriced}", pad_start(&usd, 10), pad_start(&tokens, 7), pad_start(&sessions, 14))
    }
}

/// A row per key: name, bar, figures. Bars show cost, or tokens if nothing has a
/// price.
fn render_table(sums: &[(String, UsageSum)], total: &UsageSum, page: OutputTarget) -> String {
    let most = page.width.unwrap_or(100);
    let names: Vec<String> = sums.iter().map(|(key, _)| clean_line(key).into_owned()).collect();
    let name_width = names.iter().map(|name| width(name)).max().unwrap_or(0).clamp(5, (most / 3).max(10));
    let figures_width = sums.iter().map(|(_, sum)| width(&sum.figures())).max().unwrap_or(0);
    let bar_width = most.saturating_sub(name_width + figures_width + 4).min(40);
    let weight = |sum: &UsageSum| if total.usd > 0.0 { sum.usd } else { sum.usage.total() as f64 };
    let heaviest = sums.iter().map(|(_, sum)| weight(sum)).fold(f64::MIN_POSITIVE, f64::max);
    let mut text = String::new();
    for (name, (_, sum)) in names.iter().zip(sums) {
        let name = pad(&truncate_start(name, name_width), name_width);
        let bar = pad(&bar(weight(sum) / heaviest, bar_width), bar_width);
        let _ = writeln!(text, "{name}  {bar}  {}", sum.figures());
    }
    let gap = " ".repeat(bar_width);
    let _ =
        writeln!(text, "{}", page.dim(&format!("{}  {gap}  {}", pad("total", name_width), total.figures())));
    text
}

/// A bar of block characters in eighths of a cell; any share above 0 is visible.
fn bar(share: f64, cells: usize) -> String {
    let eighths = (share * cells as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 && cells > 0 { eighths.max(1) } else { eighths };
    let last = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{last}", "█".repeat(eighths / 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        let bars: Vec<_> = [0.0, 0.001, 0.5, 0.9, 1.0].into_iter().map(|share| bar(share, 4)).collect();
        assert_eq!(bars, ["", "▏", "██", "███▋", "████"]);
        assert_eq!(bar(1.0, 0), "");
    }

    #[test]
    fn a_table_fits_and_shows_unpriced_tokens() {
        let usage = Usage { input_tokens: 4_100, ..Usage::default() };
        let priced = UsageSum { usage, usd: 3.0, ..UsageSum::default() };
        let unpriced = UsageSum { usage, unpriced_tokens: 4_100, ..UsageSum::default() };
        let sums = [("2026-11-20".to_owned(), priced.clone()), ("2026-11-21".to_owned(), unpriced)];
        let text = render_table(&sums, &priced, OutputTarget { width: Some(90), styled: false });
        assert!(text.lines().all(|line| width(line) <= 90), "{text}");
        assert!(text.contains("~$3.00") && text.contains("4.1 k without a price"), "{text}");
        assert!(text.lines().nth(1).is_some_and(|line| !line.contains('█')), "{text}");
    }
}
