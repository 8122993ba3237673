//! The one reader of the list: a thread of its own, so that a slow disk holds
//! up nothing, and one reading at a time.

use std::sync::Arc;
use std::sync::mpsc as thread_channel;

use tokio::sync::mpsc;

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
            let catalog = Catalog::over(store, false);
            let mut last = None;
            while let Ok(request) = waiting.recv() {
                // Of what piled up meanwhile only the newest scope counts.
                let mut all = scope_of(&request, last);
                while let Ok(later) = waiting.try_recv() {
                    all = scope_of(&later, Some(all));
                }
                let scope = if all { Scope::All } else { project.clone() };
                let event = if last == Some(all) {
                    refresh(&catalog, &scope, all)
                } else {
                    Some(read(&catalog, &scope, all, &events))
                };
                last = Some(all);
                if event.is_some_and(|event| events.send(event).is_err()) {
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

fn scope_of(request: &Request, last: Option<bool>) -> bool {
    match request {
        Request::Scope { all } => *all,
        Request::Again => last.unwrap_or(false),
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
