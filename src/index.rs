//! Makes many sessions quick to list and to search.
//!
//! Owns cached summaries of every session and the search over them. It is never the truth:
//! everything here can be rebuilt from the store. Never knows screens or processes. Start
//! at [`Catalog`] for lists, [`query`] for the filter line, [`text`] for full-text search.

mod catalog;
mod conversation_stream;
mod database;
pub mod fuzzy;
pub mod query;
mod row;
mod scanner;
mod subagents;
mod summary_lookup;
pub mod text;
mod text_finder;
mod watch;

pub use catalog::{Catalog, IndexingOutcome};
pub use conversation_stream::ConversationStream;
pub use row::SessionRow;
pub use summary_lookup::{summary_of, summary_of_file};
pub use text_finder::{TextFinder, TextHit, TextHits, find_without_index};
pub use watch::StoreWatch;
