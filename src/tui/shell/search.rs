//! The one who looks for texts: a thread of its own with a queue of one, since
//! only what was typed last counts.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc as thread_channel;
use std::time::Instant;

use rayon::prelude::*;
use tokio::sync::mpsc;

use crate::index::text::{Query, Snippet, snippet};
use crate::session::SessionId;
use crate::store::{Scope, SessionStore};
use crate::tui::app::{Event, Found, Hit, Sought};

/// More sessions than this nobody looks through.
const MOST: usize = 100;
/// Transcripts that are read before looking whether something newer was asked.
const BATCH: usize = 16;

/// Asks for texts; cheap to clone. When the last one is dropped, the thread ends.
#[derive(Clone)]
pub(super) struct Search {
    requests: thread_channel::Sender<Sought>,
}

impl Search {
    /// Starts the thread. What it finds goes out as events, with what was asked.
    pub(super) fn start(store: Arc<dyn SessionStore>, events: mpsc::UnboundedSender<Event>) -> Self {
        let (requests, waiting) = thread_channel::channel::<Sought>();
        std::thread::spawn(move || {
            let mut next = waiting.recv().ok();
            while let Some(sought) = next.take() {
                let mut newer = || {
                    next = waiting.try_iter().last().or(next.take());
                    next.is_some()
                };
                let found = if newer() { None } else { find(&*store, &sought, &mut newer) };
                if found.is_some_and(|found| events.send(Event::Found { sought, found }).is_err()) {
                    return;
                }
                next = next.or_else(|| waiting.recv().ok());
            }
        });
        Self { requests }
    }

    /// Looks for a text, in place of what was asked before.
    pub(super) fn ask(&self, sought: Sought) {
        // The thread ends only with the program.
        let _ = self.requests.send(sought);
    }
}

/// What was found; none where something newer was asked meanwhile.
fn find(
    store: &dyn SessionStore,
    sought: &Sought,
    newer: &mut dyn FnMut() -> bool,
) -> Option<Result<Found, String>> {
    let began = Instant::now();
    let query = Query::typing(&sought.text).with_tools(sought.tools);
    let mut sessions = match store.list(&Scope::All) {
        Ok(sessions) => sessions,
        Err(error) => return Some(Err(error.to_string())),
    };
    if let Some(only) = &sought.only {
        let only: HashSet<SessionId> = only.iter().copied().collect();
        sessions.retain(|stored| only.contains(&stored.id));
    }
    sessions.sort_by_key(|stored| Reverse(stored.modified));
    let mut hits: Vec<Hit> = Vec::new();
    for batch in sessions.chunks(BATCH) {
        if newer() {
            return None;
        }
        hits.par_extend(batch.par_iter().filter_map(|stored| {
            // One that is gone or cannot be read holds nothing that could be shown.
            let transcript = store.read(stored.id).ok()?;
            let (offset, snippet) = latest(&transcript, &query)?;
            Some(Hit { session: stored.id, offset, others: 0, snippet })
        }));
        if hits.len() > MOST {
            break;
        }
    }
    let more = hits.len() > MOST;
    hits.truncate(MOST);
    Some(Ok(Found { hits, more, took: began.elapsed(), progress: None }))
}

/// The last entry in which a text was said, and where it begins.
fn latest(transcript: &[u8], query: &Query) -> Option<(u64, Snippet)> {
    let mut rest = transcript;
    while !rest.is_empty() {
        let body = rest.strip_suffix(b"\n").unwrap_or(rest);
        let start = memchr::memrchr(b'\n', body).map_or(0, |newline| newline + 1);
        if let Some(snippet) = snippet(&rest[start..], query) {
            return Some((start as u64, snippet));
        }
        rest = &rest[..start];
    }
    None
}
