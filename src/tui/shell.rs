//! The event loop: connects state, screen, slot and store.
//!
//! Owns the terminal, the [`App`] and the receivers. It never decides: events go
//! into `update`, effects come out and run as tasks. It never waits for one thing
//! alone: a terminal that does not read, an open editor and a slow disk hold up
//! neither the agent's events nor the end of the program. Start with
//! [`Shell::run`]: what waits is taken in, then one frame is drawn, on change and
//! not on a timer.

mod clipboard;
mod editor;
mod effects;
mod environment_watch;
mod event_sources;
mod folders;
mod input;
mod key_encoding;
mod message_search;
mod options;
mod output;
mod persistence;
mod recorder;
mod session_list_worker;
mod terminal;
mod transcript_reading;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Local, Offset, Utc};
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::effects::{EffectRunner, LoopEffect};
use self::event_sources::{EventSources, LoopEvent};
use self::folders::Folders;
use self::message_search::MessageSearch;
pub use self::options::TuiOptions;
use self::persistence::Persistence;
use self::recorder::Recorder;
use self::session_list_worker::SessionListWorker;
use self::terminal::Screen;
use super::app::{App, AppSetup, Effect, Event, initial_effects, update};
use super::view::{Theme, ViewCaches, view};
use crate::session::SessionId;
use crate::slot::{self, AgentProgram, Launch};
use crate::store::{Scope, SessionStore};

/// Events that are taken in before a frame is drawn, at most: a flood of them must
/// not hide what it does, nor the signal that ends it.
const EVENTS_PER_FRAME: usize = 4096;

/// Runs the program until the person quits or a signal ends it. Returns the session
/// that was active then, if it is stored and holds something to come back to.
pub fn run(options: TuiOptions) -> Result<Option<SessionId>> {
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
    editor_command: Option<String>,
    /// The editor that has the terminal at the moment.
    editor: Option<JoinHandle<()>>,
    launch: Launch,
    agent_programs: Arc<[Option<AgentProgram>]>,
    store: Arc<dyn SessionStore>,
    index: Option<PathBuf>,
    folders: Folders,
    /// The folder of what survives a run.
    state: PathBuf,
    persistence: Persistence,
    /// `None` if nothing is written to disk.
    recorder: Option<Recorder>,
}

impl Shell {
    fn start(options: TuiOptions) -> Result<Self> {
        let persistence = Persistence::new(&options.state);
        let opened = options.launch.cwd.clone();
        let folders = Folders { store: Arc::clone(&options.store), trust: options.trust, opened };
        let resume_elsewhere = options.launch.resume.and_then(|session| folders.elsewhere(session));
        let app = App::new(AppSetup {
            keymap: options.keymap,
            folder: options.launch.cwd.display().to_string(),
            agent: options.agent,
            agents: options.agents.iter().map(|(offer, _)| offer.clone()).collect(),
            terminal: options.terminal,
            mode: options.launch.permission_mode,
            resume: options.launch.resume,
            resume_elsewhere,
            is_trusted: folders.trust.is_trusted(&folders.opened),
            ignores_project_settings: options.ignores_project_settings,
            resume_newest: options.resume_newest,
            all: options.all,
            ephemeral: options.launch.ephemeral,
            welcome: options.welcome,
            show_timestamps: options.times,
            browser_width: options.browser_width,
            prices: options.prices,
            drafts: persistence.drafts(),
            history: persistence.history(),
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
            editor_command: options.editor,
            editor: None,
            launch: options.launch,
            agent_programs: options.agents.into_iter().map(|(_, program)| program).collect(),
            store: options.store,
            index: options.index,
            folders,
            state: options.state,
            persistence,
        })
    }

    async fn run(mut self) -> Result<Option<SessionId>> {
        // The first frame waits for nothing: not for the list, not for the agent.
        let (width, height) = crossterm::terminal::size().context("asking for the terminal's size")?;
        self.app.size = (width, height);
        let mut effects = self.draw()?;
        // Unbounded, since the loop itself sends, too: each event answers one
        // effect or one change on disk, so only a few ever wait.
        let (events_tx, events) = mpsc::unbounded_channel();
        let highlighted = events_tx.clone();
        // A loop that has ended draws nothing.
        let on_highlight = move || drop(highlighted.send(Event::HighlightReady));
        let mut sources = EventSources::start(events)?;
        // No process is started in a folder before a person agreed to it.
        if !self.ask_before_start(&mut sources, &mut effects).await? {
            return Ok(None);
        }
        let (slot, slot_events, terminal) = if self.app.agent.terminal {
            let Rect { height, width, .. } = self.app.geometry.terminal;
            let size = (height.max(1), width.max(1));
            let (slot, events, terminal) =
                slot::terminal::spawn(self.launch.clone(), size, on_highlight.clone());
            (slot, events, Some(terminal))
        } else {
            let (slot, events) = slot::spawn(self.launch.clone());
            (slot, events, None)
        };
        self.caches = ViewCaches::new(on_highlight).with_terminal(terminal.clone());
        // Unbounded: a person sends them one by one, and the slot takes them at once.
        let (prompts, prompts_rx) = mpsc::unbounded_channel();
        tokio::spawn(submit_in_order(slot.clone(), prompts_rx));
        let scope = Scope::Project(self.launch.cwd.clone());
        let session_list =
            SessionListWorker::start(Arc::clone(&self.store), self.index.clone(), scope, events_tx.clone());
        if !self.launch.ephemeral {
            let session_list = session_list.clone();
            self.recorder = Some(Recorder::start(Arc::clone(&self.store), move || session_list.reload()));
        }
        let runner = EffectRunner {
            slot,
            agent_programs: Arc::clone(&self.agent_programs),
            store: Arc::clone(&self.store),
            folders: self.folders.clone(),
            search: MessageSearch::start(Arc::clone(&self.store), self.index.clone(), events_tx.clone()),
            session_list,
            events: events_tx,
            persistence: self.persistence.clone(),
            prompts,
            terminal,
        };
        sources.listen_to_slot(slot_events);
        if self.run_effects(effects, &runner, &mut sources)? {
            return Ok(self.session_to_resume());
        }
        loop {
            let waits_for = self.app.needs_redraw.then(|| self.screen.output().clone());
            let mut next = sources.next(waits_for.as_ref().filter(|_| self.editor.is_none())).await;
            // Take in what waits, then draw once.
            for _ in 0..EVENTS_PER_FRAME {
                let mut after = None;
                match next {
                    LoopEvent::Shutdown | LoopEvent::Event(Event::SlotClosed) => {
                        return self.shutdown(&runner).await;
                    }
                    LoopEvent::FrameWritten => {}
                    LoopEvent::Event(mut event) => {
                        if self.app.is_writing() {
                            (event, after) = sources.join_typed(event);
                        }
                        if self.handle(event, &runner, &mut sources)? {
                            return Ok(self.session_to_resume());
                        }
                    }
                }
                match after.or_else(|| sources.try_next()) {
                    Some(more) => next = more,
                    None => break,
                }
            }
            while self.app.needs_redraw && self.can_draw() {
                let effects = self.draw()?;
                if self.run_effects(effects, &runner, &mut sources)? {
                    return Ok(self.session_to_resume());
                }
            }
        }
    }

    /// Asks what has to be answered before the first process is started, and sets
    /// the launch accordingly. `false` when the person leaves instead. Effects that
    /// need the slot are kept for later.
    async fn ask_before_start(
        &mut self,
        sources: &mut EventSources,
        later: &mut Vec<Effect>,
    ) -> Result<bool> {
        let mut effects = initial_effects(&mut self.app);
        loop {
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::StartSlot { cwd, resume, project_settings } => {
                        self.launch = Launch { cwd, resume, project_settings, ..self.launch.clone() };
                        return Ok(true);
                    }
                    Effect::TrustFolder { folder, record, .. } => {
                        if let Err(problem) = self.folders.trust(&folder, record) {
                            later.extend(update(&mut self.app, Utc::now(), Event::Failed(problem)));
                        }
                    }
                    Effect::Quit | Effect::Close => return Ok(false),
                    Effect::Redraw => self.screen.invalidate(),
                    Effect::Suspend => {
                        release_terminal(sources);
                        suspend()?;
                        self.reacquire_terminal(sources)?;
                    }
                    effect => later.push(effect),
                }
            }
            while self.app.needs_redraw && self.can_draw() {
                later.extend(self.draw()?);
            }
            let waits_for = self.app.needs_redraw.then(|| self.screen.output().clone());
            match sources.next(waits_for.as_ref()).await {
                LoopEvent::Shutdown => return Ok(false),
                LoopEvent::FrameWritten => {}
                LoopEvent::Event(event) => effects = update(&mut self.app, Utc::now(), event),
            }
        }
    }

    /// Takes one event; `true` when that was the last one.
    fn handle(&mut self, event: Event, runner: &EffectRunner, sources: &mut EventSources) -> Result<bool> {
        match &event {
            Event::Tick => runner.sample_memory(self.app.agent.info.as_ref().map(|agent| agent.pid)),
            Event::Slot(slot_event) => {
                if let (Some(recorder), Some(agent)) = (&self.recorder, self.app.recording_agent()) {
                    recorder.record(agent, slot_event);
                }
            }
            Event::EditorClosed(_) => {
                self.editor = None;
                self.reacquire_terminal(sources)?;
            }
            _ => {}
        }
        let effects = update(&mut self.app, Utc::now(), event);
        self.run_effects(effects, runner, sources)
    }

    /// Runs effects; `true` when one of them ends the program.
    fn run_effects(
        &mut self,
        effects: Vec<Effect>,
        runner: &EffectRunner,
        sources: &mut EventSources,
    ) -> Result<bool> {
        for effect in effects {
            match runner.run(effect) {
                None => {}
                Some(LoopEffect::Quit) => return Ok(true),
                Some(LoopEffect::CopyToClipboard(text)) => {
                    runner.copy(text, self.screen.output());
                }
                Some(LoopEffect::Redraw) => {
                    self.screen.invalidate();
                    self.app.needs_redraw = true;
                }
                Some(LoopEffect::Suspend) => {
                    release_terminal(sources);
                    suspend()?;
                    self.reacquire_terminal(sources)?;
                }
                Some(LoopEffect::OpenEditor(text)) => {
                    if self.editor.is_none() {
                        release_terminal(sources);
                        let command = self.editor_command.clone();
                        self.editor = Some(runner.open_editor(command, self.state.clone(), text));
                    }
                }
            }
        }
        Ok(false)
    }

    /// The terminal is ours, and has taken the last frame.
    fn can_draw(&self) -> bool {
        self.editor.is_none() && self.screen.output().is_idle()
    }

    /// Draws a frame and lets the state learn what it showed. Learning may ask
    /// for another frame, such as when a permission request takes the focus.
    fn draw(&mut self) -> Result<Vec<Effect>> {
        self.app.needs_redraw = false;
        let mut geometry = None;
        let (app, caches, theme) = (&self.app, &mut self.caches, &self.theme);
        self.screen.draw(|frame| geometry = Some(view(app, frame, caches, theme))).context("drawing")?;
        if let (Some(terminal), Some(geometry)) = (self.caches.terminal(), &geometry)
            && !geometry.terminal.is_empty()
        {
            terminal.resize(geometry.terminal.height, geometry.terminal.width);
        }
        let learnt = geometry.map(|geometry| update(&mut self.app, Utc::now(), Event::FrameDrawn(geometry)));
        Ok(learnt.unwrap_or_default())
    }

    /// Takes the terminal back from another program.
    fn reacquire_terminal(&mut self, sources: &mut EventSources) -> Result<()> {
        self.screen.reacquire().context("taking the terminal over again")?;
        self.app.needs_redraw = true;
        sources.start_input()
    }

    /// The active session, if it is stored and holds something.
    fn session_to_resume(&self) -> Option<SessionId> {
        let session = self.app.agent.active.filter(|_| !self.app.ephemeral)?;
        let is_listed = self.app.browser.row(session).is_some_and(|row| !row.is_empty());
        let is_shown = self.app.pages.get(&session).is_some_and(|page| !page.conversation.is_empty());
        (is_listed || is_shown).then_some(session)
    }

    /// A signal or the agent's end: drafts kept, the agent closed gracefully.
    async fn shutdown(mut self, runner: &EffectRunner) -> Result<Option<SessionId>> {
        let session = self.session_to_resume();
        for (session, text) in self.app.composer.take_unsaved_drafts() {
            self.persistence.save_draft(session, &text).context("saving a draft")?;
        }
        if let Some(editor) = self.editor.take() {
            // Its process ends with the task, and leaves the terminal as it was.
            editor.abort();
            editor.await.ok();
            self.screen.recover();
        }
        drop(self.screen);
        runner.slot.close().await;
        Ok(session)
    }
}

/// Gives the terminal to another program.
fn release_terminal(sources: &mut EventSources) {
    sources.stop_input();
    Screen::release();
}

/// Prompts reach the slot one after the other, in the order they were sent.
async fn submit_in_order(slot: slot::SlotHandle, mut prompts: mpsc::UnboundedReceiver<(String, String)>) {
    while let Some((uuid, text)) = prompts.recv().await {
        if slot.submit(uuid, text).await.is_err() {
            tracing::warn!("a prompt was sent to a closed slot");
        }
    }
}

/// Suspends to the shell, as Ctrl-Z does everywhere; returns after `fg`. The agent
/// has a process group of its own and stays warm.
fn suspend() -> Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::TSTP).context("suspending")
}
