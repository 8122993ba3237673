//! Runs effects, each as a task whose result comes back as an event.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::MouseEventKind;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::folders::Folders;
use super::message_search::MessageSearch;
use super::output::Output;
use super::persistence::Persistence;
use super::session_list_worker::SessionListWorker;
use super::transcript_reading::{self, read_transcript};
use super::{clipboard, editor, key_encoding};
use crate::session::SessionId;
use crate::slot::terminal::AgentTerminal;
use crate::slot::{
    AgentCall, AgentProgram, ListMcpServers, MeasureContext, ReconnectMcpServer, SlotError, SlotHandle,
    Switch,
};
use crate::store::{ForkSpec, SessionStore, StoreError};
use crate::sys::resident_memory::resident_memory;
use crate::text::format::pluralize;
use crate::tui::app::{Effect, Event, TerminalInput};

/// Lines of a terminal that one notch of the wheel scrolls.
const LINES_PER_NOTCH: isize = 3;

/// Runs effects; cheap to clone into tasks.
#[derive(Clone)]
pub(super) struct EffectRunner {
    pub(super) slot: SlotHandle,
    /// Where transcripts live.
    pub(super) store: Arc<dyn SessionStore>,
    /// The folders of sessions, and which of them are trusted.
    pub(super) folders: Folders,
    /// Where events go.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// What survives a run.
    pub(super) persistence: Persistence,
    /// Prompts on their way to the slot, in order.
    pub(super) prompts: mpsc::UnboundedSender<(String, String)>,
    /// The agent's terminal, where it has one.
    pub(super) terminal: Option<AgentTerminal>,
    /// The agents to choose from.
    pub(super) agent_programs: Arc<[Option<AgentProgram>]>,
    pub(super) search: MessageSearch,
    pub(super) session_list: SessionListWorker,
}

/// An effect that only the loop itself can run: it owns the terminal.
#[derive(Debug)]
pub(super) enum LoopEffect {
    /// Draw everything again.
    Redraw,
    /// To the shell, until `fg`.
    Suspend,
    /// Edit the prompt in an editor.
    OpenEditor(String),
    /// Copy a text through the terminal.
    CopyToClipboard(String),
    /// End now.
    Quit,
}

impl EffectRunner {
    /// Starts an effect, or hands it back to the loop.
    pub(super) fn run(&self, effect: Effect) -> Option<LoopEffect> {
        match effect {
            // The loop itself starts it, before there is a runner.
            Effect::StartSlot { .. } => {}
            Effect::ResolveFolder(session) => self.in_background(move |runner| {
                Some(Event::FolderResolved { session, folder: runner.folders.resolve(session) })
            }),
            Effect::TrustFolder { folder, record, session } => self.in_background(move |runner| {
                if let Err(problem) = runner.folders.trust(&folder, record) {
                    runner.send(Event::Failed(problem));
                }
                let folder = |session| runner.folders.resolve(session);
                session.map(|session| Event::FolderResolved { session, folder: folder(session) })
            }),
            Effect::Submit { uuid, text } => {
                // The receiver ends with the loop, after which nothing is submitted.
                let _ = self.prompts.send((uuid, text));
            }
            Effect::CancelPrompt(uuid) => {
                self.request("cancelling the prompt", move |slot| async move {
                    slot.cancel(uuid).await.map(|_| ())
                });
            }
            Effect::Interrupt => self.request("interrupting", |slot| async move { slot.interrupt().await }),
            Effect::Switch { switch, interrupt } => self.switch(switch, interrupt),
            Effect::Prepare(switch) => {
                let slot = self.slot.clone();
                tokio::spawn(async move { slot.prewarm(switch).await });
            }
            Effect::AnswerPermission { id, verdict } => self
                .request("answering the permission request", move |slot| async move {
                    slot.answer_permission(id, verdict).await
                }),
            Effect::SetModel(model) => {
                self.request("changing the model", move |slot| async move { slot.set_model(model).await });
            }
            Effect::SetMode { mode, cycles } => {
                let runner = self.clone();
                tokio::spawn(async move {
                    if let Err(error) = runner.slot.set_permission_mode(mode).await {
                        runner.send(Event::ModeRefused { mode, cycles, message: error.to_string() });
                    }
                });
            }
            Effect::StartAgent { at, start_in } => {
                let program = self.agent_programs.get(at).cloned().flatten()?;
                self.request("starting the agent", move |slot| async move {
                    slot.replace_agent(program, start_in).await
                });
            }
            Effect::MeasureContext => {
                self.call(MeasureContext {}, Event::ContextUsage);
            }
            Effect::ListMcpServers => {
                self.call(ListMcpServers {}, Event::McpServers);
            }
            Effect::ReconnectMcpServer(name) => {
                let runner = self.clone();
                tokio::spawn(async move {
                    // A server that failed again is in the list, with its reason.
                    if let Err(error) = runner.slot.call(ReconnectMcpServer { name }).await {
                        runner.send(Event::Failed(format!("reconnecting: {error}")));
                    }
                    runner.call(ListMcpServers {}, Event::McpServers);
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
            Effect::Restart => {
                self.request("restarting the agent", |slot| async move { slot.restart().await });
            }
            Effect::ListSessions { all } => self.session_list.list(all),
            Effect::RankSessions(work) => self.in_background(move |_| {
                let hits = work.run();
                Some(Event::Ranked { work, hits })
            }),
            Effect::SearchMessages(sought) => self.search.search(sought),
            Effect::ReadTranscript { session, bytes } => self.in_background(move |runner| {
                Some(Event::TranscriptRead { session, read: read_transcript(&*runner.store, session, bytes) })
            }),
            Effect::ReadSubagents(session) => self.in_background(move |runner| {
                Some(match transcript_reading::read_subagents(&*runner.store, session) {
                    Ok(subagents) => Event::SubagentsRead(subagents),
                    Err(error) => Event::Failed(format!("cannot read the subagents: {error}")),
                })
            }),
            Effect::MoveHere(from) => self.in_background(move |runner| {
                let moved = runner.store.move_all(&from, &runner.folders.opened);
                runner.session_list.reload();
                Some(match moved {
                    Ok(moved) => Event::Info(format!("moved {} here", pluralize(moved.len(), "session"))),
                    Err(error) => Event::Failed(error.to_string()),
                })
            }),
            Effect::Rename { session, title, by_agent: true } => {
                let runner = self.clone();
                tokio::spawn(async move {
                    let outcome = runner.slot.rename(session, title.clone()).await;
                    runner.report_rename(&title, outcome.map_err(|error| error.to_string()));
                });
            }
            Effect::Rename { session, title, by_agent: false } => self.in_background(move |runner| {
                let outcome = runner.store.rename(session, &title);
                runner.report_rename(&title, outcome.map_err(|error| error.to_string()));
                None
            }),
            Effect::ForkExternal { source, at, title, cwd } => self.in_background(move |runner| {
                let (at, title, cwd) = (at.as_deref(), title.as_deref(), cwd.as_deref());
                let copied = runner.store.fork(source, &ForkSpec { at, title, cwd, ..ForkSpec::default() });
                runner.session_list.reload();
                Some(match copied {
                    Ok(copy) => Event::ForkedExternal(copy.id),
                    Err(error) => Event::Failed(error.to_string()),
                })
            }),
            Effect::Tag { session, tag } => self.in_background(move |runner| {
                let outcome = runner.store.tag(session, &tag);
                runner.session_list.reload();
                Some(match outcome {
                    Ok(()) if tag.is_empty() => Event::Info("tag removed".to_owned()),
                    Ok(()) => Event::Info(format!("tagged #{tag}")),
                    Err(error) => Event::Failed(error.to_string()),
                })
            }),
            Effect::Delete { session, by_agent: false } => self.in_background(move |runner| {
                runner
                    .store_changed(runner.store.delete(session), Event::Deleted { session, by_agent: false })
            }),
            Effect::Restore { session, by_agent: false } => self.in_background(move |runner| {
                runner.store_changed(runner.store.restore(session), Event::Restored(session))
            }),
            Effect::Delete { session, by_agent: true } => {
                self.archive(session, false, Event::Deleted { session, by_agent: true });
            }
            Effect::Restore { session, by_agent: true } => {
                self.archive(session, true, Event::Restored(session));
            }
            Effect::Pin { session, pin } => self.in_background(move |runner| {
                let outcome = if pin { runner.store.pin(session) } else { runner.store.unpin(session) };
                runner.store_changed(outcome, Event::Pinned { session, pinned: pin })
            }),
            Effect::TerminalInput(typed) => self.send_to_terminal(&typed),
            Effect::ScrollTerminal(lines) => {
                if let Some(terminal) = &self.terminal {
                    terminal.scroll(lines);
                }
            }
            Effect::CopyToClipboard(text) => return Some(LoopEffect::CopyToClipboard(text)),
            Effect::SaveDraft { session, text } => self.in_background(move |runner| {
                let kept = runner.persistence.save_draft(session, &text);
                kept.err().map(|error| Event::Failed(format!("cannot save the draft: {error}")))
            }),
            Effect::AppendHistory(prompt) => self.in_background(move |runner| {
                let kept = runner.persistence.append_history(&prompt);
                kept.err().map(|error| Event::Failed(format!("cannot save the prompt history: {error}")))
            }),
            Effect::Close => {
                let runner = self.clone();
                tokio::spawn(async move {
                    runner.slot.close().await;
                    runner.send(Event::SlotClosed);
                });
            }
            Effect::Redraw => return Some(LoopEffect::Redraw),
            Effect::Suspend => return Some(LoopEffect::Suspend),
            Effect::OpenEditor(text) => return Some(LoopEffect::OpenEditor(text)),
            Effect::Quit => return Some(LoopEffect::Quit),
        }
        None
    }

    /// Events for a loop that has ended are dropped.
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
    fn request<F>(&self, what: &'static str, ask: impl FnOnce(SlotHandle) -> F + Send + 'static)
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

    /// Sends a request to the agent; its reply is an event.
    fn call<C: AgentCall + Send + 'static>(
        &self,
        call: C,
        event: impl FnOnce(Result<C::Reply, String>) -> Event + Send + 'static,
    ) {
        let runner = self.clone();
        tokio::spawn(async move {
            let reply = runner.slot.call(call).await;
            runner.send(event(reply.map_err(|error| error.to_string())));
        });
    }

    /// Success comes as the slot's own news.
    fn switch(&self, switch: Switch, interrupt: bool) {
        let runner = self.clone();
        tokio::spawn(async move {
            let session = switch.source();
            if let Err(error) = runner.slot.switch(switch, interrupt).await {
                let code = match &error {
                    SlotError::Refused { code, .. } => code.clone(),
                    _ => None,
                };
                runner.send(Event::SwitchRefused { code, message: error.to_string(), session });
            }
        });
    }

    /// The event comes before the new list.
    fn store_changed(&self, outcome: Result<(), StoreError>, done: Event) -> Option<Event> {
        self.send(outcome.map_or_else(|error| Event::Failed(error.to_string()), |()| done));
        self.session_list.reload();
        None
    }

    /// Has the agent put a session aside, or bring it `back`.
    fn archive(&self, session: SessionId, back: bool, done: Event) {
        let runner = self.clone();
        tokio::spawn(async move {
            let outcome = runner.slot.archive(session, back).await;
            runner.send(outcome.map_or_else(|error| Event::Failed(error.to_string()), |()| done));
            runner.session_list.reload();
        });
    }

    fn report_rename(&self, title: &str, outcome: Result<(), String>) {
        self.session_list.reload();
        self.send(match outcome {
            Ok(()) => Event::Info(format!("renamed to “{title}”")),
            Err(error) => Event::Failed(format!("renaming: {error}")),
        });
    }

    /// Gives what the person did to the agent's terminal, in the form its program
    /// asked for; a wheel that it does not want scrolls.
    fn send_to_terminal(&self, typed: &TerminalInput) {
        let Some(terminal) = &self.terminal else { return };
        let bytes = terminal.with_screen(|screen| match typed {
            TerminalInput::Key(key) => Some(key_encoding::encode_key(*key, screen)),
            TerminalInput::Paste(text) => Some(key_encoding::encode_paste(text, screen)),
            TerminalInput::Mouse { mouse, at } => key_encoding::encode_mouse(*mouse, *at, screen),
        });
        match (bytes, typed) {
            (Some(Some(bytes)), _) if !bytes.is_empty() => terminal.send(bytes),
            (Some(None), TerminalInput::Mouse { mouse, .. }) => match mouse.kind {
                MouseEventKind::ScrollUp => terminal.scroll(LINES_PER_NOTCH),
                MouseEventKind::ScrollDown => terminal.scroll(-LINES_PER_NOTCH),
                _ => {}
            },
            _ => {}
        }
    }

    /// Copies a text through the terminal and a system program.
    pub(super) fn copy(&self, text: String, output: &Output) {
        let lines = text.lines().count();
        output.send(&clipboard::sequence(&text));
        tokio::spawn(clipboard::copy_to_system(text));
        self.send(Event::Info(format!("copied {lines} line{}", if lines == 1 { "" } else { "s" })));
    }

    /// Starts the person's editor on a text, beside the loop.
    pub(super) fn open_editor(
        &self,
        command: Option<String>,
        state: PathBuf,
        text: String,
    ) -> JoinHandle<()> {
        let runner = self.clone();
        tokio::spawn(async move {
            let edited = editor::edit(command.as_deref(), &state, &text).await;
            runner.send(Event::EditorClosed(edited.map_err(|error| format!("{error:#}"))));
        })
    }

    /// Measures the memory of the agent's process, which may mean running a
    /// program.
    pub(super) fn sample_memory(&self, pid: Option<u32>) {
        let Some(pid) = pid else { return };
        self.in_background(move |_| Some(Event::Memory { agent: resident_memory(pid) }));
    }
}
