//! What the slot lends to an agent that asks for it: files of the session's
//! folder, and terminals there.
//!
//! Owns the reading, the writing and the programs that run. Never decides who
//! may have what: the driver has asked whoever has a say. Nothing outside the
//! session's folder is lent, and nothing that is lent outlives its agent.

mod files;
mod kept;
mod place;
mod terminal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use self::files::Files;
use self::terminal::{Order, Terminal};
use super::driver::{Lent, Loan, LoanNews, Run};
use super::machine::Which;
use super::process::guard;

/// News that may wait to be understood.
const NEWS: usize = 64;
/// Terminals that an agent may have at once.
const TERMINALS: usize = 64;

/// What is lent to the processes of one slot.
#[derive(Debug)]
pub(super) struct Lending {
    /// The hotseat executable, whose `guard` watches over the programs; none:
    /// the running one.
    guard: Option<PathBuf>,
    files: Files,
    /// By the process that has them and the name it knows.
    terminals: BTreeMap<(Which, String), Terminal>,
    told: Sender<(Which, LoanNews)>,
}

impl Lending {
    /// Nothing is lent yet. What comes of it goes to the receiver.
    pub fn new(guard: Option<PathBuf>) -> (Self, Receiver<(Which, LoanNews)>) {
        let (told, news) = channel(NEWS);
        let files = Files::new(told.clone());
        (Self { guard, files, terminals: BTreeMap::new(), told }, news)
    }

    /// Does it, within this folder; gives back what came of it at once.
    pub fn lend(&mut self, which: Which, ticket: u64, folder: PathBuf, loan: Loan) -> Option<LoanNews> {
        let outcome = match loan {
            Loan::Read(_) | Loan::Write { .. } => self.files.take(which, ticket, folder, loan).map(|()| None),
            Loan::Run(run) => self.run(which, &folder, run).map(|()| Some(Lent::Done)),
            Loan::Output(terminal) => self.order(which, terminal, Order::Tell(ticket)).map(|()| None),
            Loan::Wait(terminal) => self.order(which, terminal, Order::Wait(ticket)).map(|()| None),
            Loan::Kill(terminal) => self.order(which, terminal, Order::Kill(ticket)).map(|()| None),
            Loan::Release(terminal) => match self.terminals.remove(&(which, terminal)) {
                Some(_ends) => Ok(Some(Lent::Done)),
                None => Err(unknown()),
            },
        };
        Some(LoanNews::Answer { ticket, outcome: outcome.transpose()? })
    }

    /// A process is gone, and what it had with it.
    pub fn end(&mut self, which: Which) {
        self.terminals.retain(|(whose, _), _| *whose != which);
    }

    fn run(&mut self, which: Which, folder: &Path, run: Run) -> Result<(), String> {
        if self.terminals.keys().filter(|(whose, _)| *whose == which).count() >= TERMINALS {
            return Err(format!("hotseat lends {TERMINALS} terminals at once: release one"));
        }
        let cwd = place::resolve(folder, &run.cwd)?;
        let guard =
            guard(self.guard.clone()).map_err(|error| format!("hotseat does not find itself: {error}"))?;
        let name = run.terminal.clone();
        let terminal = Terminal::open(&guard, &cwd, run, which, self.told.clone())
            .map_err(|error| format!("could not open a terminal in {}: {error}", cwd.display()))?;
        self.terminals.insert((which, name), terminal);
        Ok(())
    }

    fn order(&self, which: Which, terminal: String, order: Order) -> Result<(), String> {
        self.terminals.get(&(which, terminal)).ok_or_else(unknown)?.order(order)
    }
}

fn unknown() -> String {
    "there is no such terminal; it may have been released".to_owned()
}

#[cfg(test)]
mod tests;
