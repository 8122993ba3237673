//! The slot: one warm agent subprocess and the task that owns it.
//!
//! Owns spawning, the handshake, switching, restarting and closing of one
//! subprocess. Never knows screens, nor how an agent thinks. Everybody else
//! holds a [`SlotHandle`] and reads [`SlotEvent`]s.
//!
//! Inside: the `actor` feeds the `machine` (pure) what happens and does what it
//! says; a `process` is the pipes; a `driver` speaks the agent's dialect; the
//! `lending` does what an agent asks of this machine.

mod actor;
mod agent_pid;
mod capabilities;
mod client_ops;
mod driver;
mod error;
mod event;
mod handle;
mod log;
mod machine;
mod memory;
mod process;
mod process_group;
mod session_finder;
mod stderr_tail;
pub mod terminal;

use tokio::sync::mpsc;

pub use capabilities::{Capabilities, Feature, SwitchSupport};
pub use driver::{
    AGENTS, AgentEvent, AgentResponse, AgentSpec, CUSTOM_ACP, ClientOp, ClientOpEvent, ClientOpResult,
    CreateTerminal, DEFAULT_ORDER, Driver, HOTSEAT_AGENT, JsonLine, SlotRequest, SpawnArgs, StartSession,
    SwitchResult, TerminalExit,
};
pub use error::SlotError;
pub use event::*;
pub use handle::{
    ContextUsage, FileChange, ListedSession, McpServerStatus, RewindResult, SlotHandle, StartIn,
};
pub use memory::resident_memory;
pub use session_finder::{SessionFinder, SessionLocation};

/// News that may wait for a reader; beyond them the agent's stdout waits.
const EVENT_QUEUE: usize = 1024;
/// Commands that may wait for the slot's task.
const COMMAND_QUEUE: usize = 64;

/// Starts an agent and the task that owns it. Must be called within a tokio
/// runtime; when that is dropped, the agent's process group is killed.
pub fn spawn(launch: Launch) -> (SlotHandle, mpsc::Receiver<SlotEvent>) {
    let (commands, obeyed) = mpsc::channel(COMMAND_QUEUE);
    let (told, news) = mpsc::channel(EVENT_QUEUE);
    tokio::spawn(actor::run(launch, obeyed, told));
    (SlotHandle::new(commands), news)
}
