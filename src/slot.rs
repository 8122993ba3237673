//! The slot: one warm agent subprocess and the task that owns it.
//!
//! Owns spawning, the handshake, switching, restarting and closing of one
//! subprocess. It must never know screens, nor how an agent thinks. Everybody
//! else holds a [`SlotHandle`] and reads [`SlotEvent`]s.
//!
//! Start reading in `actor`: it feeds what happens into the state machine
//! (`machine`) and executes the effects that come out. `process` holds the
//! pipes, `driver` translates to and from each agent's protocol, `client_ops`
//! reads files and runs programs on an agent's behalf.

mod actor;
mod agent_pid;
mod client_ops;
mod driver;
mod event;
mod handle;
mod log;
mod machine;
mod process;
mod session_finder;
mod stderr_tail;
pub mod terminal;

use tokio::sync::mpsc;

pub use crate::agent_api::*;
pub use driver::{AGENTS, AgentSpec, CUSTOM_ACP, DEFAULT_ORDER, Driver, HOTSEAT_AGENT, SpawnArgs};
pub use event::*;
pub use handle::{SlotHandle, StartIn};
pub use session_finder::{SessionFinder, SessionLocation};

/// Events that may wait for a slow reader. When it is full, the agent's stdout
/// is not read, so that memory stays bounded.
const EVENT_QUEUE: usize = 1024;
/// Commands that may wait for the slot's task.
const COMMAND_QUEUE: usize = 64;

/// Starts an agent and the task that owns it. Must be called within a tokio
/// runtime; when that is dropped, the agent's process group is killed.
pub fn spawn(launch: Launch) -> (SlotHandle, mpsc::Receiver<SlotEvent>) {
    let (commands_tx, commands_rx) = mpsc::channel(COMMAND_QUEUE);
    let (events_tx, events_rx) = mpsc::channel(EVENT_QUEUE);
    tokio::spawn(actor::run(launch, commands_rx, events_tx, None));
    (SlotHandle::new(commands_tx), events_rx)
}
