//! Searches messages on a thread of its own with a queue of one: only what was
//! typed last counts.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as thread_channel;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::index::text::FullTextQuery;
use crate::index::{TextFinder, TextHits, find_without_index};
use crate::session::SessionId;
use crate::store::SessionStore;
use crate::tui::app::{Event, TextQuery, TextResults};

/// The most results that are worth showing.
const MAX_RESULTS: usize = 100;

/// Asks for texts; cheap to clone. When the last one is dropped, the thread ends.
#[derive(Clone)]
pub(super) struct MessageSearch {
    requests: thread_channel::Sender<TextQuery>,
}

impl MessageSearch {
    /// Starts the thread. What it finds goes out as events, with what was asked.
    pub(super) fn start(
        store: Arc<dyn SessionStore>,
        index: Option<PathBuf>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        // Unbounded: one query a key press, and the thread skips to the newest.
        let (requests, waiting) = thread_channel::channel::<TextQuery>();
        std::thread::spawn(move || {
            let mut searcher = SearchThread { store, index, finder: None };
            let mut next = waiting.recv().ok();
            while let Some(sought) = next.take() {
                let mut newer = || {
                    next = waiting.try_iter().last().or(next.take());
                    next.is_some()
                };
                let found = if newer() { None } else { searcher.run(&sought, &mut newer) };
                if found.is_some_and(|found| events.send(Event::SearchResults { sought, found }).is_err()) {
                    return;
                }
                next = next.or_else(|| waiting.recv().ok());
            }
        });
        Self { requests }
    }

    /// Looks for a text, in place of what was asked before.
    pub(super) fn search(&self, sought: TextQuery) {
        // The thread ends only with the program.
        let _ = self.requests.send(sought);
    }
}

/// Where it is looked.
struct SearchThread {
    store: Arc<dyn SessionStore>,
    index: Option<PathBuf>,
    /// Opened by the first search, because the list may rebuild the index before.
    finder: Option<TextFinder>,
}

impl SearchThread {
    /// The results; `None` if a newer query arrived meanwhile.
    fn run(
        &mut self,
        sought: &TextQuery,
        newer: &mut dyn FnMut() -> bool,
    ) -> Option<Result<TextResults, String>> {
        let began = Instant::now();
        let query = FullTextQuery::typing(&sought.text).with_tools(sought.tools);
        let only: Option<HashSet<SessionId>> =
            sought.restrict_to.as_ref().map(|only| only.iter().copied().collect());
        let wanted = |session| only.as_ref().is_none_or(|only| only.contains(&session));
        let found = match self.in_index(&query, &wanted) {
            Some(found) => Ok(found),
            None => {
                find_without_index(&*self.store, &query, wanted, MAX_RESULTS, |_, _| !newer()).transpose()?
            }
        };
        let found = found.map_err(|error| error.to_string());
        Some(found.map(|found| TextResults { hits: found.hits, more: found.more, took: began.elapsed() }))
    }

    /// Searches the index; `None` if there is none that can be used.
    fn in_index(&mut self, query: &FullTextQuery, wanted: &dyn Fn(SessionId) -> bool) -> Option<TextHits> {
        let index = self.index.as_ref()?;
        // Its file may have been replaced since it was opened: try twice.
        for _ in 0..2 {
            let finder = match self.finder.take() {
                Some(finder) => Ok(finder),
                None => TextFinder::open(Arc::clone(&self.store), index),
            };
            let found = finder.and_then(|mut finder| {
                let found = finder.find(query, wanted, MAX_RESULTS)?;
                self.finder = Some(finder);
                Ok(found)
            });
            match found {
                Ok(found) => return Some(found),
                Err(error) => tracing::warn!("the index could not be searched: {error}"),
            }
        }
        None
    }
}
