//! The list of sessions: filtered, grouped by day, forks under their parent.

mod fork_tree;

use std::sync::Arc;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Utc};
use tui_textarea::TextArea;

use self::fork_tree::ForkTree;
use super::ranking::Ranking;
use super::text_input;
use crate::index::SessionRow;
use crate::index::query::{QueryCompletion, SessionQuery};
use crate::session::SessionId;

/// The browser's state.
#[derive(Debug, Default)]
pub struct Browser {
    /// All sessions of the scope that are known so far, newest first.
    pub rows: Arc<Vec<SessionRow>>,
    /// Sessions of the scope that hold nothing or that no person had, while they are hidden.
    hidden_empty: Vec<SessionRow>,
    /// They are shown.
    pub shows_empty: bool,
    /// What the pane lists: headings and sessions, in order.
    pub lines: Vec<BrowserLine>,
    /// The session under the cursor; `None`: the new, unlisted session.
    pub selected: Option<SessionId>,
    /// The sessions of all projects, not only of this one.
    pub all: bool,
    /// The filter's text.
    pub filter: TextArea<'static>,
    /// Keys go to the filter.
    pub filtering: bool,
    /// Sessions read so far and in all, while they are being read; 0 of 0 at the start.
    pub progress: Option<(usize, usize)>,
    /// Sessions that the index has so far and in all, while it is brought up to date.
    pub indexing: Option<(usize, usize)>,
    /// Why the sessions could not be listed.
    pub problem: Option<String>,
    /// The pane is hidden.
    pub hidden: bool,
    /// The width a person dragged the divider to.
    pub width: Option<u16>,
    /// Which sessions the filter leaves.
    pub ranking: Ranking,
    /// The cursor goes to the best match as soon as that is known.
    selects_best: bool,
    fork_tree: ForkTree,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrowserLine {
    /// A day, or a month.
    Heading(String),
    /// The active session while it is new and has no row.
    New,
    Session {
        /// Its index in [`Browser::rows`].
        row: usize,
        /// How deep it sits under the session it was forked from.
        depth: usize,
        /// It is only here to hold its forks: the filter did not match it.
        dim: bool,
    },
}

impl Browser {
    /// An empty list of this project's sessions, or of all.
    pub fn new(all: bool, width: Option<u16>) -> Self {
        Self { all, width, progress: Some((0, 0)), ..Self::default() }
    }

    /// The filter's text.
    pub fn query(&self) -> &str {
        self.filter.lines().first().map_or("", String::as_str)
    }

    /// The row of a session.
    pub fn row(&self, id: SessionId) -> Option<&SessionRow> {
        self.rows.iter().find(|row| row.stored.id == id)
    }

    /// The row of a session that may not be known.
    pub fn row_of(&self, id: Option<SessionId>) -> Option<&SessionRow> {
        self.row(id?)
    }

    /// The n-th recent session, from 1.
    pub fn nth_recent(&self, number: u8) -> Option<SessionId> {
        self.rows.get(usize::from(number).checked_sub(1)?).map(|row| row.stored.id)
    }

    /// Takes the sessions of the scope, newest first.
    pub fn set_rows(&mut self, rows: Arc<Vec<SessionRow>>, active: Option<SessionId>) {
        self.rows = rows;
        self.hidden_empty.clear();
        self.partition_empty(active);
    }

    /// Splits off the empty sessions, or puts them back among the others. The active
    /// one is always shown.
    pub fn partition_empty(&mut self, active: Option<SessionId>) {
        let empty = |row: &SessionRow| row.is_hidden() && Some(row.stored.id) != active;
        if !self.hidden_empty.is_empty() || (!self.shows_empty && self.rows.iter().any(empty)) {
            let all = Arc::unwrap_or_clone(std::mem::take(&mut self.rows)).into_iter();
            let all = all.chain(self.hidden_empty.drain(..));
            let (aside, mut rows): (Vec<_>, Vec<_>) = all.partition(|row| !self.shows_empty && empty(row));
            rows.sort_by_cached_key(|row| (std::cmp::Reverse(row.active_at()), row.stored.id));
            (self.rows, self.hidden_empty) = (Arc::new(rows), aside);
        }
        self.fork_tree = ForkTree::build(&self.rows);
    }

    /// How many sessions of the scope a list leaves out unless asked, shown or not.
    pub fn hidden_rows(&self) -> usize {
        self.hidden_empty.len() + self.rows.iter().filter(|row| row.is_hidden()).count()
    }

    /// How many sessions the filter leaves.
    pub fn matches(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, BrowserLine::Session { dim: false, .. })).count()
    }

    /// The line the cursor is on.
    pub fn cursor(&self) -> Option<usize> {
        self.lines.iter().position(|line| self.cursor_stop(line) == Some(CursorStop(self.selected)))
    }

    /// Moves the cursor over sessions, headings left out.
    pub fn step(&mut self, step: isize) {
        let stops: Vec<CursorStop> = self.lines.iter().filter_map(|line| self.cursor_stop(line)).collect();
        if stops.is_empty() {
            return;
        }
        let at = stops.iter().position(|stop| stop.0 == self.selected);
        let next = at.map_or(0, |at| at.saturating_add_signed(step).min(stops.len() - 1));
        self.selected = stops[next].0;
    }

    /// Puts the cursor on a line, if it is a session.
    pub fn select_line(&mut self, line: usize) -> bool {
        let stop = self.lines.get(line).and_then(|line| self.cursor_stop(line));
        if let Some(CursorStop(stop)) = stop {
            self.selected = stop;
        }
        stop.is_some()
    }

    /// What the cursor stands for on this line: a session, the new one, or nothing.
    fn cursor_stop(&self, line: &BrowserLine) -> Option<CursorStop> {
        match line {
            BrowserLine::Heading(_) => None,
            BrowserLine::New => Some(CursorStop(None)),
            BrowserLine::Session { row, .. } => Some(CursorStop(Some(self.rows[*row].stored.id))),
        }
    }

    /// Rebuilds the list after the rows, the filter or the day changed.
    /// `active_is_new`: the active session has no row yet.
    pub fn rebuild(&mut self, now: DateTime<Utc>, offset: FixedOffset, active_is_new: bool) {
        let now = now.with_timezone(&offset);
        self.ranking.set_query(&self.rows, SessionQuery::parse(self.query(), now));
        let hits = self.ranking.hits();
        let mut matched = vec![false; self.rows.len()];
        for &hit in hits {
            matched[hit] = true;
        }
        let families = self.fork_tree.groups(&self.rows, hits);
        self.lines.clear();
        if active_is_new && self.query().is_empty() {
            self.lines.push(BrowserLine::New);
        }
        let today = now.date_naive();
        let (mut day, mut under) = (None, String::new());
        for family in families {
            let date = family.active.with_timezone(&offset).date_naive();
            if day.replace(date) != Some(date) {
                let heading = day_heading(date, today);
                if heading != under {
                    self.lines.push(BrowserLine::Heading(heading.clone()));
                    under = heading;
                }
            }
            let members = family.members.into_iter();
            self.lines.extend(members.map(|(row, depth)| BrowserLine::Session {
                row,
                depth,
                dim: !matched[row],
            }));
        }
        if self.cursor().is_none() {
            self.selected = self.lines.iter().find_map(|line| self.cursor_stop(line)).and_then(|stop| stop.0);
        }
        if !self.ranking.is_waiting() && std::mem::take(&mut self.selects_best) {
            self.select_best();
        }
    }

    /// The filter was changed: the best match gets the cursor, the more recent
    /// of equal ones.
    pub fn select_best_when_ranked(&mut self) {
        self.selects_best = true;
    }

    fn select_best(&mut self) {
        if let Some(&best) = self.ranking.hits().first() {
            self.selected = Some(self.rows[best].stored.id);
        }
    }

    /// What the filter under its cursor can be completed to.
    pub fn completion(&self) -> Option<QueryCompletion> {
        self.filtering.then(|| text_input::completion(&self.filter, &self.rows))?
    }
}

/// A line the cursor can be on: a session, or the new one without an id in the list.
#[derive(PartialEq)]
struct CursorStop(Option<SessionId>);

/// The heading over the sessions of a day: recent ones by the day, older ones by the month.
fn day_heading(day: NaiveDate, today: NaiveDate) -> String {
    match (today - day).num_days() {
        ..=0 => "TODAY".to_owned(),
        1 => "YESTERDAY".to_owned(),
        2..=6 => day.format("%A").to_string().to_uppercase(),
        _ if day.year() == today.year() => day.format("%B").to_string().to_uppercase(),
        _ => day.format("%B %Y").to_string().to_uppercase(),
    }
}

#[cfg(test)]
mod tests;
