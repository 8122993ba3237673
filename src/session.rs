//! Sessions as data: ids, what a person is shown of a conversation, summaries,
//! titles, costs, forks.
//!
//! Builds on [`crate::transcript`], which says which entries are the
//! conversation. Must not read files, start processes or draw: everything here is
//! a function of bytes. Start with [`Conversation`] for one session's content and
//! with [`SessionSummary`] for its line in a list.

pub mod conversation;
mod conversation_outline;
mod entry_encoder;
mod entry_marks;
pub mod fork;
mod id;
pub mod message;
pub mod origin;
pub mod price;
pub mod prompt;
mod raw_object;
mod request_usage;
mod resume_estimate;
pub mod sdk_list;
pub mod sdk_messages;
pub mod summary;
mod summary_builder;
mod usage_by_model;

// The ground floor, under the names that it had here.
pub use crate::transcript::{self, Transcript, raw_entry};
pub use conversation::Conversation;
pub use conversation_outline::ConversationOutline;
pub use entry_encoder::EntryEncoder;
pub use id::{InvalidSessionId, SessionId};
pub use origin::SessionOrigin;
pub use price::Prices;
pub use resume_estimate::ResumeEstimate;
pub use summary::SessionSummary;
pub use summary_builder::{SummarizedPath, SummaryBuilder};
pub use usage_by_model::UsageByModel;
