//! Which sessions match the query, kept up to date while it is typed.
//!
//! A few are ranked at once; many by the shell, so that no key waits for them.
//! An answer to what was typed before is thrown away.

use std::sync::Arc;

use crate::index::SessionRow;
use crate::index::query::SessionQuery;

/// More sessions than this are ranked beside the draw loop.
const BACKGROUND_THRESHOLD: usize = 10_000;

/// The sessions that answer a query, and the query.
#[derive(Debug, Default)]
pub struct Ranking {
    query: SessionQuery,
    /// The sessions that were asked.
    rows: Arc<Vec<SessionRow>>,
    /// Those that answer, by index, best first.
    hits: Vec<usize>,
    /// What the shell is to rank, until the update hands it over.
    job: Option<RankJob>,
    /// The hits are those of a former query: the shell is at work.
    waiting: bool,
}

/// Sessions to be ranked, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct RankJob {
    /// What is looked for.
    pub query: SessionQuery,
    pub rows: Arc<Vec<SessionRow>>,
    /// The only ones that can answer, where that is known.
    pub among: Option<Vec<usize>>,
}

impl RankJob {
    /// Ranks: the indices of those that answer, best first.
    pub fn run(&self) -> Vec<usize> {
        self.query.rank_all(&self.rows, self.among.as_deref())
    }
}

impl Ranking {
    /// Ranks these sessions by this query, at once or as soon as the shell did.
    pub fn set_query(&mut self, rows: &Arc<Vec<SessionRow>>, query: SessionQuery) {
        let same_rows = Arc::ptr_eq(&self.rows, rows);
        if same_rows && query == self.query {
            return;
        }
        let narrower = same_rows && !self.waiting && query.is_refinement_of(&self.query);
        let among = narrower.then(|| self.hits.clone());
        self.rows = Arc::clone(rows);
        self.query = query;
        let count = among.as_ref().map_or(rows.len(), Vec::len);
        let work = RankJob { query: self.query.clone(), rows: Arc::clone(rows), among };
        // The hits of other rows are of no use meanwhile.
        self.waiting = same_rows && count > BACKGROUND_THRESHOLD && !self.query.is_empty();
        if self.waiting {
            self.job = Some(work);
        } else {
            self.job = None;
            self.hits = work.run();
        }
    }

    /// Takes the shell's answer; false where it is not to what was asked last.
    pub fn set_hits(&mut self, work: &RankJob, hits: Vec<usize>) -> bool {
        let asked = self.waiting && work.query == self.query && Arc::ptr_eq(&work.rows, &self.rows);
        if asked {
            self.waiting = false;
            self.hits = hits;
        }
        asked
    }

    /// Does not wait for the shell: the next thing needs the answer. True where
    /// there was something to wait for.
    pub fn rank_now(&mut self) -> bool {
        let waited = std::mem::take(&mut self.waiting);
        if waited {
            self.job = None;
            self.hits = self.query.rank_all(&self.rows, None);
        }
        waited
    }

    /// What the shell is to rank, once.
    pub fn take_job(&mut self) -> Option<RankJob> {
        self.job.take()
    }

    /// The sessions that answer, by index, best first.
    pub fn hits(&self) -> &[usize] {
        &self.hits
    }

    /// What is looked for.
    pub fn query(&self) -> &SessionQuery {
        &self.query
    }

    /// The hits are still those of what was typed before.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::tui::app::sample::{noon, row};

    fn query(typed: &str) -> SessionQuery {
        SessionQuery::parse(typed, DateTime::from(noon()))
    }

    fn many(count: usize) -> Arc<Vec<SessionRow>> {
        Arc::new((0..count).map(|at| row(1, if at % 2 == 0 { "parser" } else { "lexer" }, 1, None)).collect())
    }

    #[test]
    fn a_few_are_ranked_at_once() {
        let mut ranking = Ranking::default();
        ranking.set_query(&many(4), query("pars"));
        assert_eq!((ranking.hits(), ranking.is_waiting()), (&[0, 2][..], false));
        assert_eq!(ranking.take_job(), None);
    }

    #[test]
    fn many_are_ranked_by_the_shell_and_stale_answers_dropped() {
        let rows = many(BACKGROUND_THRESHOLD + 2);
        let mut ranking = Ranking::default();
        ranking.set_query(&rows, query(""));
        ranking.set_query(&rows, query("l"));
        let stale = ranking.take_job().unwrap();
        ranking.set_query(&rows, query("p"));
        let work = ranking.take_job().unwrap();
        assert!(!ranking.set_hits(&stale, stale.run()));
        assert_eq!(ranking.hits().len(), rows.len(), "the former ones stay in sight");
        assert!(ranking.set_hits(&work, work.run()));
        assert!(!ranking.set_hits(&work, work.run()), "taken once");
        ranking.set_query(&rows, query("pa"));
        assert_eq!(
            (ranking.hits().len(), ranking.is_waiting()),
            (rows.len() / 2, false),
            "only former hits are asked"
        );
    }

    #[test]
    fn who_cannot_wait_ranks_at_once() {
        let rows = many(BACKGROUND_THRESHOLD + 2);
        let mut ranking = Ranking::default();
        ranking.set_query(&rows, query(""));
        ranking.set_query(&rows, query("lexer"));
        assert!(ranking.rank_now() && !ranking.rank_now());
        assert_eq!(ranking.hits().len(), rows.len() / 2);
        assert_eq!(ranking.take_job(), None);
    }
}
