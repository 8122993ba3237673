//! The stream-json control protocol of the official Claude SDKs, with the three
//! switches they lack: `clear`, `resume`, `fork`.
//!
//! Owns the message types and the JSON-lines codec, both directions, and the
//! JSON-RPC connection of the other agents' protocols. Must never know what
//! anyone does with a message. Anything unknown is kept as raw JSON,
//! never an error: the dialect grows with every release (facts from the Python SDK
//! 0.2.186 and CLI 2.1.329). Start reading in `host_frame`.

mod agent_frame;
mod codec;
mod error_code;
mod host_frame;
pub mod json_rpc;

pub use agent_frame::*;
pub use codec::{Incoming, LineReader, MAX_LINE_BYTES, frame_line, write_frame};
pub use error_code::ErrorCode;
pub use host_frame::*;

/// The protocol version that `hotseat agent` reports as `claude_code_version`:
/// the official CLI whose dialect it speaks. The SDKs want at least 2.0.0.
pub const CLAUDE_CODE_VERSION: &str = "2.1.329";
