//! Our own agent: a warm process that speaks the official SDKs' protocol over stdio
//! and clears, resumes and forks sessions without restarting.
//!
//! Owns the turn loop, the providers, the tools, the permissions and what a turn
//! writes to the transcript. Must never know slots or screens.
//!
//! One task owns all state ([`AgentRuntime`]): frames arrive through the [`Inbox`],
//! leave through the [`Outbox`], and everything between happens in the order of one
//! loop. Start reading in `runtime`, then `turn_loop`.

mod active_session;
mod checkpoint;
mod compaction;
mod context;
mod control_requests;
mod custom_commands;
mod flags;
mod frames;
mod hook;
mod hook_dispatch;
mod host_client;
mod host_sessions;
mod http;
mod inbox;
mod initialize;
mod interrupt;
mod limits;
mod mcp;
mod memory_files;
mod other_writer;
mod outbox;
mod permission;
mod permission_requests;
pub mod provider;
mod recorded_settings;
mod reply;
mod reply_end;
mod reply_failure;
mod retry;
mod rewind;
mod runtime;
mod session_facts;
mod settings_files;
mod slash_commands;
mod start;
mod steering;
mod structured_output;
mod switch;
mod system_prompt;
pub mod tool;
mod tool_calls;
mod totals;
mod transcript_entry;
mod turn;
mod turn_loop;
mod turn_outcome;

pub use flags::Flags;
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use runtime::AgentRuntime;
pub use start::{AgentEnvironment, StartError};
