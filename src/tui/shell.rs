//! The loop: the one place where state, screen, slot and store meet.
//!
//! Owns the terminal, the [`App`] and the receivers. Decides nothing: events go
//! into `update`, effects come out and are run as tasks, and what waits is
//! taken in before one frame is drawn. A frame is drawn on change, not on a timer.

mod clipboard;
mod editor;
mod effects;
mod environment_watch;
mod input;
mod key_encoding;
mod message_search;
mod persistence;
mod recorder;
mod session_list_worker;
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

use self::effects::{EffectRunner, LoopEffect};
use self::input::InputReader;
use self::message_search::MessageSearch;
use self::persistence::Persistence;
use self::recorder::Recorder;
use self::session_list_worker::SessionListWorker;
use self::terminal::Screen;
use super::app::{AgentOffer, App, AppSetup, Effect, Event, Keymap, initial_effects, update};
use super::view::{Theme, ViewCaches, view};
use crate::session::Prices;
use crate::slot::{self, AgentProgram, Launch, SlotEvent};
use crate::store::{Scope, SessionStore};

/// What the program is started with.
pub struct TuiOptions {
    /// How to start the agent.
    pub launch: Launch,
    /// The agent's name, until it says so itself.
    pub agent: String,
    /// The agents that can take its place; a program for each that is there.
    pub agents: Vec<(AgentOffer, Option<AgentProgram>)>,
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
pub fn run(options: TuiOptions) -> Result<()> {
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
    caches: ViewCaches,
    theme: Theme,
    editor: Option<String>,
    launch: Launch,
    agent_programs: Arc<[Option<AgentProgram>]>,
    store: Arc<dyn SessionStore>,
    index: Option<PathBuf>,
    persistence: Persistence,
    /// None where nothing is written to disk.
    recorder: Option<Recorder>,
}

/// What the loop waits for.
struct EventSources {
    /// None while the terminal is lent to another program.
    input: Option<InputReader>,
    events: mpsc::UnboundedReceiver<Event>,
    slot_events: mpsc::Receiver<SlotEvent>,
    tick: tokio::time::Interval,
    signals: [Signal; 3],
}

/// Why the loop goes on or ends.
enum LoopEvent {
    /// Something happened.
    Event(Event),
    /// A signal asked for the end, or the terminal is gone.
    Shutdown,
}

impl Shell {
    fn start(options: TuiOptions) -> Result<Self> {
        let keepsakes = Persistence::new(&options.state);
        let app = App::new(AppSetup {
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
            show_timestamps: options.times,
            browser_width: options.browser_width,
            prices: options.prices,
            drafts: keepsakes.drafts(),
            history: keepsakes.history(),
            run_id: Uuid::new_v4(),
            offset: Local::now().offset().fix(),
            now: Utc::now(),
        });
        Ok(Self {
            app,
            recorder: None,
            screen: Screen::acquire(options.mouse).context("taking over the terminal")?,
            caches: ViewCaches::default(),
            theme: options.theme,
            editor: options.editor,
            launch: options.launch,
            agent_programs: options.agents.into_iter().map(|(_, other)| other).collect(),
            store: options.store,
            index: options.index,
            persistence: keepsakes,
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
            let _nobody_draws = painted.send(Event::HighlightReady);
        };
        let (slot, news, terminal) = if self.app.agent.terminal {
            let Rect { height, width, .. } = self.app.geometry.terminal;
            let size = (height.max(1), width.max(1));
            let (slot, news, terminal) = slot::terminal::spawn(self.launch.clone(), size, painted.clone());
            (slot, news, Some(terminal))
        } else {
            let (slot, news) = slot::spawn(self.launch.clone());
            (slot, news, None)
        };
        self.caches = ViewCaches::new(painted).with_terminal(terminal.clone());
        let (prompts, prompts_out) = mpsc::unbounded_channel();
        tokio::spawn(submit_in_order(slot.clone(), prompts_out));
        let scope = Scope::Project(self.launch.cwd.clone());
        let listing =
            SessionListWorker::start(Arc::clone(&self.store), self.index.clone(), scope, events_in.clone());
        if !self.launch.ephemeral {
            let listing = listing.clone();
            self.recorder = Some(Recorder::start(Arc::clone(&self.store), move || listing.reload()));
        }
        let runner = EffectRunner {
            slot,
            agent_programs: Arc::clone(&self.agent_programs),
            store: Arc::clone(&self.store),
            search: MessageSearch::start(Arc::clone(&self.store), self.index.clone(), events_in.clone()),
            session_list: listing,
            events: events_in,
            persistence: self.persistence.clone(),
            prompts,
            terminal: terminal.clone(),
        };
        let mut sources = EventSources {
            input: Some(InputReader::start()),
            events,
            slot_events: news,
            tick: tokio::time::interval(Duration::from_secs(1)),
            signals: [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()]
                .map(|kind| signal(kind))
                .into_iter()
                .collect::<std::io::Result<Vec<_>>>()
                .context("listening for signals")?
                .try_into()
                .map_err(|_| anyhow::anyhow!("three signals were asked for"))?,
        };
        for effect in initial_effects(&mut self.app) {
            runner.run(effect);
        }
        loop {
            let mut next = sources.next().await;
            // Take in what waits, then draw once.
            loop {
                match next {
                    LoopEvent::Shutdown | LoopEvent::Event(Event::SlotClosed) => {
                        return self.shutdown(&runner).await;
                    }
                    LoopEvent::Event(event) => {
                        if self.handle(event, &runner, &mut sources).await? {
                            return Ok(());
                        }
                    }
                }
                match sources.try_next() {
                    Some(more) => next = more,
                    None => break,
                }
            }
            while self.app.needs_redraw {
                for effect in self.draw()? {
                    runner.run(effect);
                }
            }
        }
    }

    /// Takes one event; `true` when that was the last one.
    async fn handle(
        &mut self,
        event: Event,
        runner: &EffectRunner,
        sources: &mut EventSources,
    ) -> Result<bool> {
        match &event {
            Event::Tick => self.sample_memory(),
            Event::Slot(news) => {
                if let (Some(recorder), Some(agent)) = (&self.recorder, self.app.recording_agent()) {
                    recorder.record(agent, news);
                }
            }
            _ => {}
        }
        for effect in update(&mut self.app, Utc::now(), event) {
            match runner.run(effect) {
                None => {}
                Some(LoopEffect::Quit) => return Ok(true),
                Some(LoopEffect::Redraw) => {
                    self.screen.invalidate().context("clearing the screen")?;
                    self.app.needs_redraw = true;
                }
                Some(LoopEffect::Suspend) => {
                    sources.release_terminal();
                    suspend()?;
                    sources.reacquire_terminal(&mut self.screen)?;
                    self.app.needs_redraw = true;
                }
                Some(LoopEffect::OpenEditor(text)) => {
                    sources.release_terminal();
                    let edited = editor::edit(self.editor.as_deref(), &text).await;
                    sources.reacquire_terminal(&mut self.screen)?;
                    let event =
                        edited.map_or_else(|error| Event::Failed(format!("{error:#}")), Event::EditorClosed);
                    update(&mut self.app, Utc::now(), event);
                }
            }
        }
        Ok(false)
    }

    /// Draws a frame and lets the state learn what it showed. Learning may ask
    /// for another frame, such as when a permission request takes the focus.
    fn draw(&mut self) -> Result<Vec<Effect>> {
        self.app.needs_redraw = false;
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
        let learnt = geometry.map(|geometry| update(&mut self.app, Utc::now(), Event::FrameDrawn(geometry)));
        Ok(learnt.unwrap_or_default())
    }

    /// The agent's memory, every other second: a read of a few bytes.
    fn sample_memory(&mut self) {
        if let Some(agent) = &self.app.agent.info {
            let memory = slot::resident_memory(agent.pid);
            if memory != self.app.agent.memory {
                update(&mut self.app, Utc::now(), Event::Memory { agent: memory });
            }
        }
    }

    /// A signal or the agent's end: drafts kept, the agent closed gracefully.
    async fn shutdown(mut self, runner: &EffectRunner) -> Result<()> {
        for (session, text) in self.app.composer.take_unsaved_drafts() {
            self.persistence.save_draft(session, &text).context("keeping a draft")?;
        }
        drop(self.screen);
        runner.slot.close().await;
        Ok(())
    }
}

impl EventSources {
    /// The next thing that happens, a person's keys first.
    async fn next(&mut self) -> LoopEvent {
        let [terminate, hangup, interrupt] = &mut self.signals;
        tokio::select! {
            biased;
            _ = terminate.recv() => LoopEvent::Shutdown,
            _ = hangup.recv() => LoopEvent::Shutdown,
            _ = interrupt.recv() => LoopEvent::Shutdown,
            next = next_input(&mut self.input) => next,
            Some(event) = self.events.recv() => LoopEvent::Event(event),
            Some(news) = self.slot_events.recv() => LoopEvent::Event(Event::Slot(Box::new(news))),
            _ = self.tick.tick() => LoopEvent::Event(Event::Tick),
        }
    }

    /// What is there without waiting.
    fn try_next(&mut self) -> Option<LoopEvent> {
        if let Some(next) = self.input.as_mut().and_then(InputReader::try_next) {
            return Some(next);
        }
        if let Ok(event) = self.events.try_recv() {
            return Some(LoopEvent::Event(event));
        }
        self.slot_events.try_recv().ok().map(|news| LoopEvent::Event(Event::Slot(Box::new(news))))
    }

    /// The terminal is somebody else's for a while: nothing is read from it.
    fn release_terminal(&mut self) {
        // Its reader would eat the other program's keys.
        self.input = None;
        Screen::release();
    }

    fn reacquire_terminal(&mut self, screen: &mut Screen) -> Result<()> {
        screen.reacquire().context("taking the terminal over again")?;
        self.input = Some(InputReader::start());
        Ok(())
    }
}

/// The next thing a person does; never, while the terminal is lent.
async fn next_input(input: &mut Option<InputReader>) -> LoopEvent {
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
