//! Which sessions answer what is typed, kept while it is typed.
//!
//! A few are ranked at once; many by the shell, so that no key waits for them.
//! An answer to what was typed before is thrown away.

use std::sync::Arc;

use crate::index::Row;
use crate::index::query::Query;

/// More sessions than this are ranked beside the draw loop.
const MANY: usize = 10_000;

/// The sessions that answer a query, and the query.
#[derive(Debug, Default)]
pub struct Ranking {
    query: Query,
    /// The sessions that were asked.
    rows: Arc<Vec<Row>>,
    /// Those that answer, by index, best first.
    hits: Vec<usize>,
    /// What the shell is to rank, until the update hands it over.
    work: Option<Work>,
    /// The hits are those of a former query: the shell is at work.
    waiting: bool,
}

/// Sessions to be ranked, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// What is looked for.
    pub query: Query,
    /// All sessions.
    pub rows: Arc<Vec<Row>>,
    /// The only ones that can answer, where that is known.
    pub among: Option<Vec<usize>>,
}

impl Work {
    /// Ranks: the indices of those that answer, best first.
    pub fn hits(&self) -> Vec<usize> {
        self.query.rank_all(&self.rows, self.among.as_deref())
    }
}

impl Ranking {
    /// Ranks these sessions by this query, at once or as soon as the shell did.
    pub fn ask(&mut self, rows: &Arc<Vec<Row>>, query: Query) {
        let same_rows = Arc::ptr_eq(&self.rows, rows);
        if same_rows && query == self.query {
            return;
        }
        let narrower = same_rows && !self.waiting && query.narrows(&self.query);
        let among = narrower.then(|| self.hits.clone());
        self.rows = Arc::clone(rows);
        self.query = query;
        let count = among.as_ref().map_or(rows.len(), Vec::len);
        let work = Work { query: self.query.clone(), rows: Arc::clone(rows), among };
        // The hits of other rows are of no use meanwhile.
        self.waiting = same_rows && count > MANY && !self.query.is_empty();
        if self.waiting {
            self.work = Some(work);
        } else {
            self.work = None;
            self.hits = work.hits();
        }
    }

    /// Takes the shell's answer; false where it is not to what was asked last.
    pub fn take(&mut self, work: &Work, hits: Vec<usize>) -> bool {
        let asked = self.waiting && work.query == self.query && Arc::ptr_eq(&work.rows, &self.rows);
        if asked {
            self.waiting = false;
            self.hits = hits;
        }
        asked
    }

    /// Does not wait for the shell: the next thing needs the answer. True where
    /// there was something to wait for.
    pub fn finish(&mut self) -> bool {
        let waited = std::mem::take(&mut self.waiting);
        if waited {
            self.work = None;
            self.hits = self.query.rank_all(&self.rows, None);
        }
        waited
    }

    /// What the shell is to rank, once.
    pub fn work(&mut self) -> Option<Work> {
        self.work.take()
    }

    /// The sessions that answer, by index, best first.
    pub fn hits(&self) -> &[usize] {
        &self.hits
    }

    /// What is looked for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The hits are still those of what was typed before.
    pub fn waits(&self) -> bool {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::tui::app::sample::{noon, row};

    fn query(typed: &str) -> Query {
        Query::parse(typed, DateTime::from(noon()))
    }

    fn many(count: usize) -> Arc<Vec<Row>> {
        Arc::new((0..count).map(|at| row(1, if at % 2 == 0 { "parser" } else { "lexer" }, 1, None)).collect())
    }

    #[test]
    fn a_few_are_ranked_at_once() {
        let mut ranking = Ranking::default();
        ranking.ask(&many(4), query("pars"));
        assert_eq!((ranking.hits(), ranking.waits()), (&[0, 2][..], false));
        assert_eq!(ranking.work(), None);
    }

    #[test]
    fn many_are_ranked_by_the_shell_and_stale_answers_dropped() {
        let rows = many(MANY + 2);
        let mut ranking = Ranking::default();
        ranking.ask(&rows, query(""));
        ranking.ask(&rows, query("l"));
        let stale = ranking.work().unwrap();
        ranking.ask(&rows, query("p"));
        let work = ranking.work().unwrap();
        assert!(!ranking.take(&stale, stale.hits()));
        assert_eq!(ranking.hits().len(), rows.len(), "the former ones stay in sight");
        assert!(ranking.take(&work, work.hits()));
        assert!(!ranking.take(&work, work.hits()), "taken once");
        ranking.ask(&rows, query("pa"));
        assert_eq!(
            (ranking.hits().len(), ranking.waits()),
            (rows.len() / 2, false),
            "only former hits are asked"
        );
    }

    #[test]
    fn who_cannot_wait_ranks_at_once() {
        let rows = many(MANY + 2);
        let mut ranking = Ranking::default();
        ranking.ask(&rows, query(""));
        ranking.ask(&rows, query("lexer"));
        assert!(ranking.finish() && !ranking.finish());
        assert_eq!(ranking.hits().len(), rows.len() / 2);
        assert_eq!(ranking.work(), None);
    }
}
