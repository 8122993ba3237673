//! The slot: one warm agent subprocess and the task that owns it.
//!
//! Owns spawning, the handshake, switching, restarting and closing of one
//! subprocess. Never knows screens, nor how an agent thinks. Everybody else
//! holds a [`SlotHandle`] and reads [`SlotEvent`]s.
//!
//! Inside: the `actor` feeds the `machine` (pure) what happens and does what it
//! says; a `process` is the pipes; a `driver` speaks the agent's dialect; the
//! `lending` does what an agent asks of this machine.

mod ability;
mod actor;
mod driver;
mod error;
mod event;
mod finder;
mod group;
mod handle;
mod lending;
mod lineage;
mod log;
mod machine;
mod memory;
mod process;
mod tail;
pub mod terminal;

use tokio::sync::mpsc;

pub use ability::{Abilities, Ability, Feature};
pub use driver::{
    ACP, Answer, Ask, Driver, Ending, Heard, KNOWN, Known, Lent, Line, Loan, LoanNews, OURS, Origin,
    PREFERRED, Run, Seated, Start,
};
pub use error::SlotError;
pub use event::*;
pub use finder::{Finder, Found};
pub use handle::{ContextUsage, FileChange, Listed, McpServer, Rewind, Seat, SlotHandle};
pub use memory::memory_of;

/// News that may wait for a reader; beyond them the agent's stdout waits.
const NEWS: usize = 1024;
/// Commands that may wait for the slot's task.
const COMMANDS: usize = 64;

/// Starts an agent and the task that owns it. Must be called within a tokio
/// runtime; when that is dropped, the agent's process group is killed.
pub fn spawn(launch: Launch) -> (SlotHandle, mpsc::Receiver<SlotEvent>) {
    let (commands, obeyed) = mpsc::channel(COMMANDS);
    let (told, news) = mpsc::channel(NEWS);
    tokio::spawn(actor::run(launch, obeyed, told));
    (SlotHandle::new(commands), news)
}
