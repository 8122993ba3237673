//! Our own agent: a warm process that speaks the SDKs' protocol over stdio and
//! clears, resumes and forks without restarting.
//!
//! Owns the turn loop, the providers, the tools, the permissions and what a
//! turn leaves in the transcript. Never knows slots or screens.
//!
//! One task owns all state ([`Process`]): frames come in through the [`Inbox`],
//! go out through the [`Outbox`], and everything between happens in the order
//! of one loop.

mod active;
mod asking;
mod calls;
mod checkpoint;
mod command;
mod compacting;
mod context;
mod control;
mod flags;
mod frames;
mod hook;
mod hooking;
mod host;
mod http;
mod inbox;
mod instructions;
mod interrupt;
mod limits;
mod mcp;
mod outbox;
mod permission;
mod process;
pub mod provider;
mod record;
mod reply;
mod retry;
mod rewinding;
mod settings_files;
mod start;
mod structuring;
mod switch;
pub mod tool;
mod totals;
mod turn;
mod turn_loop;

pub use flags::Flags;
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use process::Process;
pub use start::{StartError, Surroundings};
