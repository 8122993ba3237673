//! What makes many sessions quick to list and to find.
//!
//! Owns cached facts about every session and the search over them. Never the
//! truth: everything here can be made anew from the store. Never knows screens
//! or processes.

mod catalog;
mod database;
mod finder;
pub mod fuzzy;
pub mod query;
mod reading;
mod row;
pub mod text;
mod watch;

pub use catalog::{Catalog, Completion};
pub use finder::{Finder, FoundText, Said, find_by_reading};
pub use row::Row;
pub use watch::Watch;
