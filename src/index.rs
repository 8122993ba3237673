//! What makes many sessions quick to list and to find.
//!
//! Owns cached facts about every session and the search over them. Never the
//! truth: everything here can be made anew from the store. Never knows screens
//! or processes.

mod catalog;
mod database;
pub mod fuzzy;
pub mod query;
mod row;
mod scanner;
pub mod text;
mod text_finder;
mod watch;

pub use catalog::{Catalog, IndexingOutcome};
pub use row::SessionRow;
pub use text_finder::{TextFinder, TextHit, TextHits, find_without_index};
pub use watch::StoreWatch;
