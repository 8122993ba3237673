//! What the slot lends to an agent that asks for it: files of the session's
//! folder, and terminals there.
//!
//! Owns the reading, the writing and the programs that run. Never decides who
//! may have what: the driver has asked whoever has a say. Nothing outside the
//! session's folder is lent, and nothing that is lent outlives its agent.

mod files;
mod output_ring;
mod resolve_path;
mod terminal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use self::files::FileWorker;
use self::terminal::{ClientTerminal, TerminalCommand};
use super::driver::{ClientOp, ClientOpEvent, ClientOpResult, CreateTerminal};
use super::machine::ProcessId;
use super::process::hotseat_executable;

/// News that may wait to be understood.
const EVENT_QUEUE: usize = 64;
/// Terminals that an agent may have at once.
const MAX_TERMINALS: usize = 64;

/// What is lent to the processes of one slot.
#[derive(Debug)]
pub(super) struct ClientOps {
    /// The hotseat executable, whose `guard` watches over the programs; none:
    /// the running one.
    guard: Option<PathBuf>,
    files: FileWorker,
    /// By the process that has them and the name it knows.
    terminals: BTreeMap<(ProcessId, String), ClientTerminal>,
    events_tx: Sender<(ProcessId, ClientOpEvent)>,
}

impl ClientOps {
    /// Nothing is lent yet. What comes of it goes to the receiver.
    pub fn new(guard: Option<PathBuf>) -> (Self, Receiver<(ProcessId, ClientOpEvent)>) {
        let (told, news) = channel(EVENT_QUEUE);
        let files = FileWorker::new(told.clone());
        (Self { guard, files, terminals: BTreeMap::new(), events_tx: told }, news)
    }

    /// Does it, within this folder; gives back what came of it at once.
    pub fn execute(
        &mut self,
        which: ProcessId,
        ticket: u64,
        folder: PathBuf,
        loan: ClientOp,
    ) -> Option<ClientOpEvent> {
        let outcome = match loan {
            ClientOp::ReadFile(_) | ClientOp::WriteFile { .. } => {
                self.files.submit(which, ticket, folder, loan).map(|()| None)
            }
            ClientOp::CreateTerminal(run) => {
                self.create_terminal(which, &folder, run).map(|()| Some(ClientOpResult::Done))
            }
            ClientOp::TerminalOutput(terminal) => {
                self.command_terminal(which, terminal, TerminalCommand::Output(ticket)).map(|()| None)
            }
            ClientOp::WaitForExit(terminal) => {
                self.command_terminal(which, terminal, TerminalCommand::WaitForExit(ticket)).map(|()| None)
            }
            ClientOp::KillTerminal(terminal) => {
                self.command_terminal(which, terminal, TerminalCommand::Kill(ticket)).map(|()| None)
            }
            ClientOp::ReleaseTerminal(terminal) => match self.terminals.remove(&(which, terminal)) {
                Some(_ends) => Ok(Some(ClientOpResult::Done)),
                None => Err(unknown_terminal()),
            },
        };
        Some(ClientOpEvent::Completed { ticket, outcome: outcome.transpose()? })
    }

    /// A process is gone, and what it had with it.
    pub fn end_process(&mut self, which: ProcessId) {
        self.terminals.retain(|(whose, _), _| *whose != which);
    }

    fn create_terminal(
        &mut self,
        which: ProcessId,
        folder: &Path,
        run: CreateTerminal,
    ) -> Result<(), String> {
        if self.terminals.keys().filter(|(whose, _)| *whose == which).count() >= MAX_TERMINALS {
            return Err(format!("hotseat lends {MAX_TERMINALS} terminals at once: release one"));
        }
        let cwd = resolve_path::resolve_in_folder(folder, &run.cwd)?;
        let guard = hotseat_executable(self.guard.clone())
            .map_err(|error| format!("hotseat does not find itself: {error}"))?;
        let name = run.terminal.clone();
        let terminal = ClientTerminal::open(&guard, &cwd, run, which, self.events_tx.clone())
            .map_err(|error| format!("could not open a terminal in {}: {error}", cwd.display()))?;
        self.terminals.insert((which, name), terminal);
        Ok(())
    }

    fn command_terminal(
        &self,
        which: ProcessId,
        terminal: String,
        order: TerminalCommand,
    ) -> Result<(), String> {
        self.terminals.get(&(which, terminal)).ok_or_else(unknown_terminal)?.send(order)
    }
}

fn unknown_terminal() -> String {
    "there is no such terminal; it may have been released".to_owned()
}

#[cfg(test)]
mod tests;
