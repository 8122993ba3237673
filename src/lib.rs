//! hotseat keeps one agent process warm, the *slot*, and switches sessions
//! inside it: clear, resume and fork happen in the running process.
//!
//! The house, an arrow from the one that uses to the one that is used:
//!
//! ```text
//! cli ──► tui ──► slot ──► agent_api ─► protocol, session
//!  │       ├────► index ─► store ──► session
//!  │       └────► store, protocol, session
//!  ├─────► slot, store, protocol, session
//!  ├─────► acp ──► slot, index, store, protocol, session
//!  └─────► agent ────────► store, protocol, session
//! everything ───► transcript, text, sys
//! ```
//!
//! `ARCHITECTURE.md` says on one page what each room owns and never knows.

pub mod acp;
pub mod agent;
pub mod agent_api;
pub mod cli;
pub mod index;
pub mod protocol;
pub mod session;
pub mod slot;
pub mod store;
pub mod sys;
pub mod text;
pub mod transcript;
pub mod tui;
