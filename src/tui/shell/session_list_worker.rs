//! Lists sessions on a thread of its own, one listing at a time, so that a slow
//! disk never blocks the loop. A second thread brings everything into the index,
//! and file watches say when to list again.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as thread_channel;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::environment_watch::EnvironmentWatch;
use crate::index::{Catalog, StoreWatch};
use crate::store::{Scope, SessionStore};
use crate::tui::app::Event;

/// Asks the reader, which ends with the program; cheap to clone.
#[derive(Clone)]
pub(super) struct SessionListWorker {
    requests: thread_channel::Sender<ListRequest>,
}

/// What is to be read.
enum ListRequest {
    /// A scope: all projects, or this one.
    Scope {
        /// All projects.
        all: bool,
    },
    /// The scope read last, since something was changed.
    Again,
    /// Something in the store is different, as the system tells.
    Changed,
}

/// From the first word of a change to the look at it: what writes a line often
/// writes another.
const CHANGE_DEBOUNCE: Duration = Duration::from_millis(60);
/// Between two lists while the index is being made.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(300);

impl SessionListWorker {
    /// Starts the reader of a store. What it reads goes out as events: first
    /// what is known so far, then all of it, then only what is different.
    pub(super) fn start(
        store: Arc<dyn SessionStore>,
        index: Option<PathBuf>,
        project: Scope,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        // Unbounded: the thread takes all that wait at once and merges them.
        let (requests, waiting) = thread_channel::channel();
        let listing = Self { requests };
        let weak = listing.requests.clone();
        std::thread::spawn(move || {
            let mut environment = EnvironmentWatch::new(Arc::clone(&store), project.clone());
            let _watch = watch(&*store, &weak);
            // Those that nothing names too: a person may ask for them.
            let catalog = Arc::new(match index {
                Some(index) => Catalog::open(store, &index, true),
                None => Catalog::without_index(store, true),
            });
            let completer = spawn_indexer(Arc::clone(&catalog), weak, events.clone());
            let mut last = None;
            while let Ok(request) = waiting.recv() {
                if matches!(request, ListRequest::Changed) {
                    std::thread::sleep(CHANGE_DEBOUNCE);
                }
                // Of what piled up meanwhile only the newest scope counts.
                let mut newest = ListScope::default().merge(&request, last);
                while let Ok(later) = waiting.try_recv() {
                    newest = newest.merge(&later, Some(newest.all));
                }
                let all = newest.all;
                let scope = if all { Scope::All } else { project.clone() };
                let event = if newest.whole || last != Some(all) {
                    Some(list_sessions(&catalog, &scope, all, &events))
                } else {
                    refresh(&catalog, &scope, all)
                };
                last = Some(all);
                if let Some(Event::SessionList { rows, .. }) = &event {
                    environment.add_sessions(rows);
                    // One that is at work needs no second call.
                    let _ = completer.try_send(());
                }
                if event.is_some_and(|event| events.send(event).is_err()) {
                    return;
                }
                // After the list: nobody waits for it.
                if environment.poll().into_iter().any(|seen| events.send(seen).is_err()) {
                    return;
                }
            }
        });
        listing
    }

    /// Reads the sessions of all projects, or of this one.
    pub(super) fn list(&self, all: bool) {
        // The reader ends only with the program.
        let _ = self.requests.send(ListRequest::Scope { all });
    }

    /// Reads again what was read last.
    pub(super) fn reload(&self) {
        let _ = self.requests.send(ListRequest::Again);
    }
}

/// What the requests so far come to.
#[derive(Default, Clone, Copy)]
struct ListScope {
    /// All projects.
    all: bool,
    /// The whole list, whether or not anything is different in the store: the
    /// screen was changed ahead of it.
    whole: bool,
}

impl ListScope {
    fn merge(self, request: &ListRequest, last: Option<bool>) -> Self {
        match request {
            ListRequest::Scope { all } => Self { all: *all, ..self },
            ListRequest::Again => Self { all: last.unwrap_or(false), whole: true },
            ListRequest::Changed => Self { all: last.unwrap_or(self.all), ..self },
        }
    }
}

/// Requests a listing whenever the store changes; `None` if the system cannot
/// watch files, and then only the tick does.
fn watch(store: &dyn SessionStore, requests: &thread_channel::Sender<ListRequest>) -> Option<StoreWatch> {
    let requests = requests.clone();
    let watch = StoreWatch::start(&store.watch_paths(), move || {
        // The reader ends only with the program.
        let _ = requests.send(ListRequest::Changed);
    });
    watch
        .inspect_err(|error| {
            tracing::warn!("watching files failed, so the list is read again every two seconds: {error}");
        })
        .ok()
}

/// Brings everything into the index whenever it is called; the list is given
/// anew as it goes.
fn spawn_indexer(
    catalog: Arc<Catalog>,
    requests: thread_channel::Sender<ListRequest>,
    events: mpsc::UnboundedSender<Event>,
) -> thread_channel::SyncSender<()> {
    let (call, calls) = thread_channel::sync_channel(1);
    std::thread::spawn(move || {
        while calls.recv().is_ok() {
            let mut shown = Instant::now();
            let outcome = catalog.index_all(&Scope::All, |done, all| {
                if done < all && shown.elapsed() < PROGRESS_INTERVAL {
                    return ControlFlow::Continue(());
                }
                shown = Instant::now();
                let progress = (done < all).then_some((done, all));
                let told = events.send(Event::IndexProgress(progress)).is_ok();
                let asked = requests.send(ListRequest::Again).is_ok();
                if told && asked { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            if let Err(error) = outcome {
                tracing::warn!("the index was not brought up to date: {error}");
            }
            for note in catalog.take_notes() {
                // A screen that is gone need not be told.
                let _ = events.send(Event::Info(note));
            }
        }
    });
    call
}

fn list_sessions(
    catalog: &Catalog,
    scope: &Scope,
    all: bool,
    events: &mpsc::UnboundedSender<Event>,
) -> Event {
    let so_far = |rows, progress| {
        // A screen that is gone needs no progress.
        let _ = events.send(Event::SessionList { all, rows, progress: Some(progress) });
    };
    match catalog.read(scope, so_far) {
        Ok(rows) => Event::SessionList { all, rows, progress: None },
        Err(error) => Event::SessionListFailed(error.to_string()),
    }
}

fn refresh(catalog: &Catalog, scope: &Scope, all: bool) -> Option<Event> {
    match catalog.refresh(scope) {
        Ok(rows) => rows.map(|rows| Event::SessionList { all, rows, progress: None }),
        Err(error) => Some(Event::SessionListFailed(error.to_string())),
    }
}
