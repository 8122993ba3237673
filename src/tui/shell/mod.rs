//! The loop: the one place where state, screen, slot and store meet.
//!
//! Owns the terminal, the [`App`] and the receivers. Decides nothing: events go
//! into `update`, effects come out and are run as tasks, and what waits is
//! taken in before one frame is drawn. A frame is drawn on change, not on a timer.

mod clipboard;
mod editor;
mod effects;
mod input;
mod keepsakes;
mod keys;
mod listing;
mod lookout;
mod recorder;
mod search;
mod terminal;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Local, Offset, Utc};
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use uuid::Uuid;

use self::effects::{OfLoop, Runner};
use self::input::Input;
use self::keepsakes::Keepsakes;
use self::listing::Listing;
use self::recorder::Recorder;
use self::search::Search;
use self::terminal::Screen;
use super::app::{App, Effect, Event, Keymap, Offered, Setup, begin, update};
use super::view::{Caches, Theme, view};
use crate::session::Prices;
use crate::slot::{self, Launch, Program, SlotEvent};
use crate::store::{Scope, SessionStore};

/// What the program is started with.
pub struct Options {
    /// How to start the agent.
    pub launch: Launch,
    /// The agent's name, until it says so itself.
    pub agent: String,
    /// The agents that can take its place; a program for each that is there.
    pub agents: Vec<(Offered, Option<Program>)>,
    /// Where transcripts live.
    pub store: Arc<dyn SessionStore>,
    /// The file of the index; none where nothing is written to disk.
    pub index: Option<PathBuf>,
    /// Resume the newest session of the folder.
    pub resume_newest: bool,
    /// List the sessions of all projects.
    pub all: bool,
    /// The keys.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
    /// The mouse is ours.
    pub mouse: bool,
    /// Times are shown from the start.
    pub times: bool,
    /// The browser's width in columns.
    pub browser_width: Option<u16>,
    /// The editor with its arguments; none: `$VISUAL`, `$EDITOR`, `vi`.
    pub editor: Option<String>,
    /// What models cost.
    pub prices: Prices,
    /// The agent has a terminal of its own.
    pub terminal: bool,
    /// Where drafts and history are kept.
    pub state: PathBuf,
    /// Something to say at the start.
    pub welcome: Option<String>,
}

/// Runs the program until the person quits or a signal ends it.
pub fn run(options: Options) -> Result<()> {
    // Two threads: the loop with its tasks, and room for one that computes.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let outcome = runtime.block_on(Shell::start(options)?.run());
    // Reading a huge transcript must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

/// The loop's state.
struct Shell {
    app: App,
    screen: Screen,
    caches: Caches,
    theme: Theme,
    editor: Option<String>,
    launch: Launch,
    others: Arc<[Option<Program>]>,
    store: Arc<dyn SessionStore>,
    index: Option<PathBuf>,
    keepsakes: Keepsakes,
    /// None where nothing is written to disk.
    recorder: Option<Recorder>,
}

/// What the loop waits for.
struct Sources {
    /// None while the terminal is lent to another program.
    input: Option<Input>,
    events: mpsc::UnboundedReceiver<Event>,
    news: mpsc::Receiver<SlotEvent>,
    tick: tokio::time::Interval,
    ends: [Signal; 3],
}

/// Why the loop goes on or ends.
enum Next {
    /// Something happened.
    Event(Event),
    /// A signal asked for the end, or the terminal is gone.
    End,
}

impl Shell {
    fn start(options: Options) -> Result<Self> {
        let keepsakes = Keepsakes::new(&options.state);
        let app = App::new(Setup {
            keymap: options.keymap,
            folder: options.launch.cwd.display().to_string(),
            agent: options.agent,
            agents: options.agents.iter().map(|(offered, _)| offered.clone()).collect(),
            terminal: options.terminal,
            mode: options.launch.permission_mode,
            resume: options.launch.resume,
            resume_newest: options.resume_newest,
            all: options.all,
            ephemeral: options.launch.ephemeral,
            welcome: options.welcome,
            times: options.times,
            browser_width: options.browser_width,
            prices: options.prices,
            drafts: keepsakes.drafts(),
            history: keepsakes.history(),
            run: Uuid::new_v4(),
            offset: Local::now().offset().fix(),
            now: Utc::now(),
        });
        Ok(Self {
            app,
            recorder: None,
            screen: Screen::take(options.mouse).context("taking over the terminal")?,
            caches: Caches::default(),
            theme: options.theme,
            editor: options.editor,
            launch: options.launch,
            others: options.agents.into_iter().map(|(_, other)| other).collect(),
            store: options.store,
            index: options.index,
            keepsakes,
        })
    }

    async fn run(mut self) -> Result<()> {
        // The first frame waits for nothing: not for the list, not for the agent.
        let (width, height) = crossterm::terminal::size().context("asking for the terminal's size")?;
        update(&mut self.app, Utc::now(), Event::Resize { width, height });
        self.draw()?;
        let (events_in, events) = mpsc::unbounded_channel();
        let painted = events_in.clone();
        let painted = move || {
            // An error says that hotseat is ending.
            let _nobody_draws = painted.send(Event::Painted);
        };
        let (slot, news, terminal) = if self.app.seat.terminal {
            let Rect { height, width, .. } = self.app.geometry.terminal;
            let size = (height.max(1), width.max(1));
            let (slot, news, terminal) = slot::terminal::spawn(self.launch.clone(), size, painted.clone());
            (slot, news, Some(terminal))
        } else {
            let (slot, news) = slot::spawn(self.launch.clone());
            (slot, news, None)
        };
        self.caches = Caches::new(painted).with(terminal.clone());
        let (prompts, prompts_out) = mpsc::unbounded_channel();
        tokio::spawn(submit_in_order(slot.clone(), prompts_out));
        let scope = Scope::Project(self.launch.cwd.clone());
        let listing = Listing::start(Arc::clone(&self.store), self.index.clone(), scope, events_in.clone());
        if !self.launch.ephemeral {
            let listing = listing.clone();
            self.recorder = Some(Recorder::start(Arc::clone(&self.store), move || listing.read_again()));
        }
        let runner = Runner {
            slot,
            others: Arc::clone(&self.others),
            store: Arc::clone(&self.store),
            search: Search::start(Arc::clone(&self.store), self.index.clone(), events_in.clone()),
            listing,
            events: events_in,
            keepsakes: self.keepsakes.clone(),
            prompts,
            terminal: terminal.clone(),
        };
        let mut sources = Sources {
            input: Some(Input::start()),
            events,
            news,
            tick: tokio::time::interval(Duration::from_secs(1)),
            ends: [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()]
                .map(|kind| signal(kind))
                .into_iter()
                .collect::<std::io::Result<Vec<_>>>()
                .context("listening for signals")?
                .try_into()
                .map_err(|_| anyhow::anyhow!("three signals were asked for"))?,
        };
        for effect in begin(&mut self.app) {
            runner.run(effect);
        }
        loop {
            let mut next = sources.next().await;
            // Take in what waits, then draw once.
            loop {
                match next {
                    Next::End | Next::Event(Event::Closed) => return self.end(&runner).await,
                    Next::Event(event) => {
                        if self.take(event, &runner, &mut sources).await? {
                            return Ok(());
                        }
                    }
                }
                match sources.waiting() {
                    Some(more) => next = more,
                    None => break,
                }
            }
            while self.app.stale {
                for effect in self.draw()? {
                    runner.run(effect);
                }
            }
        }
    }

    /// Takes one event; `true` when that was the last one.
    async fn take(&mut self, event: Event, runner: &Runner, sources: &mut Sources) -> Result<bool> {
        match &event {
            Event::Tick => self.measure(),
            Event::Slot(news) => {
                if let (Some(recorder), Some(agent)) = (&self.recorder, self.app.only_teller()) {
                    recorder.take(agent, news);
                }
            }
            _ => {}
        }
        for effect in update(&mut self.app, Utc::now(), event) {
            match runner.run(effect) {
                None => {}
                Some(OfLoop::Quit) => return Ok(true),
                Some(OfLoop::Redraw) => {
                    self.screen.forget().context("clearing the screen")?;
                    self.app.stale = true;
                }
                Some(OfLoop::Suspend) => {
                    sources.lend_terminal();
                    suspend()?;
                    sources.take_terminal_again(&mut self.screen)?;
                    self.app.stale = true;
                }
                Some(OfLoop::Edit(text)) => {
                    sources.lend_terminal();
                    let edited = editor::edit(self.editor.as_deref(), &text).await;
                    sources.take_terminal_again(&mut self.screen)?;
                    let event =
                        edited.map_or_else(|error| Event::Failed(format!("{error:#}")), Event::Edited);
                    update(&mut self.app, Utc::now(), event);
                }
            }
        }
        Ok(false)
    }

    /// Draws a frame and lets the state learn what it showed. Learning may ask
    /// for another frame, such as when a permission request takes the focus.
    fn draw(&mut self) -> Result<Vec<Effect>> {
        self.app.stale = false;
        let mut geometry = None;
        let (app, caches, theme) = (&self.app, &mut self.caches, &self.theme);
        self.screen
            .terminal()
            .draw(|frame| geometry = Some(view(app, frame, caches, theme)))
            .context("drawing")?;
        if let (Some(terminal), Some(geometry)) = (self.caches.terminal(), &geometry)
            && !geometry.terminal.is_empty()
        {
            terminal.resize(geometry.terminal.height, geometry.terminal.width);
        }
        let learnt = geometry.map(|geometry| update(&mut self.app, Utc::now(), Event::Drawn(geometry)));
        Ok(learnt.unwrap_or_default())
    }

    /// The agent's memory, every other second: a read of a few bytes.
    fn measure(&mut self) {
        if let Some(agent) = &self.app.seat.agent {
            let memory = slot::memory_of(agent.pid);
            if memory != self.app.seat.memory {
                update(&mut self.app, Utc::now(), Event::Memory { agent: memory });
            }
        }
    }

    /// A signal or the agent's end: drafts kept, the agent closed gracefully.
    async fn end(mut self, runner: &Runner) -> Result<()> {
        for (session, text) in self.app.composer.unkept() {
            self.keepsakes.keep_draft(session, &text).context("keeping a draft")?;
        }
        drop(self.screen);
        runner.slot.close().await;
        Ok(())
    }
}

impl Sources {
    /// The next thing that happens, a person's keys first.
    async fn next(&mut self) -> Next {
        let [terminate, hangup, interrupt] = &mut self.ends;
        tokio::select! {
            biased;
            _ = terminate.recv() => Next::End,
            _ = hangup.recv() => Next::End,
            _ = interrupt.recv() => Next::End,
            next = from_terminal(&mut self.input) => next,
            Some(event) = self.events.recv() => Next::Event(event),
            Some(news) = self.news.recv() => Next::Event(Event::Slot(Box::new(news))),
            _ = self.tick.tick() => Next::Event(Event::Tick),
        }
    }

    /// What is there without waiting.
    fn waiting(&mut self) -> Option<Next> {
        if let Some(next) = self.input.as_mut().and_then(Input::waiting) {
            return Some(next);
        }
        if let Ok(event) = self.events.try_recv() {
            return Some(Next::Event(event));
        }
        self.news.try_recv().ok().map(|news| Next::Event(Event::Slot(Box::new(news))))
    }

    /// The terminal is somebody else's for a while: nothing is read from it.
    fn lend_terminal(&mut self) {
        // Its reader would eat the other program's keys.
        self.input = None;
        Screen::lend();
    }

    fn take_terminal_again(&mut self, screen: &mut Screen) -> Result<()> {
        screen.take_again().context("taking the terminal over again")?;
        self.input = Some(Input::start());
        Ok(())
    }
}

/// The next thing a person does; never, while the terminal is lent.
async fn from_terminal(input: &mut Option<Input>) -> Next {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}

/// Prompts reach the slot one after the other, in the order they were sent.
async fn submit_in_order(slot: slot::SlotHandle, mut prompts: mpsc::UnboundedReceiver<(String, String)>) {
    while let Some((uuid, text)) = prompts.recv().await {
        if slot.submit(uuid, text).await.is_err() {
            tracing::warn!("a prompt was sent to a closed slot");
        }
    }
}

/// To the shell, as Ctrl-Z does everywhere; returns after `fg`. The agent has a
/// process group of its own and stays warm.
fn suspend() -> Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::TSTP).context("suspending")
}
