//! Executes client operations: files of the session's folder, and terminals
//! there.
//!
//! Owns the reading, the writing and the running programs. It never decides what
//! is permitted: the driver has done that. It enforces that nothing outside the
//! session's folder is touched and that no program outlives its agent.

mod files;
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

/// Events that may wait for the slot's task.
const EVENT_QUEUE: usize = 64;
/// How many terminals a process may have open.
const MAX_TERMINALS: usize = 64;

/// The client operations of one slot's processes.
#[derive(Debug)]
pub(super) struct ClientOps {
    /// The hotseat executable, whose `guard` command supervises the programs;
    /// `None` for the running one.
    guard: Option<PathBuf>,
    files: FileWorker,
    /// By owning process and terminal id.
    terminals: BTreeMap<(ProcessId, String), ClientTerminal>,
    events_tx: Sender<(ProcessId, ClientOpEvent)>,
}

impl ClientOps {
    /// An executor without terminals; results go to the receiver.
    pub fn new(guard: Option<PathBuf>) -> (Self, Receiver<(ProcessId, ClientOpEvent)>) {
        let (reported, event) = channel(EVENT_QUEUE);
        let files = FileWorker::new(reported.clone());
        (Self { guard, files, terminals: BTreeMap::new(), events_tx: reported }, event)
    }

    /// Executes an operation in this folder; returns its result if it is known at
    /// once.
    pub fn execute(
        &mut self,
        process: ProcessId,
        op_id: u64,
        folder: PathBuf,
        op: ClientOp,
    ) -> Option<ClientOpEvent> {
        let outcome = match op {
            ClientOp::ReadFile(_) | ClientOp::WriteFile { .. } => {
                self.files.submit(process, op_id, folder, op).map(|()| None)
            }
            ClientOp::CreateTerminal(run) => {
                self.create_terminal(process, &folder, run).map(|()| Some(ClientOpResult::Done))
            }
            ClientOp::TerminalOutput(terminal) => {
                self.command_terminal(process, terminal, TerminalCommand::Output(op_id)).map(|()| None)
            }
            ClientOp::WaitForExit(terminal) => {
                self.command_terminal(process, terminal, TerminalCommand::WaitForExit(op_id)).map(|()| None)
            }
            ClientOp::KillTerminal(terminal) => {
                self.command_terminal(process, terminal, TerminalCommand::Kill(op_id)).map(|()| None)
            }
            ClientOp::ReleaseTerminal(terminal) => match self.terminals.remove(&(process, terminal)) {
                Some(_ends) => Ok(Some(ClientOpResult::Done)),
                None => Err(unknown_terminal()),
            },
        };
        Some(ClientOpEvent::Completed { op_id, outcome: outcome.transpose()? })
    }

    /// A process has ended: kills its terminals.
    pub fn end_process(&mut self, process: ProcessId) {
        self.terminals.retain(|(whose, _), _| *whose != process);
    }

    fn create_terminal(
        &mut self,
        process: ProcessId,
        folder: &Path,
        run: CreateTerminal,
    ) -> Result<(), String> {
        if self.terminals.keys().filter(|(whose, _)| *whose == process).count() >= MAX_TERMINALS {
            return Err(format!("an agent may have {MAX_TERMINALS} terminals at once: release one"));
        }
        let cwd = resolve_path::resolve_in_folder(folder, &run.cwd)?;
        let guard = hotseat_executable(self.guard.clone())
            .map_err(|error| format!("cannot find hotseat's own executable: {error}"))?;
        let name = run.terminal.clone();
        let terminal = ClientTerminal::open(&guard, &cwd, run, process, self.events_tx.clone())
            .map_err(|error| format!("could not open a terminal in {}: {error}", cwd.display()))?;
        self.terminals.insert((process, name), terminal);
        Ok(())
    }

    fn command_terminal(
        &self,
        process: ProcessId,
        terminal: String,
        order: TerminalCommand,
    ) -> Result<(), String> {
        self.terminals.get(&(process, terminal)).ok_or_else(unknown_terminal)?.send(order)
    }
}

fn unknown_terminal() -> String {
    "no such terminal; it may have been released".to_owned()
}

#[cfg(test)]
mod tests;
