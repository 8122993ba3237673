//! Transcripts: from a file's bytes to the entries that are the conversation.
//!
//! Owns the official `.jsonl` format: how a damaged line is read
//! ([`text`]), what an entry says ([`raw_entry`]), which entries are the
//! conversation ([`conversation_path`], the only place that answers this), what
//! of it a model is given ([`model_messages`]), and how a damaged one is
//! taken apart ([`recovery`]). Everything here is a function of bytes: no files, no
//! processes, no screens, and no knowledge of sessions, titles or prices.
//!
//! Start with [`Transcript::conversation`]. The rules follow Claude Code
//! 2.1.332, found by resuming damaged transcripts with it; where this differs
//! on purpose, the code says so.

mod attachment;
mod background_tasks;
mod chain;
mod compaction;
mod concurrent_branches;
pub mod conversation_path;
pub mod entry_encoder;
mod entry_kind;
pub(crate) mod media;
mod model_block;
pub mod model_messages;
mod outline;
pub(crate) mod parallel_calls;
pub mod prompt_text;
pub mod raw_entry;
pub mod reader;
pub mod recovery;
pub mod text;
mod tool_pairing;
mod turn_repair;

pub use concurrent_branches::ConcurrentBranch;
pub use conversation_path::{ConversationPath, Gap, PathScope};
pub use model_block::ModelBlock;
pub use model_messages::{ModelConversation, ModelMessage, ModelRole, SYNTHETIC_MODEL};
pub use outline::outline;
pub use raw_entry::{EntryKind, RawEntry};
pub use reader::{MAX_LINE_BYTES, ParsedLine, Transcript, TranscriptHealth};
pub use text::TranscriptText;

#[cfg(test)]
mod tests;
