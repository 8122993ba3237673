//! The list as a table that fits the terminal, or as tab-separated lines.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::cli::output::OutputTarget;
use crate::index::SessionRow;
use crate::session::{Prices, SessionSummary};
use crate::text::format::age;
use crate::text::{clean_line, pad, pad_start, truncate, truncate_start, width};

/// Other columns are dropped before titles become narrower than this.
const MIN_TITLE_WIDTH: usize = 24;
/// With wider titles, rows are hard to follow.
const MAX_TITLE_WIDTH: usize = 80;
/// Blanks between two columns.
const GAP: usize = 2;

/// A column besides id and title.
struct ListColumn {
    head: &'static str,
    max_width: usize,
    /// Truncate at the start: the end of a path says more.
    is_path: bool,
    is_number: bool,
    cells: Vec<String>,
}

/// What a table shows, and how wide it may be.
#[derive(Debug, Clone, Copy)]
pub struct TableShape {
    /// Sessions of all folders: their folder is a column.
    pub all: bool,
    /// Subagents under their session.
    pub subagents: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// A table. `ids` are the short ids of `rows`. If it does not fit, columns are dropped
/// from the right, never the id.
pub fn render_table(
    rows: &[SessionRow],
    ids: &[String],
    prices: &Prices,
    now: DateTime<Utc>,
    page: OutputTarget,
    shape: TableShape,
) -> String {
    let TableShape { all, subagents, width: most } = shape;
    let id_width = ids.iter().map(String::len).max().unwrap_or(0).max("ID".len());
    let mut left = most.saturating_sub(id_width + GAP);
    let mut shown = Vec::new();
    for column in columns(rows, prices, now, all) {
        let cells = column.width();
        if column.cells.iter().any(|cell| !cell.is_empty()) && left >= MIN_TITLE_WIDTH + GAP + cells {
            left -= GAP + cells;
            shown.push((column, cells));
        }
    }
    let titles: Vec<String> = rows.iter().map(title_text).collect();
    let widest = titles.iter().map(|title| width(title)).max().unwrap_or(0).max("TITLE".len());
    let title_width = left.min(widest).min(MAX_TITLE_WIDTH);
    let mut text = String::new();
    let heads = shown.iter().map(|(column, cells)| column.aligned(column.head, *cells));
    push_line(&mut text, page, &pad("ID", id_width), &pad("TITLE", title_width), heads, true);
    for (at, id) in ids.iter().enumerate() {
        let id = pad(id, id_width);
        let cells = shown.iter().map(|(column, cells)| column.aligned(&column.cells[at], *cells));
        push_line(&mut text, page, &id, &pad(&titles[at], title_width), cells, false);
        let agents = rows[at].facts.subagents.iter().filter(|_| subagents);
        for agent in agents {
            let line = format!("└ {}  {}", clean_line(&agent.id), clean_line(&agent.label()));
            let line = truncate(&line, left).into_owned();
            let _ = writeln!(text, "{}{}{}", " ".repeat(id_width), " ".repeat(GAP), page.dim(&line));
        }
    }
    text
}

/// One line per session, columns separated by tabs; one of a subagent begins with a tab.
pub fn render_lines(rows: &[SessionRow], prices: &Prices, subagents: bool) -> String {
    let mut text = String::new();
    for row in rows {
        let facts = &row.facts;
        let field = |field: Option<&str>| clean_line(field.unwrap_or_default()).into_owned();
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            row.stored.id,
            row.active_at().to_rfc3339_opts(SecondsFormat::Secs, true),
            facts.turns,
            cost_text(facts, prices).replace('$', ""),
            field(facts.tag.as_deref()),
            field(facts.branch.as_deref()),
            field(facts.cwd.as_deref()),
            field(Some(facts.title_text())),
        );
        for agent in facts.subagents.iter().filter(|_| subagents) {
            let _ = writeln!(text, "\t{}\t{}", clean_line(&agent.id), clean_line(&agent.label()));
        }
    }
    text
}

/// `$1.04`, `~$1.04` for an estimate, empty if unknown.
fn cost_text(facts: &SessionSummary, prices: &Prices) -> String {
    prices.session_cost(facts).map(|cost| cost.to_string()).unwrap_or_default()
}

fn columns(rows: &[SessionRow], prices: &Prices, now: DateTime<Utc>, all: bool) -> Vec<ListColumn> {
    let column = |head, most, cell: &dyn Fn(&SessionRow) -> String| ListColumn {
        head,
        max_width: most,
        is_path: head == "FOLDER",
        is_number: matches!(head, "AGE" | "TURNS" | "COST"),
        cells: rows.iter().map(|row| clean_line(&cell(row)).into_owned()).collect(),
    };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let mut columns = vec![
        column("AGE", 5, &|row| age(now, row.active_at())),
        column("TURNS", 6, &|row| format!("{}{}", row.facts.turns, if row.partial { "+" } else { "" })),
        column("COST", 9, &|row| cost_text(&row.facts, prices)),
        column("TAG", 16, &|row| text(&row.facts.tag)),
        column("BRANCH", 20, &|row| text(&row.facts.branch)),
    ];
    if rows.iter().any(|row| row.facts.agent.is_some()) {
        columns.push(column("AGENT", 12, &|row| text(&row.facts.agent)));
    }
    if all {
        columns.insert(3, column("FOLDER", 32, &|row| text(&row.facts.cwd)));
    }
    columns
}

impl ListColumn {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(String::as_str).chain([self.head]);
        cells.map(width).max().unwrap_or(0).min(self.max_width)
    }

    fn aligned(&self, cell: &str, cells: usize) -> String {
        if self.is_number {
            return pad_start(cell, cells);
        }
        let cut = if self.is_path { truncate_start(cell, cells) } else { truncate(cell, cells) };
        pad(&cut, cells)
    }
}

/// The title, with a warning sign if the transcript is damaged or has gaps, and why a list
/// leaves it out.
fn title_text(row: &SessionRow) -> String {
    let damaged = row.read_error.is_some() || !row.facts.health.is_good() || row.facts.gaps > 0;
    let mark = if damaged { "⚠ " } else { "" };
    let aside = row.aside().map(|why| format!("[{why}] ")).unwrap_or_default();
    format!("{mark}{aside}{}", clean_line(row.facts.title_text()))
}

fn push_line(
    text: &mut String,
    page: OutputTarget,
    id: &str,
    title: &str,
    cells: impl Iterator<Item = String>,
    is_head: bool,
) {
    let gap = " ".repeat(GAP);
    let cells = cells.fold(String::new(), |cells, cell| cells + &gap + &cell);
    let cells = cells.trim_end();
    let title = if cells.is_empty() { title.trim_end() } else { title };
    let title = if is_head { page.dim(title) } else { title.to_owned() };
    let _ = writeln!(text, "{}{gap}{title}{}", page.dim(id), page.dim(cells));
}

#[cfg(test)]
mod tests;
