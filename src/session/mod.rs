//! Sessions as data: ids, entries, how a transcript becomes a conversation,
//! titles and costs.
//!
//! Owns the meaning of the official `.jsonl` format. Never knows files,
//! processes or screens: everything here is a function of bytes.

pub mod conversation;
pub mod facts;
mod fields;
pub mod fork;
mod gathering;
mod id;
pub mod line;
pub mod listed;
pub mod message;
pub mod messages;
pub mod price;
pub mod prompt;
mod resuming;
pub mod salvage;
pub mod transcript;
mod used;
mod written;

pub use conversation::Conversation;
pub use facts::Facts;
pub use gathering::Gathering;
pub use id::{NotASessionId, SessionId};
pub use price::Prices;
pub use resuming::Resuming;
pub use transcript::Transcript;
pub use used::Used;
pub use written::Writing;
