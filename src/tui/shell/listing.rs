//! The one reader of the list: a thread of its own, so that a slow disk holds
//! up nothing, and one reading at a time. A second thread brings everything into
//! the index behind it, and watches tell when a look is worth while.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as thread_channel;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::lookout::Lookout;
use crate::index::{Catalog, Watch};
use crate::store::{Scope, SessionStore};
use crate::tui::app::Event;

/// Asks the reader, which ends with the program; cheap to clone.
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
    /// Something in the store is different, as the system tells.
    Changed,
}

/// From the first word of a change to the look at it: what writes a line often
/// writes another.
const SETTLING: Duration = Duration::from_millis(60);
/// Between two lists while the index is being made.
const PROGRESS: Duration = Duration::from_millis(300);

impl Listing {
    /// Starts the reader of a store. What it reads goes out as events: first
    /// what is known so far, then all of it, then only what is different.
    pub(super) fn start(
        store: Arc<dyn SessionStore>,
        index: Option<PathBuf>,
        project: Scope,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (requests, waiting) = thread_channel::channel();
        let listing = Self { requests };
        let weak = listing.requests.clone();
        std::thread::spawn(move || {
            let mut lookout = Lookout::new(Arc::clone(&store), project.clone());
            let _watch = watch(&*store, &weak);
            // Those that nothing names too: a person may ask for them.
            let catalog = Arc::new(match index {
                Some(index) => Catalog::open(store, &index, true),
                None => Catalog::over(store, true),
            });
            let completer = complete(Arc::clone(&catalog), weak, events.clone());
            let mut last = None;
            while let Ok(request) = waiting.recv() {
                if matches!(request, Request::Changed) {
                    std::thread::sleep(SETTLING);
                }
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
                    // One that is at work needs no second call.
                    let _woken_or_awake = completer.try_send(());
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
        listing
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
            Request::Changed => Self { all: last.unwrap_or(self.all), ..self },
        }
    }
}

/// Has the list looked at whenever the store changes; none where the system
/// cannot tell, and then the clock does.
fn watch(store: &dyn SessionStore, requests: &thread_channel::Sender<Request>) -> Option<Watch> {
    let requests = requests.clone();
    let watch = Watch::start(&store.watched(), move || {
        // The reader ends only with the program.
        let _told_or_over = requests.send(Request::Changed);
    });
    watch.inspect_err(|error| tracing::warn!("changes are only looked for every other second: {error}")).ok()
}

/// Brings everything into the index whenever it is called; the list is given
/// anew as it goes.
fn complete(
    catalog: Arc<Catalog>,
    requests: thread_channel::Sender<Request>,
    events: mpsc::UnboundedSender<Event>,
) -> thread_channel::SyncSender<()> {
    let (call, calls) = thread_channel::sync_channel(1);
    std::thread::spawn(move || {
        while calls.recv().is_ok() {
            let mut shown = Instant::now();
            let outcome = catalog.complete(&Scope::All, |done, all| {
                if done < all && shown.elapsed() < PROGRESS {
                    return ControlFlow::Continue(());
                }
                shown = Instant::now();
                let progress = (done < all).then_some((done, all));
                let told = events.send(Event::Indexing(progress)).is_ok();
                let asked = requests.send(Request::Again).is_ok();
                if told && asked { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            if let Err(error) = outcome {
                tracing::warn!("the index was not brought up to date: {error}");
            }
            for note in catalog.take_notes() {
                // A screen that is gone need not be told.
                let _told_or_gone = events.send(Event::Said(note));
            }
        }
    });
    call
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
