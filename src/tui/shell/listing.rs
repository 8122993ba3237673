//! The one reader of the list: a thread of its own, so that a slow disk holds
//! up nothing, and one reading at a time.

use std::sync::Arc;
use std::sync::mpsc as thread_channel;

use tokio::sync::mpsc;

use super::lookout::Lookout;
use crate::index::Catalog;
use crate::store::{Scope, SessionStore};
use crate::tui::app::Event;

/// Asks the reader; cheap to clone. When the last one is dropped, it ends.
#[derive(Clone)]
pub(super) struct Listing {
    requests: thread_channel::Sender<Request>,
}

/// What is to be read.
enum Request {
    /// A scope: all projects, or this one.
    Scope {
        /// All projects.
        all: bool,
    },
    /// The scope read last, since something was changed.
    Again,
}

impl Listing {
    /// Starts the reader of a store. What it reads goes out as events: first
    /// what is known so far, then all of it, then only what is different.
    pub(super) fn start(
        store: Arc<dyn SessionStore>,
        project: Scope,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (requests, waiting) = thread_channel::channel();
        std::thread::spawn(move || {
            let mut lookout = Lookout::new(Arc::clone(&store), project.clone());
            // Those that nothing names too: a person may ask for them.
            let catalog = Catalog::over(store, true);
            let mut last = None;
            while let Ok(request) = waiting.recv() {
                // Of what piled up meanwhile only the newest scope counts.
                let mut newest = Wanted::default().after(&request, last);
                while let Ok(later) = waiting.try_recv() {
                    newest = newest.after(&later, Some(newest.all));
                }
                let all = newest.all;
                let scope = if all { Scope::All } else { project.clone() };
                let event = if newest.whole || last != Some(all) {
                    Some(read(&catalog, &scope, all, &events))
                } else {
                    refresh(&catalog, &scope, all)
                };
                last = Some(all);
                if let Some(Event::Rows { rows, .. }) = &event {
                    lookout.learn(rows);
                }
                if event.is_some_and(|event| events.send(event).is_err()) {
                    return;
                }
                // After the list: nobody waits for it.
                if lookout.look().into_iter().any(|seen| events.send(seen).is_err()) {
                    return;
                }
            }
        });
        Self { requests }
    }

    /// Reads the sessions of all projects, or of this one.
    pub(super) fn read(&self, all: bool) {
        // The reader ends only with the program.
        let _ = self.requests.send(Request::Scope { all });
    }

    /// Reads again what was read last.
    pub(super) fn read_again(&self) {
        let _ = self.requests.send(Request::Again);
    }
}

/// What the requests so far come to.
#[derive(Default, Clone, Copy)]
struct Wanted {
    /// All projects.
    all: bool,
    /// The whole list, whether or not anything is different in the store: the
    /// screen was changed ahead of it.
    whole: bool,
}

impl Wanted {
    fn after(self, request: &Request, last: Option<bool>) -> Self {
        match request {
            Request::Scope { all } => Self { all: *all, ..self },
            Request::Again => Self { all: last.unwrap_or(false), whole: true },
        }
    }
}

fn read(catalog: &Catalog, scope: &Scope, all: bool, events: &mpsc::UnboundedSender<Event>) -> Event {
    let so_far = |rows, progress| {
        // A screen that is gone needs no progress.
        let _ = events.send(Event::Rows { all, rows, progress: Some(progress) });
    };
    match catalog.read(scope, so_far) {
        Ok(rows) => Event::Rows { all, rows, progress: None },
        Err(error) => Event::RowsFailed(error.to_string()),
    }
}

fn refresh(catalog: &Catalog, scope: &Scope, all: bool) -> Option<Event> {
    match catalog.refresh(scope) {
        Ok(rows) => rows.map(|rows| Event::Rows { all, rows, progress: None }),
        Err(error) => Some(Event::RowsFailed(error.to_string())),
    }
}
