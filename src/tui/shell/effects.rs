//! Effects, run: each as a task whose end is an event.

use std::sync::Arc;

use crossterm::event::MouseEventKind;
use tokio::sync::mpsc;

use super::keepsakes::Keepsakes;
use super::listing::Listing;
use super::search::Search;
use super::{clipboard, keys};
use crate::session::{Conversation, SessionId, Transcript};
use crate::slot::terminal::Terminal;
use crate::slot::{Program, SlotError, SlotHandle, Switch};
use crate::store::{Fork, SessionStore, StoreError};
use crate::tui::app::{Effect, Event, Opened, Typed};

/// Lines of a terminal that one notch of the wheel scrolls.
const NOTCH: isize = 3;

/// Runs effects; cheap to clone into tasks.
#[derive(Clone)]
pub(super) struct Runner {
    /// The slot.
    pub(super) slot: SlotHandle,
    /// Where transcripts live.
    pub(super) store: Arc<dyn SessionStore>,
    /// Where events go.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// What survives a run.
    pub(super) keepsakes: Keepsakes,
    /// Prompts on their way to the slot, in order.
    pub(super) prompts: mpsc::UnboundedSender<(String, String)>,
    /// The agent's terminal, where it has one.
    pub(super) terminal: Option<Terminal>,
    /// The agents that can take the seat.
    pub(super) others: Arc<[Option<Program>]>,
    /// The one who looks for texts.
    pub(super) search: Search,
    /// The one reader of the list.
    pub(super) listing: Listing,
}

/// An effect that only the loop itself can run: it owns the terminal.
#[derive(Debug)]
pub(super) enum OfLoop {
    /// Draw everything again.
    Redraw,
    /// To the shell, until `fg`.
    Suspend,
    /// Write the prompt in an editor.
    Edit(String),
    /// End now.
    Quit,
}

impl Runner {
    /// Starts an effect, or hands it back to the loop.
    pub(super) fn run(&self, effect: Effect) -> Option<OfLoop> {
        match effect {
            Effect::Submit { uuid, text } => {
                // The receiver ends with the loop, after which nothing is submitted.
                let _ = self.prompts.send((uuid, text));
            }
            Effect::CancelPrompt(uuid) => {
                self.ask(
                    "taking the prompt back",
                    move |slot| async move { slot.cancel(uuid).await.map(|_| ()) },
                );
            }
            Effect::Interrupt => self.ask("interrupting", |slot| async move { slot.interrupt().await }),
            Effect::Switch { switch, interrupt } => self.switch(switch, interrupt),
            Effect::Prepare(switch) => {
                let slot = self.slot.clone();
                tokio::spawn(async move { slot.prepare(switch).await });
            }
            Effect::Answer { id, verdict } => self
                .ask("answering the permission request", move |slot| async move {
                    slot.answer(id, verdict).await
                }),
            Effect::SetModel(model) => {
                self.ask("changing the model", move |slot| async move { slot.set_model(model).await });
            }
            Effect::SetMode(mode) => self.ask("changing the permission mode", move |slot| async move {
                slot.set_permission_mode(mode).await
            }),
            Effect::SeatAgent { at, seat } => {
                let program = self.others.get(at).cloned().flatten()?;
                self.ask("seating the agent", move |slot| async move { slot.replace(program, seat).await });
            }
            Effect::Servers => {
                let runner = self.clone();
                tokio::spawn(async move {
                    let servers = runner.slot.servers().await;
                    runner.send(Event::Servers(servers.map_err(|error| error.to_string())));
                });
            }
            Effect::Rewind { prompt, dry_run } => {
                let runner = self.clone();
                tokio::spawn(async move {
                    let rewind = runner.slot.rewind(prompt.clone(), dry_run).await;
                    let rewind = rewind.map_err(|error| error.to_string());
                    runner.send(Event::Rewind { prompt, dry_run, rewind });
                });
            }
            Effect::Restart => self.ask("restarting the agent", |slot| async move { slot.restart().await }),
            Effect::ReadRows { all } => self.listing.read(all),
            Effect::Rank(work) => self.in_background(move |_| {
                let hits = work.hits();
                Some(Event::Ranked { work, hits })
            }),
            Effect::Search(sought) => self.search.ask(sought),
            Effect::Open { session, bytes } => self.in_background(move |runner| {
                Some(Event::Opened { session, read: open(&*runner.store, session, bytes) })
            }),
            Effect::Rename { session, title, by_agent: true } => {
                let runner = self.clone();
                tokio::spawn(async move {
                    let outcome = runner.slot.rename(session, title.clone()).await;
                    runner.renamed(&title, outcome.map_err(|error| error.to_string()));
                });
            }
            Effect::Rename { session, title, by_agent: false } => self.in_background(move |runner| {
                let outcome = runner.store.rename(session, &title);
                runner.renamed(&title, outcome.map_err(|error| error.to_string()));
                None
            }),
            Effect::CarryOver { source, at, title, cwd } => self.in_background(move |runner| {
                let (at, title, cwd) = (at.as_deref(), title.as_deref(), cwd.as_deref());
                let copied = runner.store.fork(source, &Fork { at, title, cwd, ..Fork::default() });
                runner.listing.read_again();
                Some(match copied {
                    Ok(copy) => Event::CarriedOver(copy.id),
                    Err(error) => Event::Failed(error.to_string()),
                })
            }),
            Effect::Tag { session, tag } => self.in_background(move |runner| {
                let outcome = runner.store.tag(session, &tag);
                runner.listing.read_again();
                Some(match outcome {
                    Ok(()) if tag.is_empty() => Event::Said("tag taken away".to_owned()),
                    Ok(()) => Event::Said(format!("tagged #{tag}")),
                    Err(error) => Event::Failed(error.to_string()),
                })
            }),
            Effect::Delete { session, by_agent: false } => self.in_background(move |runner| {
                runner.changed(runner.store.delete(session), Event::Deleted { session, by_agent: false })
            }),
            Effect::Restore { session, by_agent: false } => self.in_background(move |runner| {
                runner.changed(runner.store.restore(session), Event::Restored(session))
            }),
            Effect::Delete { session, by_agent: true } => {
                self.archive(session, false, Event::Deleted { session, by_agent: true });
            }
            Effect::Restore { session, by_agent: true } => {
                self.archive(session, true, Event::Restored(session));
            }
            Effect::Pin { session, pin } => self.in_background(move |runner| {
                let outcome = if pin { runner.store.pin(session) } else { runner.store.unpin(session) };
                runner.changed(outcome, Event::Pinned { session, pinned: pin })
            }),
            Effect::Type(typed) => self.type_in(&typed),
            Effect::ScrollTerminal(lines) => {
                if let Some(terminal) = &self.terminal {
                    terminal.scroll(lines);
                }
            }
            Effect::Copy(text) => self.copy(text),
            Effect::KeepDraft { session, text } => self.in_background(move |runner| {
                let kept = runner.keepsakes.keep_draft(session, &text);
                kept.err().map(|error| Event::Failed(format!("the draft cannot be kept: {error}")))
            }),
            Effect::Remember(prompt) => self.in_background(move |runner| {
                let kept = runner.keepsakes.remember(&prompt);
                kept.err().map(|error| Event::Failed(format!("the history cannot be kept: {error}")))
            }),
            Effect::Close => {
                let runner = self.clone();
                tokio::spawn(async move {
                    runner.slot.close().await;
                    runner.send(Event::Closed);
                });
            }
            Effect::Redraw => return Some(OfLoop::Redraw),
            Effect::Suspend => return Some(OfLoop::Suspend),
            Effect::Edit(text) => return Some(OfLoop::Edit(text)),
            Effect::Quit => return Some(OfLoop::Quit),
        }
        None
    }

    /// The loop may be gone already: then nobody wants to know.
    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Reads and writes on a thread that may wait for a disk.
    fn in_background(&self, work: impl FnOnce(&Self) -> Option<Event> + Send + 'static) {
        let runner = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(event) = work(&runner) {
                runner.send(event);
            }
        });
    }

    /// Asks the slot for something whose success shows by itself.
    fn ask<F>(&self, what: &'static str, ask: impl FnOnce(SlotHandle) -> F + Send + 'static)
    where
        F: Future<Output = Result<(), SlotError>> + Send,
    {
        let runner = self.clone();
        tokio::spawn(async move {
            if let Err(error) = ask(runner.slot.clone()).await {
                runner.send(Event::Failed(format!("{what}: {error}")));
            }
        });
    }

    /// Success comes as the slot's own news.
    fn switch(&self, switch: Switch, interrupt: bool) {
        let runner = self.clone();
        tokio::spawn(async move {
            let session = switch.source();
            if let Err(error) = runner.slot.switch(switch, interrupt).await {
                let code = match &error {
                    SlotError::Refused { code, .. } => Some(code.clone()),
                    _ => None,
                };
                runner.send(Event::SwitchRefused { code, message: error.to_string(), session });
            }
        });
    }

    /// The screen is told before the list is read again.
    fn changed(&self, outcome: Result<(), StoreError>, done: Event) -> Option<Event> {
        self.send(outcome.map_or_else(|error| Event::Failed(error.to_string()), |()| done));
        self.listing.read_again();
        None
    }

    /// Has the agent put a session aside, or bring it `back`.
    fn archive(&self, session: SessionId, back: bool, done: Event) {
        let runner = self.clone();
        tokio::spawn(async move {
            let outcome = runner.slot.archive(session, back).await;
            runner.send(outcome.map_or_else(|error| Event::Failed(error.to_string()), |()| done));
            runner.listing.read_again();
        });
    }

    fn renamed(&self, title: &str, outcome: Result<(), String>) {
        self.listing.read_again();
        self.send(match outcome {
            Ok(()) => Event::Said(format!("renamed to “{title}”")),
            Err(error) => Event::Failed(format!("renaming: {error}")),
        });
    }

    /// Gives what the person did to the agent's terminal, in the form its program
    /// asked for; a wheel that it does not want scrolls.
    fn type_in(&self, typed: &Typed) {
        let Some(terminal) = &self.terminal else { return };
        let bytes = terminal.look(|screen| match typed {
            Typed::Key(key) => Some(keys::key(*key, screen)),
            Typed::Paste(text) => Some(keys::paste(text, screen)),
            Typed::Mouse { mouse, at } => keys::mouse(*mouse, *at, screen),
        });
        match (bytes, typed) {
            (Some(Some(bytes)), _) if !bytes.is_empty() => terminal.send(bytes),
            (Some(None), Typed::Mouse { mouse, .. }) => match mouse.kind {
                MouseEventKind::ScrollUp => terminal.scroll(NOTCH),
                MouseEventKind::ScrollDown => terminal.scroll(-NOTCH),
                _ => {}
            },
            _ => {}
        }
    }

    fn copy(&self, text: String) {
        let lines = text.lines().count();
        let told = clipboard::tell_terminal(&text);
        tokio::spawn(clipboard::tell_system(text));
        self.send(match told {
            Ok(()) => Event::Said(format!("copied {lines} line{}", if lines == 1 { "" } else { "s" })),
            Err(error) => Event::Failed(format!("copying: {error}")),
        });
    }
}

/// Bytes that are taken in for a session that is not there.
const JUST_MADE: u64 = 8 << 20;

/// Reads the end of a transcript. A session that was begun and holds nothing
/// yet has no file: that is an empty conversation.
fn open(store: &dyn SessionStore, session: SessionId, bytes: u64) -> Result<Opened, String> {
    let there = match store.find(session) {
        // One that its agent has only just made is not copied yet.
        Err(StoreError::NotFound(_)) => store.take_in(JUST_MADE).and_then(|_more| store.find(session)),
        there => there,
    };
    let size = match there {
        Ok(stored) => stored.size,
        Err(StoreError::NotFound(_)) => {
            return Ok(Opened { conversation: Conversation::default(), whole: true, bytes, size: 0 });
        }
        Err(error) => return Err(error.to_string()),
    };
    let tail = store.read_tail(session, bytes).map_err(|error| error.to_string())?;
    let conversation = Conversation::of(&Transcript::parse(&tail.bytes));
    Ok(Opened { conversation, whole: tail.whole, bytes, size })
}
